"""Good and bad datagrams, by name: sound, time, beacons and requests for what was lost."""

from codec.wire import beacon, nack, names, rtp, sync, tesla
from codec.wire.mac import Mac, derive
from tests.firmware.suite.check_wire import NODE_KEY, SALT, SENDER_KEY

TIME = Mac(derive(NODE_KEY, "time"))
AUDIO = Mac(derive(NODE_KEY, "audio"))
STRANGER = Mac(bytes(32))
CHAIN = tesla.Chain(SALT)
SENDER = CHAIN.tags(SENDER_KEY)


def rtp_vectors() -> dict[str, bytes]:
    packet = bytearray(rtp.HEADER_BYTES + 4)
    rtp.pack_header(packet, 0, True, 96, 0x12345678, 0xDEADBEEF, 0xCAFEBABE)
    packet[rtp.HEADER_BYTES :] = b"opus"
    good = bytes(packet)
    plain = bytes.fromhex("8060000100000002000000036f707573")
    contradicting = bytearray(good)
    contradicting[3] ^= 1
    wrong_length = bytearray(good)
    wrong_length[16] = 0x12
    return {
        "ours": good,
        "plain, of other equipment": plain,
        "with two contributing sources": b"\x82" + plain[1:12] + bytes(8) + b"opus",
        "padded": b"\xa0" + plain[1:] + b"\0\0\0\4",
        "reserved element 15 ends the extension": good[:16] + b"\xf3" + good[17:],
        "two-byte extension profile is skipped": good[:12] + b"\x10\x00" + good[14:],
        "nothing": b"",
        "one byte": b"\x80",
        "header cut off": good[:11],
        "extension cut off": good[:15],
        "element cut off": good[:12] + b"\xbe\xde\x00\x01" + b"\x1f\0\0\0" + b"opus",
        "tag cut off": good[:12] + b"\xbe\xde\x00\x02" + b"\x2b\0\0\0\0\0\0\0" + b"opus",
        "frame index of three bytes": bytes(wrong_length),
        "index contradicts sequence number": bytes(contradicting),
        "no payload": good[: rtp.HEADER_BYTES],
        "extension longer than the packet": good[:14] + b"\xff\xff" + good[16:],
        "fifteen contributing sources that are not there": b"\x8f" + plain[1:],
        "padding longer than the packet": b"\xa0" + plain[1:-1] + b"\xff",
        "padding of no length": b"\xa0" + plain[1:-1] + b"\0",
        "RTP version 1": b"\x40" + plain[1:],
        "1401 bytes": good + bytes(1401 - len(good)),
    }


def signed_vectors() -> dict[str, bytes]:
    packet = bytearray(rtp.HEADER_BYTES + 4)
    rtp.pack_header(packet, 0, True, 96, 0x12345678, 0xDEADBEEF, 0xCAFEBABE)
    packet[rtp.HEADER_BYTES :] = b"opus"
    packet[rtp.KEY_AT : rtp.KEY_AT + rtp.KEY_BYTES] = CHAIN.before(SENDER_KEY, 3)
    unsigned = bytes(packet)

    def signed(tags: Mac, kind: int = rtp.BY_SENDER) -> bytes:
        made = bytearray(unsigned)
        rtp.put_tag(made, tags, kind)
        return bytes(made)

    def flipped(data: bytes, at: int) -> bytes:
        return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]

    by_sender, by_node_key = signed(SENDER), signed(AUDIO, rtp.BY_NODE_KEY)
    return {
        "by the sender": by_sender,
        "again, by the node's key": by_node_key,
        "without a tag yet": unsigned,
        "another's tag": signed(STRANGER),
        "the node's key as the sender's": signed(AUDIO),
        "the sender's key as the node's": signed(SENDER, rtp.BY_NODE_KEY),
        "another packet's tag": by_sender[:-1] + b"x",
        "a bit of the tag": flipped(by_sender, rtp.TAG_AT),
        "the last bit of the tag": flipped(by_sender, rtp.TAG_AT + rtp.TAG_BYTES - 1),
        "a bit of the key that it tells": flipped(by_sender, rtp.KEY_AT),
        "a bit of the timestamp": flipped(by_sender, 7),
        "the marker": by_sender[:1] + bytes([by_sender[1] ^ 0x80]) + by_sender[2:],
        "another stream": flipped(by_sender, 11),
        "another frame": flipped(flipped(by_sender, 3), 20),
        "kind 5 of a tag": by_sender[: rtp.TAG_AT - 1] + b"\x5b" + by_sender[rtp.TAG_AT :],
        "a shorter tag": by_sender[: rtp.TAG_AT - 1] + b"\x2a" + by_sender[rtp.TAG_AT :],
        "tag and key have changed places": by_sender[:21] + by_sender[34:51] + by_sender[21:34] + by_sender[51:],
        "a byte more": by_sender + b"\0",
        "cut off in the payload": by_sender[:-1],
        "cut off in the key": by_sender[:50],
        "no payload": by_sender[: rtp.HEADER_BYTES],
        "padded, which ours are never": b"\xb0" + by_sender[1:-1] + b"\x01",
        "a contributing source": b"\x91" + by_sender[1:12] + bytes(4) + by_sender[12:],
    }


