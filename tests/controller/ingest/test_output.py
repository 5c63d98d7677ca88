"""The writing end of the pipe."""

import fcntl
import os
import socket
from collections.abc import Iterator

import numpy as np
import pytest

from controller.ingest.output import Output, OutputClosedError
from controller.ingest.report import Report
from tests.controller.ingest import media


@pytest.fixture
def report() -> Iterator[Report]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield Report(theirs)


def test_a_live_source_drops_what_nobody_reads_and_never_splits_a_sample(report: Report) -> None:
    read_fd, write_fd = os.pipe()
    capacity = fcntl.fcntl(write_fd, fcntl.F_GETPIPE_SZ)
    output = Output(write_fd, report, live=True)
    for _ in range(200):
        output.write(np.ones(481, np.float32))
    assert report.dropped_us == pytest.approx((200 * 481 - capacity / 4) * 1e6 / 48000, rel=0.1)
    output.close()
    data = b""
    while chunk := os.read(read_fd, 65536):
        data += chunk
    os.close(read_fd)
    assert len(data) % 4 == 0
    assert set(np.frombuffer(data, "<f4")) == {1.0}


def test_nobody_there_any_more(report: Report) -> None:
    read_fd, write_fd = os.pipe()
    os.close(read_fd)
    output = Output(write_fd, report, live=False)
    with pytest.raises(OutputClosedError):
        output.write(media.sine(440, 0.1))
    output.close()


def test_what_is_skipped_counts_in_the_position(report: Report) -> None:
    read_fd, write_fd = os.pipe()
    output = Output(write_fd, report, live=False, start_us=1_000_000, skip_us=10_000)
    output.write(np.arange(600, dtype=np.float32) / 600)
    assert output.position_us == 1_012_500
    output.close()
    first = np.frombuffer(os.read(read_fd, 4096), "<f4")
    os.close(read_fd)
    assert len(first) == 120
    assert first[0] == np.float32(480 / 600)
