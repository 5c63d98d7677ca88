"""A node's board in virtual time: the HAL of firmware/hal, its crystal, DAC and datagrams."""

import asyncio
import random
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from hil_sim.virtual.codec import Decoder
from hil_sim.virtual.horns import Horns
from hil_sim.virtual.loop import VirtualLoop, wake

TICKS_PERIOD = 1 << 30
_DMA_FRAMES = 120
_DMA_COUNT = 4
_RING_FRAMES = 6240
"""As firmware/hal/esp32/dac.py has them."""
_STAMP_NOISE_US = 20.0
_MOST_LATE_NS = 500_000
"""A board's loop comes back from a sleep late by up to this."""
_PER_MILLIHERTZ = 1_000_000_000_000


class Crystal:
    """A node's crystal: `ppb` parts in 10^9 faster than true time; `offset_us` on its counter at true time 0."""

    def __init__(self, ppb: int, offset_us: int) -> None:
        self.ppb = ppb
        self.offset_us = offset_us

    def ticks_us(self, true_ns: int) -> int:
        """Return what the board's counter shows."""
        true_us = true_ns // 1000
        return (true_us + true_us * self.ppb // 1_000_000_000 + self.offset_us) % TICKS_PERIOD


class Ear(Protocol):
    """Who listens at a DAC."""

    def hear(self, first_ns: int, block: Any) -> None:
        """`block`, int16, leaves from true time `first_ns` on."""


class Dac:
    """The DAC of firmware/hal, as ``loadac`` on an ESP32: a ring, then four DMA buffers that are always being sent.

    Whole DMA buffers are written, so that one is either full or empty.
    """

    def __init__(self, loop: VirtualLoop, crystal: Crystal, chance: random.Random, ear: Ear) -> None:
        self._loop = loop
        self._crystal = crystal
        self._chance = chance
        self._ear = ear
        self._rate_mhz = 48_000_000 + 48_000_000 * crystal.ppb // 1_000_000_000
        self._start_ns = loop.now_ns
        self._accepted = 0
        self._run_block = 0
        """Number of the DMA buffer that the present gapless run began with, and its first frame."""
        self._run_frame = 0
        self._sounding = False
        self._underruns = 0
        self._out_before = 0

    def _block_ns(self, block: int) -> int:
        return self._start_ns + block * _DMA_FRAMES * _PER_MILLIHERTZ // self._rate_mhz

    def _block_now(self) -> int:
        return (self._loop.now_ns - self._start_ns) * self._rate_mhz // (_DMA_FRAMES * _PER_MILLIHERTZ)

    def _end_block(self) -> int:
        """Return the number of the first buffer after what was written."""
        return self._run_block + (self._accepted - self._run_frame) // _DMA_FRAMES

    def _settle(self, block: int) -> None:
        """Note that the sound ran dry: an interrupt found nothing to fill its buffer with."""
        if self._sounding and block + _DMA_COUNT >= self._end_block():
            self._sounding = False
            self._underruns += 1

    def free(self) -> int:
        """Return how many frames are taken now."""
        block = self._block_now()
        self._settle(block)
        if not self._sounding:
            return _RING_FRAMES
        in_dma = min(block + _DMA_COUNT + 1, self._end_block())
        return _RING_FRAMES - (self._end_block() - in_dma) * _DMA_FRAMES

    def write(self, samples: Any) -> int:
        """Take all of `samples`, int16; the player asks :meth:`free` first."""
        block = self._block_now()
        self._settle(block)
        if not self._sounding:
            self._sounding = True
            self._run_block = block + 1 + _DMA_COUNT
            self._run_frame = self._accepted
        frames = len(samples)
        self._ear.hear(self._block_ns(self._end_block()), samples)
        self._accepted += frames
        return frames

    def position(self) -> tuple[int, int]:
        """Return ``(frames_out, ticks)`` of the last interrupt."""
        block = self._block_now()
        self._settle(block)
        out = self._run_frame + max(min(block, self._end_block()) - self._run_block, 0) * _DMA_FRAMES
        noise_us = (
            (self._chance.random() + self._chance.random() - 1.0) * _STAMP_NOISE_US * 2.45
        )  # a triangle's deviation
        return out, self._crystal.ticks_us(self._block_ns(block) + round(noise_us * 1000))

    def underruns(self) -> int:
        """Return how often it ran dry."""
        self._settle(self._block_now())
        return self._underruns


class Udp:
    """The socket of firmware/hal. `carry` takes what is sent."""

    def __init__(self, carry: Callable[[bytes], None]) -> None:
        self._carry = carry
        self._inbox: deque[tuple[bytes, bool, Any]] = deque()
        self._waiting: asyncio.Future[None] | None = None
        self.source: Any = None

    def deliver(self, data: bytes, from_media: bool = True, source: Any = None) -> None:
        """Let a datagram arrive."""
        self._inbox.append((data, from_media, source))
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def send(self, data: bytes) -> None:
        """Send."""
        self._carry(bytes(data))

    async def readable(self) -> None:
        """Wait until something has come."""
        while not self._inbox:
            self._waiting = asyncio.get_running_loop().create_future()
            await self._waiting

    def receive(self) -> tuple[bytes, bool] | None:
        """Return the next datagram, or None."""
        if not self._inbox:
            return None
        data, from_media, self.source = self._inbox.popleft()
        return data, from_media

    def close(self) -> None:
        """Close."""


class Wiring(Protocol):
    """What a board hangs on."""

    def open_udp(self, number: int) -> Udp:
        """Return the node's socket to the controller."""

    def open_group(self, number: int, group: tuple[str, int]) -> Udp:
        """Return a socket that hears a group of the LAN."""

    def open_lan(self, number: int, group: tuple[str, int]) -> Udp:
        """Return a socket that sends to a group of the LAN."""

    async def open_stream(self, number: int) -> tuple[Any, Any]:
        """Return streams to the broker; raises OSError."""

    def reset(self, number: int, cause: str) -> None:
        """The board wants to start again."""

    def crashed(self, number: int, task: str, error: BaseException) -> None:
        """A task of the firmware ended by an exception."""


class Hal:
    """See firmware/hal."""

    ticks_period = TICKS_PERIOD
    board = "virtual"
    stamp_sd_us = 30.0

    def __init__(
        self,
        loop: VirtualLoop,
        wiring: Wiring,
        number: int,
        crystal: Crystal,
        chance: random.Random,
        ear: Ear,
        flash: dict[str, bytes],
        cause: str,
        console: list[str],
        faults: dict[str, Any] | None = None,
        horns: Horns | None = None,
    ) -> None:
        """faults: what is wrong with the board (hil_sim.condition), which may change. horns: where their current is
        measured."""
        self._faults = {} if faults is None else faults
        self._horns = horns
        self._console = console
        self._dog: _Dog | None = None
        self._loop = loop
        self._wiring = wiring
        self._number = number
        self._crystal = crystal
        self._chance = chance
        self._ear = ear
        self._flash = flash
        self.restart_cause = cause
        self.make_decoder = Decoder
        self._ns_a_ms = 1_000_000 - crystal.ppb // 1000
        ppb, offset_us = crystal.ppb, crystal.offset_us

        def ticks_us() -> int:
            """Return the board's counter; as Crystal.ticks_us, and the most called of all."""
            true_us = loop.now_ns // 1000
            return (true_us + true_us * ppb // 1_000_000_000 + offset_us) & (TICKS_PERIOD - 1)

        self.ticks_us = ticks_us

    def sleep_ms(self, ms: int) -> asyncio.Future[None]:
        """Return what a task awaits to let others run."""
        loop = self._loop
        future = loop.create_future()
        late_ns = int(self._chance.random() * _MOST_LATE_NS)
        loop.at_ns(loop.now_ns + ms * self._ns_a_ms + late_ns, wake, future)
        return future

    def random(self) -> int:
        """Return a byte of chance."""
        return self._chance.randrange(256)

    def open_dac(self) -> Dac:
        """Return the DAC."""
        ear = self._ear if self._horns is None else _Both(self._ear, self._horns)
        return Dac(self._loop, self._crystal, self._chance, ear)

    async def network_up(self) -> None:
        """It always is; a cut line is the network's matter."""

    def open_udp(self, _host: str, _port: int) -> Udp:
        """Return the socket to the controller."""
        return self._wiring.open_udp(self._number)

    def open_group(self, host: str, port: int, _most_bytes: int = 1500) -> Udp:
        """Return a socket that hears a group."""
        return self._wiring.open_group(self._number, (host, port))

    def open_lan(self, host: str, port: int, _most_bytes: int) -> Udp:
        """Return a socket that sends to a group."""
        return self._wiring.open_lan(self._number, (host, port))

    def resolve(self, host: str, port: int) -> tuple[str, int]:
        """Return the address."""
        return host, port

    async def open_stream(self, _address: Any, _authorities: Any) -> tuple[Any, Any]:
        """Return streams to the broker; nothing between the two is worth hiding here."""
        return await self._wiring.open_stream(self._number)

    def load_settings(self) -> bytes | None:
        """Return what was kept."""
        return self._flash.get("settings")

    def save_settings(self, data: bytes) -> None:
        """Keep it."""
        self._flash["settings"] = data

    def check_authority(self, _pem: str) -> None:
        """Take any."""

    def load_trust(self) -> bytes | None:
        """Return what was kept."""
        return self._flash.get("trust")

    def save_trust(self, data: bytes) -> None:
        """Keep it."""
        self._flash["trust"] = data

    def reboot(self, cause: str) -> None:
        """Start again."""
        self._wiring.reset(self._number, cause)

    def watchdog(self, timeout_ms: int) -> "_Dog":
        """Return a watchdog that resets the board."""
        self._dog = _Dog(self._loop, timeout_ms * 1_000_000, lambda: self._wiring.reset(self._number, "watchdog"))
        return self._dog

    def power_off(self) -> None:
        """Nothing of the board goes on."""
        if self._dog is not None:
            self._dog.sleep()

    def link(self) -> str | None:
        """Return what its line is made of."""
        return "wifi"

    def wifi_dbm(self) -> int | None:
        """Return the signal."""
        return self._shown("wifi_dbm", -60)

    def mobile_dbm(self) -> int | None:
        """Return nothing: there is no modem."""
        return None

    def temperature_mc(self) -> int | None:
        """Return the temperature."""
        return 1000 * self._shown("temperature_c", 41)

    def storage_free_bytes(self) -> int | None:
        """Return the space left."""
        return self._shown("storage_free_bytes", 1_200_000)

    def storage_total_bytes(self) -> int | None:
        """Return the space there is."""
        return self._shown("storage_total_bytes", 1 << 21)

    def supply_mv(self) -> int | None:
        """Return the supply's voltage."""
        return self._shown("supply_mv", 12_600)

    def speaker_ma(self) -> int | None:
        """Return the current into the horns, None where nobody measures it."""
        if self._horns is None:
            return None
        return self._horns.current_ma(self._loop.now_ns, self._faults.get("speaker"))

    def door_open(self) -> int | None:
        """Return whether the box is open."""
        return self._shown("door_open", 0)

    def tilted(self) -> int | None:
        """Return whether the pole leans."""
        return self._shown("tilted", 0)

    def fm(self) -> str | None:
        """Return what an old receiver does; there is none but by a fault."""
        word: str | None = self._faults.get("fm")
        return word

    def _shown(self, name: str, normal: int) -> int:
        return int(self._faults.get(name, normal))

    def free_heap_bytes(self) -> int | None:
        """Return the heap left."""
        return 100_000

    def log(self, text: str) -> None:
        """Write a line, with its true time, to the console."""
        self._console.append(f"{self._loop.now_ns / 1e9:.3f} {text}")

    def log_exception(self, task: str, error: BaseException) -> None:
        """Tell the simulation: the firmware must not fail."""
        self._wiring.crashed(self._number, task, error)


class _Both:
    """Two who listen at one DAC."""

    def __init__(self, one: Ear, other: Ear) -> None:
        self._one = one
        self._other = other

    def hear(self, first_ns: int, block: Any) -> None:
        """As an ear."""
        self._one.hear(first_ns, block)
        self._other.hear(first_ns, block)


class _Dog:
    """Bites when it was not fed for `timeout_ns`."""

    def __init__(self, loop: VirtualLoop, timeout_ns: int, bite: Callable[[], None]) -> None:
        self._loop = loop
        self._timeout_ns = timeout_ns
        self._bite = bite
        self._asleep = False
        self.feed()
        self._look()

    def feed(self) -> None:
        """Feed it."""
        self._fed_ns = self._loop.now_ns

    def sleep(self) -> None:
        """The board is off."""
        self._asleep = True

    def _look(self) -> None:
        if self._asleep:
            return
        if self._loop.now_ns - self._fed_ns >= self._timeout_ns:
            self._bite()
            return
        self._loop.at_ns(self._fed_ns + self._timeout_ns, self._look)
