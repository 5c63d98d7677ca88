"""A technician alone with a telephone: a new node from its name to the tone that is heard; then a new board for it."""

import time
from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from hil_sim.browser import Person
from hil_sim.capture import read_runs
from hil_sim.nodes import Node, NodeSetup
from hil_sim.village import ZONE, Village
from tests.browser.commune import Commune

pytestmark = pytest.mark.alone
Come = Callable[..., Person]
STEP_MS = 30_000
TONE_HZ = 1000.0
NUMBER = 7


@pytest.fixture(scope="module")
def commune(village: Village) -> Commune:
    """The commune of real nodes."""
    return Commune(village.office.url, village.office)


def step(page: Page, who: Person, name: str) -> Locator:
    """Return one of the steps that are checked."""
    return page.get_by_role("listitem").filter(has_text=who.t(f"enrol.step_{name}"))


def board(village: Village, line: str, folder: str) -> Node:
    """Return a fresh board that has the line, on."""
    setup = NodeSetup(NUMBER, village.office.media_port, village.office.broker_port, 12.0, 5)
    return Node(setup, line, village.folder / folder)


def reaches(page: Page, who: Person, name: str) -> None:
    mark = step(page, who, name).get_by_role("img", name=who.t("enrol.done"), exact=True)
    expect(mark).to_be_visible(timeout=STEP_MS)


@pytest.mark.timeout(150)
def test_a_node_is_enrolled_by_somebody_alone_and_heard(person: Come, village: Village) -> None:
    who = person("technician", path="/enrol", device="phone")
    page = who.page
    page.get_by_label(who.t("enrol.name"), exact=True).fill("Nhà văn hóa thôn Đông")
    assert page.get_by_label(who.t("enrol.id"), exact=True).input_value() == "nha-van-hoa-thon-dong"
    page.get_by_label(who.t("enrol.zone"), exact=True).select_option(ZONE)
    page.get_by_role("button", name=who.t("enrol.next"), exact=True).click()
    expect(page.get_by_role("img", name=who.t("enrol.qr"))).to_be_visible()
    line = page.get_by_label(who.t("enrol.line"), exact=True).input_value()
    assert line.upper().startswith("LOAXA:")
    for name in ("used", "seen", "line", "heard"):
        expect(step(page, who, name).get_by_role("img", name=who.t("enrol.not_yet"), exact=True)).to_be_visible()
    made = board(village, line, "enrolled")
    try:
        made.enrolled()
        reaches(page, who, "used")
        made.power_on()
        reaches(page, who, "seen")
        reaches(page, who, "line")
        expect(step(page, who, "line")).to_contain_text("Wi-Fi")
        pressed_ns = time.monotonic_ns()
        page.get_by_role("button", name=who.t("enrol.tone"), exact=True).click()
        expect(page.get_by_text(who.t("enrol.heard_question"))).to_be_visible(timeout=STEP_MS)
        page.wait_for_timeout(1500)
        assert tone_hz(made, pressed_ns) == pytest.approx(TONE_HZ, abs=5)
        page.get_by_role("button", name=who.t("enrol.heard"), exact=True).click()
        expect(page.get_by_text(who.t("enrol.all_done"))).to_be_visible()
        page.get_by_role("link", name=who.t("enrol.look"), exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Nhà văn hóa thôn Đông")
    finally:
        made.power_off()


@pytest.mark.timeout(120)
def test_a_new_board_takes_the_place_of_a_broken_one(person: Come, village: Village) -> None:
    who = person("technician", path="/enrol/nha-van-hoa-thon-dong", device="phone", language="en")
    page = who.page
    expect(page.get_by_text(who.t("enrol.replaces"))).to_be_visible()
    page.get_by_role("button", name=who.t("enrol.make_code"), exact=True).click()
    first = page.get_by_label(who.t("enrol.line"), exact=True).input_value()
    page.get_by_role("button", name=who.t("enrol.again"), exact=True).click()
    expect(page.get_by_label(who.t("enrol.line"), exact=True)).not_to_have_value(first)
    made = board(village, page.get_by_label(who.t("enrol.line"), exact=True).input_value(), "replaced")
    try:
        made.enrolled()
        reaches(page, who, "used")
    finally:
        made.power_off()
    expect(step(page, who, "seen").get_by_role("img", name=who.t("enrol.not_yet"), exact=True)).to_be_visible()


def test_who_may_not_enrol_is_told_so(person: Come) -> None:
    who = person("operator", path="/enrol")
    expect(who.page.get_by_text(who.t("enrol.not_allowed"))).to_be_visible()
    expect(who.page.get_by_role("button", name=who.t("enrol.next"))).to_have_count(0)


def tone_hz(node: Node, since_ns: int) -> float:
    """Return the strongest frequency that the node's DAC emitted since then; 0.0 for silence."""
    for run in reversed(read_runs(node.capture)):
        samples = run.samples[max(0, round((since_ns - run.first_ns) * run.rate_hz / 1e9)) :]
        loud = np.flatnonzero(np.abs(samples) > 1e-3)
        if len(loud) > 4800:
            tone = samples[loud[0] : loud[-1]]
            spectrum = np.abs(np.fft.rfft(tone * np.hanning(len(tone))))
            return float(np.argmax(spectrum)) * run.rate_hz / len(tone)
    return 0.0
