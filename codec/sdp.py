"""SDP (RFC 8866) of a stream, so that any standard player can play it."""

import ipaddress
from dataclasses import dataclass

from codec.profile import Profile
from codec.wire import rtp

NOWHERE = "0.0.0.0"
"""The address of a stream that goes to nodes of ours alone: there is nothing that a player could join."""


@dataclass(frozen=True)
class Description:
    """What a session description tells.

    session_id: number of the session, and version: grows when the description changes (both as in ``o=``).
    name: what people call it. origin: IPv4 address of the controller. address, port: where the packets go, a
    multicast group or the receiver's own; the address 0.0.0.0 tells that nobody can join. ssrc: RTP source.
    ttl: routers that multicast may cross. information: one line for people, left out when empty.
    """

    session_id: int
    version: int
    name: str
    origin: str
    address: str
    port: int
    ssrc: int
    profile: Profile
    ttl: int = 4
    information: str = ""


def build(description: Description) -> str:
    """Return the description as text with CRLF line ends (media type ``application/sdp``); raises ValueError.

    Opus is always announced as ``opus/48000/2`` (RFC 7587 section 4.1); that it is mono is in
    ``sprop-stereo``.
    """
    profile = description.profile
    payload_type = rtp.PAYLOAD_TYPE_OPUS
    if not 0 < description.port < 65536:
        raise ValueError(f"port {description.port} is not from 1 to 65535")
    origin = ipaddress.IPv4Address(description.origin)
    frame_ms = f"{profile.frame_us / 1000:g}"
    parameters = (
        "sprop-stereo=0",
        "stereo=0",
        f"useinbandfec={int(profile.fec)}",
        f"usedtx={int(profile.dtx)}",
        f"maxaveragebitrate={profile.bitrate}",
    )
    lines = (
        "v=0",
        f"o=- {description.session_id} {description.version} IN IP4 {origin}",
        f"s={_line(description.name)}",
        *([f"i={_line(description.information)}"] if description.information else []),
        f"c=IN IP4 {_connection(description)}",
        "t=0 0",
        f"m=audio {description.port} RTP/AVP {payload_type}",
        f"a=rtpmap:{payload_type} opus/{rtp.CLOCK_RATE}/2",
        f"a=fmtp:{payload_type} {';'.join(parameters)}",
        f"a=ptime:{frame_ms}",
        f"a=maxptime:{frame_ms}",
        "a=inactive" if description.address == NOWHERE else "a=recvonly",
        *(f"a=extmap:{number} {uri}" for number, uri in rtp.EXTENSION_URIS),
        f"a=ssrc:{description.ssrc} cname:loaxa-{description.session_id}",
    )
    return "".join(line + "\r\n" for line in lines)


def _connection(description: Description) -> str:
    address = ipaddress.IPv4Address(description.address)
    return f"{address}/{description.ttl}" if address.is_multicast else str(address)


def _line(text: str) -> str:
    """Return `text` fit for one line: an injected line break would be read as an attribute of ours."""
    return "".join(character if character.isprintable() else " " for character in text).strip() or "-"
