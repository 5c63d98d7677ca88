"""The mixing core: 64 zones x 128 sources in blocks of 20 ms, limited and turned into int16.

Its peers mix the same number of inputs into one output: ffmpeg's ``amix`` and GStreamer's ``audiomixer``,
neither of which limits. One source is generated and handed to all their inputs by reference, so that they are
not charged for reading; CPU time, as the difference of two lengths, so that start-up is not either.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from typing import Any

from benchmarks import table

ZONES, SOURCES, BLOCK_SAMPLES, RATE = 64, 128, 960, 48_000
BLOCKS = 500
_SHORT_S, _LONG_S = 10, 70
_REPEATS = 3


def run() -> dict[str, Any]:
    """Return `block_ms` (median of a block with every zone being limited) and how many times a peer takes a
    stream."""
    # A process of its own: numpy reads its number of threads when it is imported, and the engine has one.
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    output = subprocess.run(
        [sys.executable, "-m", "benchmarks.mixer"], env=environment, check=True, capture_output=True
    ).stdout
    ours: dict[str, float] = json.loads(output)
    ffmpeg_ms, gstreamer_ms = _peer_ms("ffmpeg", _ffmpeg), _peer_ms("gst-launch-1.0", _gstreamer)
    stream_ms = ours["cpu_ms"] / ZONES
    return {
        "block_ms": round(ours["block_ms"], 4),
        "quiet_block_ms": round(ours["quiet_block_ms"], 4),
        "stream_us": round(stream_ms * 1000, 3),
        "ffmpeg_stream_us": ffmpeg_ms and round(ffmpeg_ms * 1000, 1),
        "gstreamer_stream_us": gstreamer_ms and round(gstreamer_ms * 1000, 1),
        "vs_ffmpeg": ffmpeg_ms and round(ffmpeg_ms / stream_ms, 1),
        "vs_gstreamer": gstreamer_ms and round(gstreamer_ms / stream_ms, 1),
    }


def describe(result: dict[str, Any]) -> str:
    """Return the figures as a table."""
    return table.lines(
        (f"block, {ZONES} zones x {SOURCES} sources, limiting", result["block_ms"], "ms"),
        ("block, limiter at rest", result["quiet_block_ms"], "ms"),
        (f"one mix of {SOURCES} for 20 ms", result["stream_us"], "µs"),
        ("  ffmpeg amix", result["ffmpeg_stream_us"], "µs"),
        ("  GStreamer audiomixer", result["gstreamer_stream_us"], "µs"),
        ("ffmpeg takes", result["vs_ffmpeg"], "times as long"),
        ("GStreamer takes", result["vs_gstreamer"], "times as long"),
    )


def measure() -> dict[str, float]:
    """Return milliseconds a block: wall time (median) with the limiter at work and at rest, and CPU time
    (mean)."""
    import numpy as np

    from controller.engine.limiter import Limiter
    from controller.engine.mixer import Mixer
    from controller.engine.quantiser import Quantiser

    mixer = Mixer(BLOCK_SAMPLES, ZONES, SOURCES)
    limiter = Limiter(BLOCK_SAMPLES, ZONES)
    quantiser = Quantiser(BLOCK_SAMPLES, ZONES)
    noise = np.random.default_rng(1)
    mixer.inputs[:] = noise.uniform(-0.5, 0.5, mixer.inputs.shape)
    gains = noise.uniform(0.2, 1.0, mixer.shape).astype(np.float32)
    at_once = np.zeros(mixer.shape, np.int32)

    def block() -> float:
        began = time.perf_counter()
        mixer.mix(limiter.incoming)
        quantiser.quantise(limiter.limit())
        return time.perf_counter() - began

    def median_ms() -> float:
        for _ in range(BLOCKS // 4):
            block()
        return 1000 * statistics.median(block() for _ in range(BLOCKS))

    mixer.aim(gains, at_once)
    quiet_ms = median_ms()
    mixer.aim(gains * np.float32(32767), at_once)
    began = time.process_time()
    for _ in range(BLOCKS):
        block()
    cpu_ms = 1000 * (time.process_time() - began) / BLOCKS
    return {"block_ms": median_ms(), "quiet_block_ms": quiet_ms, "cpu_ms": cpu_ms}


def _peer_ms(program: str, arguments: Any) -> float | None:
    """Return the CPU milliseconds in which a peer mixes SOURCES inputs for one block, None where it is
    missing."""
    path = shutil.which(program)
    if path is None:
        return None
    costs = []
    for _ in range(_REPEATS):
        short_s, long_s = (_cpu_s([path, *arguments(seconds)]) for seconds in (_SHORT_S, _LONG_S))
        if short_s is None or long_s is None:
            return None
        costs.append((long_s - short_s) / (_LONG_S - _SHORT_S) * BLOCK_SAMPLES / RATE * 1000)
    return statistics.median(costs)


def _cpu_s(command: list[str]) -> float | None:
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime + usage.ru_stime if child.returncode == 0 else None


def _ffmpeg(seconds: int) -> list[str]:
    pads = "".join(f"[s{number}]" for number in range(SOURCES))
    source = f"sine=frequency=440:sample_rate={RATE}:samples_per_frame={BLOCK_SAMPLES}:duration={seconds}"
    graph = f"{source},aformat=sample_fmts=fltp,asplit={SOURCES}{pads};{pads}amix=inputs={SOURCES}:normalize=0"
    return ["-v", "error", "-filter_complex_threads", "1", "-filter_complex", graph, "-f", "null", "-"]


def _gstreamer(seconds: int) -> list[str]:
    blocks = seconds * RATE // BLOCK_SAMPLES
    branches = [word for number in range(SOURCES) for word in ("t.", "!", f"m.sink_{number}")]
    return [
        "-q", "audiotestsrc", "wave=saw", f"samplesperbuffer={BLOCK_SAMPLES}", f"num-buffers={blocks}",
        "!", f"audio/x-raw,format=F32LE,rate={RATE},channels=1,layout=interleaved", "!", "tee", "name=t",
        "audiomixer", "name=m", "output-buffer-duration=20000000", "!", "fakesink", "sync=false", *branches,
    ]  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(measure()))
