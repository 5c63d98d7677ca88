"""Every parser with the one error that may come out of it and what its fuzzing begins with."""

import asyncio
import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from aiortc import RTCConfiguration, RTCPeerConnection

from codec.wire import announcement, beacon, body, chain, command, enrolment, nack, names, report, rtp, sync, tesla
from codec.wire.errors import WireError
from codec.wire.mac import Mac
from controller import settings
from controller.engine.authenticator import Authenticator
from controller.engine.control import ControlError, Framer
from controller.engine.plan import PlanError, parse_plan
from controller.errors import StartError, UnusableError
from controller.ingest.errors import IngestError
from controller.ingest.microphone import negotiate
from controller.ingest.microphone_offer import check_offer
from controller.ingest.request import RtpRequest, parse_request
from controller.ingest.rtp_payload import make_decoder
from controller.ingest.rtp_receiver import RtpReceiver
from firmware.node import config, mqtt_packets
from fuzz import seeds
from hil_sim import scenario

KEY = Mac(b"key")
BY_KEY = command.TAG_BYTES
FOLDER = Path("/nonexistent")
MOST_DATAGRAMS = 32


@dataclass(frozen=True)
class Target:
    """run: takes bytes. errors: what alone it may raise. seeds: inputs to begin with. json: they are of JSON."""

    name: str
    run: Callable[[bytes], object]
    errors: tuple[type[Exception], ...]
    seeds: list[bytes]
    json: bool = False


def _tagged(data: bytes) -> bytes:
    """Return `data` as it comes from who has the key: behind a right tag there may be anything, too."""
    return KEY.digest(data)[:BY_KEY] + data


def _untagged(raw: list[bytes]) -> list[bytes]:
    return [each[BY_KEY:] for each in raw]


def _rtp(data: bytes) -> None:
    for ours in (True, False):
        try:
            _, index, _, sequence, _, _, start, end = rtp.parse(data, ours)
        except WireError:
            continue
        assert 12 <= start < end <= len(data)
        assert index is None or index & 0xFFFF == sequence
    assert rtp.tag_kind(data) in (0, rtp.BY_SENDER, rtp.BY_NODE_KEY)


def _text(parse: Callable[[str], object]) -> Callable[[bytes], object]:
    """Return a parser of bytes that gives `parse` those that are UTF-8; its caller has decoded them."""

    def run(data: bytes) -> object:
        try:
            text = data.decode()
        except UnicodeDecodeError:
            return None
        return parse(text)

    return run


def _json(parse: Callable[[Any], object], objects: bool = True) -> Callable[[bytes], object]:
    """Return a parser of bytes that gives `parse` what is JSON; objects: objects alone, as its caller does."""

    def run(data: bytes) -> object:
        try:
            found = json.loads(data)
        except (ValueError, RecursionError):
            return None
        return parse(found) if isinstance(found, dict) or not objects else None

    return run


def _chains(found: dict[str, Any]) -> None:
    signer = Authenticator()
    signer.set_chains(found)
    signer.signatures(("lan",), 1_800_000_000_000_000)


def _framer(data: bytes) -> None:
    """Feed in two parts: what comes out must not depend on where the stream was cut."""
    cut = data[0] if data else 0
    framer = Framer()
    for part in (data[1:cut], data[max(cut, 1) :]):
        framer.feed(part)


def _datagrams(payload: str) -> Callable[[bytes], None]:
    """Return what takes datagrams from one input, each behind two bytes of length and one of time."""
    request = RtpRequest.model_validate({"port": 5006, "payload": payload, "rate_hz": 8000})

    def run(data: bytes) -> None:
        receiver = RtpReceiver(partial(make_decoder, request))
        now_us = at = count = 0
        while at + 3 <= len(data) and count < MOST_DATAGRAMS:
            size = int.from_bytes(data[at : at + 2], "big")
            now_us += data[at + 2] * 4000
            receiver.receive(data[at + 3 : at + 3 + size], now_us)
            receiver.poll(now_us + 1)
            at += 3 + size
            count += 1

    return run


