"""The enrolment line: read back as built, however it was typed; anything else is refused, and nothing worse."""

from chance import Chance

from codec.wire import enrolment
from codec.wire.errors import WireError

PIN = bytes(range(16))
CODE = bytes(range(200, 210))
LINE = "LOAXA:192.0.2.10:8443:S34W-NJYC-SQ7C-ZM6H:000G40R40M30E209185GR38E1W"


def _refused(text):
    try:
        enrolment.parse_line(text)
    except WireError as error:
        return str(error)
    return None


def _same(line):
    return (line.host, line.port, line.code, line.pin) == ("192.0.2.10", 8443, CODE, PIN)


def check_the_line_is_spelled_so():
    built = enrolment.build_line(enrolment.Line("192.0.2.10", 8443, CODE, PIN))
    assert built == LINE, built


def check_a_line_is_read_as_people_type_it():
    for text in (LINE, LINE.lower(), "  " + LINE + " \r\n", LINE.replace("-", ""), LINE.replace(":000", ":OoO")):
        assert _same(enrolment.parse_line(text)), text
    assert _same(enrolment.parse_line(LINE.replace("1W", "IW").replace("185", "L85")))


def check_every_line_comes_back():
    chance = Chance(4)
    for _ in range(300):
        code = bytes([chance.next(256) for _ in range(enrolment.CODE_BYTES)])
        pin = bytes([chance.next(256) for _ in range(enrolment.PIN_BYTES)])
        port = 1 + chance.next(65535)
        found = enrolment.parse_line(enrolment.build_line(enrolment.Line("xa.example.vn", port, code, pin)))
        assert (found.host, found.port, found.code, found.pin) == ("xa.example.vn", port, code, pin)


def check_a_line_that_is_cut_or_mistyped_is_refused():
    for length in range(len(LINE)):
        assert _refused(LINE[:length]), LINE[:length]
    for text, why in (
        ("", "all of it"),
        ("http://192.0.2.10:8443/", "all of it"),
        (LINE + ":", "all of it"),
        (LINE + "0", "cut off"),
        (LINE.replace("192.0.2.10", "192.0.2.10/x"), "no name"),
        (LINE.replace("192.0.2.10", ""), "no name"),
        (LINE.replace("8443", "0"), "port"),
        (LINE.replace("8443", "65536"), "port"),
        (LINE.replace("8443", "-1"), "port"),
        (LINE.replace("8443", "8" * 50), "port"),
        (LINE.replace("S34W", "S34U"), "'U'"),
        (LINE.replace("1W", "1X"), "cut off"),  # bits that no pin has
        (LINE + " " * 200, "at most 200"),
        ("LOAXA:192.0.2.10:8443:S34W-NJYC-SQ7C-ZM6H:-", "own machine"),
    ):
        assert why in (_refused(text) or ""), (text, _refused(text))


def check_only_the_own_machine_is_spoken_to_in_the_clear():
    assert enrolment.parse_line("loaxa:127.0.0.1:8080:S34W-NJYC-SQ7C-ZM6H:-").pin is None


def check_any_text_is_refused_and_nothing_worse():
    chance = Chance(5)
    letters = "LOAXAloaxa:::----0123456789abcdefUVWXYZ.\x00\n é"
    for _ in range(2000):
        text = "".join([letters[chance.next(len(letters))] for _ in range(chance.next(90))])
        for candidate in (text, "loaxa:" + text, LINE[: chance.next(len(LINE))] + text):
            found = _refused(candidate)
            assert found is None or len(found) < 200
