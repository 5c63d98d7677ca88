"""In a real controller: a node over the real broker, routes, events, a webhook, a crash."""

import asyncio
import contextlib
import json
import sqlite3
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from codec.wire import report
from codec.wire.names import node_topic
from tests.controller.alerts.servers import Hook
from tests.controller.running import CONFIG, Running, running

TELLING = """
[alerts]
offline_s = 2
grace_s = 6
no_signal_s = 5
clear_s = 1
[[notify]]
name = "truc-ban"
kind = "webhook"
url = "HOOK/hook?key=in-the-address"
secret = "s3cret-of-the-hook"
language = "en"
[[notify]]
name = "tin-nhan"
kind = "telegram"
base = "http://127.0.0.1:9"
token = "s3cret-of-the-bot"
chat = 1
kinds = ["disk_full"]
"""


@pytest.fixture(scope="module")
def hook() -> Iterator[Hook]:
    found = Hook()
    yield found
    found.close()


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory, hook: Hook) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("office"), CONFIG + TELLING.replace("HOOK", hook.url)) as controller:
        controller.village()
        controller.post("/api/nodes", {"id": "cum-2", "zone": "thon-1"})
        controller.post(
            "/api/nodes", {"id": "loa-cu", "zone": "thon-1", "rtp_address": {"host": "127.0.0.1", "port": 9}}
        )
        yield controller


def active(office: Running) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = office.get("/api/alerts?active=true")["alerts"]
    return found


def kinds(office: Running) -> list[tuple[str | None, str]]:
    return [(alert["node"], alert["kind"]) for alert in active(office)]


def say(office: Running, node: str, state: str, **gauges: int) -> None:
    """Be that node for a moment."""

    async def speak() -> None:
        values: dict[str, int | None] = {name: gauges.get(name) for name, *_ in report.GAUGES}
        values["offset_uncertainty_us"] = 500
        async with office.node(node) as client:
            await client.publish(node_topic(node, "status"), report.build_status(state), 1, True)
            if state == report.ONLINE:
                health = report.build_health(dict.fromkeys(report.COUNTERS, 0), values, None, "no key yet")
                await client.publish(node_topic(node, "health"), health, 1)

    asyncio.run(speak())


class Watching:
    """What an event stream tells, of the kinds that are asked for."""

    def __init__(self, office: Running, *wanted: str) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []
        self._wanted = wanted
        self._there = threading.Event()
        self._thread = threading.Thread(target=self._read, args=(office,), daemon=True)
        self._thread.start()
        assert self._there.wait(10)

    def _read(self, office: Running) -> None:
        kind = ""
        with contextlib.suppress(httpx.HTTPError), office.http.stream("GET", "/api/events", timeout=60) as stream:
            for line in stream.iter_lines():
                name, _, value = line.partition(": ")
                if name == "event":
                    kind = value
                    self._there.set()
                elif name == "data" and kind in self._wanted:
                    self.events.append((kind, json.loads(value)))


