"""What dies comes back, and what was answered is not lost."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from codec.wire import announcement, command, report
from codec.wire.mac import Mac, derive
from tests.controller.running import Running, running


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Running]:
    with running(tmp_path) as controller:
        controller.village()
        yield controller


def _on_air(office: Running) -> dict[str, int] | None:
    found: dict[str, int] | None = office.get("/api/zones/thon-1")["on_air"]
    return found


def test_killed_engine_is_back_and_goes_on(office: Running) -> None:
    session = office.tone()
    office.until_state(session, "on_air")
    before = _on_air(office)
    killed_pid = office.get("/api/health")["engine"]["pid"]
    os.kill(killed_pid, signal.SIGKILL)
    killed_s = time.monotonic()

    def back() -> bool:
        engine = office.get("/api/health")["engine"]
        return bool(engine["ready"] and engine["pid"] != killed_pid)

    office.until(back, within_s=10)
    assert time.monotonic() - killed_s < 2.5  # a second on a machine that does nothing else; see test_supervisor.py
    assert _on_air(office) == before, "the same stream goes on: no false silence, no new mapping"
    time.sleep(1.5)
    assert office.get(f"/api/sessions/{session}")["state"] == "on_air"
    assert office.get("/api/health")["engine"]["stats"]


async def test_killed_broker_is_back_and_told_again(office: Running) -> None:
    session = office.tone()
    office.until_state(session, "on_air")
    stream = _on_air(office)
    assert stream is not None
    os.kill(office.get("/api/health")["broker"]["pid"], signal.SIGKILL)
    office.until(lambda: office.get("/api/health")["broker"]["restarts"])
    office.until(lambda: office.get("/api/health")["broker"]["connected"])
    key = Mac(derive(office.key_of("cum-1"), "command"))
    async with office.node("cum-1") as client:
        await client.subscribe("loaxa/v1/node/cum-1/command")
        await client.publish("loaxa/v1/node/cum-1/status", report.build_status(report.ONLINE))
        async for message in client.messages:
            _, _, operation, arguments = command.parse(bytes(message.payload), "cum-1", key)
            if operation == command.AIR:
                break
    streams, _ = announcement.parse_fields(arguments["session"], "thon-1")
    assert [one.ssrc for one in streams] == [stream["ssrc"]]


def test_killed_right_after_201_it_is_in_the_database(office: Running) -> None:
    session = office.tone(duration_ms=3_600_000)
    office.kill()
    office.start()
    office.until_state(session, "on_air")
    assert office.get(f"/api/sessions/{session}")["source"]["duration_ms"] == 3_600_000


def test_killed_controller_takes_up_what_was_on_air(office: Running) -> None:
    session = office.tone()
    began = office.until_state(session, "on_air")["began_media_us"]
    before = _on_air(office)
    short = office.tone(duration_ms=1000)
    office.until_state(short, "on_air")
    pushed = office.post("/api/sessions", {"source": {"kind": "push"}, "zones": ["thon-1"]})["id"]
    office.kill()
    time.sleep(1.5)
    office.start()
    found = office.until_state(session, "on_air")
    assert found["began_media_us"] == began
    assert _on_air(office) == before
    assert office.get(f"/api/sessions/{short}")["state"] == "ended"
    assert "restarted" in office.get(f"/api/sessions/{pushed}")["reason"]


def _broker_folder(office: Running) -> Path:
    words = Path(f"/proc/{office.get('/api/health')['broker']['pid']}/cmdline").read_bytes().split(b"\0")
    return Path(words[words.index(b"-c") + 1].decode()).parent


def test_clean_stop_ends_every_session(office: Running) -> None:
    session = office.tone()
    office.until_state(session, "on_air")
    before = _broker_folder(office)
    assert (before / "broker.key").exists()
    assert office.stop() == 0
    assert not before.exists()
    office.start()
    assert _broker_folder(office) == before, "what a killed controller leaves is found, and replaced, by the next one"
    assert office.get(f"/api/sessions/{session}")["reason"] == "the controller was stopped"
    assert _on_air(office) is None


def test_killed_controller_gets_its_ports_again(tmp_path: Path) -> None:
    with running(tmp_path) as office:
        ports = office.ports
    with running(tmp_path, http=ports["http_port"], media=ports["media_port"], broker=ports["broker_port"]) as office:
        office.kill()
        office.start()
        assert office.ports["broker_port"] == ports["broker_port"]
        assert office.get("/api/health")["ok"]
