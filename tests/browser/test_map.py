"""The map: borders and names of villages, and every node where it stands."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from hil_sim.browser import Person
from hil_sim.commune import PLACES, ZONES


@pytest.mark.parametrize("device", ["desktop", "phone"])
def test_villages_are_named_and_a_node_is_found(person: Callable[..., Person], device: str) -> None:
    who = person("operator", path="/map", device=device)
    page = who.page
    for _, title, *_ in ZONES:
        expect(page.locator(".map-label").filter(has_text=title)).to_be_visible()
    _, title, *_ = PLACES[4]
    page.get_by_role("textbox").or_(page.get_by_role("searchbox")).first.fill("phuc lam")
    page.get_by_role("button", name=title).first.click()
    expect(page.get_by_role("region", name=who.t("map.chosen")).get_by_role("heading", name=title)).to_be_visible()
    link = page.get_by_role("link", name=who.t("map.open"))
    expect(link).to_have_attribute("href", "/nodes/chua-doai")
