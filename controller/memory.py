"""What the next engine, or the next controller, must know of the last one: media clock, streams and chains of keys.

It is a small file that nobody else may read.
"""

import json
import logging
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from controller.chains import Seeds
from controller.clock import Anchor, mono_us, wall_us
from controller.storage.files import write_atomically

log = logging.getLogger(__name__)

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class StreamOnAir:
    """A zone's RTP stream as the engine reports it; see codec.wire.announcement for the fields."""

    ssrc: int
    media0_us: int
    frame_us: int
    lead_us: int
    priority: int


class Memory:
    """Anchor, streams and the seeds of chains, written through to a file.

    An earlier boot's are void, as CLOCK_MONOTONIC starts anew.

    away_s: how long nobody kept the file before this, by UTC; infinite where there was none. The constructor raises
    OSError when the file cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._boot_id = _BOOT_ID.read_text().strip() if _BOOT_ID.exists() else ""
        self.anchor = Anchor(mono_us(), wall_us())
        self.streams: dict[str, StreamOnAir] = {}
        self.chains: Seeds = {}
        self.away_s = float("inf")
        self._read()
        self._write()

    def now_media_us(self) -> int:
        """Return the media clock."""
        return self.anchor.media_at(mono_us())

    def save(self, durable: bool = False) -> None:
        """Write everything down, as far as the disk lets it: what is on air does not wait for it.

        `durable`: also for after a power cut, when only the time of it still counts.
        """
        try:
            self._write(durable)
        except OSError as error:
            log.error("%s is not written: %s; free some space, or the next start knows no stream", self._path, error)

    def _write(self, durable: bool = False) -> None:
        content = {
            "boot_id": self._boot_id,
            "saved_wall_us": wall_us(),
            "anchor": asdict(self.anchor),
            "streams": {zone: asdict(stream) for zone, stream in self.streams.items()},
            "chains": self.chains,
        }
        write_atomically(self._path, json.dumps(content).encode(), durable, 0o600)

    def _read(self) -> None:
        try:
            found: dict[str, Any] = json.loads(self._path.read_bytes())
            self.away_s = abs(wall_us() - int(found["saved_wall_us"])) / 1e6
            if not self._boot_id or found["boot_id"] != self._boot_id:
                return
            anchor = Anchor(**{name: int(value) for name, value in found["anchor"].items()})
            streams = {zone: StreamOnAir(**stream) for zone, stream in found["streams"].items()}
            chains = dict(found.get("chains", {}))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return  # a damaged file is as none: the clock starts from UTC
        self.anchor, self.streams, self.chains = anchor, streams, chains
