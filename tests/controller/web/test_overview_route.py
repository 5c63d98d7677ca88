"""The overview over HTTP, from a real controller."""

import gzip

import httpx

from controller.rows import COLUMNS
from tests.controller.running import Running


def test_the_overview_is_what_the_lists_say(office: Running) -> None:
    office.post("/api/zones", {"id": "thon-tq", "title": "Thôn Quan"})
    office.post("/api/nodes", {"id": "cum-tq", "zone": "thon-tq", "lat": 21.03, "lon": 105.85, "title": "Đình làng"})
    body = office.get("/api/overview")
    assert body["nodes"]["columns"] == list(COLUMNS)
    rows = {row[0]: dict(zip(COLUMNS, row, strict=True)) for row in body["nodes"]["rows"]}
    nodes = {node["id"]: node for node in office.get("/api/nodes")["nodes"]}
    assert rows.keys() == nodes.keys()
    for node_id, row in rows.items():
        assert {name: row[name] for name in ("title", "zone", "state", "muted", "gain_db", "lat", "lon")} == {
            name: nodes[node_id][name] for name in ("title", "zone", "state", "muted", "gain_db", "lat", "lon")
        }
    assert body["zones"] == office.get("/api/zones")["zones"]
    office.http.patch("/api/nodes/cum-tq", json={"title": "Chợ"})
    assert (
        dict(zip(COLUMNS, office.get("/api/overview")["nodes"]["rows"][list(rows).index("cum-tq")], strict=True))[
            "title"
        ]
        == "Chợ"
    ), "a change is in the next answer"
    office.http.delete("/api/nodes/cum-tq")
    office.http.delete("/api/zones/thon-tq")


def test_it_is_compressed_for_who_takes_that(office: Running) -> None:
    with office.http.stream("GET", "/api/overview", headers={"Accept-Encoding": "gzip"}) as answer:
        assert answer.headers["content-encoding"] == "gzip"
        raw = gzip.decompress(b"".join(answer.iter_raw()))
    plain = office.http.get("/api/overview", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers and plain.content == raw
    assert httpx.get(office.ports["url"] + "/api/overview", verify=office.tls()).status_code == 401
