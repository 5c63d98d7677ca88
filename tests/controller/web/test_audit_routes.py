"""The audit over HTTP: searched, and refused what is no search."""

from datetime import UTC, datetime, timedelta

from tests.controller.running import Running


def test_the_audit_is_searched(office: Running) -> None:
    began = datetime.now(UTC)
    for number in range(3):
        office.post("/api/zones", {"id": f"z-au-{number}", "title": "Thôn Tìm"})
        office.http.delete(f"/api/zones/z-au-{number}")
    wanted = {"object": "z-au-", "action": "zone.add", "from": began.isoformat()}
    found = office.http.get("/api/audit", params=wanted).json()["records"]
    assert [record["object"] for record in found] == ["z-au-2", "z-au-1", "z-au-0"]
    older = office.http.get("/api/audit", params={**wanted, "before": found[0]["n"], "limit": 1}).json()["records"]
    assert older == found[1:2]
    assert office.http.get("/api/audit", params={**wanted, "text": "Thôn Tìm"}).json()["records"] == found
    before = {**wanted, "to": (began - timedelta(minutes=1)).isoformat()}
    assert office.http.get("/api/audit", params=before).json()["records"] == []
    verdict = office.get("/api/audit/verify")
    assert verdict["whole"] and verdict["whole_to"] == verdict["n"]
    assert verdict["first_at"] < verdict["last_at"]


def test_what_is_no_search(office: Running) -> None:
    for query in ("from=yesterday", "to=2026-01-01T00:00:00", "text=" + "x" * 201, "before=0", "limit=0"):
        assert office.http.get(f"/api/audit?{query}").status_code == 422, query
