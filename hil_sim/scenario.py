"""Scenarios: what is played in which village over which network, read from TOML into frozen dataclasses.

Every key has a default, an unknown key or value is refused by name. The format is a contract: others write
scenarios.
"""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from codec.profile import PROFILES
from hil_sim.attacks import KINDS
from hil_sim.fields import Fields, ScenarioError

__all__ = [
    "Clock",
    "Event",
    "Limits",
    "LinkSettings",
    "Position",
    "Scenario",
    "ScenarioError",
    "Source",
    "load",
    "parse",
]

Made = TypeVar("Made")

RUNTIMES = ("micropython", "cpython")
SOURCE_KINDS = ("speech", "chirp", "file")
ACTIONS = (
    "reboot",
    "cut_network",
    "restore_network",
    "kill_engine",
    "kill_broker",
    "kill_controller",
    "attack",
    "delay_step",
    "wall_step",
    "cut_lan",
    "restore_lan",
    "speaker_open",
    "speaker_short",
    "repair",
)
SPEAKER_ACTIONS = ("speaker_open", "speaker_short", "repair")
NODE_ACTIONS = (
    "reboot",
    "cut_network",
    "restore_network",
    "attack",
    "delay_step",
    "cut_lan",
    "restore_lan",
    *SPEAKER_ACTIONS,
)
VIRTUAL_ACTIONS = ("delay_step", "wall_step", "cut_lan", "restore_lan")
"""What happens in virtual time only: nobody may set the real clock of the machine that this runs on, and the nodes'
LAN is in virtual time alone."""
MAX_NODES = {"micropython": 200, "cpython": 2000}
LAN_DELAY_MS, LAN_JITTER_MS = 1.0, 0.5
ATTACK_S = 8.0
POLE_DISTANCE_M = 60.0
"""Poles of a village street stand about this far apart; a village grows by rows of ten."""
POLES_A_ROW = 10

BULLETIN = (
    "Kính thưa bà con, đài truyền thanh xã xin thông báo. Sáng mai, từ bảy giờ, trạm y tế xã tổ chức "
    "tiêm phòng cho trẻ em dưới năm tuổi tại nhà văn hóa thôn Một. Đề nghị các gia đình đưa các cháu "
    "đến đúng giờ và mang theo sổ theo dõi sức khỏe. Chiều nay có mưa to và dông, bà con chú ý gia cố "
    "nhà cửa, đưa trâu bò về chuồng, không đi lại gần bờ sông khi nước lên cao. Hợp tác xã nông nghiệp "
    "báo lịch lấy nước đổ ải vụ đông xuân: đợt một bắt đầu từ ngày mười lăm, đề nghị bà con làm đất, "
    "sửa bờ, khơi thông kênh mương trước ngày đó. "
)
"""What is spoken where a scenario names no text; repeated until it outlasts the scenario."""
BULLETIN_S = 20
"""Less than any of espeak-ng's Vietnamese voices takes for BULLETIN."""


@dataclass(frozen=True)
class Source:
    """What is played. kind: one of SOURCE_KINDS. text: for speech. path: of the sound file, for file.

    fills: it is made to last until the session is stopped, so that an earlier end is a fault.
    """

    kind: str = "speech"
    text: str = ""
    path: Path | None = None
    fills: bool = False


@dataclass(frozen=True)
class LinkSettings:
    """The directions between controller and a node.

    delay_ms: constant part; delay_up_ms: of the direction from the node, where it is another. jitter_ms: standard
    deviation of a normal part, never below no delay at all. loss: probability of a datagram. burst: mean length of a
    run of lost ones; 1 is independent loss. rate_kbps: kbit/s of the bottleneck with a queue before it; 0 is no limit.
    duplicate: probability that a datagram comes twice. delay_up_spread_ms: how much longer the last node's way up is
    than the first one's, those between them evenly.
    """

    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    loss: float = 0.0
    burst: float = 1.0
    rate_kbps: float = 0.0
    delay_up_ms: float | None = None
    duplicate: float = 0.0
    delay_up_spread_ms: float = 0.0

    def of_node(self, node: int, nodes: int) -> "LinkSettings":
        """Return the settings of one node's way."""
        if not self.delay_up_spread_ms or nodes < 2:
            return self
        more_ms = self.delay_up_spread_ms * (node - 1) / (nodes - 1)
        return replace(self, delay_up_ms=self.up().delay_ms + more_ms)

    def up(self) -> "LinkSettings":
        """Return the settings of the direction from node to controller."""
        return self if self.delay_up_ms is None else replace(self, delay_ms=self.delay_up_ms)


@dataclass(frozen=True)
class Clock:
    """The nodes' crystals: each drifts by parts per million drawn uniformly between two bounds.

    uptime_days: for how long the nodes have been running when the scenario begins; in virtual time only.
    """

    drift_ppm: tuple[float, float] = (0.0, 0.0)
    uptime_days: float = 0.0


