"""The agent: a node's tasks on one asyncio loop. A task that fails is logged and started again; the sound
goes on."""

import asyncio

from codec.wire import announcement, command, names, sync, tesla
from codec.wire.errors import ForgedError, WireError
from codec.wire.mac import Mac, derive

from .clock import Clock
from .commands import Commands
from .counters import new_counters
from .health import Health
from .keychain import MAX_STEPS, Keychain
from .lan import Lan
from .link import Link
from .mediatime import MediaTime
from .pipeline import Pipeline
from .reading import read
from .settings import Settings
from .ticks import Unwrapper
from .trust import Trust
from .village import Village
from .watchdog import TIMEOUT_MS, Watchdog

_MAX_BLOCKS_A_TURN = 8
_AHEAD_BLOCKS_A_TURN = 2
"""Beyond the floor: what is not urgent leaves the processor to others now and then."""
_MIN_TURN_MS = 2
_RESTART_MS = 100
_GROUP_RESTART_MS = 30000
_NETWORK_RETRY_MS = 2000
_MOST_BEHIND = MAX_STEPS * 3 // 4
"""Intervals. The controller tells the newest key every 10 s; who has not heard it for 15 s or 30 s asks, while the key
that a packet tells can still be reached from the last one."""


class Agent:
    """One node on one HAL (see firmware/hal)."""

    def __init__(self, hal, config):
        self._hal = hal
        self._config = config
        self._ticks = Unwrapper(hal.ticks_period)
        self._opus = hal.make_decoder()
        self._dac = None
        self._udp = None
        self._rest = None
        self._groups = {}
        self._sync_group = None
        self._shared = None
        self._lan_tasks = []
        self._reboot_cause = None
        now_us = self.now_us()
        self.counters = new_counters()
        self._tag = names.node_tag(config.id)
        self.clock = Clock(self._tag, Mac(derive(config.key, "time")), hal.random)
        self.time = MediaTime(self.clock)
        self.village = Village(self._tag, Mac(b""), self.clock, self.time, hal.random)
        self.keychain = Keychain()
        self.pipeline = Pipeline(
            self.time,
            self.clock,
            self.keychain,
            Mac(derive(config.key, "audio")),
            hal.random,
            self._opus,
            self.counters,
            hal.stamp_sd_us,
            config.fill_ms * 48,
        )
        self.settings = Settings(config, hal)
        self.trust = Trust(config, hal)
        self.commands = Commands(config.id, config.key, self.settings, self, self.clock)
        self.speaker = None
        if "speaker" in config.sensors:
            from .speaker import Speaker  # who measures no current needs none of it, and has a small heap

            self.speaker = Speaker(*config.sensors["speaker"][4])
        self.health = Health(hal, self.time, self.village, self.pipeline, self.speaker, self.counters, now_us)
        self.watchdog = Watchdog(now_us)
        self.link = Link(hal, config, self)
        self.apply_settings()

    def now_us(self):
        """Return the local time."""
        return self._ticks.local_us(self._hal.ticks_us())

    async def run(self):
        """Run the node for ever."""
        self._dac = self._hal.open_dac()
        tasks = [self._start(self._guard, "guard"), self._start(self._play, "player")]
        while self._udp is None:
            try:
                await self._hal.network_up()
                self._udp = self._hal.open_udp(*self._config.media)
            except Exception as error:  # a node may be up before its network or name server
                self._hal.log_exception("network", error)
                await self._hal.sleep_ms(_NETWORK_RETRY_MS)
            self.watchdog.link(self.now_us())
        for name, task in (("receiver", self._receive), ("clock", self._ask_time), ("link", self.link.run)):
            tasks.append(self._start(task, name))
        try:
            await asyncio.gather(*tasks)
        finally:
            self._follow(None)

    def _start(self, task, name, longest_pause_ms=_RESTART_MS):
        return asyncio.create_task(self._keep(task, name, longest_pause_ms))

    async def _keep(self, task, name, longest_pause_ms):
        pause_ms = _RESTART_MS
        while True:
            began_us = self.now_us()
            try:
                await task()
            except Exception as error:  # whatever it was, silence would be worse
                self._hal.log_exception(name, error)
            if self.now_us() - began_us > longest_pause_ms * 1000:
                pause_ms = _RESTART_MS
            await self._hal.sleep_ms(pause_ms)
            pause_ms = min(2 * pause_ms, longest_pause_ms)

    # ---- tasks ----

    async def _play(self):
        while True:
            await self._hal.sleep_ms(self._fill())

    def _fill(self):
        """Keep the DAC ahead; return the milliseconds until the next turn."""
        dac = self._dac
        player = self.pipeline.player
        frames_out, stamp = dac.position()
        player.observe(frames_out, self._ticks.local_us(stamp), dac.underruns())
        speaker = self.speaker
        if speaker is not None and speaker.due(frames_out):
            speaker.measure(frames_out, self._hal.speaker_ma())
        request = self.pipeline.ask_again(self._tag, self.now_us())
        if request is not None:
            self._udp.send(request)
        if self._rest is not None and not self._write(self._rest, self.now_us()):
            return _MIN_TURN_MS
        spare = 0
        for number in range(_MAX_BLOCKS_A_TURN):
            now_us = self.now_us()
            queued = player.queued_frames(now_us)
            above = queued - player.floor_frames()
            urgent = above <= 0
            block_frames = player.block_frames(urgent)
            spare = queued + block_frames - player.fill_frames()
            if spare > 0 or dac.free() < block_frames:
                break
            if not urgent and number >= _AHEAD_BLOCKS_A_TURN:
                spare = 0
                break
            block = self.pipeline.render(now_us, urgent)
            if block is None:
                spare = min(above, block_frames)
                break
            if not self._write(block, now_us):
                break
        return max(spare // 48 + 1, _MIN_TURN_MS)

    def _write(self, block, now_us):
        """Write what was rendered, the rest of it in a later turn; True when all is written. The player counts
        on every frame."""
        taken = self._dac.write(block)
        if taken:
            self.watchdog.audio(now_us)
            if self.speaker is not None:
                self.speaker.drive(block, taken)
        self._rest = block[taken:] if taken < len(block) else None
        return self._rest is None

    async def _receive(self):
        await read(self._udp, self._datagram, self.counters, self._hal.sleep_ms)

    def _datagram(self, data, from_media):
        now_us = self.now_us()
        if not from_media:
            self.counters["unexpected"] += 1
        elif sync.is_sync(data):
            try:
                if not self.clock.receive(data, now_us):
                    self.counters["unexpected"] += 1
            except ForgedError:
                self.counters["forged"] += 1
            except WireError:
                self.counters["malformed"] += 1
        else:
            self.pipeline.receive(data, now_us)

    async def _ask_time(self):
        while True:
            request = self.clock.poll(self.now_us())
            if request is not None:
                self._udp.send(request)
            wait_us = self.clock.next_us(self.now_us()) - self.now_us()
            await self._hal.sleep_ms(min(max(wait_us // 1000 + 1, 1), 1000))

    async def _guard(self):
        """Feed the board's watchdog, follow multicast groups, reboot when told."""
        dog = self._hal.watchdog(TIMEOUT_MS)
        while True:
            if self.watchdog.healthy(self.now_us()):
                dog.feed()
            if self._reboot_cause is not None:
                await self._hal.sleep_ms(500)  # the answer to the command goes out first
                self._hal.reboot(self._reboot_cause)
            await self._hal.sleep_ms(500)

    async def _receive_group(self, group):
        udp = self._hal.open_group(group[0], group[1])
        try:
            await read(udp, self._from_group, self.counters, self._hal.sleep_ms)
        finally:
            udp.close()

    def _from_group(self, data, _):
        self.pipeline.receive(data, self.now_us())

    # ---- what the link asks for ----

    def hear(self, raw, zone):
        """Take the announcement of `zone` in the bytes `raw`, once it proves genuine. False if it never will: it was
        too long on its way, or is old. Raises WireError."""

        def take(found):
            self.announce(*announcement.parse(found, zone))

        _, _, found = tesla.parse_seal(raw)
        return self.pipeline.expect(raw, announcement.parse(found, zone)[0], take, self.now_us())

    def hear_chain(self, raw):
        """Take what the chain's topic says; raises WireError."""
        self.pipeline.tell(raw, self.keychain.add, self.now_us())

    def take_air(self, terms, chains, session, lan):
        """Take from a command what is on air, whose keys it has, and the key of the zone's nodes among themselves,
        wrapped, or None; raises WireError."""
        found = announcement.parse_fields(session, self.settings.zone)
        shared = None if lan is None else command.wrap(self._config.key, lan[:16], lan[16:])
        if shared != self._shared:
            self._shared = shared
            self.village.share(Mac(shared or b""))
        if self.keychain.take(terms, chains):
            self.pipeline.verifier.forget()
        self.announce(*found)

    def lacks_keys(self):
        """True when what is on air could not be verified for want of a newer key."""
        terms = self.keychain.terms
        if terms is None:
            return True
        now_us = self.now_us()
        latest_us = self.clock.latest_us(now_us)
        if latest_us is None:
            return False
        behind = terms.interval(latest_us) - self.keychain.newest()
        return behind > _MOST_BEHIND or self.pipeline.verifier.starved(now_us)

    def announce(self, streams, sync_group=None):
        """Play what the controller says is on air, a list of codec.wire.announcement.Stream."""
        self._follow(sync_group)
        self.pipeline.announce(streams, self.now_us())
        wanted = self.pipeline.streams.groups()
        for group in list(self._groups):
            if group not in wanted:
                self._groups.pop(group).cancel()
        for group in wanted:
            if group not in self._groups:
                self._groups[group] = self._start(
                    lambda group=group: self._receive_group(group), "group", _GROUP_RESTART_MS
                )

    def _follow(self, sync_group):
        """Agree on the time by this group, or by none."""
        if sync_group == self._sync_group:
            return
        self._sync_group = sync_group
        while self._lan_tasks:
            self._lan_tasks.pop().cancel()
        self.village.leave(self.now_us(), self._sounding())
        if sync_group is None:
            return
        self.village.join(self.now_us(), self._sounding())
        lan = Lan(self._hal, self.village, self.counters, self.now_us, self._sounding)
        for task in (lambda: lan.hear(sync_group), lambda: lan.talk(sync_group), lan.beat):
            self._lan_tasks.append(self._start(task, "lan", _GROUP_RESTART_MS))

    def _sounding(self):
        return self.pipeline.player.on_air is not None

    def apply_settings(self):
        """Make volume and player follow the settings; the link follows the zone by itself."""
        self.pipeline.volume.set(self.settings.gain_db, self.settings.muted)
        self.pipeline.player.delay_us = self.settings.delay_us

    def stop(self):
        """Silence until the next announcement."""
        self.announce([], self._sync_group)

    def on_air(self):
        """True while a programme sounds or begins to."""
        return self.pipeline.player.stream is not None

    def tone(self, duration_ms):
        """Sound the test tone; False while a programme is on air."""
        return self.pipeline.player.tone(duration_ms)

    def reboot(self, cause):
        """Restart once the answer has gone out."""
        self._reboot_cause = cause
