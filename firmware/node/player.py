"""Player: decides which sample of the stream each next DAC frame must be.

The DAC says which of its frames had left at one exact local instant; a line through these says when the next
frame written will leave. The clock turns that into media time, and the announcement into a position of the
stream: play time = media0 + index * frame + lead + this node's acoustic delay.
"""

from .drift import SNAP_SAMPLES
from .line import Line
from .samples import SILENCE, buffer

MAX_BLOCK_SAMPLES = 960
_URGENT_BLOCK_SAMPLES = 480
_LOW_BLOCK_SAMPLES = 240
"""Long blocks wake the board half as often; where frames may be missing, a short one waits for fewer of them."""
_LOW_LEAD_US = 120000
_IDLE_FILL_FRAMES = 1440
_LOW_IDLE_FILL_FRAMES = 1200
_FILL_FRAMES = 5760
"""How far the DAC is kept ahead: 120 ms playing; 30 ms, or 25 where the lead is short, while nothing plays yet."""
_FLOOR_FRAMES = 2400
_LOW_FLOOR_FRAMES = 1200
"""How long a frame that has not come is waited for: until the DAC is ahead by no more than this."""

_STAMP_PERIOD_US = 40000
_STAMP_JUMP_US = 2000.0
_DAC_DRIFT_SD_PPM = 60.0
_DAC_DRIFT_WALK_PPM = 0.02

# One period of 1 kHz at 48 kHz, 12 dB below full scale.
_TONE = (
    0, 1069, 2120, 3135, 4096, 4987, 5793, 6499, 7094, 7568, 7913, 8122, 8192, 8122, 7913, 7568,
    7094, 6499, 5793, 4987, 4096, 3135, 2120, 1069, 0, -1069, -2120, -3135, -4096, -4987, -5793, -6499,
    -7094, -7568, -7913, -8122, -8192, -8122, -7913, -7568, -7094, -6499, -5793, -4987, -4096, -3135, -2120,
    -1069,
)  # fmt: skip


