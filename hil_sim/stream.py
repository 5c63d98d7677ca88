"""The programme as the controller sent it: its RTP packets decoded and laid beside the source.

A DAC that plays what was sent emits exactly this but for its crystal, so it tells frames that were played
from frames that were concealed, and what is foreign from what the codec does to fricatives; the source alone
cannot.
"""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from scipy.stats import theilslopes

from codec.opus import Decoder, OpusError
from codec.profile import Profile
from codec.wire import rtp
from codec.wire.errors import WireError
from hil_sim.alignment import WINDOW_S, Alignment, align
from hil_sim.packets import TO_NODE, Datagram
from hil_sim.patience import Trust
from hil_sim.resampling import interpolate
from hil_sim.signals import RATE, Floats

_NS = 1_000_000_000


@dataclass(frozen=True)
class Frame:
    """One frame that the controller sent. start_s: of its first sample on the source's axis. entered_ns: the
    earliest.

    reached_ns: when it first came to each node that it came to. known_ns: from when on a node could know that it is the
    controller's, if it knew the time exactly; sure: the nodes that could though they know it no better than they must.
    """

    ssrc: int
    index: int
    start_s: float
    length_s: float
    entered_ns: int
    payload: bytes
    reached_ns: dict[int, int]
    known_ns: dict[int, int]
    sure: set[int]


def read_frames(datagrams: list[Datagram], origin_ns: int, profile: Profile, doubt_us: int = 0) -> list[Frame]:
    """Return the distinct frames of all streams, `start_s` estimated from when they entered the network.

    doubt_us: see :class:`hil_sim.patience.Trust`.
    """
    found: dict[tuple[int, int], Frame] = {}
    stamps: dict[tuple[int, int], int] = {}
    came: list[tuple[int, int, tuple[int, int], bool]] = []
    for datagram in datagrams:
        if datagram.injected or datagram.direction != TO_NODE or not rtp.is_rtp(datagram.data):
            continue
        try:
            ssrc, index, timestamp, _, _, _, first, end = rtp.parse(datagram.data)
        except WireError:
            continue
        if index is None:
            continue
        key = (ssrc, index)
        if key not in found:
            stamps[key] = timestamp
            found[key] = Frame(ssrc, index, 0.0, 0.0, datagram.entered_ns, datagram.data[first:end], {}, {}, set())
        if datagram.left_ns is not None:
            reached = found[key].reached_ns
            reached[datagram.node] = min(datagram.left_ns, reached.get(datagram.node, datagram.left_ns))
            came.append((datagram.left_ns, datagram.node, key, rtp.tag_kind(datagram.data) == rtp.BY_SENDER))
    _note_known(found, sorted(came), profile, doubt_us)
    frames: list[Frame] = []
    for ssrc in dict.fromkeys(key[0] for key in found):
        stream = [found[key] for key in sorted(found) if key[0] == ssrc]
        frames += _timed(stream, stamps, origin_ns)
    return frames


def _note_known(
    found: dict[tuple[int, int], Frame],
    came: list[tuple[int, int, tuple[int, int], bool]],
    profile: Profile,
    doubt_us: int,
) -> None:
    for sure in (False, True):
        trusts: dict[tuple[int, int], Trust] = {}
        for left_ns, node, (ssrc, index), by_sender in came:
            trust = trusts.setdefault((node, ssrc), Trust(profile.lag_us, profile.frame_us, doubt_us if sure else 0))
            if by_sender:
                trust.arrive(index, (left_ns - found[ssrc, index].entered_ns) // 1000, left_ns // 1000)
            else:
                trust.again(index, left_ns // 1000)
        for (ssrc, index), frame in found.items():
            for node in frame.reached_ns:
                known_us = trusts[node, ssrc].known_us(index)
                if known_us is None:
                    continue
                if sure:
                    frame.sure.add(node)
                else:
                    frame.known_ns[node] = known_us * 1000


def _timed(stream: list[Frame], stamps: dict[tuple[int, int], int], origin_ns: int) -> list[Frame]:
    """Return the frames of one stream with the times that its least delayed frame implies for all."""
    steps = [
        ((stamps[b.ssrc, b.index] - stamps[a.ssrc, a.index]) & 0xFFFFFFFF) / (b.index - a.index)
        for a, b in pairwise(stream)
    ]
    length_s = float(np.median(steps)) / RATE if steps else 0.02
    entered_s = np.array([(frame.entered_ns - origin_ns) / _NS - frame.index * length_s for frame in stream])
    first_s = float(np.min(entered_s))
    return [replace(f, start_s=first_s + f.index * length_s, length_s=length_s) for f in stream]


def decode(frames: list[Frame], source: Floats) -> tuple[list[Frame], Floats]:
    """Return the frames with `start_s` corrected against the source, and what they decode to, laid on its
    axis.

    The delay of the codec and of everything before it is taken out: an undisturbed DAC emits the result,
    delayed as it delays the source. A stream too quiet to be timed keeps the estimate from its packets.
    """
    laid = np.zeros(len(source))
    corrected: list[Frame] = []
    for ssrc in dict.fromkeys(frame.ssrc for frame in frames):
        stream = [frame for frame in frames if frame.ssrc == ssrc]
        sound = _decode_stream(stream, len(source))
        slope, offset_s = _line(align(source, sound))
        times = np.arange(len(source)) / RATE
        laid += interpolate(sound, (times + offset_s + slope * times) * RATE)
        corrected += [replace(f, start_s=(f.start_s - offset_s) / (1.0 + slope)) for f in stream]
    return corrected, laid


def _line(alignment: Alignment) -> tuple[float, float]:
    """Return slope and offset of the delay; robust, since codecs shift single windows by milliseconds."""
    known = alignment.measured
    if np.count_nonzero(known) < 5:
        return 0.0, float(np.median(alignment.delay_s[known])) if known.any() else 0.0
    slope, offset_s, _, _ = theilslopes(alignment.delay_s[known], alignment.start_s[known] + WINDOW_S / 2)
    return float(slope), float(offset_s)


def _decode_stream(stream: list[Frame], length: int) -> Floats:
    """Return one stream decoded, each frame at its `start_s`, silence where none was sent."""
    sound = np.zeros(length)
    decoder = Decoder()
    previous = None
    for frame in stream:
        if previous is not None and frame.index != previous + 1:
            decoder = Decoder()
        previous = frame.index
        samples = round(frame.length_s * RATE)
        pcm = np.zeros(samples, dtype=np.int16)
        try:
            decoder.decode(frame.payload, pcm)
        except OpusError:
            continue
        # One origin for the stream: neighbours must not be rounded apart.
        first = round(stream[0].start_s * RATE) + (frame.index - stream[0].index) * samples
        low, high = max(first, 0), min(first + samples, length)
        if high > low:
            sound[low:high] = pcm[low - first : high - first] / 32768.0
    return sound
