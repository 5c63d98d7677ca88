"""The stages of a block, in order, for all zones whose frames have one length."""

import functools

import numpy as np

from controller.engine.authenticator import Authenticator, Signature
from controller.engine.encoder import EncoderStage, Group
from controller.engine.ground import MACHINE, Crew, Ground
from controller.engine.limiter import Limiter
from controller.engine.mediasocket import Media
from controller.engine.mixer import Mixer
from controller.engine.onair import Emit, OnAir
from controller.engine.quantiser import Quantiser
from controller.engine.recorder import Recorder
from controller.engine.stream import SENDING


class Pipeline:
    """One block after another, each `frame_us` long."""

    def __init__(
        self,
        frame_us: int,
        media: Media,
        workers: Crew,
        emit: Emit,
        authenticator: Authenticator,
        recorder: Recorder | None = None,
        ground: Ground = MACHINE,
    ) -> None:
        self._frame_samples = frame_us * 48 // 1000
        self._workers = workers
        self._authenticator = authenticator
        self._recorder = recorder
        self._monotonic_ns = ground.monotonic_ns
        self._entered = np.zeros(self._frame_samples, np.float32)
        self._mixer = Mixer(self._frame_samples)
        zones, _ = self._mixer.shape
        self._limiter = Limiter(self._frame_samples, zones)
        self._quantiser = Quantiser(self._frame_samples, zones)
        self._encoders = EncoderStage(self._mixer, ground.coder)
        self.on_air = OnAir(frame_us, self._mixer, self._encoders, media, emit, randbits=ground.randbits)
        self.recorded_zone = ""
        """The zone of which is recorded what enters its mix."""

    async def run_block(self, media_us: int) -> int:
        """Carry the block at `media_us` from sources to members; return how many frames were sent."""
        begun_ns = self._monotonic_ns()
        self._grow()
        for voice in self.on_air.voices:
            if voice.source.live or not voice.sounding:
                voice.source.fill()
            voice.tap.read(self._mixer.inputs[voice.column])
        self.on_air.heard(media_us)
        self._note_entered()
        self._mixer.mix(self._limiter.incoming)
        self._quantiser.quantise(self._limiter.limit())
        for stream in self.on_air.advance(media_us):
            self._limiter.reset(stream.row)
        self._encoders.regroup()
        self._record(media_us, begun_ns)
        groups = self._encoders.groups
        profiles = (stream.profile.name for group in groups for stream in group.streams)
        signatures = self._authenticator.signatures(profiles, media_us)
        await self._workers.run([functools.partial(self._carry, group, media_us, signatures) for group in groups])
        for voice in self.on_air.voices:
            if not voice.source.live:
                voice.source.fill()  # ahead of the next block: no packet waits for it
        return sum(len(group.streams) for group in groups)

    def _carry(self, group: Group, media_us: int, signatures: dict[str, Signature]) -> None:
        samples = self._quantiser.samples[group.streams[0].row]
        payload = group.payload[: group.encoder.encode_into(samples, group.payload)]
        for stream in group.streams:
            stream.carry(media_us, payload, signatures.get(stream.profile.name))

    def _note_entered(self) -> None:
        """Sum what the voices of the recorded zone bring, before any gain, ramp or limiter."""
        if self._recorder is None:
            return
        self._entered[:] = 0.0
        for voice in self.on_air.voices:
            if self.recorded_zone in voice.session.zones:
                self._entered += self._mixer.inputs[voice.column]

    def _record(self, media_us: int, begun_ns: int) -> None:
        if self._recorder is None:
            return
        streams = self.on_air.streams.values()
        if any(stream.zone.id == self.recorded_zone and stream.state == SENDING for stream in streams):
            self._recorder.write(media_us, begun_ns, self._entered)

    def _grow(self) -> None:
        zones, _ = self._mixer.shape
        if len(self._quantiser.samples) < zones:
            self._limiter.grow(zones)
            self._quantiser = Quantiser(self._frame_samples, zones)
