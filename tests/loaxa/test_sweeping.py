"""Node after node alone sounds in step with the programme; whatever ends it, nothing of it is left on air."""

import os
import signal
import wave
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from controller.acoustics.probe import SWEEP_S, Programme
from loaxa import sweeping
from loaxa.errors import CommandError
from loaxa.patience import Patience, StopError

LEAD_S = 0.8
BEGINS_AFTER_S = 1.3


@dataclass
class Clock:
    """Virtual time; `at` is done when that time has come."""

    s: float = 100.0
    at: dict[float, Callable[[], None]] = field(default_factory=dict)

    def now_s(self) -> float:
        return self.s

    def wait_until(self, until_s: float) -> None:
        self.s = max(self.s, until_s)
        for due_s in [due_s for due_s in self.at if due_s <= self.s]:
            self.at.pop(due_s)()


@dataclass
class Controller:
    """A controller of one zone. slow: how long its nodes take; deaf: who does not answer."""

    clock: Clock
    slow_s: float = 0.05
    deaf: set[str] = field(default_factory=set)
    ended: str | None = None
    refuse: str = ""
    began_s: float = 0.0
    chosen: list[tuple[float, str]] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    length_s: float = 0.0

    def upload(self, path: Path) -> str:
        with wave.open(str(path)) as file:
            self.length_s = file.getnframes() / file.getframerate()
        return "f00d"

    def post(self, path: str, body: dict[str, Any]) -> Any:
        assert path == "/sessions" and body["priority"] == "background"
        self.began_s = self.clock.s + BEGINS_AFTER_S
        return {"id": "s-1"}

    def get(self, path: str) -> Any:
        self.clock.s += 0.01
        on_air = self.clock.s >= self.began_s
        if path == "/zones":
            return {"zones": [{"id": "thon-1", "on_air": {"lead_us": int(LEAD_S * 1e6)} if on_air else None}]}
        assert path == "/sessions/s-1"
        state = "on_air" if on_air else "starting"
        return {"state": state, "zones": ["thon-1"], "ended_at": self.ended, "reason": "stopped"}

    def put(self, path: str, body: dict[str, Any]) -> Any:
        assert path.startswith("/sessions/s-1/solo?wait_s=")
        if self.refuse:
            raise CommandError(self.refuse)
        self.clock.s += 2 * sweeping.ANSWER_S if self.deaf else self.slow_s
        self.chosen.append((self.clock.s, body["node"]))
        return {"node": body["node"], "silent": [], "unanswered": sorted(self.deaf)}

    def delete(self, path: str) -> None:
        self.deleted.append(path)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def office(clock: Clock) -> Controller:
    return Controller(clock)


def play(office: Controller, programme: Programme, notes: list[str] | None = None) -> set[int]:
    heard: list[str] = [] if notes is None else notes
    return sweeping.play(office, programme, ["thon-1"], 0.0, office.clock, heard.append)  # type: ignore[arg-type]


def nothing_is_left(office: Controller) -> bool:
    return office.deleted == ["/sessions/s-1", "/sounds/f00d"]


@pytest.mark.parametrize("delays_us", [{"a": 0, "b": 0, "c": 0}, {"a": 2_000_000, "b": 0, "c": 500_000}])
@pytest.mark.parametrize("slow_s", [0.01, 1.2])
def test_each_sweep_is_one_nodes_alone(office: Controller, delays_us: dict[str, int], slow_s: float) -> None:
    programme = Programme(delays_us, rounds=2)
    office.slow_s = slow_s
    assert play(office, programme) == set()
    assert office.length_s == pytest.approx(programme.duration_s, abs=0.001)
    assert nothing_is_left(office)
    for slot, node in enumerate(programme.slots):
        begins_s = office.began_s + LEAD_S + programme.start_s(slot) + delays_us[node] / 1e6
        before = [name for at_s, name in office.chosen if at_s < begins_s - 0.15]
        during = [name for at_s, name in office.chosen if begins_s - 0.15 <= at_s - slow_s <= begins_s + SWEEP_S]
        assert before[-1] == node, "chosen while its DAC is not filled yet"
        assert set(during) <= {node}, "none is silenced while it sounds"


def test_who_does_not_answer_spoils_only_that_sweep(office: Controller, clock: Clock) -> None:
    programme = Programme({"a": 0, "b": 0, "c": 0}, rounds=1)
    clock.at[clock.s + BEGINS_AFTER_S + programme.start_s(1)] = lambda: office.deaf.add("c")
    clock.at[clock.s + BEGINS_AFTER_S + programme.start_s(2) + 1.5] = office.deaf.clear
    notes: list[str] = []
    lost = play(office, programme, notes)
    assert lost == {2}
    assert "c did not answer in time" in notes[0]
    assert nothing_is_left(office)


def test_nothing_is_measured_without_the_first_sweep(office: Controller) -> None:
    office.deaf = {"b"}
    with pytest.raises(CommandError, match="b did not answer in time, so nothing can be measured"):
        play(office, Programme({"a": 0, "b": 0}, rounds=1))
    assert nothing_is_left(office)


def test_something_else_on_air_ends_it(office: Controller) -> None:
    office.refuse = "The session s-2 plays in the same zone."
    with pytest.raises(CommandError, match="s-2 plays"):
        play(office, Programme({"a": 0, "b": 0}))
    assert nothing_is_left(office)


def test_stopped_by_somebody_else(office: Controller) -> None:
    office.ended = "2026-01-01T00:00:00Z"
    with pytest.raises(CommandError, match="ended before they were all heard: stopped"):
        play(office, Programme({"a": 0, "b": 0}))
    assert nothing_is_left(office)


def test_interrupted_at_any_instant_nothing_is_left(office: Controller, clock: Clock) -> None:
    def stop() -> None:
        raise StopError

    programme = Programme({"a": 0, "b": 0}, rounds=1)
    for after_s in (0.5, 3.0, 8.0, programme.duration_s):
        office.deleted.clear()
        clock.at[clock.s + after_s] = stop
        with pytest.raises(StopError):
            play(office, programme)
        assert nothing_is_left(office)


def test_what_cannot_be_given_back_is_told(office: Controller, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(path: str) -> None:
        raise CommandError("No controller answers.")

    monkeypatch.setattr(office, "delete", gone)
    notes: list[str] = []
    play(office, Programme({"a": 0, "b": 0}, rounds=1), notes)
    assert any("loaxa session stop s-1" in note for note in notes)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_patience_ends_with_a_signal(number: int) -> None:
    before = signal.getsignal(number)
    with Patience() as patience:
        patience.wait_until(patience.now_s() - 1)
        os.kill(os.getpid(), number)
        with pytest.raises(StopError):
            patience.wait_until(patience.now_s() + 5)
    assert signal.getsignal(number) is before
