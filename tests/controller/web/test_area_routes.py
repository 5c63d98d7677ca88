"""Areas over HTTP, and a session for all zones in one."""

from tests.controller.running import Running


def test_an_area_and_a_session_for_it(office: Running) -> None:
    office.post("/api/areas", {"id": "xa-ar", "kind": "commune", "title": "Xã Tân Hòa"})
    made = office.post("/api/areas", {"id": "thon-ar", "kind": "village", "parent": "xa-ar"})
    assert made == {"id": "thon-ar", "title": "", "kind": "village", "parent": "xa-ar", "outline": None}
    for zone in ("z-ar-1", "z-ar-2"):
        office.post("/api/zones", {"id": zone, "area": "thon-ar"})
    office.post("/api/nodes", {"id": "cum-ar", "zone": "z-ar-1"})
    polygon = {"type": "Polygon", "coordinates": [[[105.8, 21.0], [105.9, 21.0], [105.9, 21.1], [105.8, 21.0]]]}
    drawn = office.http.patch("/api/areas/thon-ar", json={"outline_geojson": polygon}).json()
    assert drawn["outline"] == [[21.0, 105.8], [21.0, 105.9], [21.1, 105.9]]
    overview = office.get("/api/overview")
    assert overview["areas"] == office.get("/api/areas")["areas"] and drawn in overview["areas"]
    assert {zone["id"]: zone["area"] for zone in overview["zones"]}["z-ar-2"] == "thon-ar"

    body = {"source": {"kind": "tone", "duration_ms": 5000}, "areas": ["xa-ar"]}
    session = office.post("/api/sessions", body)
    assert session["zones"] == ["z-ar-1"]
    office.http.delete(f"/api/sessions/{session['id']}")
    everywhere = office.post("/api/sessions", {**body, "zones": ["z-ar-1"], "allow_empty": True})
    assert everywhere["zones"] == ["z-ar-1", "z-ar-2"]
    office.http.delete(f"/api/sessions/{everywhere['id']}")

    nowhere = office.http.post("/api/sessions", json={"source": body["source"]})
    assert nowhere.status_code == 422 and "zone" in nowhere.json()["error"]["message"]
    unknown = office.http.post("/api/sessions", json={**body, "areas": ["xa-9"]})
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "unknown_area")
    refused = office.http.delete("/api/areas/thon-ar")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "area_not_empty")

    office.http.delete("/api/nodes/cum-ar")
    for path in ("zones/z-ar-1", "zones/z-ar-2", "areas/thon-ar", "areas/xa-ar"):
        assert office.http.delete(f"/api/{path}").status_code == 204, path
    actions = [record["action"] for record in office.get("/api/audit?limit=30")["records"]]
    assert {"area.add", "area.change", "area.remove"} <= set(actions)
