"""The comparison of clocks: repeatable from its seed, true to what it says of the exchanges, and fair to the peer."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks import clock, filters
from benchmarks.exchanges import NETWORKS, World, local_us
from benchmarks.filters import STEP_NS, hear, hear_peer, replay

MS = 1_000_000

# The last exchange's offset, unfiltered.
STAND_IN = """
class SendspinTimeFilter:
    is_synchronized = False
    error = 1500

    def update(self, measurement, max_error, time_added):
        self.is_synchronized = True
        self.offset_us = measurement

    def compute_server_time(self, client_time):
        return client_time + self.offset_us
"""


@pytest.fixture
def peer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "time_sync.py"
    path.write_text(STAND_IN)
    monkeypatch.setattr(filters, "PEER", path)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_seed_gives_the_same_exchanges_and_errors_again(name: str) -> None:
    first, again, other = (hear(World(NETWORKS[name], seed)) for seed in (3, 3, 4))
    assert first.recording == again.recording != other.recording
    np.testing.assert_array_equal(first.errors_us, again.errors_us)


@pytest.mark.parametrize("name", NETWORKS)
def test_exchanges_err_by_no_more_than_half_their_round_trip(name: str) -> None:
    world = World(NETWORKS[name], 1)
    answers = [answer for k in range(2000) if (answer := world.ask(k * 100 * MS)) is not None]
    errors_us, half_trips_us = [], []
    for back_ns, (t1_us, t2_us, t3_us, t4_us) in answers:
        assert t4_us == local_us(back_ns)
        errors_us.append(world.error_us(back_ns, t4_us + ((t2_us - t1_us) + (t3_us - t4_us)) / 2))
        half_trips_us.append(((t4_us - t1_us) - (t3_us - t2_us)) / 2)
    whole_us = np.abs(np.array(errors_us) + world.network.hidden_us)
    assert np.all(whole_us <= np.array(half_trips_us) + 20)
    assert abs(np.median(errors_us)) < 1000
    assert len(answers) == pytest.approx(2000 * (1 - world.network.up.loss) ** 2, abs=60)


def test_queues_hold_exchanges_up_one_way_at_a_time() -> None:
    world = World(NETWORKS["lan_queues"], 1)
    trips_ms = np.array(
        [(answer[0] - k * 10 * MS) / MS for k in range(20_000) if (answer := world.ask(k * 10 * MS)) is not None]
    )
    assert np.median(trips_ms) < 30
    assert 0.05 < np.mean(trips_ms > 60) < 0.4


def test_the_peer_gets_every_exchange_when_it_came(peer: None) -> None:
    world = World(NETWORKS["lan"], 2)
    recording = hear(world).recording
    heard = replay(world, recording)
    for step in (5, 500, 2999):
        t1_us, t2_us, t3_us, t4_us = [each for back_ns, each in recording if back_ns <= step * STEP_NS][-1]
        offset_us = round(((t2_us - t1_us) + (t3_us - t4_us)) / 2)
        expected = world.error_us(step * STEP_NS, local_us(step * STEP_NS) + offset_us)
        assert heard.errors_us[step] == pytest.approx(expected)


def test_the_peer_at_its_own_pace_asks_as_its_error_says(peer: None) -> None:
    heard = hear_peer(World(NETWORKS["lan"], 2))
    assert len(heard.recording) == pytest.approx(300, abs=2)
    assert np.isnan(heard.errors_us[0])
    assert not np.isnan(heard.errors_us[1:]).any()


def test_converged_is_from_when_it_stays_near() -> None:
    errors_us = np.full(3000, 5.0)
    errors_us[:7] = np.nan
    errors_us[7:12] = -2000
    errors_us[60] = 1001
    errors_us[500] = 5000  # later than the ten seconds that count
    assert clock.converged_s(errors_us, 1000) == pytest.approx(6.1)
    assert clock.converged_s(np.full(3000, 1001.0), 1000) == 300
