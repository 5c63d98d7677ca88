"""The packets of a stream that may still be asked for: the retransmission buffer of RFC 4588 section 3."""


class History:
    """The newest frames of one stream, those of at most `capacity` indices; `capacity` is less than 2^16.

    One thread keeps, another one finds, without a lock: a slot changes by one assignment, to an entry that never
    changes. kept: how many packets were kept since the beginning.
    """

    def __init__(self, capacity: int) -> None:
        self.kept = 0
        self._newest = -1
        self._slots: list[tuple[int, bytes] | None] = [None] * capacity

    @property
    def capacity(self) -> int:
        """How many frames are kept."""
        return len(self._slots)

    @property
    def oldest(self) -> int:
        """The least frame index that may still be here."""
        return self._newest - len(self._slots) + 1

    def keep(self, frame_index: int, packet: bytes) -> None:
        """Keep the packet of a frame, which is newer than all before it."""
        self._slots[frame_index % len(self._slots)] = (frame_index, packet)
        self._newest = frame_index
        self.kept += 1

    def find(self, sequence: int) -> tuple[int, bytes] | None:
        """Return ``(frame index, packet)`` of the newest frame with a sequence number; None where it is not here."""
        newest, slots = self._newest, self._slots
        age = (newest - sequence) & 0xFFFF
        if age >= len(slots) or age > newest:
            return None
        entry = slots[(newest - age) % len(slots)]
        # What was not sent, as DTX has it, leaves an older frame in its slot; a newer one may be there by now.
        return entry if entry is not None and entry[0] == newest - age else None
