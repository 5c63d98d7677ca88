"""The nodes' pages at real nodes: one fails and comes back, is made quieter and heard, and many are ordered at once."""

import re
import time
from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from hil_sim.browser import Person
from hil_sim.capture import read_runs
from hil_sim.village import ZONE, Village
from tests.browser.commune import Commune

pytestmark = pytest.mark.alone
Come = Callable[..., Person]
BACK_MS = 40_000


@pytest.fixture(scope="module")
def commune(village: Village) -> Commune:
    """The commune of the real nodes: two of a village, one that nobody has seen yet in another."""
    office = village.office
    office.post("/api/zones", {"id": "thon-doai", "title": "Thôn Đoài"})
    office.post("/api/nodes", {"id": "chua", "title": "Chùa Phúc Lâm", "zone": "thon-doai"})
    return Commune(office.url, office)


def row(page: Page, title: str) -> Locator:
    """Return the row of a node in the list."""
    link = page.get_by_role("link", name=title, exact=True)
    return page.get_by_role("table").get_by_role("row").filter(has=link)


def titles(page: Page) -> list[str]:
    """Return who is listed, from above."""
    return page.get_by_role("table").get_by_role("row").get_by_role("link").all_inner_texts()


def loudness(village: Village, number: int, since_ns: int) -> tuple[float, float]:
    """Return for how long a node's DAC gave sound since then, in seconds, and its root mean square."""
    found = []
    for run in read_runs(village.nodes[number - 1].capture):
        first = max(0, round((since_ns - run.first_ns) * run.rate_hz / 1e9))
        found.append(run.samples[first:])
    samples = np.concatenate(found) if found else np.zeros(0)
    heard = samples[np.abs(samples) > 1e-4]
    return len(heard) / 48_000, float(np.sqrt(np.mean(heard**2))) if len(heard) else 0.0


def test_a_node_fails_and_comes_back(person: Come, village: Village) -> None:
    who = person("technician", path="/nodes")
    page = who.page
    expect(row(page, "node-01")).to_contain_text(who.t("state.online"))
    expect(page.get_by_text(who.t("nodes.count", online=2, all=3), exact=True)).to_be_visible()
    village.nodes[0].power_off()
    try:
        expect(row(page, "node-01")).to_contain_text(who.t("state.offline"))
        expect(page.get_by_text(who.t("nodes.count", online=1, all=3), exact=True)).to_be_visible()
        expect(row(page, "node-02")).to_contain_text(who.t("state.online"))
        row(page, "node-01").get_by_role("link").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("node-01")
        expect(page.get_by_role("main")).to_contain_text(who.t("state.offline"))
    finally:
        village.nodes[0].power_on()
    expect(page.get_by_role("main").get_by_text(who.t("state.online"), exact=True).first).to_be_visible(timeout=BACK_MS)


def test_it_is_made_quieter_and_its_tone_is_heard(person: Come, village: Village) -> None:
    who = person("technician", path="/nodes/node-02")
    page = who.page
    tone = page.get_by_role("button", name=who.t("nodes.do_tone"))
    done = page.get_by_role("status").filter(has_text=who.t("nodes.sent"))
    loud = sound(village, tone.click)
    expect(done).to_be_visible()
    slider = page.get_by_label(who.t("nodes.volume"), exact=True)
    slider.focus()
    for _ in range(4):
        page.keyboard.press("PageDown")  # a tenth of it
    expect(slider).to_have_attribute("aria-valuetext", re.compile("-20"))
    expect(done).to_be_visible()
    gain_db = village.office.get("/api/nodes/node-02")["gain_db"]
    assert gain_db == -20
    quiet = sound(village, tone.click)
    assert loud[0] == pytest.approx(1.0, abs=0.1)
    assert quiet[1] == pytest.approx(loud[1] * 10 ** (gain_db / 20), rel=0.2)
    page.get_by_role("button", name=who.t("nodes.do_mute"), exact=True).click()
    expect(page.get_by_role("button", name=who.t("nodes.do_unmute"), exact=True)).to_be_visible()
    assert village.office.get("/api/nodes/node-02")["muted"]
    page.get_by_role("link", name=who.t("nodes.back")).click()
    expect(row(page, "node-02")).to_contain_text(who.t("nodes.muted"))
    village.office.post("/api/nodes/node-02/command", {"op": "mute", "muted": False})
    expect(row(page, "node-02").get_by_text(who.t("nodes.muted"))).to_be_hidden()


