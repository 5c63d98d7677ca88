"""What hangs on a board: said in node.json, refused where it is wrong, null where it is not there."""

import json
from pathlib import Path
from typing import Any

import pytest

from firmware.hal.linux import route
from firmware.hal.linux.files import number_in
from firmware.hal.sensing import Sensing
from firmware.node import config

SPEAKER = {"pin": 34, "factor": 2.5, "zero": 100, "tone_ma": 900, "short_ma": 6000}


def parse(**fields: object) -> config.Config:
    return config.parse(json.dumps(fields).encode())


def test_a_board_without_sensors_has_none() -> None:
    for found in (parse(), parse(sensors=None), parse(sensors={})):
        assert found.sensors == {}
        assert found.link is None


def test_sensors_are_read_from_node_json() -> None:
    found = parse(
        sensors={"speaker": SPEAKER, "supply": {"file": "/sys/x"}, "door": {"pin": 3, "active": 0}}, link="mobile"
    )
    speaker, supply, door = (found.sensors[name] for name in ("speaker", "supply", "door"))
    assert speaker == (34, 2.5, 100.0, 1, (900.0, 6000.0, 0.3))
    assert supply == ("/sys/x", 1.0, 0.0, 1, None)
    assert door == (3, 1.0, 0.0, 0, None)
    assert found.link == "mobile"


@pytest.mark.parametrize(
    ("sensors", "said"),
    [
        ([], "sensors must be an object"),
        ({"speeker": {}}, "there is no speeker"),
        ({"x" * 1000: {}}, "there is no " + "x" * 32 + ";"),
        ({"supply": 35}, "sensors.supply: must be an object with pin or file"),
        ({"supply": {}}, "sensors.supply: give it a pin or a file"),
        ({"supply": {"pin": 1, "file": "x"}}, "give it a pin or a file"),
        ({"supply": {"pin": 64}}, "pin must be an integer from 0 to 63"),
        ({"supply": {"pin": True}}, "pin must be an integer"),
        ({"supply": {"file": ""}}, "file must be a path"),
        ({"supply": {"file": "x" * 129}}, "at most 128 characters"),
        ({"supply": {"pin": 1, "facter": 2}}, "there is no facter"),
        ({"supply": {"pin": 1, "factor": 0}}, "factor must not be 0"),
        ({"supply": {"pin": 1, "factor": 1e7}}, "factor must be a number"),
        ({"supply": {"pin": 1, "tone_ma": 1}}, "there is no tone_ma"),
        ({"door": {"pin": 1, "active": 2}}, "active must be an integer from 0 to 1"),
        ({"door": {"pin": 1, "factor": 2}}, "there is no factor"),
        ({"mobile": {"pin": 1}}, "sensors.mobile: a modem's signal is read from a file"),
        ({"speaker": {"pin": 1}}, "tone_ma is missing"),
        ({"speaker": {**SPEAKER, "short_ma": 900}}, "short_ma must be more than tone_ma"),
        ({"speaker": {**SPEAKER, "open_share": 1}}, "open_share must be a number"),
    ],
)
def test_what_is_wrong_is_refused_by_name(sensors: object, said: str) -> None:
    with pytest.raises(config.ConfigError, match=said.replace(".", r"\.")):
        parse(sensors=sensors)


def test_a_link_that_there_is_none_of() -> None:
    with pytest.raises(config.ConfigError, match="link must be wifi, mobile, ethernet"):
        parse(link="satellite")


class Bench(Sensing):
    """A board whose sensors show what the test says."""

    def __init__(self, sensors: dict[str, Any], shown: dict[int, float | None]) -> None:
        self._config = parse(sensors=sensors)
        self._shown = shown

    def reading(self, place: int) -> float | None:
        return self._shown.get(place)

    level = reading


def test_a_reading_becomes_a_value() -> None:
    shown: dict[int, float | None] = {34: 500.0, 35: 1100.0}
    hal = Bench({"speaker": SPEAKER, "supply": {"pin": 35, "factor": 11}}, shown)
    assert (hal.speaker_ma(), hal.supply_mv()) == (1000, 12_100)
    shown[34] = 99.0
    assert hal.speaker_ma() == 0, "a sensor's offset is no current that flows back"
    shown.update({34: None, 35: float("nan")})
    assert (hal.speaker_ma(), hal.supply_mv()) == (None, None)
    shown[35] = float("inf")
    assert hal.supply_mv() is None


