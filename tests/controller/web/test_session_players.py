"""Standard players receive what REST put on air, from the session description that REST gives."""

import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from tests import needs
from tests.controller.engine.harness import frequency
from tests.controller.engine.test_players import HEARD_SAMPLES, HERTZ, PATIENCE_S, PLAYERS, free_port
from tests.controller.running import CONFIG, running

pytestmark = pytest.mark.alone

NAMED = '[public]\nhost = "localhost"\n'
"""What nodes are told to connect to may be a name, which is no origin of a description."""


@pytest.mark.parametrize("player", PLAYERS)
def test_a_player_plays_a_session_of_the_office(player: str, tmp_path: Path) -> None:
    needs.player(player)
    sdp, out = tmp_path / "session.sdp", tmp_path / "heard.raw"
    address = {"host": "127.0.0.1", "port": free_port()}
    with running(tmp_path / "office", CONFIG + NAMED) as office:
        office.post("/api/zones", {"id": "thon-1"})
        office.post("/api/nodes", {"id": "may-thu", "zone": "thon-1", "rtp_address": address})
        source = {"kind": "tone", "frequency_hz": HERTZ, "duration_ms": 120_000}
        session = office.post("/api/sessions", {"source": source, "zones": ["thon-1"]})["id"]
        office.until(lambda: office.get(f"/api/sessions/{session}")["state"] == "on_air")
        sdp.write_text(office.http.get(f"/api/sessions/{session}/session.sdp").text, encoding="utf-8")
        process = subprocess.Popen(PLAYERS[player](sdp, out), stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            deadline_s = time.monotonic() + PATIENCE_S
            while not (out.exists() and out.stat().st_size >= 2 * HEARD_SAMPLES):
                assert process.poll() is None, "the player ended"
                assert time.monotonic() < deadline_s, sdp.read_text(encoding="utf-8")
                time.sleep(0.1)
        finally:
            process.kill()
            process.communicate()
    heard = np.frombuffer(out.read_bytes()[: 2 * HEARD_SAMPLES], np.int16)
    assert abs(frequency(heard[24_000:]) - HERTZ) < 2