@dataclass(frozen=True)
class Event:
    """Something that happens `at_s` after the session began. node: 1-based, None for all. kind: of attack.

    delay_ms: of "delay_step", how much slower both directions are from then on than the scenario's network. step_ms: of
    "wall_step", by how much the controller's UTC jumps. off_s: of "reboot", how long the node has no power. lasts_s: of
    "attack". "speaker_open" and "speaker_short" break the horns, "repair" takes every fault away.
    """

    at_s: float
    do: str
    node: int | None = None
    kind: str | None = None
    delay_ms: float = 0.0
    step_ms: float = 0.0
    off_s: float = 1.0
    lasts_s: float = 0.0


@dataclass(frozen=True)
class Position:
    """Where a pole or an ear is, metres."""

    x_m: float
    y_m: float


@dataclass(frozen=True)
class Limits:
    """What a run must reach to pass, from ``[assert]``; None is not asked for.

    Names are figures of the verdict, and `dropout_ms_max`, the longest single dropout. `stoi`, `pesq` and
    `played_ratio` (of the frames expected) are least values, all others greatest ones.
    """

    skew_ms_p50: float | None = None
    skew_ms_p99: float | None = None
    skew_ms_max: float | None = None
    latency_ms_p50: float | None = None
    latency_ms_p99: float | None = None
    dropouts: float | None = None
    dropout_ms_max: float | None = None
    concealed: float | None = None
    late: float | None = None
    played_ratio: float | None = None
    stoi: float | None = None
    pesq: float | None = None
    first_sound_ms_p50: float | None = None
    first_sound_ms_max: float | None = None
    foreign_ms: float | None = None


@dataclass(frozen=True)
class Scenario:
    """One run, complete: `name` is the file's, `nodes` the number of them at `positions`.

    skew_settle_s: for so long after a node began to sound, or began again, it is not counted in the skew.
    sync_group: the nodes agree on the time by multicast. In virtual time they do so on their `lan`, in real time on the
    loopback, as it is.
    """

    name: str
    seed: int = 1
    duration_s: float = 30.0
    nodes: int = 6
    runtime: str = "micropython"
    profile: str = "lan"
    source: Source = field(default_factory=Source)
    network: LinkSettings = field(default_factory=LinkSettings)
    clock: Clock = field(default_factory=Clock)
    events: tuple[Event, ...] = ()
    positions: tuple[Position, ...] = ()
    microphones: tuple[Position, ...] = ()
    limits: Limits = field(default_factory=Limits)
    skew_settle_s: float = 0.0
    sync_group: bool = False
    lan: LinkSettings = field(default_factory=lambda: LinkSettings(delay_ms=LAN_DELAY_MS, jitter_ms=LAN_JITTER_MS))


