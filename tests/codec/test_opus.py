"""The wrapper of libopus: sound survives, states copy, and no buffer is read or written past its end."""

import contextlib

import numpy as np
import pytest

from codec.opus import MAX_FRAME_SAMPLES, MAX_PAYLOAD_BYTES, Decoder, Encoder, OpusError
from codec.profile import PROFILES, RESTRICTED_LOWDELAY, VOIP

RATE = 48_000


def tone(frames, frame_samples=960, hertz=440.0, amplitude=8000):
    times = np.arange(frames * frame_samples) / RATE
    return (amplitude * np.sin(2 * np.pi * hertz * times)).astype(np.int16).reshape(frames, frame_samples)


def encode(encoder, frames):
    out = bytearray(MAX_PAYLOAD_BYTES)
    return [bytes(out[: encoder.encode_into(frame, out)]) for frame in frames]


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)
def test_a_tone_survives_every_profile(profile):
    encoder, decoder = Encoder.of_profile(profile), Decoder()
    pcm = np.zeros(profile.frame_samples, np.int16)
    heard = []
    for payload in encode(encoder, tone(50, profile.frame_samples)):
        assert decoder.decode(payload, pcm) == profile.frame_samples
        heard.append(pcm.copy())
    sound = np.concatenate(heard)[4800:].astype(float)
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    assert abs(np.argmax(spectrum) * RATE / len(sound) - 440) < 4
    assert np.sqrt(np.mean(sound**2)) == pytest.approx(8000 / np.sqrt(2), rel=0.1)


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)
def test_a_clone_goes_on_bit_for_bit(profile):
    original = Encoder.of_profile(profile)
    frames = tone(40, profile.frame_samples)
    encode(original, frames[:15])
    clone = original.clone()
    assert encode(clone, frames[15:]) == encode(original, frames[15:])


def test_a_clone_is_independent():
    frames = tone(30)
    original, undisturbed = Encoder(960), Encoder(960)
    assert encode(original, frames[:10]) == encode(undisturbed, frames[:10])
    encode(original.clone(), tone(10, hertz=1234))
    assert encode(original, frames[10:]) == encode(undisturbed, frames[10:])


def test_reset_forgets_the_sound_and_keeps_the_settings():
    encoder = Encoder(960, bitrate=16_000, complexity=3)
    fresh = encode(encoder, tone(5))
    encode(encoder, tone(5, hertz=999))
    encoder.reset()
    assert encode(encoder, tone(5)) == fresh


def test_lookahead_is_that_of_the_application():
    assert Encoder(960, application=VOIP).lookahead_samples == 312
    assert Encoder(480, application=RESTRICTED_LOWDELAY).lookahead_samples == 120


def test_dtx_shrinks_silence():
    silence = np.zeros((60, 960), np.int16)
    assert min(len(payload) for payload in encode(Encoder(960, dtx=True), silence)) <= 2
    assert min(len(payload) for payload in encode(Encoder(960), silence)) > 2


def test_in_band_fec_brings_a_lost_frame_back():
    generator = np.random.default_rng(1)
    swell = np.repeat(generator.uniform(0.1, 1.0, 100), 960)
    times = np.arange(100 * 960) / RATE
    sound = swell * sum(np.sin(2 * np.pi * 150 * k * times) / k for k in range(1, 12)) * 4000
    frames = sound.astype(np.int16).reshape(100, 960)
    payloads = encode(Encoder(960, bitrate=32_000, fec=True, expected_loss_percent=20), frames)

    def errors(recover):
        intact, lossy = Decoder(), Decoder()
        want, got, found = np.zeros(960, np.int16), np.zeros(960, np.int16), []
        for index, payload in enumerate(payloads[:-1]):
            intact.decode(payload, want)
            if index % 10 != 9:
                lossy.decode(payload, got)
            else:
                recover(lossy, payloads[index + 1], got)
                found.append(np.mean((want.astype(float) - got) ** 2))
        return np.mean(found)

    recovered = errors(lambda decoder, following, pcm: decoder.recover(following, pcm, 960))
    concealed = errors(lambda decoder, _, pcm: decoder.conceal(pcm, 960))
    assert recovered < concealed / 2


def test_buffers_are_checked_before_libopus_sees_them():
    encoder, decoder = Encoder(960), Decoder()
    out = bytearray(MAX_PAYLOAD_BYTES)
    with pytest.raises(OpusError, match="must hold 960 int16 samples"):
        encoder.encode_into(np.zeros(959, np.int16), out)
    with pytest.raises(OpusError, match="int16"):
        encoder.encode_into(np.zeros(960, np.float32), out)
    payload = encode(encoder, tone(1))[0]
    with pytest.raises(OpusError, match="buffer too small"):
        decoder.decode(payload, np.zeros(480, np.int16))
    with pytest.raises(OpusError, match="must hold 960"):
        decoder.conceal(np.zeros(480, np.int16), 960)


@pytest.mark.parametrize("payload", [b"", b"\xff", b"\x03\xff\xff", bytes(1500)])
def test_what_is_no_packet_is_refused_or_harmless(payload):
    decoder, pcm = Decoder(), np.zeros(MAX_FRAME_SAMPLES, np.int16)
    with contextlib.suppress(OpusError):
        assert 0 <= decoder.decode(payload, pcm) <= MAX_FRAME_SAMPLES


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"frame_samples": 1000}, "a frame of 1000 samples"),
        ({"frame_samples": 960, "application": "music"}, "application 'music'"),
        ({"frame_samples": 960, "complexity": 11}, "complexity 11: invalid argument"),
        ({"frame_samples": 960, "bitrate": -7}, "bitrate -7: invalid argument"),
    ],
)
def test_settings_that_libopus_refuses_are_named(settings, message):
    with pytest.raises(OpusError, match=message):
        Encoder(**settings)
