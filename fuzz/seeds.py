"""What fuzzing begins with: the vectors of the wire and the settings and scenarios of the tree."""

import json
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def vectors(*names: str) -> list[bytes]:
    """Return the bytes of the vectors of these formats, good and bad ones."""
    found = []
    for name in names:
        document = json.loads((ROOT / "tests" / "vectors" / f"{name}.json").read_text(encoding="utf-8"))
        found += [bytes.fromhex(vector["hex"]) for vector in document["vectors"]]
    return found


def scenarios() -> list[bytes]:
    """Return the scenarios that the tree has."""
    return [path.read_bytes() for path in sorted((ROOT / "scenarios").glob("*.toml"))]


def made(*documents: object) -> list[bytes]:
    """Return documents as JSON."""
    return [json.dumps(document).encode() for document in documents]


SETTINGS = b"""
[http]
host = "127.0.0.1"
port = 8080
tls = "off"
trusted_proxies = ["127.0.0.1"]
[media]
host = "0.0.0.0"
port = 5004
multicast_interface = "127.0.0.1"
multicast_ttl = 4
[broker]
host = "broker.example"
port = 8883
username = "loaxa"
password = "secret"
ca = "ca.pem"
tls = true
[public]
host = "192.0.2.1"
web = "loa.example.vn:443"
[storage]
folder = "~/loaxa"
database = "sqlite+aiosqlite:///loaxa.sqlite3"
max_sound_mb = 2
keep_sessions = 100
[engine]
record = "capture"
[loudness]
target_lufs = -16.0
[oidc]
issuer = "https://id.example.vn"
client_id = "loaxa"
client_secret = "secret"
claim = "groups"
[oidc.roles]
staff = "operator"
[profile.lan]
lead_ms = 150
frame_ms = 20
bitrate = 32000
fec = true
"""

_LINE = (
    "a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n"
    "a=fingerprint:sha-256 " + ":".join(["0F"] * 32) + "\r\na=setup:actpass\r\na=rtcp-mux\r\na=sendonly\r\n"
)
_HEAD = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE "
_SOUND = (
    "m=audio 9 UDP/TLS/RTP/SAVPF 111 63 0\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\na=mid:0\r\n"
    + _LINE
    + "a=candidate:1467250027 1 udp 2122260223 192.0.2.7 46243 typ host generation 0 network-id 1\r\n"
    "a=candidate:2 1 udp 2122194687 0b4e6a2c-1f63-4c5d-8b6f-0d0b9cbb5b55.local 51472 typ host generation 0\r\n"
    "a=candidate:3 1 tcp 1518280447 2001:db8::7 9 typ host tcptype active generation 0\r\n"
    "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\na=msid:a b\r\n"
    "a=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 transport-cc\r\na=fmtp:111 minptime=10;useinbandfec=1\r\n"
    "a=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\na=rtpmap:0 PCMU/8000\r\na=ssrc:357061460 cname:4TOk42\r\n"
)
_PICTURE = (
    "m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\n" + _LINE + "a=rtpmap:96 H264/90000\r\n"
    "a=rtcp-fb:96 nack pli\r\na=fmtp:96 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f\r\n"
)
OFFERS = [
    f"{_HEAD}0\r\n{_SOUND}a=end-of-candidates\r\n".encode(),
    f"{_HEAD}0 1\r\n{_SOUND}{_PICTURE}".encode(),
]
"""As of a browser, and of a studio that has pictures, too."""

_KEY = "20" * 32
_PLAN = {
    "op": "plan",
    "zones": [
        {
            "id": "thon-1",
            "profile": {"name": "lan", "frame_us": 20000, "bitrate": 24000, "fec": True, "lead_us": 150000},
            "lead_us": 150000,
            "gain_db": -3.0,
            "multicast": ["239.1.2.3", 5004],
            "members": [
                {"tag": "35971be6e9bb024a", "address": ["127.0.0.1", 5005], "fixed": False, "key": _KEY},
                {"tag": "35971be6e9bb024b", "address": ["127.0.0.1", 5006], "fixed": True},
            ],
            "stream": {"ssrc": 7, "media0_us": 1, "lead_us": 150000},
        }
    ],
    "sessions": [{"id": "s", "zones": ["thon-1"], "priority": 3, "gain_db": 0.0, "duck_db": -18.0}],
}
PLANS = made(_PLAN, {"zones": [], "sessions": []})
CHAINS = made(
    {"chains": [{"name": "lan", "salt": "10" * 16, "first": 100, "last": 611, "keys": ["11" * 16, "12" * 16]}]},
    {"chains": []},
)
NODES = made(
    {
        "id": "cum-1",
        "key": _KEY,
        "ca": "-----BEGIN CERTIFICATE-----",
        "broker": ["127.0.0.1", 8883],
        "media": ["127.0.0.1", 5004],
        "zone": "thon-1",
        "gain_db": -3.0,
        "delay_us": 100,
        "wifi": {"ssid": "xa", "password": "secret"},
        "pins": {"sck": 1, "ws": 2, "sd": 3},
        "link": "mobile",
        "sensors": {
            "speaker": {"pin": 34, "factor": 4.0, "zero": 100, "tone_ma": 900, "short_ma": 6000, "open_share": 0.3},
            "supply": {"file": "/sys/class/hwmon/hwmon0/in1_input", "factor": 11},
            "door": {"pin": 32, "active": 0},
            "fm": {"pin": 25},
        },
    },
    {"enrol": "LOAXA:127.0.0.1:8080:0000-0000-0000-0000:-", "ca": None},
)
REQUESTS = made(
    {"kind": "sound", "sound": "a", "start_us": 1},
    {"kind": "text", "text": "Xin chào", "voice": "vi", "speed": 1.0},
    {"kind": "text", "text": "một", "voice": "piper:vi_VN"},
    {"kind": "chime", "name": "open", "gain_db": -3},
    {"kind": "tone", "frequency_hz": 440, "duration_ms": 100, "level_db": -20},
    {"kind": "stream", "url": "http://[::1]:8000/a.m3u8", "cushion_ms": 10},
    {"kind": "soundcard", "device": "USB"},
    {"kind": "rtp", "port": 5006, "payload": "l16", "rate_hz": 8000, "channels": 2, "group": "239.1.2.3"},
    {"kind": "push", "realtime": True},
)
LINES = [
    b"loaxa:127.0.0.1:8080:0000-0000-0000-0000:-",
    b"LOAXA:LOA.EXAMPLE.VN:443:ZZZZ-0123-4567-89AB:0123456789ABCDEFGHJKMNPQR0",
]