def test_what_is_not_configured_is_null() -> None:
    hal = Bench({}, {})
    assert [ask() for ask in (hal.speaker_ma, hal.supply_mv, hal.mobile_dbm, hal.door_open, hal.tilted, hal.fm)] == [
        None
    ] * 6


def test_switches() -> None:
    shown: dict[int, float | None] = {1: 1, 2: 1}
    hal = Bench({"door": {"pin": 1}, "tilt": {"pin": 2, "active": 0}}, shown)
    assert (hal.door_open(), hal.tilted()) == (1, 0)
    shown.update({1: 0, 2: 0})
    assert (hal.door_open(), hal.tilted()) == (0, 1)
    shown[1] = None
    assert hal.door_open() is None


def test_the_squelch_of_an_old_receiver() -> None:
    shown: dict[int, float | None] = {1: 1, 2: 1}
    hal = Bench({"fm": {"pin": 1}, "fm_power": {"pin": 2}}, shown)
    assert hal.fm() == "carrier"
    shown[1] = 0
    assert hal.fm() == "no_carrier"
    shown[2] = 0
    assert hal.fm() == "off"
    assert Bench({"fm": {"pin": 1}}, shown).fm() == "no_carrier"


@pytest.mark.parametrize(
    ("text", "number"),
    [("412\n", 412.0), ("-61.5 dBm", -61.5), ("", None), ("none", None), ("nan", None), ("1e99", None), ("\xff", None)],
)
def test_numbers_in_files(tmp_path: Path, text: str, number: float | None) -> None:
    path = tmp_path / "in"
    path.write_bytes(text.encode("latin-1"))
    assert number_in(str(path)) == number
    assert number_in(str(tmp_path / "none")) is None


ROUTES = """Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT
{0} 00000000 0101A8C0 0003 0 0 600 00000000 0 0 0
{1} 00000000 0101A8C0 0003 0 0 100 00000000 0 0 0
{1} 0001A8C0 00000000 0001 0 0 100 00FFFFFF 0 0 0
"""
WIRELESS = """Inter-| sta-|   Quality        |   Discarded packets
 face | tus | link level noise |  nwid  crypt   frag
 wlan1: 0000   30.  -80.  -256        0      0      0
 wlan0: 0000   54.  -56.  -256        0      0      0
  old0: 0000   54.  200.  0        0      0      0
"""


def system(root: Path, *interfaces: str) -> str:
    """A /proc and /sys with these, of which the last one has the default route."""
    (root / "proc/net").mkdir(parents=True)
    (root / "proc/net/route").write_text(ROUTES.format(interfaces[0], interfaces[-1]))
    (root / "proc/net/wireless").write_text(WIRELESS)
    marks = {"wlan0": "phy80211", "old0": "wireless", "eth0": "device", "enx1": "device", "usb0": "device"}
    for name in interfaces:
        folder = root / "sys/class/net" / name
        folder.mkdir(parents=True)
        (folder / "type").write_text("512\n" if name == "hso0" else "1\n")
        (folder / "uevent").write_text("DEVTYPE=wwan\nINTERFACE=x\n" if name == "usb0" else "INTERFACE=x\n")
        if name in marks:
            (folder / marks[name]).mkdir()
    return str(root)


@pytest.mark.parametrize(
    ("interface", "kind", "dbm"),
    [
        ("wlan0", "wifi", -56),
        ("old0", "wifi", -56),
        ("eth0", "ethernet", None),
        ("usb0", "mobile", None),
        ("wwan0", "mobile", None),
        ("ppp0", "mobile", None),
        ("hso0", "mobile", None),
        ("wg0", None, None),
    ],
)
def test_linux_knows_its_way_out(tmp_path: Path, interface: str, kind: str | None, dbm: int | None) -> None:
    root = system(tmp_path, "enx1", interface)
    assert route.default_interface(root) == interface
    assert route.kind(interface, root) == kind
    assert route.wifi_dbm(interface, root) == dbm


def test_no_way_out(tmp_path: Path) -> None:
    root = str(tmp_path)
    assert route.default_interface(root) is None
    assert route.kind(None, root) is None
    assert route.wifi_dbm(None, root) is None
