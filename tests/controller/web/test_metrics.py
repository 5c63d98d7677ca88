"""``/metrics`` of a real controller with a node that reported, and the dashboard that is drawn from it."""

import gzip
import json
import re
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

from codec.wire import report
from codec.wire.names import node_topic
from tests.controller.running import ROOT, Running

DASHBOARD = ROOT / "docs" / "grafana" / "loaxa.json"


def page(office: Running) -> str:
    answer = office.http.get("/metrics")
    assert answer.is_success and answer.headers["content-type"].startswith("text/plain; version=")
    return answer.text


async def test_what_a_node_told_is_collected(office: Running) -> None:
    office.village("thon-metrics", "cum-metrics")
    gauges = {name: None for name, _, _ in report.GAUGES} | {"temperature_mc": 31_250}
    async with office.node("cum-metrics") as node:
        await node.publish(node_topic("cum-metrics", "status"), report.build_status(report.ONLINE), 1)
        body = report.build_health(dict.fromkeys(report.COUNTERS, 4), gauges, None)
        await node.publish(node_topic("cum-metrics", "health"), body, 1)
        office.until(lambda: 'loaxa_node_temperature_celsius{node="cum-metrics"} 31.25' in page(office))
    text = page(office)
    assert 'loaxa_node_up{node="cum-metrics",zone="thon-metrics"} 1.0' in text
    assert 'loaxa_node_late_total{node="cum-metrics"} 4.0' in text
    assert "loaxa_engine_up 1.0" in text and "loaxa_broker_up 1.0" in text


def test_prometheus_comes_with_a_token_and_takes_gzip(office: Running) -> None:
    url = office.ports["url"]
    with httpx.Client(base_url=url, trust_env=False, verify=office.tls()) as stranger:
        assert stranger.get("/metrics").status_code == 401
        made = office.post("/api/tokens", {"user": "admin", "scopes": ["read"]})["token"]
        bearer = {"Authorization": f"Bearer {made}"}
        with stranger.stream("GET", "/metrics", headers={**bearer, "Accept-Encoding": "gzip"}) as answer:
            assert answer.headers["content-encoding"] == "gzip"
            packed = b"".join(answer.iter_raw())
        assert b"loaxa_engine_up" in gzip.decompress(packed)
        plain = stranger.get("/metrics", headers={**bearer, "Accept-Encoding": "identity"})
        assert "content-encoding" not in plain.headers and "loaxa_engine_up" in plain.text


def test_the_dashboard_asks_for_nothing_that_is_not_there(office: Running) -> None:
    there = set()
    for family in text_string_to_metric_families(page(office)):
        # As samples are named, also of families that have none for now.
        there |= {family.name + {"counter": "_total", "info": "_info"}.get(family.type, "")}
        there |= {sample.name for sample in family.samples}
    dashboard = json.loads(DASHBOARD.read_text())
    asked = queries(dashboard)
    assert len(asked) > 40
    for query in asked:
        names = set(re.findall(r"\b(?:loaxa|process)_[a-z0-9_]+\b", query))
        assert names, query
        assert names <= there, query
        assert query.count("(") == query.count(")") and query.count("{") == query.count("}"), query


def test_the_dashboard_is_whole() -> None:
    dashboard = json.loads(DASHBOARD.read_text())
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    variables = {each["name"] for each in dashboard["templating"]["list"]}
    used = set(re.findall(r"\$\{?([a-z]+)", " ".join([*queries(dashboard), json.dumps(panels)])))
    assert {"datasource", "node", "zone"} <= used <= variables
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken and max(x for x, _ in cells) < 24, panel["title"]
        taken |= cells


def queries(dashboard: dict[str, Any]) -> list[str]:
    """Return every expression of panels and variables."""
    found = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    return found + [each["definition"] for each in dashboard["templating"]["list"] if each["type"] == "query"]
