"""Standard players receive a real session from nothing but its SDP: ffmpeg and GStreamer, by unicast and by
multicast."""

import asyncio
import contextlib
import socket
from pathlib import Path

import numpy as np
import pytest

from codec.profile import PROFILES
from codec.sdp import Description, build
from tests import needs
from tests.controller.engine.harness import Pipe, frequency, running_engine, session, tone, zone

pytestmark = pytest.mark.alone

HERTZ, HEARD_SAMPLES, PATIENCE_S = 440, 72_000, 25
GROUP = "239.255.77.1"


def ffmpeg(sdp: Path, out: Path, *options: str) -> list[str]:
    return [
        "ffmpeg", "-v", "error", "-protocol_whitelist", "file,udp,rtp", *options, "-i", str(sdp),
        "-ac", "1", "-ar", "48000", "-f", "s16le", "-flush_packets", "1", str(out),
    ]  # fmt: skip


def gstreamer(sdp: Path, out: Path) -> list[str]:
    caps = "audio/x-raw,format=S16LE,rate=48000,channels=1"
    return [
        "gst-launch-1.0", "-q", "filesrc", f"location={sdp}", "!", "sdpdemux", "latency=100", "!", "decodebin",
        "!", "audioconvert", "!", "audioresample", "!", caps,
        "!", "filesink", f"location={out}", "buffer-mode=unbuffered", "sync=false",
    ]  # fmt: skip


PLAYERS = {"ffmpeg": ffmpeg, "gst-launch-1.0": gstreamer}


def free_port() -> int:
    """Return an even UDP port that is free, with the next one, which players take for RTCP."""
    for port in range(30_000, 40_000, 2):
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other,
        ):
            with contextlib.suppress(OSError):
                one.bind(("0.0.0.0", port))
                other.bind(("0.0.0.0", port + 1))
                return port
    raise AssertionError("no free port")


def has_multicast_route() -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((GROUP, 9))
        except OSError:
            return False
        return True


async def play(player, profile, tmp_path, address, port, where, arguments):
    """Put a tone on air, let the player make samples of it, and return them."""
    sdp, out = tmp_path / "session.sdp", tmp_path / "heard.raw"
    pipe = Pipe()
    pipe.write(tone(HERTZ, 60))
    try:
        async with running_engine(*arguments) as engine:
            there = {**zone("thon-1", [], profile), **where}
            engine.link.send("plan", zones=[there], sessions=[session("s-1", ["thon-1"])])
            engine.link.send("source", session="s-1", live=False, fd=pipe.reading)
            stream = await engine.event("stream")
            description = Description(
                1, 1, "Bản tin thử", "127.0.0.1", address, port, stream["ssrc"], PROFILES[profile], ttl=1
            )
            await asyncio.to_thread(sdp.write_text, build(description), encoding="utf-8")
            process = await asyncio.create_subprocess_exec(
                *PLAYERS[player](sdp, out), stdin=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
            )
            try:
                async with asyncio.timeout(PATIENCE_S):
                    while not (out.exists() and out.stat().st_size >= 2 * HEARD_SAMPLES):
                        assert process.returncode is None, (await process.stderr.read()).decode()
                        await asyncio.sleep(0.1)
            finally:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.communicate()
    finally:
        pipe.close()
    return np.frombuffer(out.read_bytes()[: 2 * HEARD_SAMPLES], np.int16)


@pytest.mark.parametrize("profile", ["lan", "low"])
@pytest.mark.parametrize("player", PLAYERS)
async def test_a_player_receives_a_session_by_unicast(player, profile, tmp_path):
    needs.player(player)
    port = free_port()
    receiver = {"tag": "00" * 8, "address": ["127.0.0.1", port], "fixed": True}
    heard = await play(player, profile, tmp_path, "127.0.0.1", port, {"members": [receiver]}, [])
    check(heard)


async def test_a_player_receives_a_session_by_multicast_on_a_machine_without_a_network(tmp_path, monkeypatch):
    """By the loopback interface, which needs no route: ffmpeg can be told where it joins, GStreamer's sdpdemux not."""
    needs.player("ffmpeg")
    monkeypatch.setitem(PLAYERS, "ffmpeg", lambda *paths: ffmpeg(*paths, "-localaddr", "127.0.0.1"))
    await by_multicast("ffmpeg", tmp_path, "--multicast-interface", "127.0.0.1")


@pytest.mark.parametrize("player", PLAYERS)
async def test_a_player_receives_a_session_by_multicast(player, tmp_path):
    needs.player(player)
    if not has_multicast_route():
        needs.missing(f"no route for multicast; run: sudo ip route add {GROUP}/32 dev lo")
    await by_multicast(player, tmp_path)


async def by_multicast(player, tmp_path, *arguments):
    port = free_port()
    # A TTL of 0 keeps the packets on this machine.
    arguments = ["--host", "0.0.0.0", "--multicast-ttl", "0", *arguments]
    heard = await play(player, "lan", tmp_path, GROUP, port, {"multicast": [GROUP, port]}, arguments)
    check(heard)


def check(heard):
    sound = heard[24_000:]
    assert abs(frequency(sound) - HERTZ) < 2
    assert np.sqrt(np.mean(sound.astype(float) ** 2)) == pytest.approx(0.3 * 32767 / np.sqrt(2), rel=0.1)
