"""Finds what was edited, removed, put in or moved in a chain of records, and what was cut off its end."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field

from controller.audit.head import Head
from controller.audit.record import Record

BROKEN = "audit.not_whole"
"""What the controller records when it finds the audit damaged; it stays damaged for ever after."""
MAX_LINE_CHARS = 400_000
MOST = 100
"""Problems that are listed; where there are more, the chain is broken anyhow."""


@dataclass(frozen=True)
class Verdict:
    """whole: nothing was found. head: of the last record that was read. problems: sentences that name records.

    whole_to: up to which record nothing was found, 0 for none. first_us, last_us: when the first and the last record
    were made, UTC; None where there is none.
    """

    whole: bool
    head: Head
    problems: list[str]
    whole_to: int
    first_us: int | None
    last_us: int | None


@dataclass
class Verifier:
    """Takes records in the order in which they lie."""

    head: Head = field(default_factory=Head)
    problems: list[str] = field(default_factory=list)
    whole_to: int = 0
    broken: bool = False
    first_us: int | None = None
    last_us: int | None = None

    def add(self, record: Record, kept: Head | None = None) -> None:
        """Take the next record; `kept`: the head that was kept elsewhere."""
        expected = self.head.n + 1
        found = len(self.problems)
        if record.n != expected:
            self._say(f"record {expected} is missing; record {record.n} stands in its place")
        elif record.previous != self.head.hash:
            self._say(f"record {record.n} does not follow from what stands before it")
        if record.digest() != record.hash:
            self._say(f"record {record.n} was changed")
        if kept and kept.n == record.n and kept.hash != record.hash:
            self._say(f"record {record.n} is not the one that was kept in audit.head")
        if record.action == BROKEN:
            self._say(f"record {record.n} tells that the audit was found damaged: {record.details}")
        self.head = Head(record.n, record.hash)
        self.last_us = record.wall_us
        if self.first_us is None:
            self.first_us = record.wall_us
        self.broken = self.broken or len(self.problems) > found
        if not self.broken:
            self.whole_to = record.n

    def add_all(self, records: Iterable[Record], kept: Head | None = None) -> None:
        """Take records in order."""
        for record in records:
            self.add(record, kept)

    def verdict(self, kept: Head | None = None) -> Verdict:
        """Return what was found."""
        if kept and kept.n > self.head.n:
            self._say(f"records {self.head.n + 1} to {kept.n} were removed from the end")
        whole = not self.problems
        return Verdict(whole, self.head, list(self.problems), self.whole_to, self.first_us, self.last_us)

    def _say(self, problem: str) -> None:
        if len(self.problems) < MOST:
            self.problems.append(problem)


def verify_export(lines: Iterable[str]) -> Verdict:
    """Return the verdict on an export, JSON lines; its end is as true as the head that is told beside it."""
    verifier = Verifier()
    for number, line in enumerate(lines, 1):
        try:
            if len(line) > MAX_LINE_CHARS:
                raise ValueError
            record = Record(**json.loads(line))
            if record.line() != line.rstrip("\r\n"):
                raise ValueError
        except (ValueError, TypeError, RecursionError):
            verifier._say(f"line {number} is no record")
            continue
        verifier.add(record)
    return verifier.verdict()
