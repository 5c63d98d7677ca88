# Runs on MicroPython: decodes a stream of vectors as a lossy node would, prints each frame's PCM in hex.
import binascii
import json
import sys

import micropython
import opus


def decode(packet, pcm, fec):
    micropython.heap_lock()  # decode() allocates nothing
    try:
        return decoder.decode(packet, pcm, fec=fec)
    finally:
        micropython.heap_unlock()


with open(sys.argv[1]) as file:
    stream = json.load(file)
channels = stream["channels"]
decoder = opus.Decoder(stream["rate"], channels)
pcm = bytearray(stream["frame_samples"] * channels * 2)
packets = [binascii.unhexlify(packet) for packet in stream["packets"]]
for index, how in enumerate(sys.argv[2]):  # p: the packet, f: the next one's FEC, l: lost
    packet = None if how == "l" else packets[index + (how == "f")]
    samples = decode(packet, pcm, how == "f")
    print(binascii.hexlify(memoryview(pcm)[: samples * channels * 2]).decode())
