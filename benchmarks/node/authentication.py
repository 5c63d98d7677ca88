"""Times the verifier of a node under MicroPython: prints a JSON object of microseconds a packet."""

import json
import time

from codec.wire import rtp
from codec.wire.chain import Anchor
from codec.wire.mac import Mac
from codec.wire.tesla import Chain, Terms
from firmware.node.counters import new_counters
from firmware.node.keychain import Keychain
from firmware.node.verifier import Verifier

PACKETS = 2000
PAYLOAD_BYTES = 80
FRAME_US = 20000
LAG = 3
FIRST = 90000000000


class Clock:
    """Media time is local time."""

    def latest_us(self, now_us):
        """Return the media time."""
        return now_us

    media_us = latest_us

    def locked(self, _):
        """True."""
        return True


class Stream:
    """A stream from FIRST on."""

    ssrc = 7
    frame_us = FRAME_US
    media0_us = FIRST * FRAME_US


def packets():
    """Return the packets of a stream, signed, and the anchor of their chain."""
    chain = Chain(bytes(16))
    keys = [bytes(16)]
    for _ in range(PACKETS + LAG):
        keys.append(chain.before(keys[-1]))
    keys.reverse()  # keys[n] is of interval FIRST - LAG + n - 1
    made = []
    for index in range(PACKETS):
        packet = bytearray(rtp.HEADER_BYTES + PAYLOAD_BYTES)
        rtp.pack_header(packet, 0, False, 96, index, index * 960, 7)
        packet[rtp.KEY_AT : rtp.KEY_AT + rtp.KEY_BYTES] = keys[index + 1]
        rtp.put_tag(packet, chain.tags(keys[index + LAG + 1]))
        made.append(bytes(packet))
    return made, Anchor(chain.salt, FIRST - LAG - 1, keys[0], FIRST + PACKETS)


def main():
    """Measure."""
    found, anchor = packets()
    delivered = []
    keychain = Keychain()
    keychain.take(Terms("lan", FRAME_US, LAG), [anchor])
    counters = new_counters()
    verifier = Verifier(
        keychain,
        Clock(),
        Mac(bytes(32)),
        counters,
        lambda: 5,
        lambda _: True,
        lambda ssrc, index, data, at_us: delivered.append(index),
        lambda ssrc, index: None,
    )
    stream = Stream()
    began_s = time.clock()
    for index, data in enumerate(found):
        verifier.receive(stream, index, data, stream.media0_us + index * FRAME_US + 5000)
    verified_us = (time.clock() - began_s) * 1e6 / PACKETS
    assert len(delivered) == PACKETS - LAG, (len(delivered), counters)
    again = bytearray(found[0])
    rtp.put_tag(again, Mac(bytes(32)), rtp.BY_NODE_KEY)
    again = bytes(again)
    began_s = time.clock()
    for _ in range(PACKETS):
        assert verifier.receive(stream, 0, again, stream.media0_us) == 1 + 1
    again_us = (time.clock() - began_s) * 1e6 / PACKETS
    print(json.dumps({"verified_us": verified_us, "again_us": again_us}))


main()
