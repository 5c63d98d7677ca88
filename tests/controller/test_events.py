"""Who watches one node hears of it alone, and everybody who watches has one of a bounded number of places."""

import pytest

from controller import events
from controller.events import Bus, Watcher


def waiting(watcher: Watcher) -> list[bytes | None]:
    """Return what came until now."""
    return [watcher.waiting.get_nowait() for _ in range(watcher.waiting.qsize())]


def test_who_watches_a_node_hears_of_it_alone() -> None:
    bus = Bus()
    with bus.watch() as everything, bus.watch_node("cum-1") as one, bus.watch_node("cum-1") as another:
        bus.spoke("cum-2")
        bus.spoke("cum-1")
        bus.publish("zone", {"id": "thon-1"})
        assert waiting(one) == waiting(another) == [b'event: told\ndata: {"id":"cum-1"}\n\n']
        assert waiting(everything) == [b'event: zone\ndata: {"id":"thon-1"}\n\n']
    bus.spoke("cum-1")
    assert waiting(one) == []


def test_places_are_counted_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "MAX_WATCHERS", 2)
    bus = Bus()
    with bus.watch():
        with bus.watch_node("cum-1"):
            assert bus.full
        assert not bus.full


def test_one_that_cannot_follow_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "MAX_WAITING", 3)
    bus = Bus()
    with bus.watch_node("cum-1") as slow:
        for _ in range(9):
            bus.spoke("cum-1")
        assert waiting(slow)[3:] == [None]


def test_every_watch_ends_with_the_bus() -> None:
    bus = Bus()
    with bus.watch_node("cum-1") as before:
        bus.close()
        with bus.watch_node("cum-1") as after:
            assert waiting(before) == waiting(after) == [None]
