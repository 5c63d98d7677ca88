"""Children: limits in force, deaths of every sort, warm starts."""

import asyncio
import os
import resource
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest

from controller.ingest.errors import IngestError
from controller.ingest.events import Ended, Failed, Position, Stopped
from controller.ingest.pool import IngestPool
from controller.ingest.request import FileSource, PushRequest, TextRequest, ToneRequest
from tests.controller.ingest import media

LONG = ToneRequest(duration_ms=3_600_000)
ROOT = Path(__file__).resolve().parents[3]


async def _blocked(pool: IngestPool) -> tuple[media.Ingest, int, list[media.Event]]:
    """Start a long source whose pipe nobody reads."""
    read_fd, write_fd = os.pipe()
    events: list[media.Event] = []
    ingest = await pool.start(LONG, write_fd, events.append)
    await ingest.wait_started()
    return ingest, read_fd, events


async def test_warm_start_latency(tmp_path: Path) -> None:
    path = media.write(tmp_path / "a.mp3", "libmp3lame", media.sine(440, 1.0))
    requests = (ToneRequest(), TextRequest(text="Xin chào bà con."), FileSource(path=path))
    async with IngestPool(warm=1) as pool:
        for request in requests:
            taken_ms = []
            for _ in range(4):
                await pool.open()
                await asyncio.sleep(0.2)
                read_fd, write_fd = os.pipe()
                begun_s = time.perf_counter()
                ingest = await pool.start(request, write_fd)
                await asyncio.to_thread(os.read, read_fd, 4096)
                taken_ms.append((time.perf_counter() - begun_s) * 1000)
                await ingest.stop()
                os.close(read_fd)
            print(f"warm start, {request.kind}: {statistics.median(taken_ms):.0f} ms to the first samples")


async def test_a_cold_start_works(pool: IngestPool) -> None:
    heard = await asyncio.gather(*(media.record(pool, ToneRequest(duration_ms=100)) for _ in range(4)))
    assert all(recording.final == Ended() and len(recording.samples) == 4800 for recording in heard)


async def test_a_child_that_waited_long_for_its_job_does_not_count_as_hanging() -> None:
    async with IngestPool(warm=1, hang_s=1.0) as pool:
        await asyncio.sleep(1.5)
        recording = await media.record(pool, ToneRequest(duration_ms=2500))
    assert recording.final == Ended()


async def test_nobody_reading_is_no_hang_and_position_is_told() -> None:
    async with IngestPool(warm=1, hang_s=2.0) as pool:
        ingest, read_fd, events = await _blocked(pool)
        await asyncio.sleep(4.0)
        assert ingest.final is None
        assert any(isinstance(event, Position) for event in events)
        os.close(read_fd)
        assert await ingest.wait() == Ended()


@pytest.mark.parametrize(
    ("deadly", "code"),
    [(signal.SIGKILL, "killed"), (signal.SIGSEGV, "crashed"), (signal.SIGXCPU, "too_slow")],
)
async def test_a_death_is_a_failure(pool: IngestPool, deadly: signal.Signals, code: str) -> None:
    ingest, read_fd, events = await _blocked(pool)
    os.kill(ingest.pid, deadly)
    final = await ingest.wait()
    assert isinstance(final, Failed)
    assert final.code == code
    assert events[-1] == final
    os.close(read_fd)
    assert (await media.record(pool, ToneRequest())).final == Ended()


async def test_a_hanging_child_is_ended() -> None:
    async with IngestPool(warm=1, hang_s=2.0) as pool:
        ingest, read_fd, _ = await _blocked(pool)
        os.kill(ingest.pid, signal.SIGSTOP)
        final = await asyncio.wait_for(ingest.wait(), 20)
        assert isinstance(final, Failed)
        assert final.code == "hung"
        os.close(read_fd)


async def test_a_start_that_is_cancelled_leaves_nothing_behind() -> None:
    async with IngestPool(warm=0) as pool:
        read_fd, write_fd = os.pipe()
        starting = asyncio.create_task(pool.start(ToneRequest(), write_fd))
        await asyncio.sleep(0.05)
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting
        assert os.read(read_fd, 1) == b""
        os.close(read_fd)


async def test_a_warm_child_that_died_is_replaced(pool: IngestPool) -> None:
    for worker in pool._idle:
        os.kill(worker.pid, signal.SIGKILL)
    assert (await media.record(pool, ToneRequest())).final == Ended()


