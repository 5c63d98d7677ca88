"""snapserver and two snapclients on our rig: the same speech, TCP through the same relay and delay, the same judge.

Both clients play into one PulseAudio null sink, each into a channel of its own, and one recording of that sink holds
both: their skew is exact. Latency is from writing a sample into snapserver's pipe to the null sink, known to about
20 ms. Settings are those that the packages come with.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import table
from hil_sim import children
from hil_sim.alignment import Alignment, align
from hil_sim.network import Network
from hil_sim.ports import free_tcp_port
from hil_sim.scenario import BULLETIN, LinkSettings
from hil_sim.signals import RATE, Floats
from hil_sim.skew import latencies_ms, percentiles, skews_ms

CLIENTS = 2
SECONDS = float(os.environ.get("LOAXA_BENCH_SNAPCAST_S", "30"))
WARM_UP_S = 15.0
"""Clients settle in the first seconds; that is not counted."""
LINK = LinkSettings(delay_ms=5.0, jitter_ms=2.0)
"""As scenarios/sync12.toml."""
_TOOLS = ("snapserver", "snapclient", "pulseaudio", "parec", "espeak-ng")
_BLOCK_S = 0.02
_START_S = 10.0
_PULSE_LATENCY_MS = 10
_PULSE_SETTLE_S = 3.0
_NULL = {
    "version": None,
    "skew_ms": {"p50": None, "p99": None, "max": None},
    "latency_ms": {"p50": None, "p99": None},
    "client_cores": None,
    "server_cores": None,
}


def run() -> dict[str, Any]:
    """Return `version`, `skew_ms`, `latency_ms`, `client_cores` (of each) and `server_cores`; null if not installed."""
    return measure()[0]


def measure() -> tuple[dict[str, Any], list[Alignment]]:
    """Return the figures of :func:`run`, and when each client emitted the programme; none if it is not installed."""
    missing = [tool for tool in _TOOLS if shutil.which(tool) is None]
    if missing:
        print(f"loaxa: not installed: {', '.join(missing)}", file=sys.stderr)
        return dict(_NULL), []
    with tempfile.TemporaryDirectory(prefix="loaxa-snap-") as name, contextlib.ExitStack() as stack:
        return _run(Path(name), stack)


def describe(result: dict[str, Any]) -> str:
    """Return the figures as a table."""
    return f"snapcast {result['version'] or ''}, {CLIENTS} clients\n" + table.lines(
        ("skew, median", result["skew_ms"]["p50"], "ms"),
        ("skew, 99 of 100", result["skew_ms"]["p99"], "ms"),
        ("latency, median", result["latency_ms"]["p50"], "ms"),
        ("CPU a client", result["client_cores"], "cores"),
        ("CPU of the server", result["server_cores"], "cores"),
    )


def _run(folder: Path, stack: contextlib.ExitStack) -> tuple[dict[str, Any], list[Alignment]]:
    environment = _pulse(folder, stack)
    port, fifo = free_tcp_port(), folder / "speech"
    os.mkfifo(fifo)
    server = _start(stack, ["snapserver", "-c", str(_server_config(folder, port, fifo))], folder, environment)
    network = stack.enter_context(Network(folder, CLIENTS, LINK, ("127.0.0.1", 1), ("127.0.0.1", port)))
    _wait_listening(port)
    clients = [
        _start(
            stack,
            f"snapclient -h 127.0.0.1 -p {network.broker_ports[n]} -i {n + 1} --hostID client-{n} "
            f"--player pulse -s horn{n} --logsink stderr".split(),
            folder,
            environment,
        )
        for n in range(CLIENTS)
    ]
    speech = _speech(WARM_UP_S + SECONDS)
    recorder = stack.enter_context(_Recorder(environment))
    feeder = _Feeder(fifo, speech)
    feeder.start()
    time.sleep(WARM_UP_S)
    before = [children.cpu_seconds(child.pid) for child in (server, *clients)]
    began_s = time.monotonic()
    feeder.join()
    spent_s = time.monotonic() - began_s
    used = [children.cpu_seconds(child.pid) for child in (server, *clients)]
    cores = [(after - earlier) / spent_s for after, earlier in zip(used, before, strict=True)]
    time.sleep(2.0)
    recorded, first_s = recorder.stop()
    source = np.concatenate((np.zeros(max(round((feeder.first_s - first_s) * RATE), 0)), speech))
    ears = [align(source, recorded[:, channel]) for channel in range(CLIENTS)]
    settled = ears[0].start_s > feeder.first_s - first_s + WARM_UP_S
    for ear in ears:
        ear.delay_s[~settled] = np.nan
    figures = {
        "version": _version(),
        "skew_ms": percentiles(skews_ms(ears), ("p50", "p99", "max")),
        "latency_ms": percentiles(latencies_ms(ears), ("p50", "p99")),
        "client_cores": round(float(np.mean(cores[1:])), 4),
        "server_cores": round(cores[0], 4),
    }
    return figures, ears


def _pulse(folder: Path, stack: contextlib.ExitStack) -> dict[str, str]:
    """Start a PulseAudio of our own with a null sink and a horn a channel; return the environment to use it."""
    runtime = folder / "run"
    runtime.mkdir(mode=0o700)
    environment = {
        **os.environ,
        "XDG_RUNTIME_DIR": str(runtime),
        "HOME": str(folder),
        "PULSE_RUNTIME_PATH": str(runtime),
    }
    environment.pop("PULSE_SERVER", None)
    positions = ("front-left", "front-right")
    loads = [
        f"module-native-protocol-unix socket={runtime}/native auth-anonymous=1",
        f"module-null-sink sink_name=village rate={RATE} format=s16le channels={CLIENTS} "
        f"channel_map={','.join(positions)}",
    ]
    loads += [
        f"module-remap-sink sink_name=horn{n} master=village channels=1 channel_map=mono "
        f"master_channel_map={positions[n]} remix=no"
        for n in range(CLIENTS)
    ]
    _start(
        stack,
        ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", "--realtime=yes"]
        + [part for load in loads for part in ("-L", load)],
        folder,
        environment,
    )
    environment["PULSE_SERVER"] = f"unix:{runtime}/native"
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        if subprocess.run(["pactl", "info"], env=environment, capture_output=True, check=False).returncode == 0:
            break
        time.sleep(0.1)
    else:
        log = (folder / "pulseaudio.log").read_text(errors="replace")
        raise RuntimeError(f"PulseAudio did not start: {log[-500:]}")
    # A null sink renders as far ahead as its most hurried client lets it, two seconds without one, and its monitor
    # hands that out at once: a hurried stream of silence makes the monitor's time the sink's.
    _start(
        stack,
        ["pacat", "-d", "village", "--raw", f"--rate={RATE}", f"--latency-msec={_PULSE_LATENCY_MS}", "/dev/zero"],
        folder,
        environment,
    )
    time.sleep(_PULSE_SETTLE_S)
    return environment


def _server_config(folder: Path, port: int, fifo: Path) -> Path:
    path = folder / "snapserver.conf"
    path.write_text(
        f"[server]\ndatadir = {folder}\n[http]\nenabled = false\n[tcp]\nenabled = false\n"
        f"[stream]\nbind_to_address = 127.0.0.1\nport = {port}\n"
        f"source = pipe://{fifo}?name=speech&mode=read&sampleformat={RATE}:16:2\n"
    )
    return path


def _start(
    stack: contextlib.ExitStack, command: list[str], folder: Path, environment: dict[str, str]
) -> subprocess.Popen[bytes]:
    child = children.start(command, log=folder / f"{command[0]}.log", cwd=folder, env=environment)
    stack.callback(children.end, child)
    return child


def _wait_listening(port: int) -> None:
    import socket

    deadline = time.monotonic() + _START_S
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        if time.monotonic() > deadline:
            raise RuntimeError(f"snapserver does not listen on port {port}")
        time.sleep(0.1)


def _speech(seconds: float) -> Floats:
    from scipy.signal import resample_poly

    text = BULLETIN * (1 + int(seconds // 15))
    spoken = subprocess.run(
        ["espeak-ng", "-v", "vi", "--stdout"], input=text.encode(), capture_output=True, check=True
    ).stdout
    samples = np.frombuffer(spoken[44:], "<i2").astype(np.float64) / 32768.0
    return np.asarray(0.7 * resample_poly(samples, 320, 147)[: round(seconds * RATE)])


class _Feeder(threading.Thread):
    """Writes speech into snapserver's pipe in real time; `first_s` is when its first sample was written."""

    def __init__(self, fifo: Path, speech: Floats) -> None:
        super().__init__(daemon=True)
        stereo = np.repeat(np.clip(speech * 32768, -32768, 32767).astype("<i2")[:, None], 2, axis=1)
        self._blocks: Iterator[bytes] = iter(
            stereo[first : first + round(_BLOCK_S * RATE)].tobytes()
            for first in range(0, len(stereo), round(_BLOCK_S * RATE))
        )
        self._fifo = fifo
        self.first_s = time.monotonic()

    def run(self) -> None:
        """Write it all."""
        with self._fifo.open("wb", buffering=0) as pipe:
            self.first_s = time.monotonic()
            for number, block in enumerate(self._blocks):
                time.sleep(max(self.first_s + number * _BLOCK_S - time.monotonic(), 0.0))
                pipe.write(block)


