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
    media = {host = "10.0.0.1", port = 0, multicast_interface = "10.0.0.1", multicast_ttl = 0}
    broker = {host = "mq.example", port = 8883, username = "loaxa", password_file = "/etc/p", ca = "/etc/ca.pem"}
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
    assert (settings.multicast_interface, settings.multicast_ttl) == ("10.0.0.1", 0)
    assert (settings.broker_username, settings.broker_password_file) == ("loaxa", Path("/etc/p"))
    assert (settings.broker_ca, settings.broker_tls) == (Path("/etc/ca.pem"), True)
    assert settings.record == Path("/tmp/mix.wav")


def test_a_profile_is_changed_in_part() -> None:
    profiles = parse("[profile.lan]\nlead_ms = 200\ndtx = true").profiles
    assert profiles == PROFILES | {"lan": replace(PROFILES["lan"], lead_us=200_000, dtx=True)}


def test_a_lead_follows_the_members_between_its_bounds_or_stays() -> None:
    profiles = parse("[profile.mobile]\nlead_least_ms = 300\nlead_most_ms = 2000").profiles
    mobile, lan = profiles["mobile"], profiles["lan"]
    assert (mobile.shortest_lead_us, mobile.lead_us, mobile.longest_lead_us) == (300_000, 800_000, 2_000_000)
    assert (lan.shortest_lead_us, lan.longest_lead_us) == (150_000, 150_000)
    fixed = parse("[profile.mobile]\nlead_ms = 300\nlead_most_ms = 0").profiles["mobile"]
    assert (fixed.shortest_lead_us, fixed.longest_lead_us) == (300_000, 300_000)


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
        ('[broker]\nhost = "a"\npassword = "x"\npassword_file = "y"\ntls = false', "both password and password_file"),
        ('[broker]\nhost = "a"', "has no ca"),
        ('[broker]\nhost = "a"\ntls = false', "in the clear"),
        ("[broker]\ntls = false", "tls is of a broker that runs elsewhere"),
        ('[broker]\npassword = ""', "password must be a text"),
        ('[broker]\nhost = "a"\nport = 0', "port 0 needs a broker of our own"),
        ('[public]\nweb = "loa.example.vn"', "web must be host and port of the reverse proxy"),
        ('[public]\nweb = "loa.example.vn:0"', "web must be host and port"),
        ('[public]\nweb = "[2001:db8::1]:443"', "web must be host and port"),
        ("[public]\nweb = 443", "web must be host and port"),
        ('[media]\nmulticast_interface = "eth0"', "multicast_interface must be the IPv4 address of an interface"),
        ('[media]\nmulticast_interface = "239.1.2.3"', "multicast_interface must be the IPv4 address"),
        ("[media]\nmulticast_interface = 1", "multicast_interface must be the IPv4 address"),
        ("[media]\nmulticast_ttl = 256", "multicast_ttl must be a whole number from 0 to 255"),
        ("[loudness]\ntarget_lufs = nan", "target_lufs must be a number from -40 to -6"),
        ('[storage]\ndatabase = "mysql://x"', "database must be a URL that starts with"),
        ("[storage]\nmax_sound_mb = 5000", "max_sound_mb must be a whole number from 1 to 4096, in megabytes"),
        ("[storage]\ntotal_sounds_mb = true", "total_sounds_mb must be a whole number from 1 to"),
        ("[storage]\nkeep_sessions = 0", "keep_sessions must be a whole number from 100 to"),
        ("[profile.hifi]\ndtx = true", "there is no profile hifi. There are lan, low, mobile"),
        ("[profile.lan]\nlead_ms = 1", r"\[profile.lan\] lead_ms must be a whole number from 40 to 2000"),
        (
            "[profile.lan]\nlead_ms = 80",
            "a lead of 80 ms is shorter than a node takes to know that a packet is ours",
        ),
        ("[profile.mobile]\nlead_ms = 200\nlead_most_ms = 0", "a lead of 200 ms is shorter"),
        ("[profile.lan]\nlead_ms = 1500\nframe_ms = 10", "lead_ms must be at most 100 frames"),
        ("[profile.mobile]\nlead_ms = 300", "lead_ms must lie from lead_least_ms, 40 or more, to lead_most_ms"),
        ("[profile.mobile]\nlead_least_ms = 20", "lead_ms must lie from lead_least_ms, 40 or more, to lead_most_ms"),
        ("[profile.mobile]\nlead_most_ms = 700", "lead_ms must lie from lead_least_ms, 40 or more, to lead_most_ms"),
        ("[profile.lan]\nlead_most_ms = 200", "lead_ms must lie from lead_least_ms, 40 or more, to lead_most_ms"),
        ("[profile.mobile]\nframe_ms = 10", "lead_most_ms must be at most 100 frames"),
        ("[profile.mobile]\nlead_most_ms = 2001", "lead_most_ms must be a whole number from 0 to 2000"),
        ("[profile.lan]\ndtx = 1", "dtx must be true or false"),
        ("[profile.lan]\nframe_ms = 15", "frame_ms must be 10 or 20"),
        ("[profile.lan]\nrate = 15", r"\[profile.lan\] has lead_ms, lead_least_ms, lead_most_ms, frame_ms"),
        ("profile = 1", "profile is not a section"),
        ("http = 1", "is not a section"),
        ("[http", "is not TOML"),
        ("[http]\nport = " + "1" * 5000, "is not TOML"),
        ("x = " + "[" * 5000, "is not TOML"),
        ("[alerts]\nhot_c = true", r"\[alerts\] hot_c must be a number from 20 to 150"),
        ("alerts = 1", r"\[alerts\] alerts is not a setting; there are offline_s"),
        ("[notify]\nkind = 'webhook'", r"\[\[notify\]\] must be written as \[\[notify\]\]"),
        ("[[notify]]\nkind = 'webhook'\nurl = 'http://x'\nca = '~nobody-of-this-name/x'", "ca must be a path"),
        ('[engine]\nrecord = "~nobody-of-this-name/x"', "record must be a path; there is no user of the name after ~"),
    ],
)
def test_what_is_wrong_is_named(text: str, words: str) -> None:
    with pytest.raises(StartError, match=words) as caught:
        parse(text)
    assert caught.value.hint


def test_alerts_and_notification() -> None:
    settings = parse(
        "[alerts]\nhot_c = 70\n[[notify]]\nkind = 'webhook'\nurl = 'http://127.0.0.1'\nsecret = 'hidden'\n"
        "[[notify]]\nkind = 'telegram'\nchat = 5\ntoken = 'hidden:too'"
    )
    assert (settings.alerts.hot_c, settings.alerts.offline_s) == (70.0, 20)
    assert [each.name for each in settings.notify] == ["webhook", "telegram"]
    assert "hidden" not in repr(settings)


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(StartError, match="cannot be read"):
        load(Path("/nowhere/loaxa.toml"))


def test_the_air_of_a_village_is_a_websocket_and_scripts_may_connect_to_it_alone() -> None:
    from controller.web.page import origin_of, policy

    found = parse('[web]\nair_url = "ws://127.0.0.1:8090/air"').web_air_url
    assert found == "ws://127.0.0.1:8090/air"
    assert "connect-src 'self' ws://127.0.0.1:8090;" in policy(elsewhere=origin_of(found))
    assert "connect-src 'self';" in policy(elsewhere=origin_of(""))
    for wrong in ("http://127.0.0.1/air", "ws://127.0.0.1:8090/air; script-src *", "ws://*/air", ""):
        with pytest.raises(StartError, match="air_url must be"):
            parse(f'[web]\nair_url = "{wrong}"')
