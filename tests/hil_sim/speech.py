"""Signals that the analysis is tried on: speech from the controller's own voice, coded, and emitted by crystals."""

from functools import cache

import numpy as np

from codec.opus import Decoder, Encoder
from codec.profile import PROFILES
from codec.wire import rtp
from hil_sim.capture import Run, Track, lay
from hil_sim.packets import TO_NODE, Datagram
from hil_sim.resampling import interpolate
from hil_sim.signals import RATE, Floats
from hil_sim.voice import speech

ORIGIN_NS = 1_000_000_000_000
LEAD_IN_S = 1.0
"""Silence before the programme on the axis of every test."""
SSRC = 0xABCD


@cache
def axis(duration_s: float) -> Floats:
    """Return the source's axis: LEAD_IN_S of silence, the speech, a second of silence."""
    return np.concatenate((np.zeros(round(LEAD_IN_S * RATE)), speech(duration_s), np.zeros(RATE)))


@cache
def coded(duration_s: float, profile: str) -> tuple[tuple[bytes, ...], Floats]:
    """Return the packets' payloads and the decoded sound of the speech in a profile."""
    settings = PROFILES[profile]
    encoder, decoder, size = Encoder.of_profile(settings), Decoder(), settings.frame_samples
    pcm = np.clip(np.round(speech(duration_s) * 32768), -32768, 32767).astype(np.int16)
    out, frame = bytearray(1275), np.zeros(size, dtype=np.int16)
    payloads, decoded = [], []
    for first in range(0, len(pcm) - size + 1, size):
        payloads.append(bytes(out[: encoder.encode_into(pcm[first : first + size].copy(), out)]))
        decoder.decode(payloads[-1], frame)
        decoded.append(frame / 32768.0)
    return tuple(payloads), np.concatenate(decoded)


def emit(sound: Floats, delay_s: float, ppm: float = 0.0, length: int | None = None) -> Track:
    """Return what an ear hears of a DAC whose crystal is off by `ppm` but whose corrector keeps it in time."""
    rate_hz = RATE * (1 + ppm * 1e-6)
    count = int(len(sound) * rate_hz / RATE)
    run = Run(
        ORIGIN_NS + round((LEAD_IN_S + delay_s) * 1e9),
        rate_hz,
        interpolate(sound, np.arange(count, dtype=np.float64) * RATE / rate_hz),
    )
    return lay([run], ORIGIN_NS, length or round((LEAD_IN_S + 2.0) * RATE) + len(sound))


def send(payloads: tuple[bytes, ...], profile: str, nodes: int = 1, network_ms: float = 5.0) -> list[Datagram]:
    """Return the datagrams of a stream whose frames enter the network a millisecond after they are mixed.

    After the speech come those that tell the keys of its last frames, as the engine's do.
    """
    settings = PROFILES[profile]
    found = []
    for index, payload in enumerate(payloads + payloads[-1:] * settings.lag):
        header = bytearray(rtp.HEADER_BYTES)
        rtp.pack_header(header, 0, False, rtp.PAYLOAD_TYPE_OPUS, 500 + index, 77 + index * settings.frame_samples, SSRC)
        entered_ns = ORIGIN_NS + round(LEAD_IN_S * 1e9) + index * settings.frame_us * 1000 + 1_000_000
        left_ns = entered_ns + round(network_ms * 1e6)
        data = bytes(header) + payload
        found += [Datagram(TO_NODE, node, entered_ns, left_ns, data) for node in range(1, nodes + 1)]
    return found
