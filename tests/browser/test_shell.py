"""What stands around every page: keyboard, language, look."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from hil_sim.browser import Person
from tests.browser.commune import Commune

Come = Callable[..., Person]


def walk(page: Page, key: str, condition: str) -> None:
    """Press a key until the focus is where it should be."""
    for _ in range(40):
        page.keyboard.press(key)
        if page.evaluate(condition):
            return
    raise AssertionError(f"no {key} leads there: {condition}")


def test_everything_is_done_by_the_keyboard(person: Come, commune: Commune) -> None:
    name, password = commune.account("administrator")
    who = person("", path="/audit")
    page, keys = who.page, who.page.keyboard
    expect(page.get_by_label(who.t("signin.user"), exact=True)).to_be_focused()
    keys.type(name)
    keys.press("Tab")
    keys.type(password)
    keys.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    who.open("/areas")
    title = page.get_by_role("heading", level=1)
    expect(title).to_be_focused()
    skip = page.get_by_role("link", name=who.t("shell.skip"))
    walk(page, "Shift+Tab", "document.activeElement.className === 'skip'")
    expect(skip).to_be_in_viewport()
    kept = page.get_by_role("button", name=who.t("areas.add_zone")).element_handle()
    keys.press("Enter")
    keys.press("Tab")
    add = page.get_by_role("button", name=who.t("areas.add_zone"))
    expect(add).to_be_focused()
    assert page.evaluate("element => element.isConnected", kept), "the page is not made anew"
    keys.press("Enter")
    sheet = page.get_by_role("dialog")
    expect(sheet).to_be_visible()
    for _ in range(12):  # all the way around: the page behind is out of reach
        keys.press("Tab")
        assert page.evaluate("!!document.activeElement.closest('dialog') || document.activeElement === document.body")
    keys.press("Escape")
    expect(sheet).to_have_count(0)
    expect(add).to_be_focused()
    walk(page, "Shift+Tab", "document.activeElement.dataset.page === 'map'")
    keys.press("Enter")
    expect(title).to_have_text(who.t("nav.map"))
    expect(title).to_be_focused()


def test_language_and_look_are_kept(person: Come) -> None:
    who = person("operator", path="/nodes/cho", device="small")
    page = who.page
    page.get_by_role("button", name=who.t("nav.more")).click()
    sheet = page.get_by_role("dialog")
    sheet.get_by_label(who.t("shell.theme"), exact=True).select_option("dark")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    sheet.get_by_role("link", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.get_by_role("heading", level=1)).to_have_text("Chợ trung tâm")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.goto("/health")
    expect(page.get_by_role("heading", level=1)).to_have_text("Health")
    page.get_by_role("button", name="More").click()
    expect(sheet.get_by_label("Appearance", exact=True)).to_have_value("dark")
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("Chợ trung tâm")
    expect(sheet).to_have_count(0)  # what was open belonged to the page that was left
    page.reload()
    expect(page.locator("html")).to_have_attribute("lang", "en")


def test_an_address_without_a_page_leads_to_the_first_one(person: Come) -> None:
    who = person("operator")
    who.page.goto("/khong-co-trang-nay")
    expect(who.page.get_by_role("alert").filter(has_text=who.t("shell.no_page"))).to_be_visible()
    expect(who.page.get_by_role("heading", level=1)).to_have_text(who.t("nav.live"))


@pytest.mark.parametrize("node", ["khong-co-cum-nay", "%E0%A4%A", "%3Cb%3E"])
def test_a_node_that_is_none_is_said_to_be_none(person: Come, node: str) -> None:
    who = person("operator")
    for sent in ("khong-co-cum-nay", "%25E0%25A4%25A", "%3Cb%3E"):
        for part in ("", "/history", "/events"):
            who.watch.expect(404, f"/api/nodes/{sent}{part}")
    page = who.open(f"/nodes/{node}")
    expect(page.get_by_role("alert").filter(has_text=who.t("nodes.missing"))).to_be_visible()


def test_offline_is_said_and_is_over_by_itself(person: Come) -> None:
    who = person("operator", path="/nodes")
    page = who.page
    page.evaluate("navigator.serviceWorker.ready")
    lost = page.get_by_role("status").filter(has_text=who.t("shell.disconnected"))
    expect(lost).to_have_count(0)
    who.context.set_offline(True)
    expect(lost).to_be_visible()
    page.get_by_role("link", name=who.t("nav.health"), exact=True).first.click()
    expect(lost).to_be_visible()
    who.context.set_offline(False)
    expect(lost).to_have_count(0)
    who.watch.settle()
    who.watch.faults[:] = [each for each in who.watch.faults if not each.startswith("no answer")]
