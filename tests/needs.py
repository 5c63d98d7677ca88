"""What a test needs of the machine. Where it is missing, a person's run skips the test and says why; in continuous
integration (``CI`` is set, as ``.ci/run`` does) the test fails, because ``make test`` was to install it."""

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest


def missing(what: str) -> NoReturn:
    """End the calling test; `what` names what is missing and how to install it."""
    if os.environ.get("CI"):
        pytest.fail(f"{what} (in continuous integration nothing may go untested)", pytrace=False)
    pytest.skip(what)


def player(program: str) -> None:
    """Return where `program`, a standard player, is installed."""
    if shutil.which(program) is None:
        missing(f"{program} is not installed; run: scripts/system-packages players")


def pulseaudio() -> None:
    """Return where a test can have a PulseAudio of its own, with ALSA's way to it."""
    programs = all(map(shutil.which, ("pulseaudio", "pactl", "parec", "paplay")))
    if not (programs and list(Path("/usr/lib").glob("*/alsa-lib/libasound_module_pcm_pulse.so"))):
        missing("no PulseAudio; run: sudo apt-get install pulseaudio pulseaudio-utils libasound2-plugins")
