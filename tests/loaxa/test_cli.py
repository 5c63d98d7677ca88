"""The command line against a real controller: answers, errors in one sentence, exit codes."""

import contextlib
import json
import os
import pty
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from codec.wire.enrolment import parse_line
from tests.controller.running import ROOT, Running, running

pytestmark = pytest.mark.long

COMMAND = [sys.executable, "-m", "loaxa.cli"]


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("office")) as controller:
        yield controller


def loaxa(office: Running | None, *arguments: str | bytes, **options: Any) -> subprocess.CompletedProcess[bytes]:
    remote = ["--controller", office.ports["url"]] if office else []
    return subprocess.run(
        [*COMMAND, *arguments, *remote], cwd=ROOT, capture_output=True, timeout=50, check=False, **options
    )


def answer(office: Running, *arguments: str) -> Any:
    done = loaxa(office, *arguments, "--json")
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def complaint(done: subprocess.CompletedProcess[bytes]) -> str:
    assert done.returncode == 1
    assert done.stdout == b""
    text = done.stderr.decode()
    assert "Traceback" not in text
    return text


def test_a_zone_and_a_node(office: Running) -> None:
    assert answer(office, "zone", "add", "thon-1", "--title", "Thôn Đông")["title"] == "Thôn Đông"
    file = answer(office, "node", "add", "cum-1", "--zone", "thon-1", "--gain-db", "-2")
    assert set(file) == {"id", "broker", "media", "zone", "gain_db", "delay_us", "line", "expires_at"}
    assert file["gain_db"] == -2
    printed = loaxa(office, "node", "add", "cum-2", "--zone", "thon-1")
    assert parse_line(printed.stdout.decode()).port == office.ports["http_port"], "without --json the line alone"
    assert answer(office, "node", "set", "cum-2", "--muted")["muted"] is True
    assert b"cum-2" in loaxa(office, "node", "list").stdout
    shown = loaxa(office, "node", "show", "cum-2").stdout.decode()
    assert "zone   thon-1" in shown and "seen   never" in shown and "playing" not in shown
    assert answer(office, "node", "show", "cum-2")["id"] == "cum-2"
    assert "no node" in complaint(loaxa(office, "node", "show", "cum-99"))
    assert "nodes" in complaint(loaxa(office, "zone", "remove", "thon-1"))
    group = ("--sync-group", "239.77.1.1:5006")
    changed = answer(office, "zone", "set", "thon-1", *group, "--gain-db", "-1")
    assert (changed["sync_group"], changed["gain_db"]) == ({"host": "239.77.1.1", "port": 5006}, -1)
    assert changed["title"] == "Thôn Đông", "what is not given stays"
    assert answer(office, "zone", "set", "thon-1", "--sync-group", "none")["sync_group"] is None
    assert answer(office, "node", "remove", "cum-2") == {"removed": "cum-2"}
    assert [zone["id"] for zone in answer(office, "zone", "list")["zones"]] == ["thon-1"]


def test_an_area(office: Running, tmp_path: Path) -> None:
    answer(office, "area", "add", "xa-1", "--kind", "commune", "--title", "Xã Tân Hòa")
    answer(office, "area", "add", "thon-cu", "--kind", "village", "--parent", "xa-1")
    ring = [[105.8, 21.0], [105.9, 21.0], [105.9, 21.1], [105.8, 21.0]]
    feature = {"type": "Feature", "geometry": {"type": "MultiPolygon", "coordinates": [[ring]]}, "properties": {}}
    border = tmp_path / "border.geojson"
    border.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    assert answer(office, "area", "set", "thon-cu", "--outline", str(border))["outline"][0] == [21.0, 105.8]
    assert answer(office, "zone", "set", "thon-1", "--area", "thon-cu")["area"] == "thon-cu"
    listed = loaxa(office, "area", "list").stdout.decode()
    assert "3 points" in listed and listed.index("xa-1") < listed.index("  thon-cu")
    assert "lies in" in complaint(loaxa(office, "area", "set", "xa-1", "--parent", "thon-cu"))
    assert "1 zones" in complaint(loaxa(office, "area", "remove", "thon-cu"))
    border.write_text("{}")
    assert "polygon" in complaint(loaxa(office, "area", "set", "thon-cu", "--outline", str(border)))
    assert "loaxa area list" in complaint(loaxa(office, "broadcast", "chime", "--area", "xa-9"))
    assert answer(office, "broadcast", "chime", "--area", "xa-1")["zones"] == ["thon-1"]
    assert answer(office, "zone", "set", "thon-1", "--area", "none")["area"] is None
    answer(office, "area", "remove", "thon-cu")
    answer(office, "area", "remove", "xa-1")


