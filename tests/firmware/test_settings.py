"""What a node keeps is kept for the key that it came with."""

from firmware.node.config import Config
from firmware.node.settings import Settings


class Flash:
    """Settings' bytes in memory."""

    def __init__(self) -> None:
        self.raw: bytes | None = None

    def load_settings(self) -> bytes | None:
        return self.raw

    def save_settings(self, raw: bytes) -> None:
        self.raw = raw

    def log(self, text: str) -> None:
        raise AssertionError(text)


def test_a_board_that_becomes_another_node_begins_anew() -> None:
    flash = Flash()
    first = Settings(Config("cum-1", bytes(32), zone="thon-1"), flash)
    first.counter, first.muted, first.zone = 500, True, "thon-2"
    first.save()
    again = Settings(Config("cum-1", bytes(32), zone="thon-1"), flash)
    assert (again.counter, again.muted, again.zone) == (500, True, "thon-2")
    other = Settings(Config("cum-2", b"k" * 32, zone="thon-3"), flash)
    assert (other.counter, other.muted, other.zone) == (-1, False, "thon-3")
