"""Speaking by WHIP into a real controller, from a real WebRTC peer; heard as a zone hears it."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from fractions import Fraction
from typing import Any

import av
import httpx
import numpy as np
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, MediaStreamError

from controller.localaccess import LocalAuth
from fuzz import seeds
from tests.controller.running import Running
from tests.controller.web.test_sockets import bearer, heard, opened

SDP = {"Content-Type": "application/sdp"}
VOICE_HZ = 440.0


class Voice(AudioStreamTrack):
    """A sine that goes on for ever, 20 ms at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.silent = False
        self._number = 0
        self._begun_s = time.monotonic()

    async def recv(self) -> av.AudioFrame:
        if self.readyState != "live":
            raise MediaStreamError
        await asyncio.sleep(max(0.0, self._begun_s + self._number * 0.02 - time.monotonic()))
        at = (np.arange(960) + self._number * 960) / 48000
        samples = (np.sin(2 * np.pi * VOICE_HZ * at) * 8000).astype(np.int16)[None, :]
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 48000, self._number * 960, Fraction(1, 48000)
        self._number += 1
        return frame


@contextlib.asynccontextmanager
async def client(office: Running, **headers: str) -> AsyncIterator[httpx.AsyncClient]:
    url = office.ports["url"]
    auth = None if headers else LocalAuth(url)
    async with httpx.AsyncClient(
        base_url=url, verify=office.tls(), trust_env=False, auth=auth, headers=headers, timeout=20
    ) as http:
        yield http


@contextlib.asynccontextmanager
async def peer(*kinds: str) -> AsyncIterator[RTCPeerConnection]:
    made = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    for kind in kinds or ("audio",):
        made.addTransceiver(Voice() if kind == "audio" else kind, direction="sendonly")
    try:
        await made.setLocalDescription(await made.createOffer())
        yield made
    finally:
        await made.close()


async def speak(http: httpx.AsyncClient, made: RTCPeerConnection, query: str) -> httpx.Response:
    answer = await http.post(f"/api/whip?{query}", content=made.localDescription.sdp, headers=SDP)
    if answer.status_code == 201:
        await made.setRemoteDescription(RTCSessionDescription(answer.text, "answer"))
    return answer


async def pitches(end: Any, count: int) -> list[float]:
    """Return the strongest frequency of each of the next frames that sound, in windows of five."""
    frames: list[np.ndarray] = []
    while len(frames) < count:
        said = await heard(end)
        if isinstance(said, tuple):
            samples = np.frombuffer(said[1], "<i2").astype(np.float64)
            if np.abs(samples).max() > 500:
                frames.append(samples)
    found = []
    for start in range(0, count - 4, 5):
        window = np.concatenate(frames[start : start + 5])
        spectrum = np.abs(np.fft.rfft(window * np.hanning(len(window))))
        found.append(float(np.argmax(spectrum)) * 48000 / len(window))
    return found


async def over(http: httpx.AsyncClient, path: str, within_s: float) -> dict[str, Any]:
    """Return the session once it is over."""
    until_s = time.monotonic() + within_s
    while True:
        session = (await http.get(path.replace("whip", "sessions"))).json()
        if session["ended_at"] or time.monotonic() > until_s:
            return dict(session)
        await asyncio.sleep(0.05)


async def test_a_voice_is_heard_until_it_is_ended(office: Running) -> None:
    async with client(office) as http, opened(office, "/api/zones/thon-1/listen?format=s16", **bearer(office)) as end:
        async with peer() as made:
            answer = await speak(http, made, "zone=thon-1")
            assert answer.status_code == 201, answer.text
            assert answer.headers["content-type"] == "application/sdp"
            assert all(abs(hertz - VOICE_HZ) < 15 for hertz in await pitches(end, 50))
            path = answer.headers["location"]
            session = (await http.get(path.replace("whip", "sessions"))).json()
            assert session["source"]["kind"] == "microphone"
            assert session["state"] in ("on_air", "stalled"), "where this machine is busy, the voice comes late"
            assert (await http.delete(path)).status_code == 200
            assert (await over(http, path, 5))["reason"] == "the speaker ended it"


