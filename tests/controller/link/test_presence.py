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
