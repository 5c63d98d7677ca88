"""What a picture needs a hand for: somebody speaks, a board is enrolled, a sheet is open."""

from pathlib import Path
from typing import Any

import numpy as np

from hil_sim.browser import Person
from hil_sim.commune import NEW
from hil_sim.nodes import Node, NodeSetup
from hil_sim.office import Office, OfficeError
from hil_sim.signals import RATE, write_wav
from hil_sim.voice import speech

SPOKEN = ("thon-thuong", "thon-ha")
"""The zones that somebody speaks in."""
_SPEECH_S = 20.0
_SPEAKING_MS = _BOARD_MS = 60_000


def voice(folder: Path) -> Path:
    """Return a WAV file of speech, for the microphone of a browser."""
    path = folder / "voice.wav"
    write_wav(path, np.concatenate([speech(_SPEECH_S)] * 3)[: int(60 * RATE)])
    return path


def put_on_air(person: Person, session: dict[str, Any]) -> None:
    """Begin a session as who is signed in."""
    asked = """async (body) => (await fetch("/api/sessions", {method: "POST", body: JSON.stringify(body),
        headers: {"Content-Type": "application/json"}})).status"""
    if (status := person.page.evaluate(asked, session)) != 201:
        raise OfficeError(f"a session was refused with {status}")


def speak(person: Person) -> None:
    """Press the button on the page of live voice, which must be shown; return while one is heard."""
    page = person.page
    for zone in SPOKEN:
        page.locator(f'input[name="zone"][value="{zone}"]').check()
    page.get_by_role("button", name=person.t("live.speak")).click()
    page.get_by_text(person.t("live.state_speaking")).wait_for(timeout=_SPEAKING_MS)
    page.wait_for_timeout(3000)


def fall_silent(person: Person) -> None:
    """End what :func:`speak` began."""
    person.page.get_by_role("main").get_by_role("button", name=person.t("live.end")).click()
    person.page.get_by_role("button", name=person.t("live.speak")).wait_for(timeout=_SPEAKING_MS)


def ask_for_code(person: Person) -> str:
    """Make a code for the node that has no board; return its line, while the page shows it."""
    person.open(f"/enrol/{NEW}")
    person.page.get_by_role("button", name=person.t("enrol.make_code")).click()
    line = person.page.get_by_label(person.t("enrol.line"), exact=True)
    line.wait_for()
    return str(line.input_value() if line.evaluate("(each) => 'value' in each") else line.inner_text()).strip()


def take_code(person: Person, office: Office, line: str, number: int, folder: Path) -> Node:
    """Let a board take the line and start; return it once the page shows that the office sees it."""
    setup = NodeSetup(number, office.media_port, office.broker_port, drift_ppm=8.0, seed=number, record=False)
    board = Node(setup, line, folder)
    try:
        board.enrolled()
        board.power_on()
        person.page.get_by_role("button", name=person.t("enrol.tone")).wait_for(timeout=_BOARD_MS)
        checks: Any = person.page.locator(".checks .done")
        checks.nth(2).wait_for(timeout=_BOARD_MS)
    except BaseException:
        board.power_off()
        raise
    return board
