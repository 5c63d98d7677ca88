"""EN 54-16 on real nodes: a fault is shown within 100 s of its beginning and cleared within 20 s of repair."""

import time
from pathlib import Path
from typing import Any

import pytest

from hil_sim import scenario
from hil_sim.village import ZONE, Village
from tests.controller.running import ROOT

pytestmark = pytest.mark.long

SHOWN_S = 100.0
CLEARED_S = 20.0


class Watched:
    """A village whose faults are looked for by REST, as a page would."""

    def __init__(self, village: Village) -> None:
        self.village = village

    def active(self) -> list[tuple[str | None, str]]:
        found: dict[str, Any] = self.village.office.get("/api/alerts?active=true")
        return sorted((alert["node"] or "", alert["kind"]) for alert in found["alerts"])

    def until(self, expected: list[tuple[str | None, str]], within_s: float) -> float:
        """Return how long it took until just these alerts were active; fails after `within_s`."""
        began_s = time.monotonic()
        while (found := self.active()) != expected:
            assert time.monotonic() - began_s < within_s, f"{found} in place of {expected} after {within_s} s"
            self.village.tend()
            time.sleep(0.25)
        return time.monotonic() - began_s


@pytest.mark.timeout(320)
def test_a_cut_network_and_a_lost_power_are_shown_and_cleared_in_time(tmp_path: Path) -> None:
    text = (ROOT / "scenarios" / "chirp.toml").read_text().replace("nodes = 3", "nodes = 2")
    path = tmp_path / "two.toml"
    path.write_text(text)
    with Village(scenario.load(path), tmp_path / "village") as village:
        village.wait_online()
        watched = Watched(village)
        assert village.network is not None
        village.network.cut(1)
        village.nodes[1].power_off()
        both: list[tuple[str | None, str]] = [("node-01", "offline"), ("node-02", "offline")]
        print(f"shown after {watched.until(both, SHOWN_S):.1f} s")
        village.network.restore(1)
        print(f"restored network: cleared after {watched.until(both[1:], CLEARED_S):.1f} s")
        village.nodes[1].power_on()
        print(f"power is back: cleared after {watched.until([], CLEARED_S):.1f} s")
        # Nodes that play raise nothing; a broker that dies and comes back is not a village that went off.
        source = {"kind": "tone", "duration_ms": 60_000}
        village.office.post("/api/sessions", {"source": source, "zones": [ZONE]})
        village.office.kill_broker()
        ends_s = time.monotonic() + 26
        while time.monotonic() < ends_s:
            assert set(watched.active()) <= {("", "broker_away")}
            village.tend()
            time.sleep(0.5)
        watched.until([], CLEARED_S)
        on_air = [node["health"]["on_air"] for node in village.office.get("/api/nodes")["nodes"]]
        assert None not in on_air, "they played all the while"
