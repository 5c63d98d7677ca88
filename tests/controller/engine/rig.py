"""A pipeline whose blocks a test runs one by one."""

import fcntl
import os

import numpy as np

from codec.profile import PROFILES
from controller.engine.authenticator import Authenticator
from controller.engine.ground import Ground
from controller.engine.pipeline import Pipeline
from controller.engine.plan import parse_plan
from controller.engine.source import Source
from controller.engine.workers import Workers
from tests.controller.engine.harness import Listener, chains, secret_chain, zone

FRAME_US = 20_000
SMOOTH = 120
"""int16 steps: a 300 Hz tone at half scale bends 25 a sample squared, a fade adds some; a click bends thousands."""


class Tape:
    """Keeps blocks of sound."""

    def __init__(self):
        self.blocks = []

    @property
    def sound(self):
        return np.concatenate(self.blocks)


class Records:
    """Stands where the recorder does."""

    def __init__(self):
        self.blocks = []

    def write(self, media_us, begun_ns, samples):
        self.blocks.append((media_us, begun_ns, samples.copy()))


class Rig:
    """A pipeline whose blocks the test runs one by one."""

    def __init__(self, media):
        self.media = media
        self.events = []
        self.tape = Tape()
        self.workers = Workers(2)
        self.records = Records()
        self.mono_ns = 0
        ground = Ground(monotonic_ns=lambda: self.mono_ns)
        self.now_us = 1_000_000 * FRAME_US
        self.chains = {name: secret_chain(name, self.now_us) for name in PROFILES}
        self.authenticator = Authenticator()
        self.authenticator.set_chains(chains(**self.chains))
        self.pipeline = Pipeline(FRAME_US, media, self.workers, self.note, self.authenticator, self.records, ground)
        self.pipeline.recorded_zone = "z-1"
        self.sources = {}
        self.pipes = {}
        self.listeners = []

    def note(self, event, fields):
        self.events.append((event, fields))

    def named(self, event):
        return [fields for name, fields in self.events if name == event]

    def listener(self):
        self.listeners.append(Listener())
        return self.listeners[-1]

    def feed(self, name, samples, live=False):
        """Make a source of `samples`, which must fit its pipe."""
        self.open(name, live)
        self.more(name, samples)
        self.pipes.pop(name).close()

    def open(self, name, live=False):
        """Make a source that :meth:`more` writes to."""
        reading, writing = os.pipe()
        self.sources[name] = Source(name, reading, live)
        self.pipes[name] = os.fdopen(writing, "wb", 0)
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 1 << 20)

    def more(self, name, samples):
        self.pipes[name].write(samples.tobytes())

    def plan(self, zones, sessions):
        plan = parse_plan({"zones": zones, "sessions": sessions})
        self.pipeline.on_air.apply(plan, self.sources, lambda tag: None, self.now_us)

    async def run(self, blocks):
        for _ in range(blocks):
            await self.pipeline.run_block(self.now_us)
            self.now_us += FRAME_US
            for group in self.pipeline._encoders.groups:
                for stream in group.streams:
                    if stream.zone.id == "z-1":
                        self.tape.blocks.append(self.pipeline._quantiser.samples[stream.row].copy())

    @property
    def groups(self):
        return sorted(sorted(stream.zone.id for stream in group.streams) for group in self.pipeline._encoders.groups)

    def close(self):
        self.workers.close()
        for pipe in self.pipes.values():
            pipe.close()
        for source in self.sources.values():
            source.close()
        for listener in self.listeners:
            listener.close()


def zones(count, **fields):
    return [zone(f"z-{number}", [], **fields) for number in range(1, count + 1)]