class _Recorder:
    """Records the null sink. The first sample's time is the earliest that any piece's arrival allows."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._child = subprocess.Popen(
            f"parec -d village.monitor --raw --format=s16le --rate={RATE} --channels={CLIENTS} "
            f"--latency-msec={_PULSE_LATENCY_MS}".split(),
            env=environment,
            stdout=subprocess.PIPE,
        )
        self._parts: list[bytes] = []
        self._first_s = float("inf")
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> "_Recorder":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def stop(self) -> tuple[Floats, float]:
        """Return ``(samples, channels)`` and the CLOCK_MONOTONIC second of the first."""
        self._end()
        raw = b"".join(self._parts)
        frames = len(raw) // (2 * CLIENTS)
        samples = np.frombuffer(raw[: frames * 2 * CLIENTS], "<i2").reshape(frames, CLIENTS)
        return samples.astype(np.float64) / 32768.0, self._first_s

    def _end(self) -> None:
        self._child.terminate()
        self._child.wait()
        self._thread.join()

    def _read(self) -> None:
        assert self._child.stdout is not None
        frames = 0.0
        while data := os.read(self._child.stdout.fileno(), 1 << 16):
            self._parts.append(data)
            frames += len(data) / (2 * CLIENTS)
            self._first_s = min(self._first_s, time.monotonic() - frames / RATE)
        self._child.stdout.close()


def _version() -> str | None:
    found = subprocess.run(["snapclient", "--version"], capture_output=True, text=True, check=False)
    words = (found.stdout or found.stderr).split()
    return next((word.lstrip("v").rstrip(",") for word in words if word.lstrip("v")[:1].isdigit()), None)
