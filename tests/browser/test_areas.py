"""Where the commune speaks: zones in their areas, chosen to speak to, and nodes put in their places on the map."""

import json
from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

from hil_sim.browser import Person
from hil_sim.commune import COMMUNE, ZONES
from tests.browser.commune import Commune

Come = Callable[..., Person]
LONG = "Khu dân cư mới thôn Đông, phía sau trường trung học cơ sở và trạm y tế cũ " + "KhôngDấuCách" * 8
SQUARE = {
    "type": "Polygon",
    "coordinates": [[[106.3, 20.9], [106.34, 20.9], [106.34, 20.95], [106.3, 20.95], [106.3, 20.9]]],
}


def branch(page: Page, title: str) -> Locator:
    """Return the entry of the tree with that title, all below it included."""
    return page.get_by_role("main").locator("li").filter(has=page.get_by_text(title, exact=True)).last


def test_a_zone_is_added_below_its_village_changed_and_removed(person: Come, commune: Commune) -> None:
    who = person("administrator", path="/areas", device="phone")
    page, sheet = who.page, who.page.get_by_role("dialog")
    page.get_by_role("button", name=who.t("areas.add_zone")).click()
    sheet.get_by_label(who.t("areas.title"), exact=True).fill("Xóm Đình")
    identifier = sheet.get_by_label(who.t("areas.id"), exact=True)
    expect(identifier).to_have_value("xom-dinh")
    identifier.fill("Xóm Đình!")
    save = sheet.get_by_role("button", name=who.t("areas.add"), exact=True)
    save.click()
    expect(identifier).to_be_focused()
    assert identifier.evaluate("input => input.validationMessage") == who.t("areas.id_hint")
    who.watch.expect(409, "/api/zones")
    identifier.fill("thon-dong")
    save.click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_role("alert").get_by_role("button").click()
    identifier.fill("xom-dinh")
    sheet.get_by_label(who.t("areas.area"), exact=True).select_option("lang-thon-dong")
    save.dblclick()
    expect(sheet).to_have_count(0)
    village = branch(page, "Thôn Đông")
    edit = page.get_by_role("button", name=who.t("areas.edit_this", what="Xóm Đình"))
    expect(edit).to_have_count(1)
    assert {zone["id"]: zone["area"] for zone in commune.office.get("/api/zones")["zones"]}[
        "xom-dinh"
    ] == "lang-thon-dong"
    expect(village).to_be_visible()

    edit.click()
    sheet.get_by_label(who.t("areas.title"), exact=True).fill(LONG)
    sheet.get_by_label(who.t("areas.profile"), exact=True).select_option("mobile")
    sheet.get_by_label(who.t("areas.area"), exact=True).select_option(COMMUNE)
    sheet.get_by_role("button", name=who.t("shell.save")).click()
    expect(branch(page, LONG)).to_contain_text(who.t("profile.mobile"))
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "long titles do not widen the page"

    page.get_by_role("button", name=who.t("areas.edit_this", what=LONG)).click()
    sheet.get_by_role("button", name=who.t("shell.remove")).click()
    page.get_by_role("dialog").last.get_by_role("button", name=who.t("shell.remove")).click()
    expect(page.get_by_text(LONG)).to_have_count(0)
    assert "xom-dinh" not in {zone["id"] for zone in commune.office.get("/api/zones")["zones"]}


