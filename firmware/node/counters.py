"""What a node counts: the names of codec.wire.report.COUNTERS."""

from codec.wire import report


def new_counters():
    """Return a dict with every counter at 0."""
    return dict.fromkeys(report.COUNTERS, 0)