async def test_stop(pool: IngestPool) -> None:
    ingest, read_fd, events = await _blocked(pool)
    assert await ingest.stop() == Stopped()
    assert await ingest.stop() == Stopped()
    assert events[-1] == Stopped()
    with pytest.raises(ProcessLookupError):
        os.kill(ingest.pid, 0)
    left = 0
    while chunk := os.read(read_fd, 65536):
        left += len(chunk)
    assert left % 4 == 0
    os.close(read_fd)


async def test_failure_before_the_start_is_raised_to_who_waits(pool: IngestPool, tmp_path: Path) -> None:
    read_fd, write_fd = os.pipe()
    ingest = await pool.start(FileSource(path=tmp_path / "gone"), write_fd)
    with pytest.raises(IngestError, match="upload it again"):
        await ingest.wait_started()
    os.close(read_fd)


async def test_what_is_the_controllers_is_refused_and_the_pipe_closed(pool: IngestPool) -> None:
    read_fd, write_fd = os.pipe()
    with pytest.raises(TypeError):
        await pool.start(PushRequest(), write_fd)
    assert os.read(read_fd, 1) == b""
    os.close(read_fd)


async def test_a_listeners_mistake_ends_nothing(pool: IngestPool) -> None:
    def listener(_event: object) -> None:
        raise RuntimeError("mine")

    read_fd, write_fd = os.pipe()
    ingest = await pool.start(ToneRequest(duration_ms=50), write_fd, listener)
    assert await ingest.wait() == Ended()
    os.close(read_fd)


async def test_limits_are_in_force(pool: IngestPool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOAXA_SECRET", "geheim")
    ingest, read_fd, _ = await _blocked(pool)
    limits = {
        name: resource.prlimit(ingest.pid, getattr(resource, f"RLIMIT_{name}"))
        for name in ("AS", "CPU", "NOFILE", "FSIZE", "CORE")
    }
    assert limits["FSIZE"] == (0, 0)
    assert limits["CORE"] == (0, 0)
    assert limits["NOFILE"] == (64, 64)
    assert limits["AS"][0] < 3 << 30
    assert limits["CPU"][0] < 120
    status = Path(f"/proc/{ingest.pid}/status").read_text()
    assert "NoNewPrivs:\t1" in status
    assert b"LOAXA_SECRET" not in Path(f"/proc/{ingest.pid}/environ").read_bytes()
    files = [str(link.readlink()) for link in Path(f"/proc/{ingest.pid}/fd").iterdir()]
    assert len([name for name in files if name.startswith(("socket", "pipe"))]) <= 4, files
    await ingest.stop()
    os.close(read_fd)


LIMITED = """
import sys
from controller.ingest import confine
import numpy
confine.CPU_WITHOUT_SOUND_S = 1
confine.limit()
confine.write_no_file()
{}
print("alive")
"""


@pytest.mark.parametrize(
    ("act", "outcome"),
    [
        ("numpy.ones(1 << 30)", "MemoryError"),
        ("open('/tmp/loaxa-limits-test', 'wb').write(b'x' * 100000)", "File too large"),
        ("files = [open('/dev/null') for _ in range(100)]", "Too many open files"),
        ("while True: pass", -signal.SIGXCPU),
    ],
)
def test_limits_bite(act: str, outcome: str | int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIMITED.format(act)], capture_output=True, text=True, cwd=ROOT, check=False
    )
    Path("/tmp/loaxa-limits-test").unlink(missing_ok=True)
    assert "alive" not in done.stdout
    assert outcome == done.returncode if isinstance(outcome, int) else outcome in done.stderr


CONTROLLER = """
import asyncio, os
from controller.ingest.pool import IngestPool
from controller.ingest.request import ToneRequest
async def main():
    pool = IngestPool(warm=1)
    await pool.open()
    read_fd, write_fd = os.pipe()
    ingest = await pool.start(ToneRequest(duration_ms=3600000), write_fd)
    await ingest.wait_started()
    await pool.open()
    print(ingest.pid, pool._idle[0].pid, flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""


def test_children_die_with_the_controller() -> None:
    with subprocess.Popen([sys.executable, "-c", CONTROLLER], stdout=subprocess.PIPE, text=True, cwd=ROOT) as parent:
        assert parent.stdout is not None
        pids = [int(word) for word in parent.stdout.readline().split()]
        assert len(pids) == 2
        parent.kill()
    deadline_s = time.monotonic() + 10
    while any(_runs(pid) for pid in pids):
        assert time.monotonic() < deadline_s
        time.sleep(0.05)


def _runs(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False