class Player:
    """Renders blocks for the DAC, one after the other without end: programme, tone or silence."""

    def __init__(self, clock, jitter, decoder, drift, volume, counters, stamp_sd_us, least_fill_frames):
        self._clock = clock
        self._jitter = jitter
        self._decoder = decoder
        self._drift = drift
        self._volume = volume
        self._counters = counters
        self._stamp_sd_us = stamp_sd_us
        self._stamp_jump_us = max(8.0 * stamp_sd_us, _STAMP_JUMP_US)
        self._least_fill_frames = least_fill_frames
        self._line = Line(_DAC_DRIFT_SD_PPM, _DAC_DRIFT_WALK_PPM)
        self._block = buffer(MAX_BLOCK_SAMPLES)
        self._stream = None
        self._next_stream = None
        self._playing = False
        self._fade = False
        self._written = 0
        self._frames_out = 0
        self._stamp_us = 0
        self._underruns = 0
        self._rewritten = 0
        self._tone_frames = 0
        self.delay_us = 0
        self.skew_us = None

    # ---- what the DAC says ----

    def observe(self, frames_out, stamp_us, underruns):
        """Take the DAC's position: `frames_out` frames had left at local `stamp_us`."""
        if underruns != self._underruns:
            self._underruns = underruns
            if self._stream is not None:
                self._counters["underruns"] += 1
            self._line.restart()
            self._rewritten = self._written
        # A position that stands still, or that nothing is behind, is not the clock's; nor is one from before the
        # DAC ran dry, or at the gap's end: what is written now follows without a gap only on what came after it.
        if frames_out == self._frames_out or not self._rewritten < frames_out < self._written:
            self._frames_out = frames_out
            return
        self._frames_out = frames_out
        line = self._line
        if line.known and stamp_us - self._stamp_us < _STAMP_PERIOD_US:
            return
        played_us = frames_out * 125 // 6
        if line.known and not -self._stamp_jump_us < line.innovation_us(stamp_us, played_us) < self._stamp_jump_us:
            line.restart()
        self._stamp_us = stamp_us
        line.update(stamp_us, played_us, self._stamp_sd_us)

    def queued_frames(self, now_us):
        """Return how many written frames have not left at local `now_us`."""
        left = self._line.y_us(now_us) * 6 // 125 if self._line.known else self._frames_out
        return self._written - min(max(left, self._frames_out), self._written)

    def _is_low(self):
        return self._stream is not None and self._stream.lead_us < _LOW_LEAD_US

    def fill_frames(self):
        """Return how many frames the DAC should be ahead."""
        if self._playing:
            frames = _FILL_FRAMES
        else:
            frames = _LOW_IDLE_FILL_FRAMES if self._is_low() else _IDLE_FILL_FRAMES
        return max(frames, self._least_fill_frames)

    def floor_frames(self):
        """Return how many frames the DAC must be ahead at least, whatever has not come."""
        return max(_LOW_FLOOR_FRAMES if self._is_low() else _FLOOR_FRAMES, self._least_fill_frames)

    def block_frames(self, urgent):
        """Return how many frames :meth:`render` makes next."""
        if self._is_low():
            return _LOW_BLOCK_SAMPLES
        return MAX_BLOCK_SAMPLES if self._playing and not urgent else _URGENT_BLOCK_SAMPLES

    def _position(self, stream):
        """Return ``(position, phase)``: the sample of `stream` that the next written frame must be."""
        media_us = self._clock.media_us(self._line.x_us(self._written * 125 // 6))
        sixths = (media_us - stream.media0_us - stream.lead_us - self.delay_us) * 6
        position = sixths // 125
        return position, (sixths - position * 125) * 134218  # 2^24 / 125

    # ---- what shall be on air ----

    def play(self, stream, now_us):
        """From the next block on play `stream` (a codec.wire.announcement.Stream), or None for silence."""
        self._next_stream = stream
        if self._playing:
            # The old one fades over what is decoded: the buffer is the new one's from here on.
            self._fade = True
            self._decoder.detach()
        else:
            self._stream = stream
        self._expect(stream, now_us)

    def update(self, stream):
        """The announcement of the stream that plays changed its mapping."""
        if self._stream is not None and stream.ssrc == self._stream.ssrc:
            self._stream = stream
        if self._next_stream is not None and stream.ssrc == self._next_stream.ssrc:
            self._next_stream = stream

    def _expect(self, stream, now_us):
        """Make the jitter buffer take the new stream's frames at once, before the next block is rendered."""
        floor = None
        if stream is not None and self._clock.locked(now_us) and self._line.known:
            floor = max(self._position(stream)[0] * 125 // 6 // stream.frame_us, 0)
        self._jitter.restart(floor)

    def tone(self, duration_ms):
        """Sound the test tone for so long; False while a programme is on air."""
        if self._stream is not None:
            return False
        self._tone_frames = duration_ms * 48
        self._volume.silence()
        return True

    def transit_us(self, stream, frame_index, now_us):
        """Return how long ago at local `now_us` the media time of a frame was; only while the clock is locked."""
        return self._clock.media_us(now_us) - stream.media0_us - frame_index * stream.frame_us

    def patience_us(self, stream):
        """Return the longest transit with which a frame comes before it must be decoded."""
        return stream.lead_us + self.delay_us - self.floor_frames() * 125 // 6

    # ---- blocks ----

    def render(self, now_us, urgent):
        """Return the next block, int16 samples; it counts as written, so it must be.

        None unless `urgent` while a frame has not come that the block needs.
        """
        samples = self.block_frames(urgent)
        block = self._block[:samples]
        if self._stream is None:
            self._idle(block, samples)
        elif self._line.known and self._clock.locked(now_us):
            if not self._programme(block, samples, urgent):
                return None
        else:
            if self._playing:  # it goes on where it should be, not where it was
                self._stop()
            self._silence(block, samples)
        self._written += samples
        return block

    def _silence(self, block, samples):
        block[:] = SILENCE[:samples]

    def _idle(self, block, samples):
        if not self._tone_frames:
            self._silence(block, samples)
            return
        for i in range(samples):
            block[i] = _TONE[i % 48]  # blocks are whole periods
        self._tone_frames = max(self._tone_frames - samples, 0)
        self._volume.apply(block, samples, self._tone_frames == 0)

    def _programme(self, block, samples, urgent):
        """Fill the block; False when it should wait for a frame."""
        position, phase = self._position(self._stream)
        if not self._playing and not self._start(self._stream, position, phase, samples):
            self._silence(block, samples)
            return True
        drift = self._drift
        error = drift.error_samples(position, phase)
        self.skew_us = round(error * 20.833)
        fade = self._fade
        if not -SNAP_SAMPLES < error < SNAP_SAMPLES:
            fade = True
            error = 0.0
        drift.steer(error, self._clock.drift_ppm - self._line.drift_ppm)
        if not (urgent or fade or self._decoder.ready(drift.position, drift.span(samples))):
            return False
        offset = self._decoder.fill(drift.position, drift.span(samples))
        drift.run(self._decoder.window, offset, block, samples)
        self._volume.apply(block, samples, fade)
        if fade:
            self._stop()
        return True

    def _start(self, stream, position, phase, samples):
        """Begin where the clock says if the first frame is here; else let the buffer wait for it."""
        self._jitter.raise_floor(max(position * 125 // 6 // stream.frame_us, 0))
        frame_samples = stream.frame_us * 48 // 1000
        index = self._jitter.first(_URGENT_BLOCK_SAMPLES // frame_samples + 2)
        if index is None or index * frame_samples >= position + samples:
            return False
        self._decoder.start(stream.frame_us, position, index)
        self._drift.jump(position, phase)
        self._volume.silence()
        self._playing = True
        return True

    def _stop(self):
        """A faded block has been rendered: change the stream, or find the right place in this one."""
        self._playing = False
        if self._fade:
            self._fade = False
            self._stream = self._next_stream
        else:
            self._counters["resyncs"] += 1

    @property
    def on_air(self):
        """The SSRC that is sounding, or None."""
        return self._stream.ssrc if self._playing else None

    @property
    def stream(self):
        """The stream whose turn it is, or None."""
        return self._next_stream