def test_an_outline_that_is_none_is_refused_in_words(person: Come, commune: Commune) -> None:
    who = person("administrator", path="/areas")
    page, sheet = who.page, who.page.get_by_role("dialog")
    page.get_by_role("button", name=who.t("areas.edit_this", what="Xã Đông Phương")).click()
    sheet.get_by_label(who.t("areas.outline"), exact=True).set_input_files(
        {"name": "xa.geojson", "mimeType": "application/geo+json", "buffer": b"{not json"}
    )
    sheet.get_by_role("button", name=who.t("shell.save")).click()
    expect(page.get_by_role("alert").filter(has_text=who.t("areas.outline_bad"))).to_be_visible()
    drawn = {"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {}, "geometry": SQUARE}]}
    sheet.get_by_label(who.t("areas.outline"), exact=True).set_input_files(
        {"name": "xa.geojson", "mimeType": "application/geo+json", "buffer": json.dumps(drawn).encode()}
    )
    before = next(area for area in commune.office.get("/api/areas")["areas"] if area["id"] == COMMUNE)
    sheet.get_by_role("button", name=who.t("shell.save")).click()
    expect(sheet).to_have_count(0)
    after = next(area for area in commune.office.get("/api/areas")["areas"] if area["id"] == COMMUNE)
    assert after["outline"][0] == [20.9, 106.3] and len(after["outline"]) == 4
    commune.office.http.patch(f"/api/areas/{COMMUNE}", json={"outline": before["outline"]}).raise_for_status()


def test_zones_are_chosen_all_at_once_by_area_and_on_the_map(person: Come, commune: Commune) -> None:
    commune.office.post("/api/areas", {"id": "xa-tay", "title": "Xã Tây", "kind": "commune"})
    added = [f"tay-{number}" for number in range(4)]
    for zone in added:
        commune.office.post("/api/zones", {"id": zone, "title": f"Thôn {zone}", "area": "xa-tay"})
    try:
        who = person("operator", path="/live")
        page = who.page
        chosen = page.get_by_role("group", name=who.t("live.where")).get_by_role("status")
        expect(chosen).to_have_text(who.t("live.choose"))
        page.get_by_role("checkbox", name=who.t("live.everywhere")).check()
        expect(chosen).to_have_text(who.t("live.chosen", zones=len(ZONES) + 4, nodes=14))
        page.get_by_role("checkbox", name=who.t("live.everywhere")).uncheck()
        east = page.locator("details").filter(has_text="Xã Đông Phương")
        east.get_by_role("checkbox", name=who.t("live.whole_area")).check()
        expect(chosen).to_have_text(who.t("live.chosen", zones=len(ZONES), nodes=14))
        east.get_by_role("checkbox", name="Chợ Huyện").uncheck()
        expect(chosen).to_have_text(who.t("live.chosen", zones=len(ZONES) - 1, nodes=12))
        page.get_by_role("button", name=who.t("live.on_map")).click()
        expect(page.get_by_role("application", name=who.t("map.choose_zones"))).to_be_visible()
        label = page.locator(".zone-map .map-label span").filter(has_text="Chợ Huyện").bounding_box()
        assert label  # in the middle of the village, where its market has a node
        page.mouse.click(label["x"] + label["width"] / 2, label["y"] + label["height"] / 2)
        expect(chosen).to_have_text(who.t("live.chosen", zones=len(ZONES), nodes=14))
    finally:
        for zone in added:
            commune.office.http.delete(f"/api/zones/{zone}").raise_for_status()
        commune.office.http.delete("/api/areas/xa-tay").raise_for_status()


def test_a_node_is_found_by_keyboard_and_moved(person: Come, commune: Commune) -> None:
    before = commune.office.get("/api/nodes/cho")
    who = person("technician", path="/map")
    page = who.page
    area = page.get_by_role("application", name=who.t("map.title"))
    expect(page.locator(".map-label").filter(has_text="Thôn Đông")).to_be_visible()
    page.get_by_label(who.t("map.find"), exact=True).focus()
    page.keyboard.type("cho trung tam")
    found = page.get_by_role("button", name="Chợ trung tâm")
    expect(found).to_be_visible()
    page.keyboard.press("Tab")
    expect(found).to_be_focused()
    page.keyboard.press("Enter")
    panel = page.get_by_role("region", name=who.t("map.chosen"))
    expect(panel.get_by_role("heading", name="Chợ trung tâm")).to_be_visible()
    expect(panel).to_contain_text("Chợ Huyện")
    panel.get_by_role("button", name=who.t("map.move"), exact=True).click()
    expect(page.get_by_role("status").filter(has_text=who.t("map.touch_place", node="Chợ trung tâm"))).to_be_visible()
    box = area.bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] / 2 + 60, box["y"] + box["height"] / 2 - 40)  # it stands in the middle
    expect(page.get_by_role("status").filter(has_text=who.t("map.moved", node="Chợ trung tâm"))).to_be_visible()
    after = commune.office.get("/api/nodes/cho")
    assert 0 < after["lat"] - before["lat"] < 0.01 and 0 < after["lon"] - before["lon"] < 0.01
    page.mouse.click(box["x"] + 300, box["y"] + 80)
    who.quiet()
    assert commune.office.get("/api/nodes/cho")["lat"] == after["lat"], "one touch moves it once"
    commune.office.http.patch("/api/nodes/cho", json={k: before[k] for k in ("lat", "lon")}).raise_for_status()
