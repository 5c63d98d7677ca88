"""Health: what a node tells of itself, every 10 s, whenever it goes on or off air, and soon after something of the
board changed."""

from codec.wire import report

_LOOK_US = report.HEALTH_LEAST_MS * 1000
"""So often the board is looked at for what an operator should see at once; a report of that comes no more often."""


class Health:
    """Says when a report is due, and builds it. speaker: None where its current is not measured."""

    def __init__(self, hal, clock, village, pipeline, speaker, counters, started_us):
        self._hal = hal
        self._clock = clock
        self._village = village
        self._pipeline = pipeline
        self._speaker = speaker
        self._counters = counters
        self._started_us = started_us
        self._due_us = started_us
        self._look_us = started_us
        self._on_air = None
        self._told = None

    def due(self, now_us):
        """True when a report should go out at local `now_us`."""
        if now_us >= self._due_us or self._pipeline.player.on_air != self._on_air:
            return True
        if now_us < self._look_us:
            return False
        self._look_us = now_us + _LOOK_US
        return self._look() != self._told

    def _look(self):
        """Return what is told soon after it changed: words of states, then switches, then the volume."""
        hal = self._hal
        volume = self._pipeline.volume
        return (
            hal.link(),
            None if self._speaker is None else self._speaker.state,
            hal.fm(),
            hal.door_open(),
            hal.tilted(),
            round(volume.gain_db * 100),
            1 if volume.muted else 0,
        )

    def build(self, now_us):
        """Return the bytes of the report at local `now_us`; the next one is due a period later."""
        self._due_us = now_us + report.HEALTH_PERIOD_MS * 1000
        self._look_us = now_us + _LOOK_US
        hal = self._hal
        player = self._pipeline.player
        jitter = self._pipeline.jitter
        self._on_air = player.on_air
        self._told = link, speaker, fm, door_open, tilted, gain_cdb, muted = self._look()
        gauges = {
            "uptime_s": (now_us - self._started_us) // 1000000,
            "offset_uncertainty_us": self._clock.uncertainty_us(now_us),
            "offset_sd_us": self._clock.sd_us(now_us),
            "drift_ppb": round(self._clock.drift_ppm * 1000),
            "round_trip_us": self._clock.round_trip_us,
            "buffer_us": jitter.least_slack_us,
            "tail_us": self._pipeline.tail_us(),
            "skew_us": player.skew_us,
            "leads": self._village.role,
            "free_heap_bytes": hal.free_heap_bytes(),
            "wifi_dbm": hal.wifi_dbm(),
            "mobile_dbm": hal.mobile_dbm(),
            "temperature_mc": hal.temperature_mc(),
            "storage_free_bytes": hal.storage_free_bytes(),
            "storage_total_bytes": hal.storage_total_bytes(),
            "speaker_ma": None if self._speaker is None else self._speaker.current_ma,
            "supply_mv": hal.supply_mv(),
            "gain_cdb": gain_cdb,
            "muted": muted,
            "door_open": door_open,
            "tilted": tilted,
        }
        for name, low, high in report.GAUGES:
            # A sensor that is wired or scaled wrongly must not have the whole report refused.
            if gauges[name] is not None and not low <= gauges[name] <= high:
                gauges[name] = None
        jitter.least_slack_us = None
        states = {"link": link, "speaker": speaker, "fm": fm}
        return report.build_health(self._counters, gauges, self._on_air, self._pipeline.silent(), states)
