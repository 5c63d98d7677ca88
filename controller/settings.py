"""The configuration file (TOML) as one frozen dataclass; every key is checked before anything starts."""

import os
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from codec.profile import PROFILES, Profile
from controller import checks
from controller.alerts.notify.registry import ChannelSettings, read_channels
from controller.alerts.settings import Limits, read_limits
from controller.errors import StartError
from controller.people.oidc import OidcSettings, read_settings

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
LEAST_NODE_US = 25_000
"""So long before its time a node must have a frame, and the key that proves it (docs/architecture.md)."""


def default_folder() -> Path:
    """Return where data lives when the file does not say: ``$XDG_STATE_HOME/loaxa`` or ``~/.local/state/loaxa``."""
    state_home = os.environ.get("XDG_STATE_HOME", "")
    return (Path(state_home) if state_home else Path.home() / ".local" / "state") / "loaxa"


@dataclass(frozen=True)
class Settings:
    """All settings of one controller. A port of 0 means: any free one, printed when ready.

    http_host, http_port: where the REST interface and the page listen. http_tls: "own", a certificate of the commune's
    authority; "files", that of http_certificate and http_key; "off", plain HTTP, for a reverse proxy. http_trusted:
    addresses of reverse proxies, whose word on who their client is is taken.
    media_host, media_port: UDP socket of the engine, for audio out and time exchanges in.
    multicast_interface: address of the interface that multicast leaves by; empty: the system's choice.
    multicast_ttl: routers that multicast may cross, plus one; 0 keeps it on this machine.
    broker_host: an external MQTT broker; empty: our own mosquitto, listening at broker_bind. broker_port: of either.
    broker_username, broker_password: the controller's account at an external broker; the password may be in the file
    broker_password_file. broker_tls: whether an external broker is spoken to by TLS; without, it must be on this
    machine. broker_ca: PEM file of the authority that its certificate is from, which nodes are given.
    public_host: the address that nodes are told to connect to; empty: found from the routes of this machine.
    public_web: host and port of the reverse proxy that boards enrol at; None: there is none.
    folder: database, sound files, clock anchor. database_url: SQLAlchemy async URL; empty: SQLite in `folder`.
    record: a capture file (docs/architecture.md) that the engine appends what enters its mix to; None: no recording.
    loudness_lufs: what files are normalised to (EBU R 128).
    max_sound_bytes: the largest sound file that is accepted. total_sound_bytes: what all of them may take together;
    beyond it an upload is refused, nothing that is stored is removed.
    keep_sessions: how many of the newest sessions are kept in the database; older ones are removed once they are over.
    web_air_url: where pages hear what a person in a simulated village hears; empty: there is none.
    history_keep_days: for how many days what nodes told each minute is kept.
    alerts: when something is wrong. notify: how people are told of it who do not look.
    oidc: a sign-in service; None: people sign in with passwords alone.
    profiles: how programmes are coded, by name; the file changes single values of codec.profile.
    """

    http_host: str = "127.0.0.1"
    http_port: int = 8080
    http_tls: str = "own"
    http_certificate: Path | None = None
    http_key: Path | None = None
    http_trusted: tuple[str, ...] = ()
    media_host: str = "0.0.0.0"
    media_port: int = 5004
    multicast_interface: str = ""
    multicast_ttl: int = 4
    broker_host: str = ""
    broker_bind: str = "127.0.0.1"
    broker_port: int = 8883
    broker_username: str = ""
    broker_password: str = field(default="", repr=False)
    broker_password_file: Path | None = None
    broker_ca: Path | None = None
    broker_tls: bool = True
    public_host: str = ""
    public_web: tuple[str, int] | None = None
    folder: Path = field(default_factory=default_folder)
    database_url: str = ""
    record: Path | None = None
    loudness_lufs: float = -16.0
    max_sound_bytes: int = 512 * 1024 * 1024
    total_sound_bytes: int = 8192 * 1024 * 1024
    keep_sessions: int = 10_000
    grace_s: float = 5.0
    web_tiles: str = "https://tile.openstreetmap.org/{z}/{x}/{y}.png"
    web_air_url: str = ""
    history_keep_days: int = 30
    alerts: Limits = field(default_factory=Limits)
    notify: tuple[ChannelSettings, ...] = ()
    oidc: OidcSettings | None = None
    profiles: dict[str, Profile] = field(default_factory=PROFILES.copy)


