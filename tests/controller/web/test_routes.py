"""Every route doing what it is for."""

import io
import json
import socket
import threading
import wave
from collections.abc import Iterator

import numpy as np
import pytest

from codec.wire import names, sync
from codec.wire.mac import Mac, derive
from controller.web.page import LANGUAGE_COOKIE, catalogue, version
from tests.controller.running import Running


def wav(seconds: float = 1.0) -> bytes:
    """Return a WAV file with a sine."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setparams((1, 2, 48000, 0, "NONE", ""))
        time_s = np.arange(int(48000 * seconds)) / 48000
        file.writeframes((np.sin(2 * np.pi * 440 * time_s) * 9000).astype("<i2").tobytes())
    return out.getvalue()


@pytest.fixture(autouse=True)
def _silence(office: Running) -> Iterator[None]:
    yield
    office.post("/api/sessions/stop-all")


def test_zone_life(office: Running) -> None:
    group = {"host": "239.77.1.1", "port": 5006}
    asked = {"id": "tam", "profile": "low", "multicast": {"host": "239.1.2.3", "port": 5004}, "sync_group": group}
    made = office.post("/api/zones", asked)
    assert made["sync_group"] == group
    assert office.http.patch("/api/zones/tam", json={"sync_group": None}).json()["sync_group"] is None
    assert office.http.patch("/api/zones/tam", json={"sync_group": group}).json()["sync_group"] == group
    assert made["multicast"] == {"host": "239.1.2.3", "port": 5004}
    changed = office.http.patch("/api/zones/tam", json={"multicast": None, "gain_db": -3}).json()
    assert (changed["multicast"], changed["gain_db"], changed["profile"]) == (None, -3, "low")
    collides = office.http.patch("/api/zones/tam", json={"multicast": {"host": "239.9.9.9", "port": 5006}})
    assert collides.status_code == 409
    assert "5006" in collides.json()["error"]["message"]
    assert office.http.patch("/api/zones/tam", json={}).json()["multicast"] is None
    assert "tam" in [zone["id"] for zone in office.get("/api/zones")["zones"]]
    assert office.http.delete("/api/zones/tam").status_code == 204


def test_node_life(office: Running) -> None:
    office.post("/api/nodes", {"id": "cum-8", "zone": "thon-1", "lat": 20.9, "lon": 106.6})
    assert office.http.get("/api/nodes/cum-8/node.json").status_code == 404, "no key is handed out by a GET"
    changed = office.http.patch("/api/nodes/cum-8", json={"muted": True, "delay_us": 3000}).json()
    assert (changed["muted"], changed["delay_us"], changed["lat"], changed["state"]) == (True, 3000, 20.9, "new")
    answer = office.post("/api/nodes/cum-8/command?wait_s=0.1", {"op": "tone"})
    assert answer["acknowledged"] is False
    assert office.http.delete("/api/nodes/cum-8").status_code == 204


def test_a_stored_sound_plays_and_ends(office: Running) -> None:
    sound = office.http.post("/api/sounds?title=Chuông", content=wav())
    assert sound.status_code == 201
    again = office.http.post("/api/sounds", files={"file": ("a.wav", wav())})
    assert again.status_code == 200
    assert again.json() == sound.json()
    assert sound.json()["duration_s"] == pytest.approx(1.0, abs=0.01)
    told = [(one["action"], one["object"]) for one in office.get("/api/audit?limit=2")["records"]]
    assert told == [("sound.add", sound.json()["id"])] * 2
    source = {"kind": "sound", "sound": sound.json()["id"]}
    session = office.post("/api/sessions", {"source": source, "zones": ["thon-1"], "priority": "emergency"})
    assert session["priority"] == "emergency"
    assert office.until_state(session["id"], "ended")["reason"] == "the source came to its end"
    assert office.http.delete(f"/api/sounds/{source['sound']}").status_code == 204


def test_gain_and_stop(office: Running) -> None:
    session = office.tone()
    office.until_state(session, "on_air")
    assert office.http.patch(f"/api/sessions/{session}", json={"gain_db": -6}).json()["gain_db"] == -6
    assert office.http.delete(f"/api/sessions/{session}").json()["state"] == "ended"
    assert office.http.delete(f"/api/sessions/{session}").json()["reason"] == "stopped"
    assert office.http.patch(f"/api/sessions/{session}", json={"gain_db": 0}).status_code == 409
    office.until(lambda: office.get("/api/zones/thon-1")["on_air"] is None)


def test_a_zone_without_nodes_needs_consent(office: Running) -> None:
    office.post("/api/zones", {"id": "vang"})
    body = {"source": {"kind": "tone"}, "zones": ["vang"]}
    refused = office.http.post("/api/sessions", json=body)
    assert refused.status_code == 409
    assert "allow_empty" in refused.json()["error"]["hint"]
    session = office.post("/api/sessions", {**body, "allow_empty": True})
    assert session["state"] == "starting"
    busy = office.http.delete("/api/zones/vang")
    assert busy.status_code == 409
    assert session["id"] in busy.json()["error"]["message"]
    office.http.delete(f"/api/sessions/{session['id']}")
    assert office.http.delete("/api/zones/vang").status_code == 204


def test_pushed_samples_end_with_their_body(office: Running) -> None:
    session = office.post("/api/sessions", {"source": {"kind": "push"}, "zones": ["thon-1"]})["id"]
    chunks = (b"\1\2" * 959 + b"\1" for _ in range(50))  # odd lengths: samples are cut between chunks
    answer = office.http.put(f"/api/sessions/{session}/input", content=chunks)
    assert answer.status_code == 200
    assert office.until_state(session, "ended")["reason"] == "the source came to its end"
    assert office.http.put(f"/api/sessions/{session}/input", content=b"").status_code == 409


def test_a_session_of_another_kind_takes_no_samples(office: Running) -> None:
    assert office.http.put(f"/api/sessions/{office.tone()}/input", content=b"").status_code == 409


def test_session_description(office: Running) -> None:
    office.post("/api/zones", {"id": "thon-2"})
    session = office.post(
        "/api/sessions",
        {"source": {"kind": "tone", "duration_ms": 60_000}, "zones": ["thon-1", "thon-2"], "allow_empty": True},
    )["id"]
    path = f"/api/sessions/{session}/session.sdp"
    office.until(lambda: all(office.get(f"/api/zones/{zone}")["on_air"] for zone in ("thon-1", "thon-2")))
    ssrcs = [office.get(f"/api/zones/{zone}")["on_air"]["ssrc"] for zone in ("thon-1", "thon-2")]
    nobody = office.http.get(path)
    assert nobody.status_code == 200
    assert nobody.headers["content-type"].startswith("application/sdp")
    assert "c=IN IP4 0.0.0.0\r\n" in nobody.text
    assert "a=inactive\r\n" in nobody.text
    assert "\r\ni=Only nodes of ours receive this; give the zone a multicast group" in nobody.text
    assert f"a=ssrc:{ssrcs[0]} " in nobody.text
    assert f"a=ssrc:{ssrcs[1]} " in office.http.get(path, params={"zone": "thon-2"}).text
    address = {"host": "127.0.0.1", "port": 6000}
    office.post("/api/nodes", {"id": "may-thu", "zone": "thon-2", "rtp_address": address})
    try:
        text = office.http.get(path).text
        assert text.startswith("v=0\r\n")
        assert "m=audio 6000 RTP/AVP 96" in text, "the first zone that can be joined"
        assert "a=recvonly" in text
        assert "\ni=" not in text
        assert office.http.get(path, params={"node": "may-thu"}).text == text
        assert "a=inactive" in office.http.get(path, params={"zone": "thon-1"}).text
        group = {"host": "239.255.77.3", "port": 5004}
        office.http.patch("/api/zones/thon-1", json={"multicast": group})
        assert "c=IN IP4 239.255.77.3/0\r\n" in office.http.get(path).text, "as far as the settings let it go"
        office.http.patch("/api/zones/thon-1", json={"multicast": None})
        assert office.http.get(path, params={"zone": "thon-9"}).status_code == 404
        assert office.http.get(path, params={"node": "may-la"}).status_code == 404
        office.post("/api/nodes", {"id": "may-thu-2", "zone": "thon-2", "rtp_address": {**address, "port": 6002}})
        assert office.http.get(path).status_code == 409
        assert "m=audio 6002 " in office.http.get(path, params={"node": "may-thu-2"}).text
        assert office.http.post("/api/nodes/may-thu/command", json={"op": "stop"}).status_code == 409
    finally:
        office.http.delete("/api/nodes/may-thu")
        office.http.delete("/api/nodes/may-thu-2")
        office.http.delete(f"/api/sessions/{session}")
        office.http.delete("/api/zones/thon-2")


def test_packets_reach_a_node_that_asks_for_the_time(office: Running) -> None:
    session = office.tone()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as node:
        node.settimeout(10)
        key, tag, media = (
            Mac(derive(office.key_of("cum-1"), "time")),
            names.node_tag("cum-1"),
            office.ports["media_port"],
        )
        node.sendto(sync.pack_request(1, tag, 123, key), ("127.0.0.1", media))
        echo_us = sync.parse_reply(node.recv(2000))[4]
        node.sendto(
            sync.pack_request(2, tag, 456, key, echo_us), ("127.0.0.1", media)
        )  # it is here that it can be reached
        seen = {node.recv(2000)[0] & 0xC0 == 0x80 for _ in range(20)}
    assert seen == {True, False}, "audio and the answer to the time exchange"
    office.http.delete(f"/api/sessions/{session}")


def test_changes_are_told(office: Running) -> None:
    kinds: list[str] = []
    listening = threading.Event()

    def listen() -> None:
        with office.http.stream("GET", "/api/events") as response:
            for line in response.iter_lines():
                if line.startswith("event: "):
                    kinds.append(line.removeprefix("event: "))
                    listening.set()
                if {"session", "zone"} <= set(kinds):
                    return

    listener = threading.Thread(target=listen)
    listener.start()
    assert listening.wait(5)
    office.tone()
    office.http.patch("/api/zones/thon-1", json={"title": "Thôn Tây"})
    listener.join(10)
    assert kinds[0] == "hello"
    assert {"session", "zone"} <= set(kinds)


def test_sources_and_health(office: Running) -> None:
    sources = office.get("/api/sources")
    assert {"sound", "text", "chime", "tone", "stream", "soundcard", "rtp", "push"} == set(sources["kinds"])
    assert "vi" in sources["voices"]
    health = office.get("/api/health")
    assert health["ok"]
    assert sum(health["nodes"].values()) == len(office.get("/api/nodes")["nodes"]) >= 1


def test_openapi_describes_every_route(office: Running) -> None:
    document = office.get("/api/openapi.json")
    for path, methods in document["paths"].items():
        for method, route in methods.items():
            assert route.get("summary"), f"{method} {path}"
            assert route.get("description"), f"{method} {path}"
            assert {"401", "403", "422"} <= route["responses"].keys(), f"{method} {path}"
    assert "HTTPValidationError" not in json.dumps(document), "errors have our form, not the framework's"


def test_page_in_both_languages(office: Running) -> None:
    vietnamese = office.http.get("/")
    assert 'lang="vi"' in vietnamese.text
    assert "Dừng tất cả" in vietnamese.text
    assert "'self'" in vietnamese.headers["content-security-policy"]
    assert 'lang="vi"' in office.http.get("/", headers={"Accept-Language": "en-GB"}).text, "unless somebody asks"
    english = office.http.get("/?lang=en")
    assert "Stop all" in english.text
    assert office.http.get("/live", headers={"Cookie": f"{LANGUAGE_COOKIE}=en"}).headers["content-language"] == "en"


def test_static_files_are_kept_for_ever_under_their_version_alone(office: Running) -> None:
    for file in ("core/main.js", "css/base.css", "icon.svg", "icon-192.png"):
        answer = office.http.get(f"/static/{version()}/{file}")
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
    assert office.http.get("/static/core/main.js").status_code == 404
    assert office.http.get(f"/static/{version()}/../page.py").status_code == 404
    assert office.http.get(f"/static/{version()}/nothing.js").status_code == 404
    script = office.http.get(f"/static/{version()}/core/store.js", headers={"Accept-Encoding": "gzip"})
    assert script.headers["content-encoding"] == "gzip"


def test_installable(office: Running) -> None:
    manifest = office.http.get("/app.webmanifest?lang=vi").json()
    assert manifest["name"] == catalogue("vi")["shell.title"]
    for icon in manifest["icons"]:
        assert office.http.get(icon["src"]).status_code == 200
    assert office.http.get("/sw.js").headers["content-type"].startswith("text/javascript")


def test_one_node_alone(office: Running) -> None:
    path = f"/api/sessions/{office.tone()}/solo?wait_s=0.1"
    answer = office.http.put(path, json={"node": "cum-1"})
    assert answer.json() == {"node": "cum-1", "silent": [], "unanswered": []}, "nobody is there to be silent"
    assert office.http.put(path, json={"node": "cum-9"}).status_code == 404
    assert office.http.put(path, json={}).status_code == 422
    office.post("/api/sessions/stop-all")
    assert office.http.put(path, json={"node": None}).json()["error"]["code"] == "over"
