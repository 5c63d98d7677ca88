"""Writes the Opus packets beside this file: ``.venv/bin/python tests/firmware/vectors_opus/make_vectors.py``.

Each JSON file is one stream: ``rate``, ``channels``, ``frame_samples`` and ``packets`` in hexadecimal. They
are kept, not remade by the tests, so that every run of every machine decodes the same bytes.
"""

import json
from pathlib import Path

import numpy as np
import opuslib_next
from opuslib_next.api import ctl

HERE = Path(__file__).parent
PACKETS = 30
STREAMS = [
    # name, rate, channels, frame ms, application, bit rate, in-band FEC
    ("speech_48k_20ms_fec", 48000, 1, 20, "voip", 24000, True),
    ("speech_48k_60ms", 48000, 1, 60, "voip", 16000, False),
    ("lowdelay_48k_10ms", 48000, 1, 10, "restricted_lowdelay", 48000, False),
    ("music_48k_20ms_stereo", 48000, 2, 20, "audio", 64000, False),
    ("speech_16k_20ms", 16000, 1, 20, "voip", 16000, False),
]


def speechlike(rate: int, channels: int, samples: int) -> np.ndarray:
    """Return int16 samples ``(samples, channels)``: a gliding voice with syllables, over a little noise."""
    time_s = np.arange(samples) / rate
    pitch_hz = 140 + 60 * np.sin(2 * np.pi * 0.7 * time_s)
    phase = 2 * np.pi * np.cumsum(pitch_hz) / rate
    voice = sum(np.sin(harmonic * phase) / harmonic for harmonic in range(1, 12))
    syllables = 0.5 - 0.5 * np.cos(2 * np.pi * 4 * time_s)
    noise = np.random.default_rng(1).standard_normal((samples, channels))
    mixed = (voice * syllables)[:, None] * 0.25 + 0.01 * noise
    return (np.clip(mixed, -1, 1) * 32000).astype("<i2")


def main() -> None:
    for name, rate, channels, frame_ms, application, bitrate, fec in STREAMS:
        frame_samples = rate * frame_ms // 1000
        encoder = opuslib_next.Encoder(rate, channels, application)
        encoder.bitrate = bitrate
        if fec:
            opuslib_next.api.encoder.encoder_ctl(encoder.encoder_state, ctl.set_inband_fec, 1)
            opuslib_next.api.encoder.encoder_ctl(encoder.encoder_state, ctl.set_packet_loss_perc, 20)
        sound = speechlike(rate, channels, frame_samples * PACKETS)
        packets = [
            encoder.encode(sound[start : start + frame_samples].tobytes(), frame_samples).hex()
            for start in range(0, len(sound), frame_samples)
        ]
        stream = {"rate": rate, "channels": channels, "frame_samples": frame_samples, "packets": packets}
        (HERE / f"{name}.json").write_text(json.dumps(stream, indent=0) + "\n")


if __name__ == "__main__":
    main()
