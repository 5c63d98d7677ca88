"""Enrolment over HTTP: what a code gives, what is refused, and that an answer is on the disk."""

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import aiomqtt
import httpx
import pytest

from codec.wire import enrolment, report
from codec.wire.mac import derive
from tests.controller.running import Running, running


def code_of(line: str) -> str:
    return enrolment.grouped(enrolment.parse_line(line).code)


def enrol(office: Running, body: Any, source: str = "127.0.0.1") -> httpx.Response:
    """Ask as the machine with this address."""
    with httpx.Client(transport=httpx.HTTPTransport(local_address=source, verify=office.tls())) as client:
        return client.post(office.ports["url"] + "/api/enrol", json=body)


def key_in(office: Running, node: str) -> bytes:
    with sqlite3.connect(office.folder / "state" / "loaxa.sqlite3") as database:
        found: bytes = database.execute("SELECT key FROM nodes WHERE id = ?", (node,)).fetchone()[0]
    database.close()
    return found


async def drain(client: aiomqtt.Client) -> None:
    """Raise MqttError when the broker throws the client out, TimeoutError when it does not."""
    async with asyncio.timeout(2):
        async for _ in client.messages:
            pass


def test_a_board_becomes_a_node(office: Running) -> None:
    made = office.post("/api/nodes", {"id": "cum-20", "zone": "thon-1", "gain_db": -3, "delay_us": 2000})
    assert made["enrolment"]["qr_svg"].startswith("<svg")
    line = enrolment.parse_line(made["enrolment"]["line"])
    assert (line.host, line.port) == ("127.0.0.1", office.ports["http_port"])
    answer = enrol(office, {"code": enrolment.grouped(line.code), "board": "esp32", "serial": "a1b2"})
    assert answer.status_code == 200
    identity = answer.json()
    assert bytes.fromhex(identity.pop("key")) == key_in(office, "cum-20")
    assert identity == {
        "id": "cum-20",
        "ca": Path(office.folder / "state/pki/ca.pem").read_text(),
        "broker": ["127.0.0.1", office.ports["broker_port"]],
        "media": ["127.0.0.1", office.ports["media_port"]],
        "zone": "thon-1",
        "gain_db": -3.0,
        "delay_us": 2000,
    }
    shown = office.get("/api/nodes/cum-20")
    assert (shown["board"], shown["serial"], shown["state"]) == ("esp32", "a1b2", "new")
    assert shown["enrolled_at"]
    assert "key" not in shown
    assert office.http.delete("/api/nodes/cum-20").status_code == 204


def test_no_code_is_good_twice(office: Running) -> None:
    made = office.post("/api/nodes", {"id": "cum-21", "zone": "thon-1"})
    code = code_of(made["enrolment"]["line"])
    assert enrol(office, {"code": code}, "127.0.1.1").status_code == 200
    kept = key_in(office, "cum-21")
    again = enrol(office, {"code": code}, "127.0.1.1")
    assert (again.status_code, again.json()["error"]["code"]) == (403, "enrolment_refused")
    wrong = enrol(office, {"code": "0000-0000-0000-0000"}, "127.0.1.1")
    assert wrong.json() == again.json()
    assert key_in(office, "cum-21") == kept


def test_of_fifty_threads_with_one_code_one_gets_it(office: Running) -> None:
    made = office.post("/api/nodes", {"id": "cum-24", "zone": "thon-1"})
    body = {"code": code_of(made["enrolment"]["line"])}
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda number: enrol(office, body, f"127.0.2.{number}"), range(1, 51)))
    assert sorted(answer.status_code for answer in answers) == [200] + [403] * 49
    won = next(answer for answer in answers if answer.status_code == 200)
    assert bytes.fromhex(won.json()["key"]) == key_in(office, "cum-24")
    assert won.headers["Cache-Control"] == "no-store"