@pytest.mark.timeout(120)
def test_from_a_fault_to_its_end(office: Running, hook: Hook) -> None:
    watching = Watching(office, "alert", "nodes")
    assert active(office) == [], "a node that was never seen is not away, a plain receiver says nothing"
    say(office, "cum-1", report.ONLINE, door_open=1)
    office.until(lambda: kinds(office) == [("cum-1", "tampered")])
    say(office, "cum-1", report.OFFLINE)
    office.until(lambda: set(kinds(office)) == {("cum-1", "tampered"), ("cum-1", "offline")})
    (away,) = [alert for alert in active(office) if alert["kind"] == "offline"]
    assert away == {
        **dict.fromkeys(("cleared_at", "acknowledged_at", "acknowledged_by")),
        "id": away["id"],
        "node": "cum-1",
        "kind": "offline",
        "severity": "fault",
        "since": away["since"],
        "note": "",
        "detail": {"reason": "gone", "count": 1},
    }

    def told() -> list[str]:
        return [body["kind"] for kind, body in watching.events if kind == "alert"]

    def shown() -> list[Any]:
        rows = [row for kind, body in watching.events if kind == "nodes" for row in body["rows"] if row[0] == "cum-1"]
        return [row[3] for row in rows]

    office.until(lambda: told() == ["tampered", "offline"])
    office.until(lambda: "tampered" in shown() and shown()[-1] == "offline")

    seen = office.post(f"/api/alerts/{away['id']}/acknowledge", {"note": "đã gọi điện lực"})
    assert (seen["acknowledged_by"], seen["note"]) == ("local", "đã gọi điện lực")
    newest = office.get("/api/audit?limit=1")["records"][0]
    assert (newest["action"], newest["object"]) == ("alert.acknowledge", away["id"])
    office.until(lambda: ("alert", seen) in watching.events)

    office.until(lambda: hook.requests)
    body = hook.requests[0].json()
    assert {alert["kind"] for alert in body["raised"]} <= {"tampered", "offline"}
    assert "Loaxa-Signature" in hook.requests[0].headers
    assert "cum-1" in body["text"]

    say(office, "cum-1", report.ONLINE, door_open=0)
    office.until(lambda: active(office) == [])
    history = office.get("/api/alerts?active=false")
    assert (history["faults"], history["warnings"]) == (0, 0)
    assert [alert["kind"] for alert in history["alerts"]] == ["offline", "tampered"]
    assert history["alerts"][0]["note"] == "đã gọi điện lực"
    assert office.get(f"/api/alerts?limit=1&before={away['since']}")["alerts"][0]["kind"] == "tampered"
    assert office.get("/api/alerts?node=cum-2")["alerts"] == []


@pytest.mark.timeout(120)
def test_what_is_active_survives_a_crash(office: Running) -> None:
    say(office, "cum-2", report.ONLINE)
    say(office, "cum-2", report.OFFLINE)
    before = office.until(lambda: [alert for alert in active(office) if alert["node"] == "cum-2"])
    office.kill()
    office.start()
    after = [alert for alert in active(office) if alert["node"] == "cum-2"]
    assert after == before
    say(office, "cum-1", report.ONLINE)
    say(office, "cum-2", report.ONLINE)
    office.until(lambda: active(office) == [])


def test_what_is_refused(office: Running) -> None:
    refused = office.http.post("/api/alerts/a-0/acknowledge", json={"note": ""})
    assert (refused.status_code, refused.json()["error"]["code"]) == (404, "unknown_alert")
    assert office.http.get("/api/alerts?limit=0").status_code == 422
    assert office.http.get("/api/alerts?before=yesterday").status_code == 422


def test_channels_are_listed_and_tried_and_tell_no_secret(office: Running, hook: Hook) -> None:
    channels = office.get("/api/notify")["channels"]
    assert [(each["name"], each["kind"], each["language"]) for each in channels] == [
        ("truc-ban", "webhook", "en"),
        ("tin-nhan", "telegram", "vi"),
    ]
    results = office.post("/api/notify/test", {})["results"]
    assert results[0] == {"name": "truc-ban", "kind": "webhook", "sent": True, "error": None, "hint": None}
    assert results[1]["error"] == "127.0.0.1 is not reached: no connection."
    assert results[1]["hint"]
    assert hook.requests[-1].json()["event"] == "test"
    refused = office.http.post("/api/notify/test", json={"channel": "fax"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (404, "unknown_channel")
    answers = json.dumps([channels, results, office.get("/api/audit?limit=100")])
    assert office.stop() == 0
    shown = answers + office.log.read_text()
    for secret in ("s3cret", "in-the-address"):
        assert secret not in shown
    with sqlite3.connect(f"file:{office.folder}/state/loaxa.sqlite3?mode=ro", uri=True) as database:
        dump = "\n".join(database.iterdump())
    database.close()
    assert "s3cret" not in dump
