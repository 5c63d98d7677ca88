"""WebRTC offers: what is looked at before a child gets them, and what it makes of them. No socket is opened here."""

import contextlib

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection
from hypothesis import given
from hypothesis import strategies as st

from controller.errors import UnusableError
from controller.ingest.errors import IngestError
from controller.ingest.microphone import negotiate
from controller.ingest.microphone_offer import MAX_CANDIDATES, MAX_OFFER_BYTES, check_offer
from fuzz import seeds

SDP = "application/sdp"
BROWSER, STUDIO = seeds.OFFERS


async def answer(offer: bytes) -> str:
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    try:
        _, made = await negotiate(peer, check_offer(SDP, offer))
        return str(made.sdp)
    finally:
        with contextlib.suppress(AttributeError):  # of a peer that is half made
            await peer.close()


def candidates(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("a=candidate")]


def test_names_and_a_crowd_of_candidates_are_not_used() -> None:
    kept = candidates(check_offer("Application/SDP; charset=utf-8", BROWSER))
    assert [line.split(" ")[4] for line in kept] == ["192.0.2.7", "2001:db8::7"]
    crowd = b"".join(b"a=candidate:%d 1 udp 1 192.0.2.1 %d typ host\r\n" % (n, n) for n in range(1, 1000))
    text = check_offer(SDP, BROWSER + crowd)
    assert len(candidates(text)) == MAX_CANDIDATES
    assert "end-of-candidates" not in text, "else a peer that has none of use is not waited for"


@pytest.mark.parametrize(
    ("kind", "body", "word"),
    [
        ("application/json", BROWSER, "Content-Type"),
        (SDP, b"", "no offer of audio"),
        (SDP, BROWSER.replace(b"m=audio", b"m=text"), "no offer of audio"),
        (SDP, BROWSER.replace(b"s=-", b"s=\xc3\xa1"), "no offer of audio"),
        (SDP, BROWSER + b"a=x\r\n" * (MAX_OFFER_BYTES // 5), "longer than"),
        (SDP, BROWSER + b"m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n", "more than sound"),
        (SDP, BROWSER + STUDIO[STUDIO.index(b"m=video") :] * 4, "more than sound"),
    ],
)
def test_what_is_no_offer_is_refused(kind: str, body: bytes, word: str) -> None:
    with pytest.raises(UnusableError, match=word) as refused:
        check_offer(kind, body)
    assert refused.value.hint


@given(st.binary(max_size=300), st.integers(0, len(STUDIO)), st.integers(0, 40))
def test_whatever_is_offered_is_taken_or_refused(junk: bytes, at: int, cut: int) -> None:
    with contextlib.suppress(UnusableError):
        text = check_offer(SDP, STUDIO[:at] + junk + STUDIO[at + cut :])
        assert text.startswith("v=0\r\n")
        assert text.endswith("\r\n")
        assert len(text) <= 2 * MAX_OFFER_BYTES


async def test_of_a_studio_the_sound_alone_is_taken_in_opus_with_fec() -> None:
    sound, picture = (await answer(STUDIO)).split("m=video")
    assert "a=recvonly" in sound
    assert [line for line in sound.splitlines() if line.startswith("a=rtpmap")] == ["a=rtpmap:111 opus/48000/2"]
    assert "a=fmtp:111 useinbandfec=1" in sound
    assert "a=inactive" in picture


@pytest.mark.parametrize(
    ("was", "becomes", "word"),
    [
        (b"opus/48000/2", b"speex/16000", "not Opus"),
        (b"a=sendonly", b"a=recvonly", "sends no audio"),
        (b"a=ice-pwd", b"a=ice-owd", "cannot be answered"),
        (b"UDP/TLS/RTP/SAVPF 111", b"UDP/TLS/RTP/SAVPF x", "cannot be answered"),
        (b"m=audio 9", b"m=audio -", "cannot be answered"),
    ],
)
async def test_an_offer_that_cannot_be_taken_is_refused_in_words(was: bytes, becomes: bytes, word: str) -> None:
    assert was in BROWSER
    with pytest.raises(IngestError, match=word):
        await answer(BROWSER.replace(was, becomes))
