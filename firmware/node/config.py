"""``node.json``: what a node must know before it can ask anybody."""

from codec.wire import body, command
from codec.wire.errors import WireError
from codec.wire.names import check_name

DEFAULT_PINS = {"sck": 26, "ws": 25, "sd": 22}


class ConfigError(ValueError):
    """``node.json`` is missing or wrong; the text says what to write."""


class Config:
    """id: the node's name. broker, media: ``(host, port)`` of MQTT and of the controller's media socket.

    zone: the zone until the controller configures another, or None. gain_db, delay_us: the same for gain and
    acoustic delay. wifi: ``(ssid, password)`` or None. pins: I2S pins by name. device: ALSA device. fill_ms:
    the least that the DAC is kept ahead, for sound systems that buffer by themselves; 0 leaves it to the
    player.
    """

    def __init__(self, node_id, broker, media, zone, gain_db, delay_us, wifi, pins, device, fill_ms):
        self.id = node_id
        self.broker = broker
        self.media = media
        self.zone = zone
        self.gain_db = gain_db
        self.delay_us = delay_us
        self.wifi = wifi
        self.pins = pins
        self.device = device
        self.fill_ms = fill_ms


def parse(raw):
    """Return the Config in the bytes `raw`; raises ConfigError."""
    try:
        return _parse(raw)
    except WireError as error:
        raise ConfigError("node.json: " + str(error))


def load(path="node.json"):
    """Return the Config in a file; raises ConfigError."""
    try:
        with open(path, "rb") as file:
            raw = file.read(body.MAX_BODY_BYTES + 1)
    except OSError:
        raise ConfigError(path + ' is missing: write {"id": "...", "broker": [host, port], "media": [host, port]}')
    return parse(raw)


def _parse(raw):
    found = body.parse(raw)
    broker = body.address(found, "broker")
    media = body.address(found, "media")
    if broker is None or media is None:
        raise WireError(("broker" if broker is None else "media") + " is missing: [host, port]")
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
    return Config(
        node_id=check_name(body.text(found, "id", 32)),
        broker=broker,
        media=media,
        zone=None if found.get("zone") is None else check_name(found["zone"]),
        gain_db=body.number(found, "gain_db", command.MIN_GAIN_DB, command.MAX_GAIN_DB, 0.0),
        delay_us=body.integer(found, "delay_us", 0, command.MAX_DELAY_US, 0),
        wifi=wifi,
        pins=pins,
        device=body.text(found, "device", 64, "default"),
        fill_ms=body.integer(found, "fill_ms", 0, 120, 0),
    )