def sound(village: Village, act: Callable[[], object]) -> tuple[float, float]:
    """Return what node-02 gave, seconds and level, from an act until it is quiet again."""
    since_ns, deadline_s = time.monotonic_ns(), time.monotonic() + 15
    act()
    last = (0.0, 0.0)
    while time.monotonic() < deadline_s:
        time.sleep(0.7)
        heard = loudness(village, 2, since_ns)
        if heard[0] and heard == last:
            return heard
        last = heard
    raise AssertionError(f"node-02 was heard for {last[0]} s")


def test_the_list_is_narrowed(person: Come) -> None:
    who = person("operator", path="/nodes?order=name")
    page = who.page
    expect(page.get_by_role("table").get_by_role("row")).to_have_count(4)
    assert titles(page) == ["Chùa Phúc Lâm", "node-01", "node-02"]
    search = page.get_by_label(who.t("nodes.filter_text"), exact=True)
    search.fill("chua phuc")  # without marks
    expect(page.get_by_role("table").get_by_role("row")).to_have_count(2)
    assert titles(page) == ["Chùa Phúc Lâm"]
    search.fill("")
    page.get_by_label(who.t("nodes.filter_zone"), exact=True).select_option(ZONE)
    expect(page.get_by_role("table").get_by_role("row")).to_have_count(3)
    page.get_by_label(who.t("nodes.filter_state"), exact=True).select_option("new")
    expect(page.get_by_text(who.t("nodes.nothing_found"))).to_be_visible()
    assert f"zone={ZONE}" in page.url
    page.reload()
    expect(page.get_by_label(who.t("nodes.filter_state"), exact=True)).to_have_value("new")
    page.get_by_role("button", name=who.t("nodes.clear")).click()
    page.get_by_label(who.t("nodes.filter_group"), exact=True).select_option("zone")
    expect(page.get_by_role("rowheader")).to_have_text([re.compile("Thôn Đoài"), re.compile("Thôn Một")])
    expect(page.get_by_role("checkbox")).to_have_count(0)  # an operator orders no nodes


def test_many_are_ordered_at_once(person: Come, village: Village) -> None:
    who = person("technician", path="/nodes", device="phone")
    page = who.page
    page.get_by_role("checkbox", name=who.t("nodes.pick_all")).check()
    bar = page.get_by_role("region", name=who.t("nodes.bulk"))
    expect(bar).to_contain_text(who.t("nodes.picked", count=3))
    bar.get_by_role("button", name=who.t("nodes.do_mute"), exact=True).click()
    results = page.get_by_role("dialog")
    expect(results).to_contain_text(who.t("nodes.done_count", good=2, all=3))
    expect(results.get_by_role("listitem").filter(has_text="Chùa Phúc Lâm")).to_contain_text(who.t("nodes.no_answer"))
    expect(results.get_by_role("listitem").filter(has_text="node-01")).to_contain_text(who.t("nodes.obeyed"))
    results.get_by_role("button", name=who.t("shell.close")).last.click()
    for title in ("Chùa Phúc Lâm", "node-01", "node-02"):
        expect(row(page, title)).to_contain_text(who.t("nodes.muted"))
    assert {node["muted"] for node in village.office.get("/api/nodes")["nodes"]} == {True}
    bar.get_by_role("button", name=who.t("nodes.do_unmute")).click()
    expect(results).to_contain_text(who.t("nodes.done_count", good=2, all=3))


def test_what_is_known_of_it_is_changed(person: Come, village: Village) -> None:
    who = person("technician", path="/nodes/chua")
    page = who.page
    page.get_by_text(who.t("nodes.edit"), exact=True).click()
    page.get_by_label(who.t("nodes.edit_title"), exact=True).fill("Chùa Phúc Lâm, cổng sau")
    page.get_by_label(who.t("nodes.edit_horns"), exact=True).fill("3")
    page.get_by_role("button", name=who.t("shell.save")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Chùa Phúc Lâm, cổng sau")
    changed = village.office.get("/api/nodes/chua")
    assert (changed["horns"], changed["lat"], changed["serial"]) == (3, None, "")
    page.get_by_role("button", name=who.t("nodes.remove")).click()
    page.get_by_role("dialog").get_by_role("button", name=who.t("nodes.remove")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(who.t("nav.nodes"))
    expect(row(page, "Chùa Phúc Lâm, cổng sau")).to_have_count(0)
