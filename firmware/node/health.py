"""Health: what a node tells of itself, every 10 s and whenever it goes on or off air."""

from codec.wire import report


class Health:
    """Says when a report is due, and builds it."""

    def __init__(self, hal, clock, village, pipeline, counters, started_us):
        self._hal = hal
        self._clock = clock
        self._village = village
        self._pipeline = pipeline
        self._counters = counters
        self._started_us = started_us
        self._due_us = started_us
        self._on_air = None

    def due(self, now_us):
        """True when a report should go out at local `now_us`."""
        return now_us >= self._due_us or self._pipeline.player.on_air != self._on_air

    def build(self, now_us):
        """Return the bytes of the report at local `now_us`; the next one is due a period later."""
        self._due_us = now_us + report.HEALTH_PERIOD_MS * 1000
        hal = self._hal
        player = self._pipeline.player
        jitter = self._pipeline.jitter
        self._on_air = player.on_air
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
            "temperature_mc": hal.temperature_mc(),
            "storage_free_bytes": hal.storage_free_bytes(),
        }
        jitter.least_slack_us = None
        return report.build_health(self._counters, gauges, self._on_air, self._pipeline.silent())