def test_orders(office: Running) -> None:
    answer(office, "node", "add", "cum-o", "--zone", "thon-1")
    done = loaxa(office, "node", "order", "gain", "cum-o", "cum-9", "--gain-db", "-3", "--wait-s", "0.1", "--json")
    assert done.returncode == 1, "not all did it"
    assert json.loads(done.stdout)["results"] == [
        {"node": "cum-o", "acknowledged": False, "error": None},
        {"node": "cum-9", "acknowledged": False, "error": "unknown_node"},
    ]
    nodes = {node["id"]: node for node in answer(office, "node", "list")["nodes"]}
    assert nodes["cum-o"]["gain_db"] == -3, "it is told when it comes on line"
    shown = loaxa(office, "node", "order", "unmute", "--zone", "thon-1", "--wait-s", "0.1")
    assert b"no answer" in shown.stdout and b"cum-o" in shown.stdout
    assert "Name nodes" in complaint(loaxa(office, "node", "order", "stop"))
    assert "gain-db" in complaint(loaxa(office, "node", "order", "gain", "cum-o"))
    answer(office, "node", "remove", "cum-o")


def test_the_authority(office: Running, tmp_path: Path) -> None:
    shown = answer(office, "ca", "show")
    assert shown["fingerprint"].encode() in loaxa(office, "ca", "show").stdout
    kept = office.folder / "state" / "pki" / "ca.pem"
    elsewhere = {**os.environ, "XDG_STATE_HOME": str(tmp_path)}  # another user: no file of his own says who it is
    assert "authority that is not known here" in complaint(loaxa(office, "ca", "show", env=elsewhere))
    told = loaxa(office, "ca", "show", "--ca", str(kept), env=elsewhere).stderr.decode()
    assert "authority" not in told, "it is believed; what is missing now is a sign-in at most"
    assert "is no certificate" in complaint(loaxa(office, "ca", "show", "--ca", "/dev/null"))


def test_a_node_is_enrolled_replaced_and_retired(office: Running) -> None:
    place = ("--sim-number", "+84912345678", "--address", "Nhà văn hóa thôn Đông", "--horns", "4", "--aim-deg", "90")
    answer(office, "node", "add", "cum-3", "--zone", "thon-1", *place, "--height-m", "8.5", "--note", "thang ở UBND")
    again = answer(office, "node", "enrol", "cum-3")
    assert again["id"] == "cum-3" and parse_line(again["line"])
    changed = answer(office, "node", "set", "cum-3", "--horns", "2", "--serial", "SN-1")
    assert (changed["horns"], changed["serial"], changed["sim_number"]) == (2, "SN-1", "+84912345678")
    assert (changed["postal_address"], changed["height_m"], changed["aim_deg"]) == ("Nhà văn hóa thôn Đông", 8.5, 90)
    assert "sim_number" in complaint(loaxa(office, "node", "set", "cum-3", "--sim-number", "không"))
    assert answer(office, "node", "retire", "cum-3")["state"] == "retired"
    assert b"retired" in loaxa(office, "node", "list").stdout
    assert "There is no node cum-9" in complaint(loaxa(office, "node", "enrol", "cum-9"))
    answer(office, "node", "remove", "cum-3")


