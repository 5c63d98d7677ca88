"""The configuration file: defaults, every key, and an error that names the key and what is allowed."""

from dataclasses import replace
from pathlib import Path

import pytest

from codec.profile import PROFILES
from controller.errors import StartError
from controller.settings import Settings, default_folder, load, parse


def test_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/x/state")
    assert default_folder() == Path("/x/state/loaxa")
    assert load(None) == Settings()


def test_every_key() -> None:
    text = """
    http = {host = "0.0.0.0", port = 80}
    media = {host = "10.0.0.1", port = 0}
    broker = {host = "mq.example", port = 8883}
    public = {host = "loa.example"}
    engine = {record = "/tmp/mix.wav"}
    loudness = {target_lufs = -18}
    [storage]
    folder = "/srv/loaxa"
    database = "sqlite+aiosqlite:////x"
    max_sound_mb = 10
    total_sounds_mb = 100
    keep_sessions = 500
    """
    settings = parse(text)
    assert (settings.http_port, settings.media_port, settings.broker_host) == (80, 0, "mq.example")
    assert (settings.max_sound_bytes, settings.loudness_lufs) == (10 * 1024 * 1024, -18.0)
    assert (settings.total_sound_bytes, settings.keep_sessions) == (100 * 1024 * 1024, 500)
    assert settings.record == Path("/tmp/mix.wav")


def test_a_profile_is_changed_in_part() -> None:
    profiles = parse("[profile.lan]\nlead_ms = 200\ndtx = true").profiles
    assert profiles == PROFILES | {"lan": replace(PROFILES["lan"], lead_us=200_000, dtx=True)}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[htpp]\nport = 1", r"\[htpp\] is not a section. There are \[http\]"),
        ("[http]\nprt = 1", r"\[http\] prt is not a setting. \[http\] has host, port"),
        ("[http]\nport = 70000", r"\[http\] port must be a whole number from 0 to 65535"),
        ("[http]\nport = true", "port must be"),
        ('[http]\nport = "80"', "port must be"),
        ('[broker]\nhost = ""', r"\[broker\] host must be a host name"),
        ('[broker]\nhost = "a"\nbind = "b"', "both host and bind"),
        ('[broker]\nhost = "a"\nport = 0', "port 0 needs a broker of our own"),
        ("[loudness]\ntarget_lufs = nan", "target_lufs must be a number from -40 to -6"),
        ('[storage]\ndatabase = "mysql://x"', "database must be a URL that starts with"),
        ("[storage]\nmax_sound_mb = 5000", "max_sound_mb must be a whole number from 1 to 4096, in megabytes"),
        ("[storage]\ntotal_sounds_mb = true", "total_sounds_mb must be a whole number from 1 to"),
        ("[storage]\nkeep_sessions = 0", "keep_sessions must be a whole number from 100 to"),
        ("[profile.hifi]\ndtx = true", "there is no profile hifi. There are lan, low, mobile"),
        ("[profile.lan]\nlead_ms = 1", r"\[profile.lan\] lead_ms must be a whole number from 40 to 2000"),
        ("[profile.lan]\nlead_ms = 1500\nframe_ms = 10", "lead_ms must be at most 100 frames"),
        ("[profile.lan]\ndtx = 1", "dtx must be true or false"),
        ("[profile.lan]\nframe_ms = 15", "frame_ms must be 10 or 20"),
        ("[profile.lan]\nrate = 15", r"\[profile.lan\] has lead_ms, frame_ms"),
        ("profile = 1", "profile is not a section"),
        ("http = 1", "is not a section"),
        ("[http", "is not TOML"),
    ],
)
def test_what_is_wrong_is_named(text: str, words: str) -> None:
    with pytest.raises(StartError, match=words) as caught:
        parse(text)
    assert caught.value.hint


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(StartError, match="cannot be read"):
        load(Path("/nowhere/loaxa.toml"))
