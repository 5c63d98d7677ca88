"""Who is there: no I/O, a clock of our own."""

from controller.link.presence import NEW, OFFLINE, ONLINE, SILENT, SILENT_AFTER_US, Presence


def test_from_new_to_silent_and_back() -> None:
    presence = Presence()
    assert presence.state("a", 0) == NEW
    presence.status("a", True, 0)
    assert presence.changed(1) == ["a"]
    assert presence.changed(2) == []
    assert presence.state("a", SILENT_AFTER_US) == ONLINE
    assert presence.state("a", SILENT_AFTER_US + 1) == SILENT
    assert presence.changed(SILENT_AFTER_US + 1) == ["a"]
    assert presence.health("a", SILENT_AFTER_US + 2)
    assert not presence.health("a", SILENT_AFTER_US + 3)
    presence.status("a", False, SILENT_AFTER_US + 4)
    assert presence.state("a", SILENT_AFTER_US + 4) == OFFLINE


def test_remembered_is_offline_until_heard() -> None:
    presence = Presence()
    presence.remember("a")
    assert presence.state("a", 0) == OFFLINE
    assert presence.changed(0) == []
    assert presence.health("a", 1)
    assert presence.state("a", 1) == ONLINE


def test_since_when() -> None:
    presence = Presence()
    assert presence.since_us("a", 5) is None
    presence.remember("a", -70)
    assert presence.since_us("a", 5) == -70, "gone since it was last seen"
    presence.status("a", True, 10)
    presence.health("a", 20)
    assert presence.since_us("a", 25) == 10, "a report of one that is there begins nothing"
    silent_us = 20 + SILENT_AFTER_US
    assert presence.since_us("a", silent_us + 7) == silent_us
    presence.health("a", silent_us + 8)
    assert presence.since_us("a", silent_us + 9) == silent_us + 8
    presence.status("a", False, silent_us + 10)
    presence.status("a", False, silent_us + 11)
    assert presence.since_us("a", silent_us + 12) == silent_us + 10
