"""Does everything work? A real node's speaker is cut off, is shown with what to do, acknowledged, mended and gone."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from hil_sim.browser import Person
from hil_sim.village import Village
from tests.browser.commune import Commune

pytestmark = pytest.mark.alone
Come = Callable[..., Person]
SHOWN_MS, CLEARED_MS = 100_000, 20_000 + 15_000
"""EN 54-16, and for the second the time until the node sounds again."""


@pytest.fixture(scope="module")
def commune(village: Village) -> Commune:
    """The commune of real nodes."""
    return Commune(village.office.url, village.office)


def tone(village: Village, node: str) -> None:
    village.office.post(f"/api/nodes/{node}/command", {"op": "tone", "duration_ms": 1500})


@pytest.mark.timeout(200)
def test_a_cut_speaker_is_shown_acknowledged_mended_and_gone(person: Come, village: Village) -> None:
    who = person("operator", path="/health")
    page = who.page
    expect(page.get_by_text(who.t("health.all_well"), exact=True)).to_be_visible()
    wall = person("board", path="/wall", device="wall").page
    expect(wall.get_by_text(who.t("health.all_well"), exact=True)).to_be_visible()
    village.fail(1, speaker="open")
    tone(village, "node-01")
    kind = who.t("alerts.kind.speaker_open")
    expect(page.get_by_role("heading", name=kind, exact=True)).to_be_visible(timeout=SHOWN_MS)
    expect(page.get_by_text(who.t("alerts.todo.speaker_open"), exact=True)).to_be_visible()
    expect(page.get_by_text(who.t("health.faults", count=1), exact=True)).to_be_visible()
    expect(page.get_by_role("navigation").get_by_label(who.t("shell.faults", count=1)).first).to_be_visible()
    expect(wall.get_by_text(kind, exact=True)).to_be_visible()
    acknowledge(page, who, kind, "đã gọi thợ")
    expect(page.get_by_text("đã gọi thợ")).to_be_visible()
    expect(page.get_by_text(who.t("health.seen_by", who="operator.thu"), exact=True)).to_be_visible()
    village.repair(1)
    page.wait_for_timeout(2000)  # until the board sees it
    tone(village, "node-01")
    expect(page.get_by_text(who.t("health.all_well"), exact=True)).to_be_visible(timeout=CLEARED_MS)
    past = page.get_by_role("region", name=who.t("health.past"), exact=True)
    expect(past.get_by_text(kind)).to_be_visible()
    expect(wall.get_by_text(who.t("health.all_well"), exact=True)).to_be_visible()


def acknowledge(page: Page, who: Person, kind: str, note: str) -> None:
    what = who.t("health.acknowledge_this", what=f"{kind}, node-01 · Thôn Một")
    page.get_by_role("button", name=what, exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label(who.t("health.note"), exact=True).fill(note)
    dialog.get_by_role("button", name=who.t("health.acknowledge"), exact=True).click()
    expect(dialog).to_have_count(0)


def test_who_only_looks_has_nothing_to_press(person: Come) -> None:
    who = person("board", path="/health")
    expect(who.page.get_by_text(who.t("health.all_well"), exact=True)).to_be_visible()
    expect(who.page.get_by_role("button", name=who.t("shell.stop_all"))).to_have_count(0)
    expect(who.page.get_by_role("button", name=who.t("health.test_channels"))).to_have_count(0)
