"""Runs on a simulated board: prints what its clock, DAC, storage and watchdog do, one JSON object."""

import asyncio
import json
import sys
import time
from array import array

import esp32
import loadac
import machine
import network
import utime

found = {}
before_us = utime.ticks_us()
found["ticks_us"] = time.ticks_us()
found["mono_us"] = before_us
found["wrap"] = time.ticks_add((1 << 30) - 1, 2)
found["diff"] = time.ticks_diff(5, (1 << 30) - 5)


async def nap(ms):
    await asyncio.sleep_ms(ms)
    await asyncio.sleep_ms(0)


async def sleep():
    start_us = utime.ticks_us()
    await asyncio.gather(nap(60), nap(30), nap(45))
    found["slept_ms"] = (utime.ticks_us() - start_us) // 1000
    try:
        await asyncio.wait_for(nap(5000), 0.02)
    except asyncio.TimeoutError:  # noqa: UP041 - MicroPython has no other
        found["timed_out"] = True


asyncio.run(sleep())

dac = loadac.DAC(sck=1, ws=2, sd=3, rate=48000, dma_frames=240, dma_count=4, ring_frames=960)
found["free"] = dac.free()
found["taken"] = dac.write(array("h", range(1, 1001)))
found["full"] = dac.write(array("h", [1]))
positions = []
for _ in range(12):
    time.sleep_ms(5)
    positions.append(dac.position())
found["positions"] = positions
found["underruns"] = dac.underruns()
dac.write(array("h", [-7] * 100))
time.sleep_ms(60)
found["underruns_after"] = dac.underruns()
dac.deinit()

nvs = esp32.NVS("test")
try:
    found["boots"] = nvs.get_i32("boots")
except OSError:
    found["boots"] = 0
nvs.set_i32("boots", found["boots"] + 1)
nvs.set_blob("name", b"loa")
nvs.commit()
wlan = network.WLAN(network.STA_IF)
wlan.active(True)
wlan.connect("ssid", "password")
found["wlan"] = wlan.isconnected()
found["cause"] = machine.reset_cause()
print(json.dumps(found))
if sys.argv[1] == "reset":
    machine.reset()
machine.WDT(timeout=200)
while True:  # the watchdog must bite even so
    pass
