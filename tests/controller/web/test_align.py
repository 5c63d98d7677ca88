"""Horns aligned by position, over REST."""

from collections.abc import Iterator

import pytest

from tests.controller.running import Running


@pytest.fixture
def pair(office: Running) -> Iterator[None]:
    """A zone of two horns, 343 m apart."""
    office.post("/api/zones", {"id": "cho"})
    office.post("/api/nodes", {"id": "cho-1", "zone": "cho", "x_m": 0, "y_m": 0})
    office.post("/api/nodes", {"id": "cho-2", "zone": "cho", "x_m": 343, "y_m": 0})
    yield
    for node in office.get("/api/zones/cho")["nodes"]:
        assert office.http.delete(f"/api/nodes/{node}").status_code == 204
    assert office.http.delete("/api/zones/cho").status_code == 204


def settings(office: Running) -> list[tuple[int, float]]:
    nodes = [office.get(f"/api/nodes/{name}") for name in ("cho-1", "cho-2")]
    return [(node["delay_us"], node["gain_db"]) for node in nodes]


@pytest.mark.usefixtures("pair")
def test_a_listening_point(office: Running) -> None:
    body = {"listening_point": {"x_m": 34.3, "y_m": 0}, "level": True}
    planned = office.post("/api/zones/cho/align", {**body, "dry_run": True})
    assert not planned["applied"]
    assert settings(office) == [(0, 0.0), (0, 0.0)]
    done = office.post("/api/zones/cho/align", body)
    assert done["applied"] and done["nodes"] == planned["nodes"]
    assert done["nodes"][0]["delay_us"] == pytest.approx(0.8e6, rel=1e-3)
    assert settings(office) == [(done["nodes"][0]["delay_us"], -6.0), (0, 0.0)]
    assert office.post("/api/zones/cho/align", body)["nodes"] == done["nodes"], "the same again"


@pytest.mark.usefixtures("pair")
def test_a_reference_and_the_middle(office: Running) -> None:
    done = office.post("/api/zones/cho/align", {"reference": "cho-2", "temperature_c": 0})
    assert done["speed_of_sound_m_s"] == 331.3
    assert settings(office) == [(pytest.approx(343 / 331.3 * 1e6, rel=1e-6), 0.0), (0, 0.0)]
    assert office.post("/api/zones/cho/align", {})["listening_point"] == {"x_m": 171.5, "y_m": 0}
    assert settings(office) == [(0, 0.0), (0, 0.0)]


@pytest.mark.usefixtures("pair")
def test_what_cannot_be_aligned(office: Running) -> None:
    def refused(body: object, zone: str = "cho") -> tuple[int, str]:
        answer = office.http.post(f"/api/zones/{zone}/align", json=body)
        return answer.status_code, answer.json()["error"]["message"] + answer.json()["error"]["hint"]

    assert refused({}, "khong")[0] == 404
    assert refused({"reference": "cum-1"})[0] == 404
    assert refused({"reference": "cho-1", "listening_point": {"x_m": 0, "y_m": 0}})[0] == 422
    assert refused({"reference": "cho-1", "level": True})[0] == 422
    assert refused({"listening_point": {"x_m": True, "y_m": 0}})[0] == 422
    assert refused({"temperature_c": 1000})[0] == 422
    office.post("/api/nodes", {"id": "cho-3", "zone": "cho"})
    status, text = refused({})
    assert status == 409
    assert "where cho-3 stands" in text and "loaxa node set cho-3 --x-m" in text
    office.http.patch("/api/nodes/cho-3", json={"rtp_address": {"host": "192.0.2.9", "port": 5004}})
    assert office.post("/api/zones/cho/align", {})["skipped"] == ["cho-3"]
