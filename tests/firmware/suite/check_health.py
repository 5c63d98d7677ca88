"""When a node reports, and that whatever a board shows makes a report that can be read."""

from codec.wire import report
from firmware.node.counters import new_counters
from firmware.node.health import Health
from firmware.node.volume import Volume

S = 1000000


class Board:
    """A HAL's senses, the player, the jitter buffer, the clock and the village: what health asks."""

    role = skew_us = on_air = least_slack_us = round_trip_us = None
    drift_ppm = 0.25

    def __init__(self):
        self.shown = {}
        self.state = None
        self.current_ma = None
        self.volume = Volume()
        self.player = self.jitter = self

    def _of(name):
        return lambda self: self.shown.get(name)

    link = _of("link")
    fm = _of("fm")
    door_open = _of("door_open")
    tilted = _of("tilted")
    wifi_dbm = _of("wifi_dbm")
    mobile_dbm = _of("mobile_dbm")
    temperature_mc = _of("temperature_mc")
    supply_mv = _of("supply_mv")
    storage_free_bytes = _of("storage_free_bytes")
    storage_total_bytes = _of("storage_total_bytes")
    free_heap_bytes = _of("free_heap_bytes")

    def uncertainty_us(self, _):
        return 7

    sd_us = uncertainty_us

    def tail_us(self):
        return None

    def silent(self):
        return None


def _health():
    board = Board()
    return board, Health(board, board, board, board, board, new_counters(), 0)


def _told(health, now_us):
    _, gauges, _, _, states = report.parse_health(health.build(now_us))
    return gauges, states


def _reports(health, board, change, seconds):
    """Poll for so long as the link does, ``change(ms)`` before each; return when reports went out, ms."""
    sent = []
    for ms in range(0, seconds * 1000, 100):
        change(ms)
        if health.due(ms * 1000):
            health.build(ms * 1000)
            sent.append(ms)
    return sent


def check_it_reports_every_period():
    board, health = _health()
    assert _reports(health, board, lambda ms: None, 31) == [0, 10000, 20000, 30000]


def check_a_change_is_told_within_a_second():
    changes = (
        lambda board: board.shown.update({"door_open": 1}),
        lambda board: board.shown.update({"tilted": 1}),
        lambda board: board.shown.update({"link": "mobile"}),
        lambda board: board.shown.update({"fm": "carrier"}),
        lambda board: setattr(board, "state", "open"),
        lambda board: board.volume.set(0.0, True),
        lambda board: board.volume.set(-3.0, False),
    )
    for change in changes:
        board, health = _health()
        sent = _reports(health, board, lambda ms, board=board, change=change: change(board) if ms == 4300 else None, 9)
        assert len(sent) == 2 and 4300 <= sent[1] <= 5300, sent


def check_what_only_drifts_waits_for_its_turn():
    board, health = _health()

    def drift(ms):
        board.shown.update({"wifi_dbm": -50 - ms // 500, "temperature_mc": 40000 + ms, "supply_mv": 12000 - ms // 10})

    assert _reports(health, board, drift, 11) == [0, 10000]


def check_a_switch_that_rattles_is_told_once_a_second():
    board, health = _health()
    sent = _reports(health, board, lambda ms: board.shown.update({"door_open": ms // 100 % 2}), 10)
    assert len(sent) <= 11, sent


def check_on_air_is_told_at_once():
    board, health = _health()
    sent = _reports(health, board, lambda ms: setattr(board, "on_air", 7 if ms >= 4300 else None), 9)
    assert sent == [0, 4300]


def check_what_is_not_there_is_null():
    gauges, states = _told(_health()[1], 12 * S)
    assert states == {"link": None, "speaker": None, "fm": None}
    known = {name: value for name, value in gauges.items() if value is not None}
    assert known == {
        "uptime_s": 12, "offset_uncertainty_us": 7, "offset_sd_us": 7, "drift_ppb": 250, "gain_cdb": 0, "muted": 0,
    }  # fmt: skip


def check_without_a_current_sensor_there_is_no_speaker():
    board = Board()
    board.state = "ok"
    gauges, states = _told(Health(board, board, board, board, None, new_counters(), 0), 0)
    assert states["speaker"] is None and gauges["speaker_ma"] is None


def check_what_is_told():
    board, health = _health()
    board.state, board.current_ma = "short", 9000
    board.volume.set(-3.25, True)
    board.shown = {"link": "wifi", "wifi_dbm": -61, "supply_mv": 12100, "door_open": 1, "tilted": 0, "fm": "off"}
    gauges, states = _told(health, 0)
    assert states == {"link": "wifi", "speaker": "short", "fm": "off"}
    for name, value in (
        ("wifi_dbm", -61), ("supply_mv", 12100), ("door_open", 1), ("tilted", 0), ("speaker_ma", 9000),
        ("gain_cdb", -325), ("muted", 1),
    ):  # fmt: skip
        assert gauges[name] == value, name


def check_a_sensor_that_is_scaled_wrongly_spoils_nothing_else():
    board, health = _health()
    board.shown = {"supply_mv": 1 << 40, "temperature_mc": -300000, "wifi_dbm": -55}
    gauges, _ = _told(health, 0)
    assert gauges["supply_mv"] is None and gauges["temperature_mc"] is None
    assert gauges["wifi_dbm"] == -55