_PROFILE_KEYS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "lead_ms": ("lead_us", checks.whole(40, 2000, 1000)),
    "lead_least_ms": ("lead_least_us", checks.whole(0, 2000, 1000)),
    "lead_most_ms": ("lead_most_us", checks.whole(0, 2000, 1000)),
    "frame_ms": ("frame_us", checks.frame),
    "bitrate": ("bitrate", checks.whole(8000, 128_000)),
    "complexity": ("complexity", checks.whole(0, 10)),
    "fec": ("fec", checks.flag),
    "dtx": ("dtx", checks.flag),
    "expected_loss_percent": ("expected_loss_percent", checks.whole(0, 100)),
}
_KEYS: dict[str, dict[str, tuple[str, Callable[[Any], Any]]]] = {
    "http": {
        "host": ("http_host", checks.host),
        "port": ("http_port", checks.port),
        "tls": ("http_tls", checks.tls),
        "certificate": ("http_certificate", checks.path),
        "key": ("http_key", checks.path),
        "trusted_proxies": ("http_trusted", checks.addresses),
    },
    "media": {
        "host": ("media_host", checks.host),
        "port": ("media_port", checks.port),
        "multicast_interface": ("multicast_interface", checks.interface),
        "multicast_ttl": ("multicast_ttl", checks.whole(0, 255)),
    },
    "broker": {
        "host": ("broker_host", checks.host),
        "bind": ("broker_bind", checks.host),
        "port": ("broker_port", checks.port),
        "username": ("broker_username", checks.text),
        "password": ("broker_password", checks.text),
        "password_file": ("broker_password_file", checks.path),
        "ca": ("broker_ca", checks.path),
        "tls": ("broker_tls", checks.flag),
    },
    "public": {"host": ("public_host", checks.host), "web": ("public_web", checks.web)},
    "storage": {
        "folder": ("folder", checks.path),
        "database": ("database_url", checks.database_url),
        "max_sound_mb": ("max_sound_bytes", checks.megabytes(4096)),
        "total_sounds_mb": ("total_sound_bytes", checks.megabytes(16_777_216)),
        "keep_sessions": ("keep_sessions", checks.whole(100, 1_000_000)),
    },
    "live": {"grace_s": ("grace_s", checks.number(0.5, 60))},
    "web": {"tiles": ("web_tiles", checks.tiles), "air_url": ("web_air_url", checks.air)},
    "history": {"keep_days": ("history_keep_days", checks.whole(1, 400))},
    "engine": {"record": ("record", checks.path)},
    "loudness": {"target_lufs": ("loudness_lufs", checks.number(-40, -6))},
}


def load(path: Path | None) -> Settings:
    """Return the settings in the TOML file `path`, or the defaults; raises StartError that names the key."""
    if path is None:
        return Settings()
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StartError("settings", f"{path} cannot be read: {error}.", "Check the path after --config.") from None
    return parse(text, str(path))


def parse(text: str, name: str = "settings") -> Settings:
    """Return the settings in TOML `text`; `name` is what an error calls it. Raises StartError."""
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # a number of 5,000 digits, brackets 1,000 deep: no TOMLDecodeError
        raise StartError("settings", f"{name} is not TOML: {error}.", "Correct that line.") from None
    values: dict[str, Any] = {}
    profiles = document.pop("profile", {})
    if not isinstance(profiles, dict) or not all(isinstance(table, dict) for table in profiles.values()):
        raise StartError("settings", f"{name}: profile is not a section.", "Write [profile.lan] and its settings.")
    for profile in profiles.keys() - PROFILES.keys():
        raise StartError(
            "settings", f"{name}: there is no profile {profile[:20]}.", f"There are {', '.join(PROFILES)}."
        )
    if profiles:
        values["profiles"] = {
            each.name: replace(
                each, **_section(name, f"profile.{each.name}", profiles.get(each.name, {}), _PROFILE_KEYS)
            )
            for each in PROFILES.values()
        }
    for each in values.get("profiles", {}).values():
        _check_leads(name, each)
    provider = document.pop("oidc", None)
    if provider is not None:
        try:
            values["oidc"] = read_settings(provider if isinstance(provider, dict) else {})
        except ValueError as error:
            raise StartError("settings", f"{name}: [oidc] {error}.", "Correct it, or leave the section out.") from None
    values |= _alerts(name, document.pop("alerts", None), document.pop("notify", None))
    for section, body in document.items():
        if section not in _KEYS or not isinstance(body, dict):
            allowed = ", ".join(f"[{known}]" for known in (*_KEYS, "alerts", "[notify]", "oidc", "profile.lan"))
            raise StartError("settings", f"{name}: [{section}] is not a section.", f"There are {allowed}.")
        values |= _section(name, section, body, _KEYS[section])
    _check_broker(name, values)
    if (values.get("http_tls") == "files") != ("http_certificate" in values and "http_key" in values):
        raise StartError(
            "settings",
            f'{name}: [http] tls = "files", certificate and key belong together.',
            "Give all three, or none of them.",
        )
    if values.get("http_trusted") and values.get("http_tls") != "off":
        raise StartError(
            "settings",
            f"{name}: [http] trusted_proxies is for a reverse proxy, which speaks plain HTTP to us.",
            'Set tls = "off", or leave it out.',
        )
    return Settings(**values)


