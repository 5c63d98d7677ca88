"""What sounded when: the programme of a calibration as a file, kept for a recording that comes later."""

import json
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationError

from controller.acoustics.calibration import MOST_MINUTES
from controller.acoustics.probe import Programme
from controller.bodies import Body
from controller.web.models.fields import GainDb, Name
from controller.web.models.nodes import DelayUs
from loaxa.errors import CommandError

DEFAULT_NAME = "calibration.json"
MAX_ROUNDS = 5
MAX_NODES = 200
_MARGIN_S = 20.0
"""Of the longest recording: what is recorded before and after the sweeps."""
_MAX_BYTES = 256 * 1024


class PlayedNode(Body):
    """One node as it was set while it sounded."""

    id: Name
    delay_us: DelayUs
    gain_db: GainDb


def _distinct(nodes: list[PlayedNode]) -> list[PlayedNode]:
    if len({node.id for node in nodes}) < len(nodes):
        raise ValueError("a node stands there twice")
    return nodes


class Played(Body):
    """Nodes in order of their slots. lost: slots that are no measurement, since a node did not answer in time."""

    nodes: Annotated[list[PlayedNode], AfterValidator(_distinct)] = Field(min_length=1, max_length=MAX_NODES)
    rounds: int = Field(ge=1, le=MAX_ROUNDS)
    lost: list[int] = Field(default_factory=list, max_length=MAX_NODES * MAX_ROUNDS)

    @property
    def programme(self) -> Programme:
        """The programme of sweeps."""
        return Programme({node.id: node.delay_us for node in self.nodes}, self.rounds)

    @property
    def gains_db(self) -> dict[str, float]:
        """Each node's gain while it was measured."""
        return {node.id: node.gain_db for node in self.nodes}

    def check_length(self) -> None:
        """Raise CommandError where no recording could hold the programme."""
        if self.programme.duration_s > MOST_MINUTES * 60 - _MARGIN_S:
            raise CommandError(
                f"{len(self.nodes)} nodes in {self.rounds} rounds take {self.programme.duration_s / 60:.0f} minutes, "
                f"more than the {MOST_MINUTES} that are measured. Measure fewer nodes at a time, or with --rounds 1."
            )


def keep(played: Played, path: Path) -> None:
    """Write `played` into `path`; raises CommandError."""
    try:
        path.write_text(json.dumps(played.model_dump(), indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise CommandError(
            f"{path}, where it is kept what is played, cannot be written: {error.strerror}. Choose another: --played."
        ) from None


def load(path: Path) -> Played:
    """Return what :func:`keep` wrote; raises CommandError."""
    try:
        with path.open("rb") as file:
            raw = file.read(_MAX_BYTES)
        played = Played.model_validate_json(raw)
    except OSError as error:
        raise CommandError(
            f"{path}, which tells what was played, cannot be read: {error.strerror}. "
            "--play-only writes it; say with --played where it is."
        ) from None
    except ValidationError:
        raise CommandError(f"{path} does not tell what was played. --play-only writes such a file.") from None
    played.check_length()
    return played
