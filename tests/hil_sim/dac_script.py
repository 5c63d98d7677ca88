"""Run by test_board.py on MicroPython: keeps a DAC of the given sizes full of a ramp for some time."""

import sys
import time
from array import array

from _dac import DAC

dma_frames, dma_count, ring_frames, block_frames = [int(argument) for argument in sys.argv[1:5]]
dac = DAC(dma_frames=dma_frames, dma_count=dma_count, ring_frames=ring_frames)
written = 0
end_ms = time.ticks_ms() + 700
while time.ticks_ms() < end_ms:
    while dac.free() >= block_frames:
        dac.write(array("h", range(written, written + block_frames)))
        written = (written + block_frames) % 24000
    time.sleep_ms(7)
dac.deinit()
