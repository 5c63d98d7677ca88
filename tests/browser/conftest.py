"""People with browsers at a real controller. A test in whose window anything goes wrong fails, whatever it asserts."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from controller.people.permissions import ROLES
from hil_sim import browser as browsers
from hil_sim import commune as communes
from hil_sim.browser import Person
from hil_sim.live import CLOCK, LINK
from hil_sim.scenario import Scenario, poles
from hil_sim.signals import RATE, write_wav
from hil_sim.village import Village
from hil_sim.voice import speech
from tests import needs
from tests.browser.commune import Commune
from tests.controller.running import CONFIG, Running, running

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

VILLAGE_NODES = 2
EXPECT_MS = 15_000
"""How long a page may take to show what is expected of it: no measure of its speed, the machine may be busy."""


@pytest.fixture(scope="session")
def controller(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The process of the commune's controller."""
    with running(tmp_path_factory.mktemp("commune"), CONFIG + '[web]\ntiles = ""\n') as found:
        communes.furnish(found)
        yield found


@pytest.fixture(scope="session")
def commune(controller: Running) -> Commune:
    """A commune of six zones and 14 nodes, of which no board was ever heard."""
    return Commune(controller.ports["url"], controller)


@pytest.fixture(scope="module")
def village(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Village]:
    """A controller with real nodes on line, whose DACs are captured; a module in which they are heard is `alone`.

    It has a `commune` of its own, too: ``Commune(village.office.url, village.office)``.
    """
    scenario = Scenario(name="browser", nodes=VILLAGE_NODES, network=LINK, clock=CLOCK, positions=poles(VILLAGE_NODES))
    with Village(scenario, tmp_path_factory.mktemp("village")) as found:
        found.wait_online()
        yield found


@pytest.fixture(scope="module")
def microphone() -> Path | None:
    """What the browser's microphone hears; a module that wants it to hear something has a fixture of this name."""
    return None


@pytest.fixture(scope="module")
def browser(commune: Commune, microphone: Path | None) -> Iterator["Browser"]:
    """One Chromium a module: its event loop would be in the way of other modules' tests."""
    if browsers.find() is None:
        needs.missing("there is no Chromium; run: scripts/system-packages browser")
    from playwright.sync_api import expect

    expect.set_options(timeout=EXPECT_MS)
    with browsers.chromium(commune.url, microphone) as found:
        yield found


@pytest.fixture
def person(browser: "Browser", commune: Commune) -> Iterator[Callable[..., Person]]:
    """Return a function that gives somebody a window of his own.

    role: a role to be signed in with, or "" for nobody in particular; the first of each signs in by the form, the
    others have his cookie. path: where he begins; None: he has gone nowhere yet. language, device, theme and more: as
    of :class:`hil_sim.browser.Person`.
    """
    made: list[Person] = []

    def come(role: str = "administrator", path: str | None = "/", **other: Any) -> Person:
        assert not role or role in ROLES
        found = Person(browser, commune.url, **other)
        made.append(found)
        if cookies := commune.sign_ins.get(role):
            found.context.add_cookies(cookies)
        if path is not None:
            found.open(path)
        if role and not cookies:
            found.sign_in(*commune.account(role))
            commune.sign_ins[role] = found.context.cookies()
        if role:
            found.page.get_by_role("main").wait_for()
        return found

    yield come
    faults = [fault for each in made for fault in each.watch.settle()]
    for each in made:
        each.close()
    assert not faults, "\n".join(faults)


@pytest.fixture
def page(person: Callable[..., Person]) -> "Page":
    """The first page of an administrator, in Vietnamese, at a desk."""
    return person().page


@pytest.fixture(scope="session")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A WAV file of 48 kHz: a second of silence, 8 s of spoken bulletin, a second of silence."""
    path = tmp_path_factory.mktemp("spoken") / "spoken.wav"
    silence = np.zeros(RATE)
    write_wav(path, np.concatenate((silence, speech(8.0), silence)))
    return path
