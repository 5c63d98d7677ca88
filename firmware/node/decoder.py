"""Decoder: frames of the jitter buffer into one window of samples, gaps filled with the best that is left."""

from .samples import SILENCE, buffer

MAX_FRAME_SAMPLES = 2880
_WINDOW_SAMPLES = MAX_FRAME_SAMPLES + 1120
"""A frame, and what a block of at most 960 has left of the one before."""
_MAX_CONCEALED_US = 120000
"""After so long nothing that an Opus decoder makes up resembles the speech: silence is better."""


class Decoder:
    """Decoded samples of one stream. `window[0]` is the stream's sample number `base`; `filled` of them are
    there."""

    def __init__(self, opus, jitter, counters):
        self._opus = opus
        self._jitter = jitter
        self._counters = counters
        self.window = buffer(_WINDOW_SAMPLES)
        self.base = 0
        self.filled = 0
        self._frame_samples = 0
        self._frame_us = 0
        self._next_index = 0
        self._concealed_us = 0
        self._attached = False

    def start(self, frame_us, position, frame_index):
        """Begin a stream at sample `position` with frame `frame_index`; what lies before that frame is
        silent."""
        self._opus.reset()
        self._attached = True
        self._frame_us = frame_us
        self._frame_samples = frame_us * 48 // 1000
        self._next_index = frame_index
        self._concealed_us = _MAX_CONCEALED_US
        # One sample before the position is read by the interpolation.
        first = frame_index * self._frame_samples
        self.base = min(position - 1, first)
        self.filled = 0
        self._append_silence(first - self.base)

    def detach(self):
        """Take no more frames: the jitter buffer now holds another stream's. What is asked for is
        concealed."""
        self._attached = False

    def ready(self, position, samples):
        """Return whether :meth:`fill` would find every frame that it needs."""
        missing = position + samples - self.base - self.filled
        index = self._next_index
        while missing > 0:
            if not self._attached or self._jitter.peek(index) is None:
                return False
            missing -= self._frame_samples
            index += 1
        return True

    def fill(self, position, samples):
        """Make `samples` samples from `position` on present; return the window's offset of `position`.

        Samples more than one before `position` may be given up.
        """
        end = position + samples
        while self.base + self.filled < end:
            if self.filled + self._frame_samples > _WINDOW_SAMPLES:
                self._give_up(position - 1 - self.base)
            self._decode_next()
        return position - self.base

    def _append_silence(self, samples):
        while samples > 0:
            part = min(samples, len(SILENCE))
            self.window[self.filled : self.filled + part] = SILENCE[:part]
            self.filled += part
            samples -= part

    def _give_up(self, samples):
        kept = self.filled - samples
        self.window[:kept] = self.window[samples : self.filled]
        self.base += samples
        self.filled = kept

    def _decode_next(self):
        index = self._next_index
        self._next_index = index + 1
        pcm = self.window[self.filled : self.filled + self._frame_samples]
        if not self._attached:
            self._conceal(pcm)
            return
        payload = self._jitter.take(index)
        if payload is not None and self._concealed_us >= _MAX_CONCEALED_US:
            self._opus.reset()  # what it remembers is from before the gap, and would be heard as a burst
        if payload is not None and self._decode(payload, pcm, False):
            self._counters["played"] += 1
            self._concealed_us = 0
        else:
            self._fill_gap(index, pcm)

    def _fill_gap(self, index, pcm):
        self._counters["lost"] += 1
        following = self._jitter.peek(index + 1)
        if self._concealed_us < _MAX_CONCEALED_US and following is not None and self._decode(following, pcm, True):
            self._concealed_us += self._frame_us
            self._counters["concealed"] += 1
        elif self._conceal(pcm):
            self._counters["concealed"] += 1

    def _conceal(self, pcm):
        """Append a frame made up by the decoder, or silence; True for the former."""
        if self._concealed_us < _MAX_CONCEALED_US and self._decode(None, pcm, False):
            self._concealed_us += self._frame_us
            return True
        self._append_silence(self._frame_samples)
        return False

    def _decode(self, payload, pcm, fec):
        try:
            samples = self._opus.decode(payload, pcm, fec)
        except ValueError:
            self._counters["malformed"] += 1
            return False
        if samples != self._frame_samples:
            self._counters["malformed"] += 1
            return False
        self.filled += samples
        return True
