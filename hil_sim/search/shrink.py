"""From a scenario that fails to the shortest that still fails in the same way: one simplification after another."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from hil_sim.scenario import Clock, LinkSettings, Scenario, poles

Fails = Callable[[Scenario], bool]
MOST_RUNS = 60


def shrink(scenario: Scenario, fails: Fails, most_runs: int = MOST_RUNS) -> Scenario:
    """Return the simplest scenario found for which `fails` holds, `scenario` itself at worst; it is asked `most_runs`
    times at most."""
    runs = 0
    simplified = True
    while simplified and runs < most_runs:
        simplified = False
        for candidate in _simpler(scenario):
            runs += 1
            if fails(candidate):
                scenario, simplified = candidate, True
                break
            if runs >= most_runs:
                break
    return scenario


def _simpler(scenario: Scenario) -> Iterator[Scenario]:
    """Yield scenarios with less in them, what takes away most first."""
    events = scenario.events
    if len(events) > 1:
        yield replace(scenario, events=())
    for number in range(len(events)):
        yield replace(scenario, events=events[:number] + events[number + 1 :])
    if scenario.nodes > 1:
        yield _with_nodes(scenario, 1)
        yield _with_nodes(scenario, scenario.nodes - 1)
    latest_s = max((event.at_s for event in events), default=0.0)
    for duration_s in (scenario.duration_s / 2, scenario.duration_s * 0.8):
        if duration_s >= max(latest_s, 4.0):
            yield replace(scenario, duration_s=round(duration_s, 1))
    line = scenario.network
    plain = LinkSettings()
    for name in ("duplicate", "delay_up_ms", "rate_kbps", "loss", "burst", "jitter_ms"):
        if getattr(line, name) != getattr(plain, name):
            yield replace(scenario, network=replace(line, **{name: getattr(plain, name)}))
    if scenario.clock != Clock():
        yield replace(scenario, clock=replace(scenario.clock, uptime_days=0.0))
        yield replace(scenario, clock=Clock())


def _with_nodes(scenario: Scenario, nodes: int) -> Scenario:
    events = tuple(event for event in scenario.events if event.node is None or event.node <= nodes)
    return replace(scenario, nodes=nodes, positions=poles(nodes), events=events)


def to_toml(scenario: Scenario) -> str:
    """Return the scenario as a file that ``loaxa sim run`` plays."""
    line, clock = scenario.network, scenario.clock
    text = [
        f"seed = {scenario.seed}",
        f"duration_s = {scenario.duration_s}",
        f'[village]\nnodes = {scenario.nodes}\nruntime = "{scenario.runtime}"',
        f'[session]\nprofile = "{scenario.profile}"\nsync_group = {str(scenario.sync_group).lower()}',
        "[network]",
        *(f"{name} = {value}" for name, value in vars(line).items() if value is not None),
        f"[lan]\ndelay_ms = {scenario.lan.delay_ms}\njitter_ms = {scenario.lan.jitter_ms}\nloss = {scenario.lan.loss}",
        f"[clock]\ndrift_ppm = [{clock.drift_ppm[0]}, {clock.drift_ppm[1]}]\nuptime_days = {clock.uptime_days}",
    ]
    for event in scenario.events:
        text += ["[[event]]", f"at_s = {event.at_s}", f'do = "{event.do}"']
        if event.node is not None:
            text.append(f"node = {event.node}")
        if event.kind is not None:
            text.append(f'kind = "{event.kind}"')
        if event.do == "delay_step":
            text.append(f"delay_ms = {event.delay_ms}")
        if event.do == "wall_step":
            text.append(f"step_ms = {event.step_ms}")
    return "\n".join(text) + "\n"
