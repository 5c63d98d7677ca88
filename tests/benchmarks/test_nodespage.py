"""What the benchmark of the nodes' page takes for a change that was seen."""

import pytest

from benchmarks.nodespage import _matched


def test_each_word_is_seen_once_and_in_time() -> None:
    said = [(10.0, "a", "offline"), (11.0, "a", "online"), (11.2, "b", "offline"), (20.0, "a", "offline")]
    seen = [[10.1, "a", "offline"], [11.3, "a", "online"], [20.2, "a", "offline"]]
    took_ms, missed = _matched(said, seen)
    assert sorted(took_ms) == pytest.approx([100, 200, 300])
    assert missed == 1


def test_what_is_seen_after_the_next_word_is_that_ones() -> None:
    said = [(10.0, "a", "offline"), (11.0, "a", "online"), (12.0, "a", "offline")]
    took_ms, missed = _matched(said, [[11.1, "a", "online"], [12.1, "a", "offline"]])
    assert took_ms == pytest.approx([100, 100])
    assert missed == 1


def test_what_was_there_before_the_word_does_not_count() -> None:
    assert _matched([(10.0, "a", "online")], [[9.0, "a", "online"]]) == ([], 1)