def sync_vectors() -> dict[str, bytes]:
    tag = names.node_tag("node-1")
    request = sync.pack_request(65535, tag, 1 << 40, TIME)
    reply = bytes(sync.pack_reply(request, 1_800_000_000_000_000, 1_800_000_000_000_100, TIME))
    return {
        "request": request,
        "request that echoes the last reply": sync.pack_request(1, tag, 1 << 41, TIME, 1_800_000_000_000_100),
        "reply": reply,
        "request with another's tag": sync.pack_request(65535, tag, 1 << 40, STRANGER),
        "request with a bit of the tag changed": request[:-1] + bytes([request[-1] ^ 1]),
        "request with a bit of the sequence changed": request[:3] + bytes([request[3] ^ 1]) + request[4:],
        "reply with another's tag": bytes(sync.pack_reply(request, 1_800_000_000_000_000, 1 << 61, STRANGER)),
        "reply that says another time": reply[:27] + bytes([reply[27] ^ 1]) + reply[28:],
        "request that poses as a reply": request[:1] + b"\2" + request[2:],
        "request cut off": request[:51],
        "request as it was before it had a tag": request[:36],
        "request with a byte more": request + b"\0",
        "nothing": b"",
        "type 3": request[:1] + b"\3" + request[2:],
        "negative local time": request[:12] + b"\xff" * 8 + request[20:],
        "negative echo": request[:28] + b"\xff" * 8 + request[36:],
        "reply sent before its request came": bytes(sync.pack_reply(request, 200, 100, TIME)),
        "negative media time": reply[:20] + b"\x80" + reply[21:],
    }


def beacon_vectors() -> dict[str, bytes]:
    tag = names.node_tag("node-1")
    good = beacon.pack(beacon.Beacon(0xBEEF, tag, 1 << 40, 1_800_000_000_000_000, -41_500, 12_000, 45_000), AUDIO)
    return {
        "good": good,
        "the least and the greatest": beacon.pack(beacon.Beacon(0xFFFF, bytes(8), 0, 0, 10**6, -(10**5), 10**6), AUDIO),
        "a tag that parsing does not look at": good[:40] + b"\xff" * 16,
        "cut off": good[:55],
        "a byte more": good + b"\0",
        "nothing": b"",
        "1400 bytes": good + bytes(1344),
        "a time exchange": good[:1] + b"\1" + good[2:],
        "RTP": b"\x80" + good[1:],
        "negative local time": good[:12] + b"\xff" * 8 + good[20:],
        "negative media time": good[:20] + b"\x80" + good[21:],
        "drift above the limit": good[:28] + (10**6 + 1).to_bytes(4, "big") + good[32:],
        "drift below the limit": good[:28] + b"\x80\0\0\0" + good[32:],
        "rest above the limit": good[:32] + (10**5 + 1).to_bytes(4, "big") + good[36:],
        "rest below the limit": good[:32] + b"\xff\xfe\0\0" + good[36:],
        "uncertainty of an hour": good[:36] + b"\xd6\x93\xa4\0" + good[40:],
    }


def nack_vectors() -> dict[str, bytes]:
    tag = names.node_tag("node-1")
    good = nack.build(tag, 0xCAFEBABE, [65534, 65535, 65537, 70000])
    most = nack.build(tag, 1, [17 * number for number in range(nack.MAX_FIELDS)])
    return {
        "four frames in two fields, across the wrap": good,
        "one frame": nack.build(tag, 0, [0]),
        "a field and the sixteen after it": nack.build(tag, 0xFFFFFFFF, list(range(5, 22))),
        "all fields, all bits": most[:12] + b"\xff" * (len(most) - 12),
        "the same frame twice": good[:16] + good[12:16] + good[20:],
        "nothing": b"",
        "one byte": b"\x81",
        "header cut off": good[:11],
        "no field": nack.build(tag, 1, []),
        "field cut off": good[:14],
        "a field less than it says": good[:-4],
        "a field more than it says": good + bytes(4),
        "a byte more": good + b"\0",
        "seventeen fields": b"\x81\xcd\x00\x13" + most[4:] + bytes(4),
        "length of a quarter of a megabyte": good[:2] + b"\xff\xff" + good[4:],
        "RTCP version 1": b"\x41" + good[1:],
        "padded": b"\xa1" + good[1:-1] + b"\x04",
        "picture loss indication": b"\x81\xce" + good[2:],
        "slice loss indication": b"\x82" + good[1:],
        "receiver report": b"\x81\xc9" + good[2:],
        "1400 bytes": good + bytes(1400 - len(good)),
    }