def poles(nodes: int) -> tuple[Position, ...]:
    """Return where `nodes` stand when nothing else is said: rows of poles."""
    return tuple(
        Position(POLE_DISTANCE_M * (i % POLES_A_ROW), POLE_DISTANCE_M * (i // POLES_A_ROW)) for i in range(nodes)
    )


def load(path: Path) -> Scenario:
    """Return the scenario in the file; raises ScenarioError, naming the file and the key."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioError(f"{path}: cannot be read: {error}") from error
    try:
        return parse(text, name=path.stem, folder=path.parent)
    except ScenarioError as error:
        raise ScenarioError(f"{path}: {error}") from error


def parse(text: str, name: str, folder: Path) -> Scenario:
    """Return the scenario in TOML `text`; a path in it is relative to `folder`. Raises ScenarioError."""
    try:
        table = Fields(tomllib.loads(text), "")
    except (ValueError, RecursionError) as error:  # a number of 5,000 digits, brackets 1,000 deep: no TOMLDecodeError
        raise ScenarioError(f"not TOML: {error}") from error
    duration_s = table.number("duration_s", 30.0, low=1.0, high=86400.0)
    seed = table.integer("seed", 1, low=0, high=2**31 - 1)
    skew_settle_s = table.number("skew_settle_s", 0.0, low=0.0, high=3600.0)
    village = table.table("village")
    runtime = village.text("runtime", "micropython")
    if runtime not in RUNTIMES:
        raise ScenarioError(f'village.runtime must be "micropython" or "cpython", not "{runtime}"')
    nodes = village.integer("nodes", 6, low=1, high=MAX_NODES[runtime])
    session = table.table("session")
    profile = session.choice("profile", "lan", tuple(PROFILES))
    sync_group = session.boolean("sync_group", False)
    if table.has("lan") and runtime != "cpython":
        raise ScenarioError('a table "lan" needs village.runtime = "cpython": in real time the LAN is the loopback')
    scenario = Scenario(
        name=name,
        seed=seed,
        duration_s=duration_s,
        nodes=nodes,
        runtime=runtime,
        profile=profile,
        source=_source(table.table("source"), duration_s, folder),
        network=_link(table.table("network")),
        clock=_clock(table.table("clock"), runtime),
        events=_each(table, "event", lambda entry: _event(entry, nodes, duration_s, runtime)),
        positions=_positions(village, nodes),
        microphones=_each(table, "microphone", _position),
        limits=_limits(table.table("assert")),
        skew_settle_s=skew_settle_s,
        sync_group=sync_group,
        lan=_lan(table.table("lan")),
    )
    for used in (village, session, table):
        used.done()
    return scenario


def _each(table: Fields, key: str, make: Callable[[Fields], Made]) -> tuple[Made, ...]:
    return tuple(make(entry) for entry in table.tables(key))


def _source(table: Fields, duration_s: float, folder: Path) -> Source:
    kind = table.choice("kind", "speech", SOURCE_KINDS)
    source = Source(kind=kind, fills=kind == "chirp")
    if kind == "speech":
        repeats = 1 + int(duration_s // BULLETIN_S)
        source = Source(kind=kind, text=table.text("text", BULLETIN * repeats), fills=not table.has("text"))
        if not source.text.strip():
            raise ScenarioError("source.text must not be empty")
    elif kind == "file":
        path = folder / table.text("path", None)
        if not _is_file(path):
            raise ScenarioError(f"source.path: there is no file {path}")
        source = Source(kind=kind, path=path)
    table.done()
    return source


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that is too long, a folder that is closed to us
        return False


def _lan(table: Fields) -> LinkSettings:
    settings = LinkSettings(
        delay_ms=table.number("delay_ms", LAN_DELAY_MS, low=0.0, high=1000.0),
        jitter_ms=table.number("jitter_ms", LAN_JITTER_MS, low=0.0, high=1000.0),
        loss=table.number("loss", 0.0, low=0.0, high=0.95),
    )
    table.done()
    return settings


def _link(table: Fields) -> LinkSettings:
    settings = LinkSettings(
        delay_ms=table.number("delay_ms", 0.0, low=0.0, high=60_000.0),
        jitter_ms=table.number("jitter_ms", 0.0, low=0.0, high=10_000.0),
        loss=table.number("loss", 0.0, low=0.0, high=0.95),
        burst=table.number("burst", 1.0, low=1.0, high=10_000.0),
        rate_kbps=table.number("rate_kbps", 0.0, low=0.0, high=1e7),
        delay_up_ms=table.number("delay_up_ms", None, low=0.0, high=60_000.0) if table.has("delay_up_ms") else None,
        duplicate=table.number("duplicate", 0.0, low=0.0, high=0.95),
        delay_up_spread_ms=table.number("delay_up_spread_ms", 0.0, low=0.0, high=10_000.0),
    )
    table.done()
    return settings


def _clock(table: Fields, runtime: str) -> Clock:
    bounds = table.numbers("drift_ppm", (0.0, 0.0), low=-1000.0, high=1000.0)
    uptime_days = table.number("uptime_days", 0.0, low=0.0, high=10_000.0)
    if uptime_days and runtime != "cpython":
        raise ScenarioError('clock.uptime_days needs village.runtime = "cpython"')
    table.done()
    return Clock(drift_ppm=bounds, uptime_days=uptime_days)


def _event(table: Fields, nodes: int, duration_s: float, runtime: str) -> Event:
    at_s = table.number("at_s", None, low=0.0, high=duration_s)
    action = table.choice("do", None, ACTIONS)
    if action in VIRTUAL_ACTIONS and runtime != "cpython":
        raise ScenarioError(f'"{action}" needs village.runtime = "cpython"')
    node = None
    if table.has("node"):
        if action not in NODE_ACTIONS:
            raise ScenarioError(f'{table.name}.node has no meaning for "{action}"')
        node = table.integer("node", None, low=1, high=nodes)
    kind = _attack(table, runtime) if action == "attack" else None
    delay_ms = table.number("delay_ms", None, low=-60_000.0, high=60_000.0) if action == "delay_step" else 0.0
    step_ms = table.number("step_ms", None, low=-1e9, high=1e9) if action == "wall_step" else 0.0
    off_s = table.number("off_s", 1.0, low=0.1, high=86_400.0) if action == "reboot" else 1.0
    lasts_s = table.number("lasts_s", ATTACK_S, low=0.1, high=86_400.0) if kind not in (None, "malformed") else 0.0
    table.done()
    return Event(at_s, action, node, kind, delay_ms, step_ms, off_s, lasts_s)


def _attack(table: Fields, runtime: str) -> str:
    kind = table.choice("kind", None, KINDS)
    if kind != "malformed" and runtime != "micropython":
        raise ScenarioError(f'an attack "{kind}" needs village.runtime = "micropython"')
    return kind


def _position(table: Fields) -> Position:
    position = Position(
        x_m=table.number("x_m", None, low=-1e5, high=1e5), y_m=table.number("y_m", None, low=-1e5, high=1e5)
    )
    table.done()
    return position


def _positions(village: Fields, nodes: int) -> tuple[Position, ...]:
    given = _each(village, "position", _position)
    if not given:
        return poles(nodes)
    if len(given) != nodes:
        raise ScenarioError(f"village.position is given {len(given)} times for {nodes} nodes")
    return given


def _limits(table: Fields) -> Limits:
    names = Limits.__dataclass_fields__
    values: Mapping[str, Any] = {name: table.number(name, None, low=0.0, high=1e9) for name in names if table.has(name)}
    table.done(allowed=tuple(names))
    return Limits(**values)