def _alerts(name: str, limits: Any, channels: Any) -> dict[str, Any]:
    """Return what [alerts] and [[notify]] say; raises StartError."""
    values: dict[str, Any] = {}
    try:
        if limits is not None:
            values["alerts"] = read_limits(limits if isinstance(limits, dict) else {"alerts": limits})
    except ValueError as error:
        raise StartError("settings", f"{name}: [alerts] {error}.", "Correct it, or leave it out.") from None
    try:
        if channels is not None:
            values["notify"] = read_channels(channels)
    except ValueError as error:
        raise StartError("settings", f"{name}: [[notify]] {error}.", "Correct it, or leave it out.") from None
    return values


def _check_broker(name: str, values: dict[str, Any]) -> None:
    """Raise StartError where [broker] contradicts itself."""
    outside = {"username", "password", "password_file", "ca", "tls"} & {
        key.removeprefix("broker_") for key in values if key.startswith("broker_")
    }
    if not values.get("broker_host"):
        if outside:
            raise StartError(
                "settings",
                f"{name}: [broker] {min(outside)} is of a broker that runs elsewhere.",
                "Give its host; our own broker needs none of this.",
            )
        return
    wrong = {
        "has both host and bind.": ("broker_bind" in values, "host: an external broker; bind: our own."),
        "port 0 needs a broker of our own.": (values.get("broker_port") == 0, "Leave host out."),
        "has both password and password_file.": (
            "broker_password" in values and "broker_password_file" in values,
            "Leave one out.",
        ),
        "has tls = false, which would send passwords and keys of nodes in the clear.": (
            not values.get("broker_tls", True) and values["broker_host"] not in LOOPBACK,
            "Only a broker on this machine (127.0.0.1) may go without; else give its ca.",
        ),
        "has no ca.": (
            values.get("broker_tls", True) and "broker_ca" not in values,
            "Give the PEM file of the authority that its certificate is from: nodes verify it.",
        ),
    }
    for what, (is_so, hint) in wrong.items():
        if is_so:
            raise StartError("settings", f"{name}: [broker] {what}", hint)


def _check_leads(name: str, profile: Profile) -> None:
    """Raise StartError where a lead is longer than nodes can hold, or adapts to where it is not."""
    most_ms = 100 * profile.frame_us // 1000
    for key, lead_us in (("lead_ms", profile.lead_us), ("lead_most_ms", profile.lead_most_us)):
        if lead_us > 1000 * most_ms:
            raise StartError(
                "settings",
                f"{name}: [profile.{profile.name}] {key} must be at most 100 frames.",
                f"Set it to {most_ms} or less.",
            )
    if not 40_000 <= profile.shortest_lead_us <= profile.lead_us <= profile.longest_lead_us:
        raise StartError(
            "settings",
            f"{name}: [profile.{profile.name}] lead_ms must lie from lead_least_ms, 40 or more, to lead_most_ms.",
            "Correct them; a lead_most_ms of 0 keeps the lead as it is.",
        )
    least_ms = (profile.lag_us + LEAST_NODE_US) // 1000
    if profile.shortest_lead_us < 1000 * least_ms:
        raise StartError(
            "settings",
            f"{name}: [profile.{profile.name}] a lead of {profile.shortest_lead_us // 1000} ms is shorter than a node "
            "takes to know that a packet is ours.",
            f"Set it to {least_ms} ms or more, and to more than that by what the network takes.",
        )


def _section(
    name: str, section: str, body: dict[str, Any], keys: dict[str, tuple[str, Callable[[Any], Any]]]
) -> dict[str, Any]:
    values = {}
    for key, value in body.items():
        if key not in keys:
            raise StartError(
                "settings", f"{name}: [{section}] {key} is not a setting.", f"[{section}] has {', '.join(keys)}."
            )
        attribute, check = keys[key]
        try:
            values[attribute] = check(value)
        except ValueError as error:
            raise StartError(
                "settings", f"{name}: [{section}] {key} must be {error}.", "Correct it, or leave it out."
            ) from None
    return values
