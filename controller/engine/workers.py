"""A few threads for the jobs of a block, which spend their time in libopus and the kernel without the GIL."""

import asyncio
import logging
import queue
import threading
from collections.abc import Callable, Sequence

log = logging.getLogger(__name__)


class Workers:
    """`count` threads. A job that raises is logged and counted in `failures`; the others go on."""

    def __init__(self, count: int) -> None:
        self.failures = 0
        self._jobs: queue.SimpleQueue[tuple[Callable[[], None], _Batch] | None] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=self._work, name=f"worker-{number}", daemon=True) for number in range(count)
        ]
        for thread in self._threads:
            thread.start()

    async def run(self, jobs: Sequence[Callable[[], None]]) -> None:
        """Run all `jobs`, in any order and at the same time; return when all are done."""
        if not jobs:
            return
        batch = _Batch(len(jobs))
        for job in jobs:
            self._jobs.put((job, batch))
        await batch.done

    def close(self) -> None:
        """End the threads once they have done what was given to them."""
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while (item := self._jobs.get()) is not None:
            job, batch = item
            try:
                job()
            except Exception:
                self.failures += 1
                if self.failures & (self.failures - 1) == 0:  # 1, 2, 4, 8, …: a broken job must not flood the log
                    log.exception("a job of a block failed (%d so far)", self.failures)
            batch.finish_one()


class _Batch:
    def __init__(self, count: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._left = count
        self._lock = threading.Lock()
        self.done: asyncio.Future[None] = self._loop.create_future()

    def finish_one(self) -> None:
        with self._lock:
            self._left -= 1
            if self._left:
                return
        self._loop.call_soon_threadsafe(self._finish)

    def _finish(self) -> None:
        if not self.done.done():
            self.done.set_result(None)
