"""Which authorities a node trusts: never none, at most two, through a reboot, and by a new identity alone from anew."""

import pytest

from codec.wire.errors import WireError
from firmware.node.config import Config
from firmware.node.trust import Trust


class Storage:
    """Keeps what a board keeps; every certificate but one is good."""

    def __init__(self) -> None:
        self.kept: bytes | None = None
        self.said: list[str] = []

    def load_trust(self) -> bytes | None:
        return self.kept

    def save_trust(self, data: bytes) -> None:
        self.kept = data

    def check_authority(self, pem: str) -> None:
        if pem == "rubbish":
            raise ValueError("no certificate")

    def log(self, text: str) -> None:
        self.said.append(text)


def trust(storage: Storage, ca: str | None = "A") -> Trust:
    return Trust(Config("node-1", bytes(32), ca, ("h", 1), ("h", 2)), storage)


def test_the_next_one_beside_and_then_alone() -> None:
    storage = Storage()
    found = trust(storage)
    assert found.authorities == ["A"]
    found.add("B", only=False)
    found.add("B", only=False)
    assert found.authorities == trust(storage).authorities == ["A", "B"]
    found.add("B", only=True)
    assert found.authorities == trust(storage).authorities == ["B"]


def test_two_at_most_and_the_newest_stay() -> None:
    found = trust(Storage())
    for name in "BCD":
        found.add(name, only=False)
    assert found.authorities == ["C", "D"]


def test_no_command_locks_it_out() -> None:
    storage = Storage()
    found = trust(storage)
    with pytest.raises(WireError, match="not trusted yet"):
        found.add("B", only=True)
    with pytest.raises(WireError, match="no certificate"):
        found.add("rubbish", only=False)
    assert found.authorities == ["A"]
    assert storage.kept is None
    for damaged in (b"{", b'{"given": 1}', b"\xff", b'{"authorities": []}'):
        storage.kept = damaged
        assert trust(storage).authorities == ["A"]


def test_a_new_identity_is_of_another_controller() -> None:
    storage = Storage()
    trust(storage).add("B", only=False)
    assert trust(storage, "X").authorities == ["X"]


def test_in_the_clear_there_is_nothing_to_trust() -> None:
    found = trust(Storage(), None)
    assert found.authorities is None
    with pytest.raises(WireError, match="in the clear"):
        found.add("B", only=False)
