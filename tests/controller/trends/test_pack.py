"""Packing loses nothing, and bytes that are no frame are refused."""

import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.trends.frame import MAX_VALUE, NOTHING, Frame, column, join, latest, words
from controller.trends.pack import MAX_BYTES, PackError, pack, unpack

values = st.none() | st.integers(-MAX_VALUE, MAX_VALUE) | st.integers(-200, 200)
names = st.text(min_size=1, max_size=12)
said = st.none() | st.text(max_size=5)


@st.composite
def frames(draw: st.DrawFn, rows: int | None = None) -> Frame:
    count = draw(st.integers(0, 40)) if rows is None else rows
    lists = draw(st.dictionaries(names, st.lists(values, min_size=count, max_size=count), max_size=4))
    texts = draw(st.dictionaries(names, st.lists(said, min_size=count, max_size=count), max_size=3))
    return Frame(
        count,
        {name: column(each) for name, each in lists.items()},
        {name: words(each) for name, each in texts.items()},
    )


def told(frame: Frame) -> dict[tuple[str, str], list[object]]:
    """Return what a frame says, without columns that say nothing."""
    found: dict[tuple[str, str], list[object]] = {}
    for name, numbers in frame.numbers.items():
        found["number", name] = [None if value == NOTHING else int(value) for value in numbers]
    for name, each in frame.words.items():
        found["word", name] = [None if code == NOTHING else each.vocabulary[code] for code in each.codes]
    return {name: column for name, column in found.items() if any(value is not None for value in column)}


@given(frames())
def test_what_is_packed_comes_back(frame: Frame) -> None:
    back = unpack(pack(frame))
    assert back.rows == frame.rows
    assert told(back) == told(frame)


@pytest.mark.parametrize("seed", range(3))
def test_a_day_of_noise_comes_back_and_is_short(seed: int) -> None:
    random = np.random.default_rng(seed)
    noise = random.normal(-70, 4, 1440).astype(np.int64)
    slow = np.cumsum(random.integers(-3, 4, 1440)) * 125 + 31_000
    gap = np.where(random.random(1440) < 0.1, NOTHING, 5)
    frame = Frame(1440, {"noise": noise, "slow": slow, "gap": gap, "count": np.arange(1440) * 60})
    packed = pack(frame)
    assert told(unpack(packed)) == told(frame)
    assert len(packed) < 1440 * 1.4, "about 4.1 and 2.8 bits of noise, half a bit of gaps"


@given(st.lists(frames(), max_size=4))
def test_joined_frames_keep_every_row(parts: list[Frame]) -> None:
    whole = join(parts)
    assert whole.rows == sum(part.rows for part in parts)
    expected: dict[tuple[str, str], list[object]] = {}
    at = 0
    for part in parts:
        for name, each in told(part).items():
            expected.setdefault(name, [None] * whole.rows)[at : at + part.rows] = each
        at += part.rows
    assert told(whole) == expected


def test_of_a_minute_that_came_twice_the_last_counts() -> None:
    frame = Frame(5, {"minute": column([7, 5, 6, 5, None]), "x": column([1, 2, 3, 4, 5])})
    assert told(latest(frame, "minute")) == {("number", "minute"): [5, 6, 7], ("number", "x"): [4, 3, 1]}


@given(st.binary(max_size=80), st.booleans())
def test_other_bytes_are_refused(raw: bytes, compressed: bool) -> None:
    if compressed:
        raw = zlib.compress(b"\1" + raw)
    with pytest.raises(PackError):
        unpack(raw)


@given(frames(rows=9), st.data())
def test_damaged_bytes_are_refused_or_read_never_worse(frame: Frame, data: st.DataObject) -> None:
    raw = bytearray(zlib.decompress(pack(frame)))
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(raw)))
    try:
        found = unpack(zlib.compress(bytes(raw[:cut])))
    except PackError:
        return
    assert all(len(each) == found.rows for each in found.numbers.values())


def test_a_bomb_is_refused() -> None:
    with pytest.raises(PackError, match="too long"):
        unpack(zlib.compress(b"\1" + bytes(MAX_BYTES)))
    header = b'[1e9,[["x",0,0,0,1,[]]]]'
    with pytest.raises(PackError, match="too many rows"):
        unpack(zlib.compress(b"\1" + len(header).to_bytes(4, "big") + header))


def test_a_value_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="2 to the 60th"):
        pack(Frame(1, {"x": column([MAX_VALUE + 1])}))