def test_a_terminal_shows_the_line_as_a_qr_code(office: Running) -> None:
    primary, secondary = pty.openpty()
    command = [*COMMAND, "node", "enrol", "cum-1", "--controller", office.ports["url"]]
    done = subprocess.run(command, cwd=ROOT, stdout=secondary, stderr=subprocess.PIPE, timeout=50, check=False)
    assert done.returncode == 0, done.stderr.decode()
    os.close(secondary)
    shown = b""
    with contextlib.suppress(OSError):  # the terminal's end
        while chunk := os.read(primary, 65536):
            shown += chunk
    os.close(primary)
    line, _, picture = shown.decode().partition("\n")
    assert parse_line(line)
    assert "\u2580" in picture and "\u2588" in picture


def test_delays_by_hand_and_by_position(office: Running) -> None:
    assert answer(office, "node", "set", "cum-1", "--delay-ms", "12.5")["delay_us"] == 12500
    assert "12.5" in loaxa(office, "node", "list").stdout.decode()
    assert "where cum-1 stands" in complaint(loaxa(office, "zone", "align", "thon-1"))
    answer(office, "node", "set", "cum-1", "--x-m", "0", "--y-m", "-3")
    assert "--x-m and --y-m" in complaint(loaxa(office, "zone", "align", "thon-1", "--x-m", "-5"))
    shown = loaxa(office, "zone", "align", "thon-1", "--x-m", "-4", "--y-m", "0", "--dry-run").stdout.decode()
    assert "5.0" in shown and "--dry-run" in shown
    assert answer(office, "zone", "align", "thon-1", "--reference", "cum-1")["nodes"][0]["delay_us"] == 0
    assert answer(office, "node", "set", "cum-1", "--gain-db", "-2")["delay_us"] == 0


@pytest.mark.parametrize(
    "command",
    [
        ("zone", "remove", "../nodes/cum-1"),
        ("zone", "remove", ""),
        ("node", "remove", "cum-1?x=1"),
        ("node", "remove", "a\nb"),
        ("session", "stop", "all/../x"),
        ("zone", "add", "q", "--multicast", "239.1.1.1:\u00b2"),
        ("zone", "set", "thon-1", "--sync-group", "239.1.1.1"),
        ("zone", "set", "thon-9", "--title", "x"),
        ("broadcast", b"text:\xff", "--zone", "thon-1"),
    ],
)
def test_names_name_nothing_else(office: Running, command: tuple[str | bytes, ...]) -> None:
    assert complaint(loaxa(office, *command))
    assert [node["id"] for node in office.get("/api/nodes")["nodes"]] == ["cum-1"]


@pytest.mark.parametrize(
    "group", ["", "239.77.1.1", "239.77.1.1:", ":5006", "NONE", "239.77.1.1:+5", "239.77.1.1:\u0665"]
)
def test_a_group_is_refused_by_the_name_of_its_option(office: Running, group: str) -> None:
    for action in ("add", "set"):
        said = complaint(loaxa(office, "zone", action, "thon-1", "--sync-group", group))
        assert "--sync-group" in said and "239.77.1.1:5006" in said


def test_hints_are_of_the_command_line(office: Running) -> None:
    assert "loaxa zone list" in complaint(loaxa(office, "broadcast", "chime", "--zone", "nowhere"))
    assert "/api/" not in complaint(loaxa(office, "zone", "set", "thon-1", "--profile", "loud"))
    assert "--title" in complaint(loaxa(office, "zone", "set", "thon-1"))


def test_who_is_not_heard_is_told_so(office: Running) -> None:
    done = loaxa(office, "broadcast", "chime", "--zone", "thon-1")
    assert done.returncode == 0
    assert b"nobody hears it" in done.stderr


