"""Who may do what: an account from its first password to its end, a program's token, and the audit of it all."""

from collections.abc import Callable

import httpx
from playwright.sync_api import expect

from hil_sim.browser import Person
from tests.browser.commune import PASSWORD, Commune

Come = Callable[..., Person]
TITLE, NAME = "Nguyễn Thị Hồng Lan", "lan.dong-phuong"


def test_a_person_is_added_comes_in_and_chooses_a_password(person: Come) -> None:
    who = person("administrator", path="/people")
    page, sheet = who.page, who.page.get_by_role("dialog")
    page.get_by_role("button", name=who.t("people.add")).click()
    expect(sheet.get_by_role("checkbox", name=who.t("role.operator"))).to_be_checked()
    sheet.get_by_label(who.t("people.title"), exact=True).fill(TITLE)
    sheet.get_by_label(who.t("people.name"), exact=True).fill(NAME)
    sheet.get_by_role("button", name=who.t("people.add")).click()
    secret = sheet.get_by_label(who.t("people.first_password", who=NAME), exact=True)
    first = secret.input_value()
    sheet.get_by_role("button", name=who.t("shell.close")).last.click()
    edit = page.get_by_role("button", name=f"{who.t('people.edit')}: {TITLE}")
    edit.click()
    assert first not in page.content()
    expect(sheet.get_by_role("checkbox", name=who.t("role.operator"))).to_be_checked()

    lan = person("", device="phone")
    mine = lan.sign_in(NAME, first)
    expect(mine.get_by_role("button", name=lan.t("shell.stop_all"))).to_be_visible()
    lan.open("/me")
    section = mine.get_by_role("region", name=lan.t("me.password"))
    for field, typed in (("now", first), ("next", PASSWORD), ("again", PASSWORD + "x")):
        section.get_by_label(lan.t(f"me.password_{field}"), exact=True).fill(typed)
    section.get_by_role("button", name=lan.t("me.change_password")).click()
    expect(mine.get_by_role("alert").filter(has_text=lan.t("me.not_same"))).to_be_visible()
    section.get_by_label(lan.t("me.password_again"), exact=True).fill(PASSWORD)
    section.get_by_role("button", name=lan.t("me.change_password")).click()
    lan.watch.expect(403, "/api/sign-in")
    lan.fill_in(NAME, first)
    expect(mine.get_by_role("alert").filter(has_text=lan.t("signin.sign_in_refused"))).to_be_visible()
    lan.sign_in(NAME, PASSWORD)

    # Another role, and other pages; what a page shows is not what protects the others.
    bar = mine.get_by_role("navigation", name=lan.t("nav.title_short"))
    expect(bar.get_by_role("link", name=lan.t("nav.live"))).to_be_visible()
    sheet.get_by_role("checkbox", name=who.t("role.operator")).uncheck()
    sheet.get_by_role("checkbox", name=who.t("role.auditor")).check()
    sheet.get_by_role("button", name=who.t("shell.save")).click()
    expect(page.get_by_role("listitem").filter(has_text=NAME)).to_contain_text(who.t("role.auditor"))
    lan.open("/")
    expect(bar.get_by_role("link", name=lan.t("nav.health"))).to_be_visible()
    expect(bar.get_by_role("link", name=lan.t("nav.live"))).to_have_count(0)
    bar.get_by_role("button", name=lan.t("nav.more")).click()
    expect(mine.get_by_role("dialog").get_by_role("link", name=lan.t("nav.audit"))).to_be_visible()
    mine.keyboard.press("Escape")

    for each in ("alerts", "events", "health", "history", "overview", "sessions", "sign-out"):
        lan.watch.expect(401, f"/api/{each}")
    edit.click()
    sheet.get_by_role("button", name=who.t("shell.remove")).click()
    page.get_by_role("dialog").last.get_by_role("button", name=who.t("shell.remove")).click()
    expect(edit).to_have_count(0)
    lan.open("/")
    expect(mine.get_by_label(lan.t("signin.password"), exact=True)).to_be_visible()


def test_a_program_has_a_token_until_it_is_taken_away(person: Come, commune: Commune) -> None:
    who = person("operator", path="/me", language="en")
    page, sheet = who.page, who.page.get_by_role("dialog")
    page.get_by_role("button", name=who.t("me.token_add")).click()
    sheet.get_by_label(who.t("me.token_title"), exact=True).fill("OBS ở hội trường")
    days, make = sheet.get_by_label(who.t("me.token_days"), exact=True), sheet.get_by_role("button", name="Make")
    for wrong in ("", "0", "1e9", "2.5"):
        days.fill(wrong)
        make.click()
        assert days.evaluate("input => input.validationMessage") == who.t("me.token_days_hint")
    days.fill("30")
    make.click()
    token = sheet.get_by_label(who.t("me.token"), exact=True).input_value()
    sheet.get_by_role("button", name=who.t("shell.close")).last.click()

    def status(method: str, path: str) -> int:
        with httpx.Client(base_url=commune.url, verify=commune.office.tls(), trust_env=False) as program:
            return program.request(method, path, headers={"Authorization": f"Bearer {token}"}).status_code

    assert status("GET", "/api/nodes") == 200
    assert status("POST", "/api/sessions/stop-all") == 403, "it may read, no more"
    page.get_by_role("button", name=who.t("me.token_remove", token="OBS ở hội trường")).click()
    sheet.get_by_role("button", name=who.t("shell.remove")).click()
    expect(page.get_by_text(who.t("me.no_tokens"))).to_be_visible()
    assert status("GET", "/api/nodes") == 401


def test_the_audit_shows_what_was_done_is_searched_and_proven(person: Come, commune: Commune) -> None:
    commune.office.post("/api/zones", {"id": "cho-kiem-tra", "title": "Chợ kiểm tra"})
    commune.office.http.delete("/api/zones/cho-kiem-tra").raise_for_status()
    who = person("auditor", path="/audit")
    page = who.page
    rows = page.get_by_role("table").locator("tbody").get_by_role("row")
    page.get_by_label(who.t("audit.by_object"), exact=True).fill("cho-kiem-tra")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text(who.t("action.zone.remove"))
    expect(rows.last).to_contain_text(who.t("action.zone.add"))
    rows.last.get_by_text(who.t("audit.details"), exact=True).click()
    expect(rows.last).to_contain_text("Chợ kiểm tra")
    page.get_by_label(who.t("audit.by_text"), exact=True).fill("không có đâu")
    expect(page.get_by_role("status").filter(has_text=who.t("audit.none"))).to_be_visible()
    expect(rows).to_have_count(0)
    page.get_by_role("button", name=who.t("audit.verify")).click()
    whole = who.t("audit.whole", count="\0").partition("\0")[0]
    expect(page.get_by_role("status").filter(has_text=whole)).to_be_visible()
