"""Coming in and going out, as people do: the form, its words, languages and looks."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from controller.people.permissions import ROLES
from controller.web.page import LANGUAGES
from hil_sim.browser import Person
from tests.browser.commune import Commune

Come = Callable[..., Person]


@pytest.mark.parametrize("device", ["desktop", "phone"])
def test_who_signs_in_sees_the_pages_and_out_the_form(person: Come, commune: Commune, device: str) -> None:
    who = person("", device=device)
    page = who.sign_in(*commune.account("operator"))
    expect(page.get_by_role("main")).to_be_visible()
    expect(page.get_by_label(who.t("signin.password"))).to_have_count(0)
    if device == "phone":
        page.get_by_role("button", name=who.t("nav.more")).click()
    page.get_by_role("button", name=who.t("shell.sign_out")).click()
    expect(page.get_by_label(who.t("signin.password"))).to_be_visible()
    page.go_back()
    page.reload()
    expect(page.get_by_label(who.t("signin.password"))).to_be_visible()


def test_a_sign_in_outlives_the_window(person: Come) -> None:
    who = person("operator")
    who.page.reload()
    expect(who.page.get_by_role("navigation").first).to_be_visible()
    other = who.context.new_page()
    other.goto("/")
    expect(other.get_by_role("navigation").first).to_be_visible()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_wrong_password_is_said_in_the_readers_language(person: Come, language: str) -> None:
    who = person("", language=language)
    who.watch.expect(403, "/api/sign-in")
    who.fill_in("nobody.here", "sai-mat-khau")
    expect(who.page.get_by_role("alert").filter(has_text=who.t("signin.sign_in_refused"))).to_be_visible()
    expect(who.page.get_by_label(who.t("signin.password"), exact=True)).to_be_visible()


@pytest.mark.parametrize("role", sorted(ROLES))
def test_everybody_is_shown_what_he_may_do_alone(person: Come, role: str) -> None:
    who = person(role)
    main = who.page.get_by_role("navigation").first
    for name, permission in (("live", "broadcast"), ("people", "people.read"), ("audit", "audit.read"), ("me", "")):
        may = not permission or permission in ROLES[role]
        expect(main.get_by_role("link", name=who.t(f"nav.{name}"), exact=True)).to_have_count(int(may))


def test_vietnamese_comes_first_and_english_is_kept(person: Come) -> None:
    who = person("")
    who.context.clear_cookies()
    who.page.goto("/")
    html = who.page.locator("html")
    expect(html).to_have_attribute("lang", "vi")
    expect(who.page.get_by_role("button", name="Đăng nhập")).to_be_visible()
    who.page.get_by_role("link", name="English").click()
    expect(html).to_have_attribute("lang", "en")
    expect(who.page.get_by_role("button", name="Sign in")).to_be_visible()
    who.page.goto("/")
    expect(html).to_have_attribute("lang", "en")


def test_the_language_changes_on_the_page_that_one_is_on(person: Come) -> None:
    who = person("administrator", path="/health")
    page: Page = who.page
    expect(page.get_by_role("heading", level=1)).to_have_text("Tình trạng")
    page.get_by_role("link", name="English").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Health")
    assert page.url.split("?")[0].endswith("/health")


def test_dark_is_chosen_and_kept(person: Come) -> None:
    who = person("operator")
    body, choice = who.page.locator("body"), who.page.get_by_label(who.t("shell.theme"))
    look = "body => getComputedStyle(body).backgroundColor"
    light = body.evaluate(look)
    choice.select_option("dark")
    expect(body).not_to_have_css("background-color", light)
    dark = body.evaluate(look)
    who.page.reload()
    expect(choice).to_have_value("dark")
    expect(body).to_have_css("background-color", dark)
    expect(person("", theme="dark").page.locator("body")).to_have_css("background-color", dark)  # as the device is
