"""Horns that fail in virtual time: the node tells of it within seconds, of its own horns alone, and of the repair."""

from pathlib import Path

import pytest

from hil_sim.condition import check
from hil_sim.scenario import parse
from hil_sim.virtual.village import Village, play
from tests.hil_sim.virtual.test_village import LAN, scenario

pytestmark = pytest.mark.timeout(120)


def states(text: str, nodes: int, duration_s: float) -> list[list[tuple[float, str | None]]]:
    """By node: what the office was told of its speaker, and when first, seconds after the command."""
    given = scenario(LAN + text, nodes=nodes, duration_s=duration_s)
    said: list[list[tuple[float, str | None]]] = [[] for _ in range(nodes)]

    def watch(village: Village) -> None:
        for node, told in zip(village.nodes, said, strict=True):
            health = village.office.health.get(node.name)
            if health is not None and (not told or told[-1][1] != health["states"]["speaker"]):
                told.append((village.loop.now_ns / 1e9, health["states"]["speaker"]))

    outcome = play(given, watch=watch)
    assert outcome.crashes == []
    return [[(round(at_s - outcome.command_ns / 1e9, 1), word) for at_s, word in told] for told in said]


@pytest.mark.parametrize("fault", ["open", "short"])
def test_a_fault_is_told_within_seconds_and_so_is_the_repair(fault: str) -> None:
    broken, good = states(
        f'[[event]]\nat_s = 6\ndo = "speaker_{fault}"\nnode = 1\n[[event]]\nat_s = 13\ndo = "repair"\nnode = 1\n',
        nodes=2,
        duration_s=20,
    )
    assert [word for _, word in good] == [None, "ok"], good
    assert [word for _, word in broken] == [None, "ok", fault, "ok"], broken
    assert broken[1][0] < 6
    assert 6 < broken[2][0] < 12
    assert 13 < broken[3][0] < 19


def test_without_such_an_event_no_current_is_measured() -> None:
    (told,) = states("", nodes=1, duration_s=4)
    assert [word for _, word in told] == [None]


def test_what_no_board_has() -> None:
    assert check({"speaker": None, "door_open": 1, "fm": "off"})
    for faults in ({"speeker": "open"}, {"speaker": "loud"}, {"door_open": 2}, {"supply_mv": "9 V"}, {"fm": "on"}):
        with pytest.raises(ValueError, match=r"a board has no|cannot be"):
            check(faults)


def test_each_word_is_an_event() -> None:
    head = "duration_s = 9\n"
    for word in ("speaker_open", "speaker_short", "repair"):
        (event,) = parse(f'{head}[[event]]\nat_s = 1\ndo = "{word}"\nnode = 2', "faults", Path()).events
        assert (event.do, event.node) == (word, 2)
