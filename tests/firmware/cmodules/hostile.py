# Runs on MicroPython: what must be refused is refused by name, and nothing is written past the buffer.
import array
import binascii
import json
import sys

import opus


def refused(error, text, call, *args, **named):
    try:
        call(*args, **named)
    except error as raised:
        assert text in str(raised), (text, str(raised))
    else:
        raise AssertionError((text, args, named))


with open(sys.argv[1]) as file:
    packets = [binascii.unhexlify(packet) for packet in json.load(file)["packets"]]
decoder = opus.Decoder(48000, 1)
pcm = bytearray(1920)

refused(ValueError, "opus: invalid argument", opus.Decoder, 48000, 0)
refused(ValueError, "opus: invalid argument", opus.Decoder, 48000, 3)
refused(ValueError, "opus: invalid argument", opus.Decoder, 44100, 1)
refused(ValueError, "opus: invalid argument", opus.Decoder, -(1 << 31), 1)
refused(TypeError, "", opus.Decoder, "48000", 1)
refused(TypeError, "", opus.Decoder, 48000)
refused(TypeError, "", decoder.decode, 5, pcm)
refused(TypeError, "", decoder.decode, 1.5, pcm)
refused(TypeError, "", decoder.decode, packets[0])
refused(TypeError, "", decoder.decode, packets[0], bytes(1920))
refused(TypeError, "", decoder.decode, packets[0], None)
refused(TypeError, "opus: pcm must be", decoder.decode, packets[0], array.array("f", [0.0] * 960))
refused(TypeError, "opus: pcm must be", decoder.decode, packets[0], array.array("i", [0] * 960))
refused(ValueError, "even address", decoder.decode, packets[0], memoryview(bytearray(1922))[1:])
refused(ValueError, "opus: corrupted", decoder.decode, b"", pcm)
refused(ValueError, "opus: corrupted", decoder.decode, b"", pcm, fec=True)
refused(ValueError, "opus: corrupted", decoder.decode, bytes(1275 * 3 + 8), pcm)
refused(ValueError, "opus: corrupted", decoder.decode, b"\xff", pcm)  # says that a frame count follows
refused(ValueError, "opus: corrupted", decoder.decode, b"\xff\x00", pcm)  # no frames
refused(ValueError, "opus: corrupted", decoder.decode, b"\xff\x3f" + bytes(20), pcm)  # 63 frames
refused(ValueError, "opus: buffer too small", decoder.decode, packets[0], bytearray(0))
refused(ValueError, "opus: buffer too small", decoder.decode, packets[0], bytearray(1))
refused(ValueError, "opus: buffer too small", decoder.decode, packets[0], bytearray(1918))
refused(ValueError, "opus: invalid argument", decoder.decode, None, bytearray(1918))  # not a frame's length
refused(ValueError, "more than 120 ms", decoder.decode, None, bytearray(2 * 5760 + 2))

# After all this the decoder still decodes, and every kind of buffer will do.
assert decoder.decode(packets[0], pcm) == 960
assert decoder.decode(packets[1], array.array("h", [0] * 960)) == 960
assert decoder.decode(packets[2], memoryview(pcm)) == 960
assert decoder.decode(packets[3], bytearray(1 << 20)) == 960
assert decoder.decode(None, bytearray(960)) == 480

# reset() forgets the stream.
first, again = bytearray(1920), bytearray(1920)
decoder.reset()
decoder.decode(packets[5], first)
decoder.decode(packets[6], again)
assert first != again
decoder.reset()
decoder.decode(packets[5], again)
assert first == again

# Packets as an attacker makes them: cut, changed, random. Each decodes or is refused; the guard stays whole.
state = 12345


def random():
    global state
    state = (state * 1103515245 + 12345) & 0x7FFFFFFF
    return state >> 8


GUARD = 4096
for turn in range(20000):
    kind = turn % 4
    packet = bytearray(packets[random() % len(packets)])
    if kind == 0:
        packet = packet[: random() % len(packet)]
    elif kind == 1:
        packet[random() % len(packet)] ^= 1 << (random() % 8)
    elif kind == 2:
        packet = bytearray(random() & 255 for _ in range(random() % 64))
    else:
        packet[0] = random() & 255
    samples = random() % 5761
    guarded = bytearray(b"\xa5" * (samples * 2 + GUARD))
    room = memoryview(guarded)[: samples * 2]
    try:
        written = decoder.decode(packet, room, bool(random() & 1))
        assert 0 <= written <= samples, (written, samples)
    except ValueError as raised:
        assert str(raised).startswith("opus: "), raised
    assert guarded[samples * 2 :] == b"\xa5" * GUARD, (turn, packet)
print("ok", opus.VERSION)
