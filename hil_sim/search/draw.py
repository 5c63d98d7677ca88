"""A scenario from a seed: a village, a line as bad as its profile is made for, and what happens to it."""

import random
from dataclasses import replace

from hil_sim.scenario import Clock, Event, LinkSettings, Scenario, poles

MOST_ASYMMETRY_MS = 24.0
"""Half of a path's asymmetry is an error that nobody can see; more is not drawn, so that 20 ms are always a fault."""
QUIET_S = 4.0
"""At the beginning and, for what heals, at the end."""
HEAL_S = 6.0


def draw(seed: int) -> Scenario:
    """Return the scenario of `seed`; the same every time."""
    chance = random.Random(seed)
    profile = chance.choice(("lan", "lan", "low", "mobile", "mobile"))
    nodes = chance.randint(1, 4)
    duration_s = round(chance.uniform(14.0, 30.0), 1)
    drift_ppm = chance.choice((10.0, 50.0, 50.0, 100.0))
    events: list[Event] = []
    for _ in range(chance.choice((0, 1, 1, 2, 3))):
        events += _happening(chance, nodes, duration_s, profile)
    network = _line(chance, profile)
    clock = Clock(drift_ppm=(-drift_ppm, drift_ppm), uptime_days=chance.choice((0.0, 0.0, 25.0, 400.0)))
    sync_group = nodes > 1 and chance.random() < 0.3
    if sync_group and chance.random() < 0.5:
        at_s = chance.uniform(QUIET_S, max(duration_s - HEAL_S, QUIET_S))
        node = chance.choice((None, chance.randint(1, nodes)))
        back_s = min(at_s + chance.choice((0.5, 3.0, 8.0)), duration_s)
        events += [Event(at_s, "cut_lan", node), Event(back_s, "restore_lan", node)]
    return Scenario(
        name=f"seed-{seed}",
        seed=seed,
        duration_s=duration_s,
        nodes=nodes,
        runtime="cpython",
        profile=profile,
        network=network,
        clock=clock,
        events=tuple(sorted(events, key=lambda event: event.at_s)),
        positions=poles(nodes),
        sync_group=sync_group,
    )


def _line(chance: random.Random, profile: str) -> LinkSettings:
    if profile == "low":
        return LinkSettings(delay_ms=chance.uniform(0.1, 3.0), jitter_ms=chance.choice((0.0, 0.2, 1.0)))
    if profile == "lan":
        line = LinkSettings(delay_ms=chance.uniform(0.2, 10.0), jitter_ms=chance.choice((0.0, 1.0, 2.0, 4.0)))
        if chance.random() < 0.4:
            line = replace(line, loss=chance.uniform(0.0, 0.03), burst=chance.choice((1.0, 2.0, 4.0)))
    else:
        line = LinkSettings(
            delay_ms=chance.uniform(30.0, 90.0),
            jitter_ms=chance.choice((0.0, 5.0, 20.0, 30.0)),
            loss=chance.choice((0.0, 0.02, 0.1)),
            burst=chance.choice((1.0, 2.0, 4.0, 8.0)),
        )
        if chance.random() < 0.3:
            line = replace(line, rate_kbps=chance.choice((128.0, 256.0, 1000.0)))
    if chance.random() < 0.3:
        shift_ms = chance.uniform(-MOST_ASYMMETRY_MS, MOST_ASYMMETRY_MS)
        line = replace(line, delay_up_ms=max(line.delay_ms + shift_ms, 0.0))
    if chance.random() < 0.2:
        line = replace(line, duplicate=chance.uniform(0.0, 0.2))
    return line


def _happening(chance: random.Random, nodes: int, duration_s: float, profile: str) -> list[Event]:
    """Return the event or events of one thing that goes wrong."""
    at_s = chance.uniform(QUIET_S, max(duration_s - HEAL_S, QUIET_S))
    node = chance.choice((None, chance.randint(1, nodes)))
    match chance.choice(
        ("reboot", "cut", "cut", "kill_engine", "kill_broker", "kill_controller", "delay_step", "wall_step", "attack")
    ):
        case "cut":
            back_s = min(at_s + chance.choice((0.1, 0.5, 2.5, 8.0)), duration_s)
            return [Event(at_s, "cut_network", node), Event(back_s, "restore_network", node)]
        case "delay_step":
            most_ms = {"low": 4.0, "lan": 20.0, "mobile": 100.0}[profile]
            return [Event(at_s, "delay_step", node, delay_ms=chance.uniform(0.0, most_ms))]
        case "wall_step":
            step_ms = chance.choice((-1.0, 1.0)) * 10 ** chance.uniform(0.0, 7.0)
            return [Event(at_s, "wall_step", step_ms=step_ms)]
        case "attack":
            return [Event(at_s, "attack", node, kind="malformed")]
        case "reboot":
            return [Event(at_s, "reboot", node)]
        case other:
            return [Event(at_s, other)]
