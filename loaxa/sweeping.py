"""Plays a programme of sweeps, and has the node of each slot alone sound in step with it.

A slot's node is chosen between the end of the last sweep and the beginning of its own. The instant at which the
programme began is seen a little late, and a node's DAC is filled some time ahead: both ends keep a margin of that.
"""

import tempfile
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from controller.acoustics.calibration import REACH_S
from controller.acoustics.probe import RATE_HZ, SWEEP_S, Floats, Programme
from loaxa.client import Controller, segment
from loaxa.errors import CommandError

BEGIN_WITHIN_S = 20.0
ANSWER_S = 0.6
"""How long nodes have to answer; there is time for this twice in a slot."""
AFTER_SWEEP_S = 0.1
BEFORE_SWEEP_S = 0.4
_POLL_S = 0.05
_AGAIN_S = 0.1


class Clock(Protocol):
    """What waits; see :class:`loaxa.patience.Patience`."""

    def now_s(self) -> float:
        """Return the time, seconds."""

    def wait_until(self, until_s: float) -> None:
        """Return at that time."""


def play(
    controller: Controller,
    programme: Programme,
    zones: list[str],
    gain_db: float,
    clock: Clock,
    note: Callable[[str], None],
) -> set[int]:
    """Play `programme` in `zones`; return the slots that are no measurement, since a node did not answer in time.

    Ends when the last sweep has been heard anywhere. Whatever ends it, neither session nor sound nor silence is left.
    Raises CommandError, and what `clock` raises.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "calibration.wav"
        _write(path, programme.samples())
        sound = controller.upload(path)
    session = ""
    try:
        body = {
            "source": {"kind": "sound", "sound": sound},
            "zones": zones,
            "priority": "background",  # whatever else begins is more urgent, and ends the measurement
            "gain_db": gain_db,
        }
        session = str(controller.post("/sessions", body)["id"])
        return _follow(controller, programme, f"/sessions/{segment(session)}", clock, note)
    finally:
        if session:
            _give_back(controller, f"/sessions/{segment(session)}", f"Stop it with: loaxa session stop {session}", note)
        _give_back(controller, f"/sounds/{segment(sound)}", f"The sound {sound} stays in the store.", note)


def _follow(
    controller: Controller, programme: Programme, session: str, clock: Clock, note: Callable[[str], None]
) -> set[int]:
    _choose(controller, session, programme.slots[0])
    began_s, lead_s = _wait_for_begin(controller, session, clock)
    lost: set[int] = set()
    for slot, node in enumerate(programme.slots):
        due_s = began_s + programme.start_s(slot) + lead_s + programme.delays_us[node] / 1e6
        deaf = _choose_by(controller, session, node, due_s - BEFORE_SWEEP_S, clock)
        if deaf:
            names = ", ".join(deaf)
            if slot in (0, len(programme.slots) - 1):
                raise CommandError(
                    f"{names} did not answer in time, so nothing can be measured: the sweeps of {node} at the "
                    "beginning and the end are what times are counted from. See that all nodes are on line."
                )
            lost.add(slot)
            note(f"{names} did not answer in time: this sweep of {node} does not count.")
        clock.wait_until(due_s + SWEEP_S + AFTER_SWEEP_S)
    _check(controller.get(session))
    clock.wait_until(clock.now_s() + REACH_S)
    return lost


def _wait_for_begin(controller: Controller, session: str, clock: Clock) -> tuple[float, float]:
    """Return when the first sample was seen to be on air, and the lead of the zones' streams, seconds."""
    deadline_s = clock.now_s() + BEGIN_WITHIN_S
    began_s: float | None = None
    while clock.now_s() < deadline_s:
        if began_s is None:
            found = controller.get(session)
            _check(found)
            if found["state"] == "on_air":
                began_s = clock.now_s()
        if began_s is not None:
            zones = {zone["id"]: zone["on_air"] for zone in controller.get("/zones")["zones"]}
            streams = [zones.get(zone) for zone in found["zones"]]
            if all(streams):
                return began_s, max(stream["lead_us"] for stream in streams if stream) / 1e6
        clock.wait_until(clock.now_s() + _POLL_S)
    raise CommandError(f"The sweeps did not begin within {BEGIN_WITHIN_S:g} s. GET /api/health tells what is wrong.")


def _choose_by(controller: Controller, session: str, node: str, deadline_s: float, clock: Clock) -> list[str]:
    """Have `node` alone sound; return who has not answered by `deadline_s`, nobody when all did."""
    while True:
        deaf = _choose(controller, session, node)
        if clock.now_s() > deadline_s:
            return deaf or [node]
        if not deaf:
            return []
        clock.wait_until(clock.now_s() + _AGAIN_S)


def _choose(controller: Controller, session: str, node: str) -> list[str]:
    answer = controller.put(f"{session}/solo?wait_s={ANSWER_S}", {"node": node})
    return [str(name) for name in answer["unanswered"]]


def _check(session: dict[str, Any]) -> None:
    if session["ended_at"]:
        raise CommandError(f"The sweeps ended before they were all heard: {session['reason']}. Nothing was changed.")


def _give_back(controller: Controller, path: str, otherwise: str, note: Callable[[str], None]) -> None:
    try:
        controller.delete(path)
    except CommandError as error:
        note(f"{error} {otherwise}")


def _write(path: Path, samples: Floats) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(np.round(samples * 32767.0).astype("<i2").tobytes())
