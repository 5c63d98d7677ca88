"""The stages of a block, in order, for all zones whose frames have one length."""

import functools

from controller.engine.encoder import EncoderStage, Group
from controller.engine.ground import MACHINE, Crew, Ground
from controller.engine.limiter import Limiter
from controller.engine.mediasocket import Media
from controller.engine.mixer import Mixer
from controller.engine.onair import Emit, OnAir
from controller.engine.quantiser import Quantiser
from controller.engine.recorder import Recorder


class Pipeline:
    """One block after another, each `frame_us` long."""

    def __init__(
        self,
        frame_us: int,
        media: Media,
        workers: Crew,
        emit: Emit,
        recorder: Recorder | None = None,
        ground: Ground = MACHINE,
    ) -> None:
        self._frame_samples = frame_us * 48 // 1000
        self._workers = workers
        self._recorder = recorder
        self._mixer = Mixer(self._frame_samples)
        zones, _ = self._mixer.shape
        self._limiter = Limiter(self._frame_samples, zones)
        self._quantiser = Quantiser(self._frame_samples, zones)
        self._encoders = EncoderStage(self._mixer, ground.coder)
        self.on_air = OnAir(frame_us, self._mixer, self._encoders, media, emit, randbits=ground.randbits)
        self.recorded_zone = ""
        """The zone whose mix is recorded."""

    async def run_block(self, media_us: int) -> int:
        """Carry the block at `media_us` from sources to members; return how many frames were sent."""
        self._grow()
        for voice in self.on_air.voices:
            if voice.source.live or not voice.sounding:
                voice.source.fill()
            voice.tap.read(self._mixer.inputs[voice.column])
        self.on_air.heard(media_us)
        self._mixer.mix(self._limiter.incoming)
        self._quantiser.quantise(self._limiter.limit())
        for stream in self.on_air.advance(media_us):
            self._limiter.reset(stream.row)
        self._encoders.regroup()
        self._record(media_us)
        groups = self._encoders.groups
        await self._workers.run([functools.partial(self._carry, group, media_us) for group in groups])
        for voice in self.on_air.voices:
            if not voice.source.live:
                voice.source.fill()  # ahead of the next block: no packet waits for it
        return sum(len(group.streams) for group in groups)

    def _carry(self, group: Group, media_us: int) -> None:
        samples = self._quantiser.samples[group.streams[0].row]
        payload = group.payload[: group.encoder.encode_into(samples, group.payload)]
        for stream in group.streams:
            stream.carry(media_us, payload)

    def _record(self, media_us: int) -> None:
        if self._recorder is None:
            return
        for group in self._encoders.groups:
            for stream in group.streams:
                if stream.zone.id == self.recorded_zone:
                    self._recorder.write(media_us, self._quantiser.samples[stream.row])

    def _grow(self) -> None:
        zones, _ = self._mixer.shape
        if len(self._quantiser.samples) < zones:
            self._limiter.grow(zones)
            self._quantiser = Quantiser(self._frame_samples, zones)
