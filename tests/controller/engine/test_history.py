"""The packets that may be asked for again, and how many of them one member may have."""

from hypothesis import given
from hypothesis import strategies as st

from controller.engine.allowance import BURST, MAX_TIMES, SHARE, Asker
from controller.engine.history import History

CAPACITY = 40
steps = st.lists(st.integers(1, 3 * CAPACITY), max_size=120)
"""How far each frame that is sent is from the one before it: silence is not sent."""


def filled(begin, gaps):
    history = History(CAPACITY)
    frames = []
    index = begin
    for gap in gaps:
        index += gap
        history.keep(index, index.to_bytes(8))
        frames.append(index)
    return history, frames


@given(st.integers(-1, (1 << 32) - 20_000), steps)
def test_what_was_sent_lately_is_found_by_its_number_and_nothing_else(begin, gaps):
    history, frames = filled(begin, gaps)
    newest = frames[-1] if frames else 0
    expected = {index: index.to_bytes(8) for index in frames if index > newest - CAPACITY}
    assert history.kept == len(frames)
    for index in range(max(0, newest - 3 * CAPACITY), newest + 2 * CAPACITY):
        found = history.find(index & 0xFFFF)
        assert found == ((index, expected[index]) if index in expected else None)


@given(st.lists(st.integers(0, 0xFFFF), max_size=50), steps)
def test_no_number_finds_what_is_too_old(sequences, gaps):
    history, frames = filled(-1, gaps)
    for sequence in sequences:
        found = history.find(sequence)
        assert found is None or (found[0] in frames[-CAPACITY:] and found[0] & 0xFFFF == sequence)


@given(st.lists(st.tuples(st.integers(1, 8), st.lists(st.integers(0, CAPACITY - 1), max_size=40)), max_size=60))
def test_a_member_never_has_more_than_its_share(turns):
    """Whatever is asked for, in any order."""
    history = History(CAPACITY)
    asker = Asker(history)
    times = {}
    index = granted = 0
    for sent, ages in turns:
        for _ in range(sent):
            history.keep(index, b"")
            index += 1
        for age in ages:
            wanted = max(0, index - 1 - age)
            if asker.take(wanted, index):
                granted += 1
                times[wanted] = times.get(wanted, 0) + 1
        assert granted <= BURST + SHARE * index
        assert len(asker._times) <= 2 * CAPACITY + 1
    assert max(times.values(), default=0) <= MAX_TIMES
