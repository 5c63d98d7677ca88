"""Bad input: one form of error, a sentence that says what to do, never a 500, and what is on air goes on."""

from typing import Any

import pytest

from tests.controller.running import Running

TONE = {"kind": "tone"}
BAD: list[tuple[str, str, Any, int, str]] = [
    ("POST", "/api/sessions", b"{", 400, "not JSON"),
    ("POST", "/api/sessions", b"\xff\xfe", 400, ""),
    ("POST", "/api/sessions", b"[1]", 422, ""),
    ("POST", "/api/sessions", b"[" * 100_000, 400, ""),
    ("POST", "/api/sessions", {}, 422, "source"),
    ("POST", "/api/sessions", {"source": TONE, "zones": []}, 422, "zones"),
    ("POST", "/api/sessions", {"source": TONE, "zones": "thon-1"}, 422, "zones"),
    ("POST", "/api/sessions", {"source": TONE, "zones": ["thon-9"]}, 404, "no zone thon-9"),
    ("POST", "/api/sessions", {"source": TONE, "zones": ["../etc"]}, 422, "zones"),
    ("POST", "/api/sessions", {"source": {"kind": "magic"}, "zones": ["thon-1"]}, 422, "source"),
    ("POST", "/api/sessions", {"source": {"kind": "text", "text": " "}, "zones": ["thon-1"]}, 422, "text"),
    ("POST", "/api/sessions", {"source": {"kind": "file", "path": "/etc/passwd"}, "zones": ["thon-1"]}, 422, "source"),
    ("POST", "/api/sessions", {"source": {"kind": "sound", "sound": "0" * 64}, "zones": ["thon-1"]}, 404, "no sound"),
    ("POST", "/api/sessions", {"source": {"kind": "stream", "url": "file:///etc"}, "zones": ["thon-1"]}, 422, "http"),
    ("POST", "/api/sessions", {"source": TONE, "zones": ["thon-1"], "priority": 4}, 422, "priority"),
    ("POST", "/api/sessions", b'{"source":{"kind":"tone"},"zones":["thon-1"],"gain_db":NaN}', 422, "gain_db"),
    ("POST", "/api/sessions", {"source": TONE, "zones": ["thon-1"], "gain_db": 90}, 422, "gain_db"),
    ("POST", "/api/sessions", {"source": TONE, "zones": ["thon-1"], "gain_db": True}, 422, "gain_db: this is a number"),
    ("POST", "/api/sessions", {"source": {**TONE, "level_db": False}, "zones": ["thon-1"]}, 422, "level_db: this is"),
    ("POST", "/api/sessions", {"source": TONE, "zones": ["thon-1"], "typo": 1}, 422, "typo"),
    ("POST", "/api/sessions", b" " * 300_000, 413, "larger"),
    ("PATCH", "/api/sessions/s-0", {"gain_db": 0}, 404, "no session"),
    ("DELETE", "/api/sessions/nothing", None, 404, "no session"),
    ("PUT", "/api/sessions/s-0/input", b"", 404, "no session"),
    ("GET", "/api/sessions/s-0/session.sdp", None, 404, "no session"),
    ("GET", "/api/sessions?limit=0", None, 422, "limit"),
    ("POST", "/api/zones", {"id": "Thôn"}, 422, "a-z"),
    ("POST", "/api/zones", {"id": "thon-1"}, 409, "already"),
    ("POST", "/api/zones", {"id": "x", "profile": "huge"}, 422, "lan"),
    ("POST", "/api/zones", {"id": "x", "multicast": {"host": "10.0.0.1", "port": 1}}, 422, "multicast"),
    ("POST", "/api/zones", {"id": "x", "sync_group": {"host": "10.0.0.1", "port": 1}}, 422, "sync_group"),
    ("PATCH", "/api/zones/thon-1", {"title": None}, 422, "title"),
    ("DELETE", "/api/zones/thon-1", None, 409, "nodes"),
    ("GET", "/api/zones/none", None, 404, "no zone"),
    ("POST", "/api/nodes", {"id": "cum-9", "zone": "thon-9"}, 404, "no zone thon-9"),
    ("POST", "/api/nodes", {"id": "cum-1", "zone": "thon-1"}, 409, "already"),
    ("POST", "/api/nodes", {"id": "cum-9"}, 422, "zone"),
    ("PATCH", "/api/nodes/cum-1", {"delay_us": -1}, 422, "delay_us"),
    ("PATCH", "/api/nodes/cum-1", {"zone": "thon-9"}, 404, "no zone"),
    ("PATCH", "/api/nodes/cum-1", {"rtp_address": {"host": "255.255.255.255", "port": 5004}}, 422, "no device's"),
    ("POST", "/api/nodes/cum-1/command", {"op": "explode"}, 422, "op"),
    ("POST", "/api/nodes/cum-1/command", {"op": "gain"}, 422, "gain_db"),
    ("POST", "/api/sounds", b"this is no sound", 422, ""),
    ("POST", "/api/sounds", b"", 422, ""),
    ("POST", "/api/sounds", b"\0" * 3_000_000, 413, ""),
    ("GET", "/api/sounds/none", None, 404, "no sound"),
    ("GET", "/api/nothing", None, 404, ""),
    ("DELETE", "/api/zones", None, 405, ""),
]


@pytest.mark.parametrize(("method", "path", "body", "status", "words"), BAD)
def test_bad_input(office: Running, method: str, path: str, body: Any, status: int, words: str) -> None:
    content = {"content": body} if isinstance(body, bytes) else {"json": body} if body is not None else {}
    headers = {"Content-Type": "application/json"} if isinstance(body, bytes) and "sounds" not in path else {}
    response = office.http.request(method, path, headers=headers, **content)
    assert response.status_code == status, response.text
    error = response.json()["error"]
    assert set(error) == {"code", "message", "hint"}
    assert words in error["message"]
    assert error["hint"], "an error tells what to do"


def test_a_chunked_body_is_counted(office: Running) -> None:
    response = office.http.post("/api/zones", content=(b" " * 10_000 for _ in range(40)))
    assert response.status_code == 413
    assert response.json()["error"]["code"] == "too_large"
    assert response.json()["error"]["hint"] == "Send less."


def test_a_file_that_is_no_sound_says_what_to_do_instead(office: Running) -> None:
    error = office.http.post("/api/sounds", content=b"this is no sound").json()["error"]
    assert error["code"] == "no_sound"
    assert error["message"].startswith("This file holds no sound that can be read: ")
    assert error["hint"] == "Use a WAV, MP3, M4A, OGG or FLAC file."


def test_a_form_without_a_file(office: Running) -> None:
    response = office.http.post("/api/sounds", data={"title": "x"}, files={"other": b"x"})
    assert response.status_code == 422
    assert "file" in response.json()["error"]["hint"]


def test_what_is_on_air_goes_on(office: Running) -> None:
    session = office.tone()
    office.until_state(session, "on_air")
    for body in (b"{", b"\xff", b" " * 300_000):
        office.http.post("/api/sessions", content=body)
    broken = office.post("/api/sessions", {"source": {"kind": "text", "text": "x", "voice": "xx"}, "zones": ["thon-1"]})
    found = office.until_state(broken["id"], "failed")
    assert found["reason"]
    assert office.get(f"/api/sessions/{session}")["state"] == "on_air"
    office.http.delete(f"/api/sessions/{session}")
