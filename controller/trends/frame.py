"""Columns by name, all of one length: what is packed, joined and read. Pure; which columns there are is in the data."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

NOTHING = np.iinfo(np.int64).min
"""Stands for null in a column: nothing is known."""
MAX_VALUE = 1 << 60
"""Greatest magnitude of a value: differences of two must fit."""

Column = NDArray[np.int64]


@dataclass(frozen=True)
class Words:
    """A column of words: `codes` are indexes into `vocabulary`, or NOTHING."""

    codes: Column
    vocabulary: tuple[str, ...]


@dataclass(frozen=True)
class Frame:
    """`rows` rows. numbers: int64 columns, NOTHING where null. words: columns of words."""

    rows: int
    numbers: dict[str, Column] = field(default_factory=dict)
    words: dict[str, Words] = field(default_factory=dict)


def column(values: Iterable[int | None]) -> Column:
    """Return a column of these values, each of magnitude MAX_VALUE at most."""
    return np.array([NOTHING if value is None else value for value in values], np.int64)


def words(values: Sequence[str | None]) -> Words:
    """Return a column of these words."""
    vocabulary = {word: code for code, word in enumerate(dict.fromkeys(word for word in values if word is not None))}
    return Words(column(None if word is None else vocabulary[word] for word in values), tuple(vocabulary))


def take(frame: Frame, rows: Column) -> Frame:
    """Return the frame of these rows, by number."""
    return Frame(
        len(rows),
        {name: values[rows] for name, values in frame.numbers.items()},
        {name: Words(each.codes[rows], each.vocabulary) for name, each in frame.words.items()},
    )


def join(frames: Sequence[Frame]) -> Frame:
    """Return one frame with the rows of all, in order; null where a frame has no such column."""
    rows = sum(frame.rows for frame in frames)
    numbers: dict[str, Column] = {}
    codes: dict[str, Column] = {}
    vocabularies: dict[str, dict[str, int]] = {}
    at = 0
    for frame in frames:
        for name, values in frame.numbers.items():
            if name not in numbers:
                numbers[name] = np.full(rows, NOTHING)
            numbers[name][at : at + frame.rows] = values
        for name, each in frame.words.items():
            if name not in codes:
                codes[name] = np.full(rows, NOTHING)
            vocabulary = vocabularies.setdefault(name, {})
            renamed = column(vocabulary.setdefault(word, len(vocabulary)) for word in each.vocabulary)
            known = each.codes != NOTHING
            codes[name][at : at + frame.rows][known] = renamed[each.codes[known]]
        at += frame.rows
    return Frame(rows, numbers, {name: Words(codes[name], tuple(vocabularies[name])) for name in codes})


def latest(frame: Frame, key: str) -> Frame:
    """Return the rows in the order of number column `key`, of equal ones the last alone; null keys are left out."""
    order = np.argsort(frame.numbers[key], kind="stable")
    keys = frame.numbers[key][order]
    last = np.ones(len(keys), bool)
    last[:-1] = keys[1:] != keys[:-1]
    return take(frame, order[last & (keys != NOTHING)])
