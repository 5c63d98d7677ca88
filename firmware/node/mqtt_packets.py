"""MQTT 3.1.1 packets (OASIS, section 2 and 3) to bytes and back: what a node needs of them."""

from codec.wire.errors import WireError

CONNECT = 0x10
CONNACK = 0x20
PUBLISH = 0x30
PUBACK = 0x40
SUBSCRIBE = 0x82
SUBACK = 0x90
UNSUBSCRIBE = 0xA2
UNSUBACK = 0xB0
PINGREQ = 0xC0
PINGRESP = 0xD0
DISCONNECT = 0xE0

MAX_PACKET_BYTES = 8192 + 256
"""A body of the wire with its topic; a broker that sends more is cut off before memory is spent on it."""


def _text(text):
    data = text.encode()
    return len(data).to_bytes(2, "big") + data


def packet(head, *parts):
    """Return a packet: first byte, remaining length, what `parts` are together; each is copied once."""
    length = sum([len(part) for part in parts])
    out = bytearray([head])
    while True:
        low = length & 0x7F
        length >>= 7
        out.append(low | (0x80 if length else 0))
        if not length:
            return b"".join((bytes(out),) + parts)


def connect(client_id, keepalive_s, will, user=None, password=None):
    """Return CONNECT with a clean session; `will` is ``(topic, payload, qos, retain)`` or None."""
    flags = 0x02
    body = _text(client_id)
    if will is not None:
        topic, payload, qos, retain = will
        flags |= 0x04 | qos << 3 | (0x20 if retain else 0)
        body += _text(topic) + len(payload).to_bytes(2, "big") + payload
    if user is not None:
        flags |= 0x80
        body += _text(user)
        if password is not None:
            flags |= 0x40
            body += _text(password)
    return packet(CONNECT, b"\x00\x04MQTT\x04" + bytes([flags]) + keepalive_s.to_bytes(2, "big") + body)


def publish(topic, payload, qos, retain, identifier, duplicate=False):
    """Return PUBLISH; `identifier` counts for QoS 1 alone."""
    head = PUBLISH | (0x08 if duplicate else 0) | qos << 1 | (1 if retain else 0)
    return packet(head, _text(topic), identifier.to_bytes(2, "big") if qos else b"", payload)


def subscribe(identifier, topics, qos):
    """Return SUBSCRIBE to a list of topics."""
    body = identifier.to_bytes(2, "big")
    for topic in topics:
        body += _text(topic) + bytes([qos])
    return packet(SUBSCRIBE, body)


def unsubscribe(identifier, topics):
    """Return UNSUBSCRIBE."""
    body = identifier.to_bytes(2, "big")
    for topic in topics:
        body += _text(topic)
    return packet(UNSUBSCRIBE, body)


def parse_publish(head, body):
    """Return ``(topic, payload, qos, identifier)`` of a PUBLISH; raises WireError."""
    qos = head >> 1 & 3
    if qos > 1 or len(body) < 2:
        raise WireError("PUBLISH that nobody asked for")
    end = 2 + int.from_bytes(body[:2], "big")
    start = end + (2 if qos else 0)
    if start > len(body):
        raise WireError("PUBLISH cut off")
    identifier = int.from_bytes(body[end:start], "big") if qos else 0
    try:
        topic = body[2:end].decode()
    except UnicodeError:
        raise WireError("topic is not UTF-8")
    return topic, body[start:], qos, identifier


def parse_identifier(body):
    """Return the packet identifier that PUBACK, SUBACK and UNSUBACK start with; raises WireError."""
    if len(body) < 2:
        raise WireError("acknowledgement cut off")
    return int.from_bytes(body[:2], "big")