async def test_the_chime_comes_first_and_the_voice_follows(office: Running) -> None:
    async with client(office) as http, opened(office, "/api/zones/thon-1/listen?format=s16", **bearer(office)) as end:
        async with peer() as made:
            answer = await speak(http, made, "zone=thon-1&chime=open")
            wait_ms = int(answer.headers["speak-after-ms"])
            assert 1000 < wait_ms < 4500
            found = await pitches(end, wait_ms // 20 + 75)
    voice = [abs(hertz - VOICE_HZ) < 15 for hertz in found]
    assert not any(voice[:4]), found
    assert all(voice[-10:]), found
    first = voice.index(True)
    assert all(voice[first + 1 :]), "once it is there nothing else is"


async def test_a_studio_that_offers_pictures_too_is_heard(office: Running) -> None:
    async with client(office) as http, opened(office, "/api/zones/thon-1/listen?format=s16", **bearer(office)) as end:
        async with peer("video", "audio") as made:
            answer = await speak(http, made, "zone=thon-1")
            assert answer.status_code == 201, answer.text
            assert all(abs(hertz - VOICE_HZ) < 15 for hertz in await pitches(end, 25))


async def test_who_is_lost_may_come_back_within_the_grace_and_the_session_ends_after_it(office: Running) -> None:
    async with client(office) as http, opened(office, "/api/zones/thon-1/listen?format=s16", **bearer(office)) as end:
        async with peer() as made:
            path = (await speak(http, made, "zone=thon-1&grace_s=3")).headers["location"]
            await pitches(end, 10)
            for sender in made.getSenders():
                await sender.stop()  # as where the network is gone: nothing is said any more
            await asyncio.sleep(1.5)
            async with peer() as again:
                assert (await speak(http, again, f"session={path.rsplit('/', 1)[1]}")).headers["location"] == path
                await asyncio.sleep(3)
                assert all(abs(hertz - VOICE_HZ) < 15 for hertz in await pitches(end, 25))
                for sender in again.getSenders():
                    await sender.stop()
                session = await over(http, path, 10)
            records = (await http.get("/api/audit?action=broadcast.speak")).json()["records"]
    assert (session["state"], session["reason"]) == ("ended", "the connection to the microphone was lost")
    assert (records[0]["object"], records[0]["details"]) == (session["id"], '{"taken_up":true}')


async def test_who_hangs_up_is_waited_for_and_then_it_ends(office: Running) -> None:
    async with client(office) as http, peer() as made:
        path = (await speak(http, made, "zone=thon-1&grace_s=0.5")).headers["location"]
        await asyncio.sleep(1)
        await made.close()
        session = await over(http, path, 10)
        assert (session["state"], session["reason"]) == ("ended", "the speaker left")


async def test_what_may_be_asked_is_said_and_nothing_else_is_taken(office: Running) -> None:
    async with client(office) as http, client(office, Origin="https://elsewhere.example") as stranger:
        asked = await stranger.options("/api/whip")
        assert (asked.status_code, asked.headers["accept-post"]) == (204, "application/sdp")
        assert "access-control-allow-origin" not in asked.headers
        assert (await stranger.options("/api/whip/s-1")).status_code == 204
        assert (await stranger.post("/api/whip?zone=thon-1", content="v=0", headers=SDP)).status_code == 401
        for method, path in (
            *(("GET", "/api/whip"), ("HEAD", "/api/whip"), ("PUT", "/api/whip")),
            *(("PATCH", "/api/whip/s-1"), ("GET", "/api/whip/s-1"), ("POST", "/api/whip/s-1")),
        ):
            assert (await http.request(method, path)).status_code == 405, (method, path)
        assert (await http.delete("/api/whip/s-1")).status_code == 404


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"", "application/sdp", 422),
        (b"v=0\r\n", "application/sdp", 422),
        (b"v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n", "application/sdp", 422),
        (seeds.OFFERS[0].replace(b"opus/48000/2", b"speex/16000"), "application/sdp", 422),
        (b"v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n", "application/sdp", 422),
        (b"v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=\xff", "application/sdp", 422),
        (b"v=0\r\nm=audio 9 x 1\r\n" + b"a=x\r\n" * 20_000, "application/sdp", 422),
        (b"v=0\r\nm=audio 9 x 1\r\n", "text/plain", 422),
        (b"a" * 300_000, "application/sdp", 413),
    ],
)
async def test_what_is_no_offer_is_refused_and_nothing_is_left_on_air(
    office: Running, body: bytes, kind: str, status: int
) -> None:
    async with client(office) as http:
        answer = await http.post("/api/whip?zone=thon-1", content=body, headers={"Content-Type": kind})
        assert answer.status_code == status, answer.text
        assert answer.json()["error"]["hint"]
        assert not (await http.get("/api/sessions?active=true")).json()["sessions"]


async def test_who_may_not_speak_is_refused(office: Running) -> None:
    async with client(office) as http, peer() as made:
        assert (await speak(http, made, "zone=nowhere")).status_code == 404
        assert (await speak(http, made, "")).json()["error"]["code"] == "no_zone"
        assert (await speak(http, made, "session=s-0")).status_code == 404
        tone = office.tone()
        assert (await speak(http, made, f"session={tone}")).json()["error"]["code"] == "no_microphone"
        await http.post("/api/sessions/stop-all")
        await http.post(
            "/api/users", json={"name": "obs", "roles": ["technician"], "password": "bốn từ không liên quan"}
        )
        token = (await http.post("/api/tokens", json={"user": "obs", "scopes": ["broadcast", "read"]})).json()["token"]
        async with client(office, Authorization=f"Bearer {token}") as studio:
            assert (await speak(studio, made, "zone=thon-1&priority=emergency")).status_code == 403
            answer = await speak(studio, made, "zone=thon-1")
            assert answer.status_code == 201
            assert (await http.patch("/api/users/obs", json={"enabled": False})).is_success
            session = await over(http, answer.headers["location"], 8)
            assert (session["by"], session["reason"]) == ("obs", "the speaker may not speak any more")
