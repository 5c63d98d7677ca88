"""The commune's authority is rotated under a real node: it never loses its broker for good, and forgets the old one."""

import time
from pathlib import Path

import pytest

from hil_sim import scenario
from hil_sim.village import Village
from tests.controller.running import ROOT


@pytest.mark.timeout(170)
def test_a_node_follows_its_commune_to_a_new_authority(tmp_path: Path) -> None:
    text = (ROOT / "scenarios" / "chirp.toml").read_text().replace("nodes = 3", "nodes = 1")
    path = tmp_path / "one.toml"
    path.write_text(text)
    with Village(scenario.load(path), tmp_path / "village") as village:
        village.wait_online()
        before = village.office.get("/api/ca")
        assert (before["next_fingerprint"], before["old_trusted"], before["waiting"]) == (None, False, [])
        coming = village.office.post("/api/ca/rotate", {})["next_fingerprint"]
        assert coming != before["fingerprint"]

        def settled() -> bool:
            # A connection that is there stays by what was verified; a new one goes by the new authority.
            village.office.forget_tls()
            found = village.office.get("/api/ca")
            return found["fingerprint"] == coming and not found["old_trusted"]

        deadline_s = time.monotonic() + 60
        while not settled():
            assert time.monotonic() < deadline_s, village.office.get("/api/ca")
            village.tend()
            time.sleep(0.5)
        kept = village.nodes[0].folder / "nvs.json"
        assert kept.read_text().count("BEGIN CERTIFICATE") == 2, "its identity's, and the new one alone"
        village.reboot(1, 0.1)
        time.sleep(1)
        village.wait_online()