async def test_the_board_before_is_out_at_once(office: Running) -> None:
    made = office.post("/api/nodes", {"id": "cum-25", "zone": "thon-1"})
    enrol(office, {"code": code_of(made["enrolment"]["line"])}, "127.0.1.6")
    line = office.post("/api/nodes/cum-25/enrolment")["line"]
    async with office.node("cum-25") as old:
        old_key = key_in(office, "cum-25")
        await old.publish("loaxa/v1/node/cum-25/status", report.build_status("online", "x", "x", "x"), qos=1)
        answer = await asyncio.to_thread(enrol, office, {"code": code_of(line)}, "127.0.1.6")
        assert answer.status_code == 200
        with pytest.raises(aiomqtt.MqttError):
            await drain(old)
    with pytest.raises(aiomqtt.MqttError):
        async with office.node("cum-25", password=derive(old_key, "broker").hex()):
            pass
    async with office.node("cum-25") as new:
        await new.subscribe("loaxa/v1/node/cum-25/command", qos=1)
        office.post("/api/nodes/cum-25/retire")
        with pytest.raises(aiomqtt.MqttError):
            await drain(new)
    with pytest.raises(aiomqtt.MqttError):
        async with office.node("cum-25"):
            pass


def test_a_body_that_is_too_large_is_not_read(office: Running) -> None:
    assert enrol(office, {"code": "0" * 2000}, "127.0.1.7").status_code == 413


def test_guessing_is_slowed(office: Running) -> None:
    answers = [enrol(office, {"code": f"0000-0000-0000-00{number:02d}"}, "127.0.1.2") for number in range(8)]
    assert [answer.status_code for answer in answers[:5]] == [403] * 5
    assert {answer.status_code for answer in answers[5:]} == {429}
    assert int(answers[-1].headers["Retry-After"]) >= 1
    made = office.post("/api/nodes", {"id": "cum-22", "zone": "thon-1"})
    assert enrol(office, {"code": code_of(made["enrolment"]["line"])}, "127.0.1.3").status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"code": 5},
        {"code": ""},
        {"code": "0" * 33},
        {"code": "0000-0000-0000-0000", "board": "x" * 33},
        {"code": "0000-0000-0000-0000", "serial": "x" * 65},
        {"code": "0000-0000-0000-0000", "serial": "\x1b[2J"},
        {"code": "0000-0000-0000-0000", "id": "cum-1"},
        ["code"],
    ],
)
def test_a_body_that_is_none_is_refused_in_words(office: Running, body: Any) -> None:
    answer = enrol(office, body, "127.0.1.4")
    assert answer.status_code == 422
    assert answer.json()["error"]["message"]


def test_a_retired_node_is_kept_and_does_nothing(office: Running) -> None:
    office.post("/api/nodes", {"id": "cum-23", "zone": "thon-1", "note": "cột gãy"})
    before = key_in(office, "cum-23")
    retired = office.post("/api/nodes/cum-23/retire")
    assert (retired["state"], retired["note"]) == ("retired", "cột gãy")
    assert retired["retired_at"]
    assert key_in(office, "cum-23") != before
    zone = office.get("/api/zones/thon-1")
    assert "cum-23" not in zone["nodes"]
    refused = office.http.post("/api/nodes/cum-23/command", json={"op": "tone"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "retired")
    line = office.post("/api/nodes/cum-23/enrolment")["line"]
    assert enrol(office, {"code": code_of(line)}, "127.0.1.5").status_code == 200
    back = office.get("/api/nodes/cum-23")
    assert (back["state"], back["retired_at"]) == ("new", None)


@pytest.mark.parametrize(
    "wrong",
    [
        {"horns": 65},
        {"horns": True},
        {"height_m": -1},
        {"height_m": 1e9},
        {"aim_deg": 360},
        {"sim_number": "0912 345"},
        {"sim_serial": "x"},
        {"serial": "x" * 65},
        {"postal_address": "x" * 301},
        {"note": None},
        {"key": "00" * 32},
        {"retired_wall_us": 1},
    ],
)
def test_the_inventory_is_checked(office: Running, wrong: dict[str, Any]) -> None:
    answer = office.http.patch("/api/nodes/cum-1", json=wrong)
    assert answer.status_code == 422
    assert next(iter(wrong)) in answer.json()["error"]["message"]


def test_what_was_answered_survives_a_crash(tmp_path: Path) -> None:
    with running(tmp_path / "office") as controller:
        controller.village()
        line = controller.post("/api/nodes/cum-1/enrolment")["line"]
        answer = enrol(controller, {"code": code_of(line)})
        controller.process.kill()
        controller.kill()
        assert key_in(controller, "cum-1") == bytes.fromhex(answer.json()["key"])
        controller.start()
        again = enrol(controller, {"code": code_of(line)})
        assert again.status_code == 403