def _streams() -> list[bytes]:
    packets = seeds.vectors("rtp", "signed")
    return [b"".join(len(each).to_bytes(2, "big") + b"\x05" + each for each in packets)]


def _offer(data: bytes) -> None:
    """Take an offer as the controller does and then its child, up to where sockets are opened."""

    async def take(offer: str) -> None:
        peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        try:
            await negotiate(peer, offer)
        finally:
            with contextlib.suppress(AttributeError):  # of a peer that is half made
                await peer.close()

    asyncio.run(take(check_offer("application/sdp", data)))


def _publish(data: bytes) -> object:
    return mqtt_packets.parse_publish(data[0], data[1:]) if data else None


def _names(text: str) -> None:
    try:
        names.check_name(text)
    except WireError:
        names.parse_node_topic(text)


WIRE = (WireError,)
TARGETS = (
    Target("rtp", _rtp, WIRE, seeds.vectors("rtp", "signed")),
    Target("sync-request", sync.parse_request, WIRE, seeds.vectors("sync")),
    Target("sync-reply", sync.parse_reply, WIRE, seeds.vectors("sync")),
    Target("beacon", beacon.parse, WIRE, seeds.vectors("beacon")),
    Target("nack", nack.parse, WIRE, seeds.vectors("nack")),
    Target("seal", tesla.parse_seal, WIRE, seeds.vectors("tesla")),
    Target("chain", chain.parse, WIRE, seeds.vectors("chain"), json=True),
    Target(
        "command",
        lambda data: command.parse(_tagged(data), "node-1", KEY),
        WIRE,
        _untagged(seeds.vectors("command")),
        json=True,
    ),
    Target("ack", lambda data: command.parse_ack(_tagged(data), KEY), WIRE, _untagged(seeds.vectors("ack")), json=True),
    Target(
        "announcement",
        lambda data: announcement.parse(data, "thon-1"),
        WIRE,
        seeds.vectors("announcement"),
        json=True,
    ),
    Target("status", report.parse_status, WIRE, seeds.vectors("report"), json=True),
    Target("health", report.parse_health, WIRE, seeds.vectors("report"), json=True),
    Target("enrolment", _text(enrolment.parse_line), WIRE, seeds.LINES),
    Target("body", body.parse, WIRE, seeds.vectors("report", "chain"), json=True),
    Target("names", _text(_names), WIRE, [b"thon-1", names.node_topic("cum-1", "status").encode()]),
    Target("plan", _json(parse_plan), (PlanError,), seeds.PLANS, json=True),
    Target("control", _framer, (ControlError,), [b"\x09" + each + b"\n" + each + b"\n" for each in seeds.PLANS]),
    Target("chains", _json(_chains), WIRE, seeds.CHAINS, json=True),
    Target("rtp-opus", _datagrams("opus"), (), _streams()),
    Target("rtp-l16", _datagrams("l16"), (), _streams()),
    Target("offer", _offer, (UnusableError, IngestError), seeds.OFFERS),
    Target("request", _json(parse_request, objects=False), (IngestError,), seeds.REQUESTS, json=True),
    Target("settings", _text(settings.parse), (StartError,), [seeds.SETTINGS]),
    Target(
        "scenario",
        _text(lambda text: scenario.parse(text, "fuzz", FOLDER)),
        (scenario.ScenarioError,),
        seeds.scenarios(),
    ),
    Target("node-config", config.parse, (config.ConfigError,), seeds.NODES, json=True),
    Target("mqtt-publish", _publish, WIRE, [b"\x32\x00\x03a/b\x00\x01{}", b"\x30\x00\x03a/b{}"]),
    Target("mqtt-identifier", mqtt_packets.parse_identifier, WIRE, [b"\x00\x01\x00"]),
)
