"""What is put on air from the page without speaking: heard, seen with who began it, and ended."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from hil_sim.browser import Person
from hil_sim.signals import RATE, write_wav
from tests.browser.commune import Commune

Come = Callable[..., Person]
TEXT = "Kính thưa bà con, " + "mời bà con ra nhà văn hóa họp thôn. " * 40


@pytest.fixture(autouse=True)
def silence(commune: Commune) -> Iterator[None]:
    """Nothing of one test is on air in the next."""
    commune.office.post("/api/sessions/stop-all")
    yield
    commune.office.post("/api/sessions/stop-all")


@pytest.fixture(scope="module")
def siren(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound file of 20 s."""
    path = tmp_path_factory.mktemp("sound") / "Thông báo thu tiền điện.wav"
    write_wav(path, 0.3 * np.sin(np.arange(20 * RATE // 3) * 2 * np.pi * 440 / RATE))
    return path


def way(page: Page, who: Person, name: str, zone: str) -> None:
    """Choose what to put on air, and where."""
    page.locator("label").filter(has=page.get_by_role("radio", name=who.t(f"source.{name}"), exact=True)).click()
    page.get_by_role("checkbox", name=zone).check()


def on_air(page: Page, who: Person) -> Locator:
    return page.get_by_role("region", name=who.t("shell.on_air")).last.get_by_role("listitem")


def test_a_text_a_chime_and_a_file_go_on_air_and_are_ended(person: Come, commune: Commune, siren: Path) -> None:
    who = person("operator", path="/live", device="small")
    page = who.page
    air = page.get_by_role("button", name=who.t("live.put_on_air"))
    way(page, who, "text", "Thôn Đoài")
    air.click()
    expect(page.get_by_role("alert").filter(has_text=who.t("live.need_text"))).to_be_visible()
    page.get_by_label(who.t("live.text"), exact=True).fill(TEXT)
    air.click()
    text = on_air(page, who).filter(has_text="Kính thưa bà con")
    expect(text).to_contain_text("Thôn Đoài")
    expect(text).to_contain_text(who.t("live.by", who="operator.thu"))
    expect(text).to_contain_text(who.t("priority.normal"))
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    way(page, who, "chime", "Thôn Hạ")
    page.get_by_label(who.t("source.chime"), exact=True).last.select_option("alert")
    air.click()
    expect(on_air(page, who).filter(has_text=who.t("chime.alert"))).to_contain_text("Thôn Hạ")

    way(page, who, "sound", "Thôn Hạ")
    page.locator("input[type=file]").set_input_files(siren)
    page.get_by_label(who.t("live.priority"), exact=True).select_option("priority")
    air.click()
    sound = on_air(page, who).filter(has_text=who.t("priority.priority"))
    expect(sound).to_be_visible()
    expect(text).to_contain_text(who.t("live.lowered"))
    text.get_by_role("button").click()
    expect(text).to_have_count(0)
    lately = page.get_by_role("region", name=who.t("live.lately")).get_by_role("listitem")
    expect(lately.filter(has_text="Kính thưa bà con")).to_contain_text("operator.thu")

    other = person("approver", path="/live").page  # another person's stop
    expect(on_air(other, who).filter(has_text=who.t("priority.priority"))).to_be_visible()
    other.get_by_role("button", name=who.t("shell.stop_all")).dblclick()
    expect(other.get_by_role("status").filter(has_text=who.t("shell.stopped"))).to_be_visible()
    expect(on_air(page, who)).to_have_count(0)
    expect(page.get_by_text(who.t("live.nothing"), exact=True)).to_be_visible()
    assert commune.office.get("/api/sessions?active=true")["sessions"] == []


def test_an_emergency_asks_first(person: Come, commune: Commune) -> None:
    who = person("operator", path="/live", language="en")
    page, ask = who.page, who.page.get_by_role("dialog")
    way(page, who, "text", "Thôn Đông")
    page.get_by_label(who.t("live.text"), exact=True).fill(TEXT)
    page.get_by_label(who.t("live.priority"), exact=True).select_option("emergency")
    air = page.get_by_role("button", name=who.t("live.put_on_air"))
    air.click()
    expect(ask.get_by_role("heading")).to_have_text(who.t("live.sure_emergency"))
    expect(ask.get_by_role("button", name=who.t("shell.cancel"))).to_be_focused()
    page.keyboard.press("Enter")
    expect(ask).to_have_count(0)
    assert commune.office.get("/api/sessions?active=true")["sessions"] == []
    air.click()
    ask.get_by_role("button", name=who.t("live.put_on_air")).click()
    expect(on_air(page, who)).to_contain_text(who.t("priority.emergency"))


def test_who_may_not_speak_hears_and_sees(person: Come, commune: Commune) -> None:
    who = person("board", path="/listen")
    page = who.page
    entry = page.get_by_role("region", name=who.t("listen.zones")).get_by_role("listitem").filter(has_text="Chợ Huyện")
    state = page.get_by_role("status").filter(has_text=who.t("listen.state_silent"))
    entry.get_by_role("button", name=who.t("listen.hear_zone", zone="Chợ Huyện")).click()
    expect(state).to_be_visible()
    source = {"kind": "tone", "frequency_hz": 600, "duration_ms": 60_000}
    begun = commune.office.post("/api/sessions", {"source": source, "zones": ["cho-huyen"], "allow_empty": True})
    expect(page.get_by_role("status").filter(has_text=who.t("listen.state_playing"))).to_be_visible()
    expect(page.get_by_role("meter", name=who.t("listen.level"))).not_to_have_attribute("aria-valuenow", "0")
    expect(entry).to_contain_text(who.t("source.tone"))
    page.get_by_role("link", name=who.t("nav.nodes"), exact=True).first.click()  # it goes on while others are looked at
    page.go_back()
    expect(page.get_by_role("status").filter(has_text=who.t("listen.state_playing"))).to_be_visible()
    commune.office.http.delete(f"/api/sessions/{begun['id']}").raise_for_status()
    expect(state).to_be_visible()
    entry.get_by_role("button", name=who.t("listen.stop_zone", zone="Chợ Huyện")).click()
    expect(page.get_by_role("status").filter(has_text=who.t("listen.state_idle"))).to_be_visible()
    expect(page.get_by_role("button", name=who.t("shell.stop_all"))).to_have_count(0)
    who.open("/live")  # by an address that somebody sent
    expect(page.get_by_role("heading", name=who.t("live.lately"))).to_be_visible()
    expect(page.get_by_role("button", name=who.t("live.put_on_air"))).to_have_count(0)
    expect(page.get_by_role("button", name=who.t("live.speak"))).to_have_count(0)
