"""The nodes of a run: unmodified firmware under MicroPython, one process each, enrolled for real, that can lose their
power."""

import json
import os
import random
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hil_sim import children, condition, flash
from hil_sim.office import OfficeError, tail

ENROL_S = 30.0
_TICKS_PERIOD_US = 1 << 30


@dataclass(frozen=True)
class NodeSetup:
    """What makes one node. number: 1-based. media_port, broker_port: of the network, on 127.0.0.1.

    record: keep what its DAC emits.
    """

    number: int
    media_port: int
    broker_port: int
    drift_ppm: float
    seed: int
    record: bool = True
    pipe: Callable[[Path], None] | None = None
    """Makes what it writes into in place of a file that grows."""

    @property
    def name(self) -> str:
        """The node's id."""
        return f"node-{self.number:02d}"


class Node:
    """One node in a folder of its own; it runs from :meth:`power_on` on. faults: what is wrong with its board, set and
    cleared at any time."""

    def __init__(self, setup: NodeSetup, line: str, folder: Path) -> None:
        """line: its enrolment line; it enrols at once, see :meth:`enrolled`."""
        self.setup = setup
        self.folder = folder / setup.name
        self.folder.mkdir(parents=True)
        self.capture = self.folder / "dac.capture"
        if setup.pipe:
            setup.pipe(self.capture)
        self.log = folder / f"{setup.name}.log"
        self.faults = condition.FaultsFile(self.folder)
        chance = random.Random(setup.seed)
        (self.folder / "node.json").write_text(json.dumps({"enrol": line, "sensors": condition.SENSORS}))
        (self.folder / "board.json").write_text(
            json.dumps(
                {
                    "ppm": setup.drift_ppm,
                    "ticks_offset_us": chance.randrange(_TICKS_PERIOD_US),
                    "capture": str(self.capture) if setup.record or setup.pipe else os.devnull,
                    "position_noise_us": 20,
                    "seed": setup.seed,
                    "pins": condition.PINS,
                    "speaker_tone_ma": condition.TONE_MA,
                }
            )
        )
        self._child: subprocess.Popen[bytes] | None = None
        self.power_on()

    def enrolled(self) -> None:
        """Wait until it has its identity, and put the network's ports in place of the controller's into its flash.

        It is off then. Raises OfficeError with what it said when it was not enrolled.
        """
        assert self._child is not None
        try:
            code: int | None = self._child.wait(ENROL_S)
        except subprocess.TimeoutExpired:
            code = None
        self.power_off()
        if code != flash.REBOOT_EXIT_CODE:
            raise OfficeError(f"{self.setup.name} was not enrolled:\n{tail(self.log)}")
        setup = self.setup
        flash.change_identity(
            self.folder, broker=["127.0.0.1", setup.broker_port], media=["127.0.0.1", setup.media_port]
        )

    @property
    def pid(self) -> int | None:
        """Its process, None while it is off."""
        return self._child.pid if self._child else None

    def power_on(self, cause: int = flash.RESET_POWER_ON) -> None:
        """Start the firmware."""
        self._child = children.start(
            flash.node_command(),
            log=self.log,
            cwd=self.folder,
            env=flash.node_environment(cause),
        )
        children.prefer(self._child.pid)

    def power_off(self) -> None:
        """End it in the middle of whatever it does."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()
            self._child = None

    def key(self) -> bytes:
        """Return its secret, as somebody reads it who has opened it."""
        found = flash.identity(self.folder)
        assert found is not None
        return bytes.fromhex(found["key"])

    def tend(self) -> str | None:
        """Start it again if it ended; return what went wrong if it was not a reset of its own wish."""
        if self._child is None or self._child.poll() is None:
            return None
        code = self._child.returncode
        self.power_on(flash.reset_cause(code))
        if code == flash.REBOOT_EXIT_CODE:
            return None
        reason = "its watchdog bit" if code == flash.WATCHDOG_EXIT_CODE else f"it ended with exit code {code}"
        return f"{self.setup.name}: {reason}"
