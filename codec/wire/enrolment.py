"""Enrolment: the one line that a technician carries from the office to a node, and what the node asks with.

``loaxa:HOST:PORT:CODE:PIN``. CODE is used once; PIN says whose certificate the node must meet at HOST:PORT, for it
knows no authority yet. Upper case, so that a QR code of it stays small; read in either.
"""

from .body import build
from .errors import WireError

CODE_BYTES = 10
"""Chance of a code: 16 characters."""
PIN_BYTES = 16
"""The head of SHA-256 of the certificate (DER)."""
MAX_LINE_CHARS = 200
MAX_HOST_CHARS = 100
MAX_BOARD_CHARS = 32
MAX_SERIAL_CHARS = 64
MAX_ANSWER_BYTES = 4096
"""An identity with its authority's certificate takes a quarter of it; a node has to hold it all."""
PATH = "/api/enrol"

_SCHEME = "LOAXA"
_IN_THE_CLEAR = "-"
_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: none is taken for another
_HOST = "abcdefghijklmnopqrstuvwxyz0123456789.-"


class Line:
    """host, port: where to enrol, by HTTPS. code: its 10 bytes.

    pin: 16 bytes, or None: in the clear, which only an office on the node's own machine may ask for.
    """

    def __init__(self, host: str, port: int, code: bytes, pin: bytes | None) -> None:
        self.host = host
        self.port = port
        self.code = code
        self.pin = pin


def parse_line(text: str) -> Line:
    """Return the Line in `text`; raises WireError that says what of it is wrong."""
    if not isinstance(text, str) or len(text) > MAX_LINE_CHARS:
        raise WireError("an enrolment line has at most %d characters" % MAX_LINE_CHARS)
    parts = text.strip().split(":")
    if len(parts) != 5 or parts[0].upper() != _SCHEME:
        raise WireError("an enrolment line is loaxa:HOST:PORT:CODE:PIN, all of it")
    host = parts[1].lower()
    if not 0 < len(host) <= MAX_HOST_CHARS or not _all_of(host, _HOST):
        raise WireError("the host in the enrolment line is no name and no address")
    digits = parts[2]
    port = int(digits) if 0 < len(digits) <= 5 and _all_of(digits, "0123456789") else 0
    if not 0 < port < 65536:
        raise WireError("the port in the enrolment line must be from 1 to 65535")
    pin = None if parts[4] == _IN_THE_CLEAR else unspell(parts[4], PIN_BYTES)
    if pin is None and host[:4] != "127.":
        raise WireError("an enrolment line without a pin is for the office's own machine")
    return Line(host, port, unspell(parts[3], CODE_BYTES), pin)


def build_line(line: Line) -> str:
    """Return the text of a Line."""
    pin = _IN_THE_CLEAR if line.pin is None else spell(line.pin)
    return ":".join((_SCHEME, line.host.upper(), str(line.port), grouped(line.code), pin))


def grouped(code: bytes) -> str:
    """Return a code in groups of four characters."""
    text = spell(code)
    return "-".join([text[i : i + 4] for i in range(0, len(text), 4)])


def build_request(code: bytes, board: str, serial: str) -> bytes:
    """Return the body that a node enrols with."""
    return build({"code": grouped(code), "board": board[:MAX_BOARD_CHARS], "serial": serial[:MAX_SERIAL_CHARS]})


def spell(data: bytes) -> str:
    """Return bytes as characters that can be read out, five bits each."""
    count = (len(data) * 8 + 4) // 5
    number = int.from_bytes(data, "big") << (count * 5 - len(data) * 8)
    return "".join([_DIGITS[(number >> 5 * place) & 31] for place in range(count - 1, -1, -1)])


def unspell(text: str, length: int) -> bytes:
    """Return the `length` bytes of what :func:`spell` made, hyphens skipped; raises WireError."""
    count = (length * 8 + 4) // 5
    characters = text[: 2 * count].upper().replace("-", "").replace("O", "0").replace("I", "1").replace("L", "1")
    number = 0
    for character in characters:
        digit = _DIGITS.find(character)
        if digit < 0:
            raise WireError("'%s' is no character of an enrolment line's code or pin" % character)
        number = number << 5 | digit
    rest = count * 5 - length * 8
    if len(text) > 2 * count or len(characters) != count or number & ((1 << rest) - 1):
        raise WireError("the enrolment line is cut off or mistyped; it has a code and a pin of 16 and 26 characters")
    return (number >> rest).to_bytes(length, "big")


def _all_of(text: str, allowed: str) -> bool:
    return all(character in allowed for character in text)
