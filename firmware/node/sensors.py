"""Sensors: what ``node.json`` says hangs on the board, and how readings become values. Imported where it says so."""

from codec.wire import body
from codec.wire.errors import WireError

ANALOG = ("speaker", "supply", "temperature", "mobile")
SWITCHES = ("door", "tilt", "fm", "fm_power")
_SCALE = ("pin", "file", "factor", "zero")
_LIMITS = ("tone_ma", "short_ma", "open_share")
_FIELDS = dict.fromkeys(ANALOG, _SCALE)
_FIELDS["speaker"] = _SCALE + _LIMITS
for _name in SWITCHES:
    _FIELDS[_name] = ("pin", "file", "active")
DEFAULT_OPEN_SHARE = 0.3


def parse(found):
    """Return the sensors in the value of ``sensors``, a tuple by name; raises WireError, which names what is wrong.

    A tuple is ``(place, factor, zero, active, limits)``. place: a pin by the board's number, or the path of a file. The
    value is (reading - zero) * factor; a pin's reading is in millivolts. active: the level, 0 or 1, at which a switch
    says yes. limits: of a speaker, ``(tone_ma, short_ma, open_share)``, see firmware.node.speaker.
    """
    if not isinstance(found, dict):
        raise WireError("sensors must be an object")
    for name in found:
        if name not in _FIELDS:
            raise WireError("sensors: there is no %s; there are %s" % (name[:32], ", ".join(ANALOG + SWITCHES)))
    return {name: _sensor(name, found[name]) for name in found}


def _sensor(name, given):
    try:
        if not isinstance(given, dict):
            raise WireError("must be an object with pin or file")
        for field in given:
            if field not in _FIELDS[name]:
                raise WireError("there is no %s; there are %s" % (field[:32], ", ".join(_FIELDS[name])))
        if ("pin" in given) == ("file" in given):
            raise WireError("give it a pin or a file")
        if "file" in given:
            place = body.text(given, "file", 128)
            if not place:
                raise WireError("file must be a path")
        elif name == "mobile":
            raise WireError("a modem's signal is read from a file")
        else:
            place = body.integer(given, "pin", 0, 63)
        factor = body.number(given, "factor", -1e6, 1e6, 1.0)
        if not factor:
            raise WireError("factor must not be 0")
        zero = body.number(given, "zero", -1e6, 1e6, 0.0)
        active = body.integer(given, "active", 0, 1, 1)
        return place, factor, zero, active, _limits(given) if name == "speaker" else None
    except WireError as error:
        raise WireError("sensors.%s: %s" % (name, error))


def _limits(given):
    tone_ma = body.number(given, "tone_ma", 1, 1e6)
    short_ma = body.number(given, "short_ma", 1, 1e6)
    if short_ma <= tone_ma:
        raise WireError("short_ma must be more than tone_ma, which the test tone takes")
    return tone_ma, short_ma, body.number(given, "open_share", 0.01, 0.9, DEFAULT_OPEN_SHARE)
