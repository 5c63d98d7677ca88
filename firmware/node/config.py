"""What a node must know before it can ask anybody: of the board from ``node.json``, who it is from its enrolment."""

import sys
from binascii import hexlify, unhexlify

from codec.wire import body, command, report
from codec.wire.errors import WireError
from codec.wire.mac import KEY_BYTES
from codec.wire.names import check_name

MAX_LINE_CHARS = 200
LINKS = report.STATES[0][1]
DEFAULT_PINS = {"sck": 26, "ws": 25, "sd": 22}


class ConfigError(ValueError):
    """``node.json`` is missing or wrong; the text says what to write."""


class Config:
    """id: the node's name. key: its 32 secret bytes. ca: the PEM text of the certificate authority that the broker's
    certificate must be from, or None: then the link is plain TCP, which only a test or a village in one process does.

    broker, media: ``(host, port)`` of MQTT and of the controller's media socket.

    zone: the zone until the controller configures another, or None. gain_db, delay_us: the same for gain and
    acoustic delay. wifi: ``(ssid, password)`` or None. pins: I2S pins by name. device: ALSA device. fill_ms:
    the least that the DAC is kept ahead, for sound systems that buffer by themselves; 0 leaves it to the
    player. enrol: an enrolment line, or None. line: the one that the identity came from, or None. link: by what the
    controller is reached, where the board cannot know, or None. sensors: what firmware.node.sensors made of it.

    Without an identity `id` is None, and so is all that comes with it.
    """

    def __init__(
        self,
        node_id=None,
        key=None,
        ca=None,
        broker=None,
        media=None,
        zone=None,
        gain_db=0.0,
        delay_us=0,
        wifi=None,
        pins=None,
        device="default",
        fill_ms=0,
        enrol=None,
        link=None,
        sensors=None,
    ):
        self.id = node_id
        self.key = key
        self.ca = ca
        self.broker = broker
        self.media = media
        self.zone = zone
        self.gain_db = gain_db
        self.delay_us = delay_us
        self.wifi = wifi
        self.pins = DEFAULT_PINS if pins is None else pins
        self.device = device
        self.fill_ms = fill_ms
        self.enrol = enrol
        self.link = link
        self.sensors = sensors or {}
        self.line = None

    def take(self, raw):
        """Become the node whose kept identity is the bytes `raw`; raises ConfigError, and then nothing is changed."""
        try:
            found = body.parse(raw)
            line = body.text(found, "line", MAX_LINE_CHARS)
            self.become(identity(found), line)
        except WireError as error:
            raise ConfigError("the kept identity is damaged: " + str(error))

    def become(self, found, line=None):
        """Take the fields of a checked identity."""
        self.id = found["id"]
        self.key = _key(found["key"])
        self.ca = found["ca"]
        self.broker = tuple(found["broker"])
        self.media = tuple(found["media"])
        self.zone = found["zone"]
        self.gain_db = found["gain_db"]
        self.delay_us = found["delay_us"]
        self.line = line

    def identity(self):
        """Return who this node is, as :func:`identity` does."""
        return {
            "id": self.id,
            "key": hexlify(self.key).decode(),
            "ca": self.ca,
            "broker": list(self.broker),
            "media": list(self.media),
            "zone": self.zone,
            "gain_db": self.gain_db,
            "delay_us": self.delay_us,
        }


def identity(found):
    """Return the checked fields of an identity, and no others, from the dict `found`; raises WireError."""
    broker = body.address(found, "broker")
    media = body.address(found, "media")
    if broker is None or media is None:
        raise WireError(("broker" if broker is None else "media") + " is missing: [host, port]")
    return {
        "id": check_name(body.text(found, "id", 32)),
        "key": hexlify(_key(body.text(found, "key", 2 * KEY_BYTES))).decode(),
        "ca": _ca(found),
        "broker": list(broker),
        "media": list(media),
        "zone": None if found.get("zone") is None else check_name(found["zone"]),
        "gain_db": body.number(found, "gain_db", command.MIN_GAIN_DB, command.MAX_GAIN_DB, 0.0),
        "delay_us": body.integer(found, "delay_us", 0, command.MAX_DELAY_US, 0),
    }


def _forget(name):
    """Give back the memory of a module of this package that is needed once."""
    package = __name__.rsplit(".", 1)[0]
    del sys.modules[package + "." + name]
    if hasattr(sys.modules[package], name):
        delattr(sys.modules[package], name)


def plain(line):
    """Return an enrolment line as it is kept: however it was typed, the same."""
    return line.strip().upper()


def parse(raw):
    """Return the Config in the bytes `raw`; raises ConfigError."""
    try:
        return _parse(raw)
    except WireError as error:
        raise ConfigError("node.json: " + str(error))


def load(path="node.json"):
    """Return the Config in a file, an empty one where there is none; raises ConfigError."""
    try:
        with open(path, "rb") as file:
            raw = file.read(body.MAX_BODY_BYTES + 1)
    except OSError:
        return Config()
    return parse(raw)


def _key(digits):
    try:
        key = unhexlify(digits)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise WireError("key must be 64 hexadecimal digits")
    return key


def _ca(found):
    # Null must be written out: a line that was lost must not leave the link open to everybody.
    if found.get("ca", "") is None:
        return None
    text = body.text(found, "ca", command.MAX_CA_CHARS)
    if "-----BEGIN CERTIFICATE-----" not in text:
        raise WireError("ca must be a certificate in PEM")
    return text


def _parse(raw):
    found = body.parse(raw)
    wifi = found.get("wifi")
    if wifi is not None:
        if not isinstance(wifi, dict):
            raise WireError("wifi must be an object with ssid and password")
        wifi = (body.text(wifi, "ssid", 32), body.text(wifi, "password", 63, ""))
    pins = dict(DEFAULT_PINS)
    given = found.get("pins")
    if given is not None:
        if not isinstance(given, dict):
            raise WireError("pins must be an object with sck, ws and sd")
        for name, default in DEFAULT_PINS.items():
            pins[name] = body.integer(given, name, 0, 63, default)
    sensors = link = None
    if found.get("sensors") is not None:
        from . import sensors as parser  # many boards have none, and a small heap

        try:
            sensors = parser.parse(found["sensors"])
        finally:
            _forget("sensors")
    if found.get("link") is not None:
        link = body.text(found, "link", 16)
        if link not in LINKS:
            raise WireError("link must be " + ", ".join(LINKS))
    config = Config(
        wifi=wifi,
        pins=pins,
        device=body.text(found, "device", 64, "default"),
        fill_ms=body.integer(found, "fill_ms", 0, 120, 0),
        enrol=None if found.get("enrol") is None else body.text(found, "enrol", MAX_LINE_CHARS),
        link=link,
        sensors=sensors,
    )
    for name in ("id", "key", "broker", "media"):
        if name in found:  # it says who it is: a village in one process, or a test
            config.become(identity(found))
            break
    return config
