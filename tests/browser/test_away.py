"""The controller is killed while its pages are open: they say so, open from what was kept, and go on by themselves."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from hil_sim.browser import Person
from tests.browser.commune import Commune
from tests.controller.running import CONFIG, Running
from tests.firmware.office import free_port

BACK_MS = 60_000


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A controller that can be killed: it comes back at the same address."""
    found = Running(tmp_path_factory.mktemp("away"), CONFIG + '[web]\ntiles = ""\n', http=free_port())
    try:
        found.post("/api/zones", {"id": "thon-mot", "title": "Thôn Một"})
        yield found
    finally:
        found.kill()


@pytest.fixture(scope="module")
def commune(office: Running) -> Commune:
    """The commune of that controller."""
    return Commune(office.ports["url"], office)


@pytest.mark.timeout(200)
def test_a_controller_comes_back_under_its_pages(person: Callable[..., Person], office: Running) -> None:
    who = person("operator", path="/live")
    page = who.page
    lost = page.get_by_text(who.t("shell.disconnected")).first
    zone = page.get_by_role("checkbox", name="Thôn Một")
    expect(zone).to_be_visible()
    page.evaluate("navigator.serviceWorker.ready.then(() => 0)")
    page.reload()  # through the worker, which keeps what it gives
    expect(zone).to_be_visible()
    hearing = person("board", path="/listen")
    state = hearing.page.get_by_role("status")
    hearing.page.get_by_role("button", name=hearing.t("listen.hear_zone", zone="Thôn Một")).click()
    expect(state.filter(has_text=hearing.t("listen.state_silent"))).to_be_visible()

    office.kill()
    expect(lost).to_be_visible()
    expect(state.filter(has_text=hearing.t("listen.state_lost"))).to_be_visible()
    page.get_by_role("button", name=who.t("shell.stop_all")).click()
    expect(page.get_by_role("alert").filter(has_text=who.t("shell.disconnected"))).to_be_visible()
    page.reload()
    expect(page.locator("html")).to_have_attribute("lang", "vi")
    expect(lost).to_be_visible()

    office.start()
    expect(zone).to_be_visible(timeout=BACK_MS)
    expect(lost).to_have_count(0)
    expect(state.filter(has_text=hearing.t("listen.state_silent"))).to_be_visible(timeout=BACK_MS)
    for each in (who, hearing):
        each.watch.settle()
        each.watch.faults[:] = [fault for fault in each.watch.faults if not of_absence(fault)]


def of_absence(fault: str) -> bool:
    """Whether a fault is what a browser says of a controller that is not there."""
    return any(words in fault for words in ("no answer", "ERR_CONNECTION", "WebSocket connection"))
