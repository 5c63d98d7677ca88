"""Speaking by a WebSocket of samples into a real controller; heard as a zone hears it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from tests.controller.running import Running
from tests.controller.web.test_permissions import HANDSHAKE
from tests.controller.web.test_sockets import LISTEN, bearer, heard, opened, signed_in

VOICE_HZ = 440.0
SPEAK = "/api/microphone?zone=thon-1"


def voice(number: int) -> bytes:
    at = (np.arange(960) + number * 960) / 48_000
    return (8000 * np.sin(2 * np.pi * VOICE_HZ * at)).astype("<i2").tobytes()


async def speak(end: ClientConnection, begin: int = 0) -> None:
    """Speak for ever, as a microphone does."""
    loop = asyncio.get_running_loop()
    begun_s = loop.time()
    number = begin
    while True:
        await end.send(voice(number))
        number += 1
        await asyncio.sleep(max(0.0, begun_s + (number - begin) * 0.02 - loop.time()))


@contextlib.asynccontextmanager
async def speaking(end: ClientConnection) -> AsyncIterator[None]:
    task = asyncio.create_task(speak(end))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def hears_hz(ear: ClientConnection, least: int = 1500) -> float:
    """Return the frequency of what is heard once there is something to hear."""
    async with asyncio.timeout(10):
        while True:
            said = await heard(ear)
            if not isinstance(said, tuple):
                continue
            samples = np.frombuffer(said[1], "<i2").astype(float)
            if np.abs(samples).max() > least:
                later = np.frombuffer((await heard(ear))[1], "<i2").astype(float)
                spectrum = np.abs(np.fft.rfft(later * np.hanning(len(later)), 48_000))
                return float(np.argmax(spectrum))


async def closed_with(end: ClientConnection) -> tuple[int, str]:
    with contextlib.suppress(ConnectionClosed):
        async with asyncio.timeout(10):
            while True:
                await end.recv()
    assert end.close_code is not None
    return end.close_code, end.close_reason or ""


async def begun(end: ClientConnection) -> Any:
    said = await heard(end)
    assert isinstance(said, dict) and str(said["session"]).startswith("s-")
    return said


async def test_a_voice_is_heard_and_ends_with_the_one_who_hangs_up(office: Running) -> None:
    async with opened(office, LISTEN + "?format=s16", **bearer(office)) as ear:
        async with opened(office, SPEAK + "&priority=emergency", **bearer(office)) as end:
            said = await begun(end)
            assert said["speak_after_ms"] == 0
            async with speaking(end):
                assert await hears_hz(ear) == pytest.approx(VOICE_HZ, abs=10)
                found = office.get(f"/api/sessions/{said['session']}")
                assert (found["source"]["kind"], found["priority"]) == ("microphone", "emergency")
            await end.send("texts count for nothing")
            await end.send(b"\1")
            await end.send(b"")
        assert await asyncio.to_thread(office.until_state, said["session"], "ended")
    records = [each for each in office.get("/api/audit?limit=5")["records"] if each["object"] == said["session"]]
    assert [each["action"] for each in records] == ["broadcast.end", "broadcast.begin"]


async def test_the_chime_comes_first(office: Running) -> None:
    async with opened(office, LISTEN + "?format=s16", **bearer(office)) as ear:
        async with opened(office, SPEAK + "&chime=alert", **bearer(office)) as end:
            said = await begun(end)
            assert 2000 < said["speak_after_ms"] < 3000
            async with speaking(end):
                assert await hears_hz(ear) == pytest.approx(880, abs=60)
                await asyncio.sleep(said["speak_after_ms"] / 1000)
                while not isinstance(await heard(ear), tuple) or abs(await hears_hz(ear) - VOICE_HZ) > 10:
                    pass


async def test_a_lost_connection_is_taken_up_by_another(office: Running) -> None:
    async with opened(office, LISTEN + "?format=s16", **bearer(office)) as ear:
        async with opened(office, SPEAK + "&grace_s=10", **bearer(office)) as end:
            session = (await begun(end))["session"]
            async with speaking(end):
                await hears_hz(ear)
            end.transport.abort()
        async with opened(office, f"/api/microphone?session={session}", **bearer(office)) as again:
            assert (await begun(again))["session"] == session
            newest = office.get("/api/audit?limit=1")["records"][0]
            assert (newest["action"], newest["object"]) == ("broadcast.speak", session)
            async with speaking(again):
                while abs(await hears_hz(ear) - VOICE_HZ) > 10:
                    pass
                async with opened(office, f"/api/microphone?session={session}", **bearer(office)) as third:
                    await begun(third)
                    assert await closed_with(again) == (4000, "taken_over")
                    async with speaking(third):
                        assert office.get(f"/api/sessions/{session}")["state"] in ("on_air", "stalled")
                        office.http.delete(f"/api/sessions/{session}").raise_for_status()
                        assert await closed_with(third) == (4000, "over")


async def test_what_comes_too_fast_is_dropped_and_not_delayed(office: Running) -> None:
    async with opened(office, LISTEN + "?format=s16", **bearer(office)) as ear:
        async with opened(office, SPEAK, **bearer(office)) as end:
            await begun(end)
            async with speaking(end):
                await hears_hz(ear)
            for number in range(300):  # six seconds at once
                await end.send(voice(number))
            async with asyncio.timeout(3):
                while not isinstance(said := await heard(ear), tuple) or np.frombuffer(said[1], "<i2").max() > 100:
                    pass


async def test_nobody_is_waited_for_beyond_the_grace(office: Running) -> None:
    async with opened(office, SPEAK + "&grace_s=0.5", **bearer(office)) as end:
        session = (await begun(end))["session"]
        end.transport.abort()
    found = await asyncio.to_thread(office.until_state, session, "ended", 5)
    assert "lost" in found["reason"]


async def test_who_may_not_speak_is_refused_and_who_may_not_any_more_is_ended(office: Running) -> None:
    for path, status, code in (
        ("/api/microphone", 422, "no_zone"),
        ("/api/microphone?zone=nowhere", 404, "unknown_zone"),
        (SPEAK + "&chime=gong", 422, "invalid"),
        (SPEAK + "&grace_s=1000", 422, "invalid"),
        ("/api/microphone?session=s-0000000000000000", 404, "unknown_session"),
    ):
        answer = office.http.get(path, headers=HANDSHAKE)
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code), path
    with signed_in(office, "thao", "technician") as browser:
        ours = {"Origin": office.ports["url"]}
        refused = browser.get(SPEAK + "&priority=emergency", headers={**HANDSHAKE, **ours})
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "not_allowed")
        cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
        async with opened(office, SPEAK, Cookie=cookie, **ours) as end:
            session = (await begun(end))["session"]
            async with speaking(end):
                browser.post("/api/sign-out", headers=ours).raise_for_status()
                assert (await closed_with(end))[0] == 4403
        found = await asyncio.to_thread(office.until_state, session, "ended", 5)
        assert found["reason"] == "the speaker may not speak any more"
