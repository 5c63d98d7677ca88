"""Session descriptions, against RFC 8866 and RFC 7587."""

from dataclasses import replace

import pytest

from codec.profile import PROFILES
from codec.sdp import NOWHERE, Description, build

GROUP = Description(
    session_id=7, version=2, name="Bản tin sáng", origin="192.0.2.1", address="239.1.2.3", port=5004, ssrc=99,
    profile=PROFILES["lan"],
)  # fmt: skip


def test_a_multicast_session():
    assert build(GROUP).split("\r\n") == [
        "v=0",
        "o=- 7 2 IN IP4 192.0.2.1",
        "s=Bản tin sáng",
        "c=IN IP4 239.1.2.3/4",
        "t=0 0",
        "m=audio 5004 RTP/AVP 96",
        "a=rtpmap:96 opus/48000/2",
        "a=fmtp:96 sprop-stereo=0;stereo=0;useinbandfec=1;usedtx=0;maxaveragebitrate=32000",
        "a=ptime:20",
        "a=maxptime:20",
        "a=recvonly",
        "a=extmap:1 urn:loaxa:frame-index:1",
        "a=extmap:2 urn:loaxa:tag:1",
        "a=extmap:3 urn:loaxa:key:1",
        "a=ssrc:99 cname:loaxa-7",
        "",
    ]


def test_a_unicast_session_has_no_ttl():
    text = build(replace(GROUP, address="192.0.2.50", profile=PROFILES["low"]))
    assert "c=IN IP4 192.0.2.50\r\n" in text
    assert "a=ptime:10\r\n" in text
    assert "useinbandfec=0" in text


def test_what_nobody_can_join_is_inactive_and_says_why():
    text = build(replace(GROUP, address=NOWHERE, information="Only nodes\nreceive this"))
    lines = text.split("\r\n")
    assert lines[2:5] == ["s=Bản tin sáng", "i=Only nodes receive this", "c=IN IP4 0.0.0.0"]
    assert "a=inactive" in lines
    assert "a=recvonly" not in lines


@pytest.mark.parametrize("name", ["x\r\na=evil:1", "x\na=evil:1", "x\0y", "x\u2028y"])
def test_a_name_cannot_add_lines(name):
    text = build(replace(GROUP, name=name))
    assert len(text.splitlines()) == len(build(GROUP).splitlines())
    assert not any(line.startswith("a=evil") for line in text.splitlines())


def test_an_empty_name_is_a_dash():
    assert "s=-\r\n" in build(replace(GROUP, name="\t"))


@pytest.mark.parametrize("change", [{"address": "horn.example"}, {"origin": "::1"}, {"port": 0}, {"port": 65536}])
def test_what_is_no_address_is_refused(change):
    with pytest.raises(ValueError, match=r"port|address|expected|Expected|octets|Only decimal"):
        build(replace(GROUP, **change))
