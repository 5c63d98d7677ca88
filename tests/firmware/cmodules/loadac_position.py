# Runs on MicroPython over the ESP-IDF stand-in: what position() says against what the DMA really sent.
import struct

import esp_standin
import loadac

FRAMES, COUNT = 10, 3
dac = loadac.DAC(sck=1, ws=2, sd=3, rate=48000, dma_frames=FRAMES, dma_count=COUNT, ring_frames=FRAMES * COUNT)
now_us = 0
wire = []  # every sample that left, in order


def send(heard=True):
    global now_us
    now_us += 1000
    pairs = struct.unpack("<%dI" % FRAMES, esp_standin.send(now_us, heard))
    assert all(pair >> 16 == pair & 0xFFFF for pair in pairs)  # both slots carry the sample
    wire.extend([pair & 0xFFFF for pair in pairs])


def samples(first, count):
    return struct.pack("<%dh" % count, *range(first, first + count))


assert dac.position() == (0, 0) and dac.free() == FRAMES * COUNT and dac.underruns() == 0
for _ in range(COUNT):  # the first round shows the buffers and is silent
    send()
assert dac.position() == (0, 3000)

# Accepted is what fits, and not a frame more.
assert dac.write(samples(1, 100)) == 30
assert dac.free() == 0 and dac.write(samples(999, 1)) == 0
send()  # the buffer just sent takes 1..10
assert dac.free() == 10 and dac.position() == (0, 4000)
assert dac.write(samples(31, 5)) == 5
send()
send()
assert dac.position() == (0, 6000) and wire == [0] * 60
send()
assert wire[60:] == list(range(1, 11)) and dac.position() == (10, 7000)
assert dac.underruns() == 1  # only 31..35 were left for this buffer: half of it is silent
send()
send()
assert dac.position() == (30, 9000)
send()
assert dac.position() == (35, 10000)
assert wire[60:] == list(range(1, 36)) + [0] * 5
for _ in range(5):
    send()
assert dac.position() == (35, 15000) and dac.underruns() == 1  # silence is one event, and no frame

# A lost interrupt: the next one accounts for both buffers and refills both, in order.
del wire[:]
value = 1
for turn in range(40):
    value += dac.write(samples(value, 15))
    send(turn not in (17, 30))
    frames_out, local_us = dac.position()
    if turn not in (17, 30):
        assert local_us == now_us
        assert frames_out == 35 + sum(1 for sample in wire if sample)
    else:
        assert local_us == now_us - 1000
heard = [sample for sample in wire if sample]
assert heard == list(range(1, len(heard) + 1))
assert dac.underruns() == 3

# Ticks wrap as time.ticks_us() does.
now_us = (1 << 30) - 500
send()
assert dac.position()[1] == 500

for bad in (
    {"rate": 7999},
    {"rate": 1 << 30},
    {"dma_frames": 7},
    {"dma_frames": 1024},
    {"dma_count": 1},
    {"dma_count": 33},
    {"ring_frames": 119},
    {"ring_frames": 48001},
):
    try:
        loadac.DAC(sck=1, ws=2, sd=3, **bad)
        raise SystemExit("accepted %r" % bad)
    except ValueError:
        pass
try:
    loadac.DAC(sck=1, ws=2, sd=3)  # the controller is taken
    raise SystemExit("two channels on one controller")
except OSError:
    pass
try:
    dac.write(b"\x00")
    raise SystemExit("accepted half a sample")
except ValueError:
    pass

dac.deinit()
dac.deinit()
assert not esp_standin.is_open()
for call in (dac.position, dac.free, dac.underruns, lambda: dac.write(b"")):
    try:
        call()
        raise SystemExit("a closed DAC answered")
    except ValueError:
        pass
print("ok")