def test_broadcasts_end_with_their_source(office: Running, tmp_path: Path) -> None:
    assert answer(office, "broadcast", "chime", "--zone", "thon-1")["state"] == "ended"
    pushed = loaxa(office, "broadcast", "-", "--zone", "thon-1", "--json", input=b"\0\1" * 96000)
    told = json.loads(pushed.stdout)
    assert told["source"]["kind"] == "push"
    on_air = datetime.fromisoformat(told["ended_at"]) - datetime.fromisoformat(told["accepted_at"])
    assert on_air.total_seconds() > 1.9, "two seconds that came all at once were not all played"
    bad = tmp_path / "a.wav"
    bad.write_bytes(b"nothing")
    assert complaint(loaxa(office, "broadcast", str(bad), "--zone", "thon-1"))
    assert "is no file" in complaint(loaxa(office, "broadcast", "/none", "--zone", "thon-1"))
    assert "no zone thon-9" in complaint(loaxa(office, "broadcast", "chime", "--zone", "thon-9"))


def test_interrupted_it_stops_the_session(office: Running) -> None:
    command = [*COMMAND, "broadcast", "tone:440", "--zone", "thon-1", "--json", "--controller", office.ports["url"]]
    # A longer tone than the command line makes keeps the end from coming first.
    command[4] = "-"
    child = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    office.until(lambda: office.get("/api/sessions?active=true")["sessions"])
    time.sleep(0.2)
    child.send_signal(signal.SIGINT)
    out, _ = child.communicate(timeout=20)
    assert child.returncode == 0
    assert json.loads(out)["state"] == "ended"
    assert answer(office, "session", "list")["sessions"] == []


def test_sessions_are_stopped(office: Running) -> None:
    session = office.tone()
    assert answer(office, "session", "stop", session)["state"] == "ended"
    office.tone()
    assert len(answer(office, "session", "stop", "all")["sessions"]) == 1


def test_no_controller() -> None:
    done = loaxa(None, "node", "list", "--controller", "https://127.0.0.1:1")
    assert complaint(done) == "loaxa: No controller answers at https://127.0.0.1:1. Start one with: loaxa serve\n"
    assert "not a URL" in complaint(loaxa(None, "zone", "list", "--controller", "x"))


@pytest.mark.parametrize(("section", "kind"), [("http", 1), ("broker", 1), ("media", 2)])
def test_port_in_use(tmp_path: Path, section: str, kind: int) -> None:
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind(("127.0.0.1", 0))
        if kind == socket.SOCK_STREAM:
            taken.listen()
        ports = {"http": 0, "broker": 0, "media": 0, section: taken.getsockname()[1]}
        text = "".join(
            f'[{name}]\nport = {port}\n{"host" if name != "broker" else "bind"} = "127.0.0.1"\n'
            for name, port in ports.items()
        )
        config = tmp_path / "loaxa.toml"
        config.write_text(text + f'[storage]\nfolder = "{tmp_path / "state"}"\n')
        done = loaxa(None, "serve", "--config", str(config))
    assert f"port {ports[section]} of 127.0.0.1 is in use" in complaint(done)
    assert f"[{section}]" in done.stderr.decode()


def test_a_recording_that_cannot_be_made(tmp_path: Path) -> None:
    config = tmp_path / "loaxa.toml"
    text = "".join(f"[{section}]\nport = 0\n" for section in ("http", "media", "broker"))
    text += f'[storage]\nfolder = "{tmp_path / "state"}"\n[engine]\nrecord = "{tmp_path / "none" / "mix.capture"}"\n'
    config.write_text(text)
    told = complaint(loaxa(None, "serve", "--config", str(config)))
    assert "mix.capture cannot be recorded into: No such file or directory" in told
    assert "Set record in [engine]" in told


def test_usage() -> None:
    assert loaxa(None).returncode == 2
    assert loaxa(None, "broadcast", "chime").returncode == 2
    assert b"serve" in loaxa(None, "--help").stdout
    assert "no benchmark nothing" in complaint(loaxa(None, "bench", "nothing"))
