"""What a node may believe, as the judges of a village reckon it from its packets."""

from hil_sim.patience import Trust, doubt_us
from hil_sim.scenario import LinkSettings

FRAME_US, LAG_US = 20_000, 60_000


def arrive(trust: Trust, index: int, late_us: int = 5_000) -> None:
    trust.arrive(index, late_us, index * FRAME_US + late_us)


def test_a_frame_is_known_once_a_later_one_has_told_its_key() -> None:
    trust = Trust(LAG_US, FRAME_US, 0)
    for index in range(10):
        arrive(trust, index)
        assert trust.known_us(index) is None
    assert trust.known_us(6) == 9 * FRAME_US + 5_000
    assert trust.known_us(7) is None


def test_where_packets_are_lost_any_later_one_tells() -> None:
    trust = Trust(LAG_US, FRAME_US, 0)
    for index in (0, 1, 2, 6):
        arrive(trust, index)
    assert [trust.known_us(index) for index in range(4)] == [6 * FRAME_US + 5_000] * 3 + [None]


def test_a_packet_that_comes_when_its_key_may_be_told_is_not_believed() -> None:
    for doubt, late_us, known in (
        (0, 49_999, True),
        (0, 50_000, False),
        (20_000, 29_999, True),
        (20_000, 30_000, False),
    ):
        trust = Trust(LAG_US, FRAME_US, doubt)
        arrive(trust, 0, late_us)
        arrive(trust, 3)
        assert (trust.known_us(0) is not None) is known


def test_what_was_asked_for_again_proves_itself() -> None:
    trust = Trust(LAG_US, FRAME_US, 0)
    trust.again(4, 123_000)
    assert trust.known_us(4) == 123_000
    arrive(trust, 9)
    assert trust.known_us(4) == 123_000


def test_what_is_over_is_forgotten() -> None:
    trust = Trust(LAG_US, FRAME_US, 0)
    for index in range(10):
        arrive(trust, index)
    trust.forget(5)
    assert trust.known_us(4) is None
    assert trust.known_us(6) is not None


def test_the_doubt_is_the_quickest_way_there_and_a_little() -> None:
    assert doubt_us(LinkSettings(delay_ms=5.0)) >= 5_000
    assert doubt_us(LinkSettings(delay_ms=5.0, delay_up_ms=40.0)) >= 40_000
