"""The kinds of alerts and how bad each is."""

FAULT = "fault"
WARNING = "warning"
SEVERITIES = (FAULT, WARNING)

SEVERITY = {
    "offline": FAULT,
    "speaker_open": FAULT,
    "speaker_short": FAULT,
    "no_signal": FAULT,
    "clock_off": FAULT,
    "tampered": FAULT,
    "weak_signal": WARNING,
    "high_loss": WARNING,
    "hot": WARNING,
    "storage_low": WARNING,
    "supply_low": WARNING,
    "engine_away": FAULT,
    "broker_away": FAULT,
    "disk_full": FAULT,
    "notify_failing": WARNING,
}
"""The worst first. Fault: people do not hear what they should, or somebody is at the board. Warning: they still do,
but look soon."""

OF_CONTROLLER = ("engine_away", "broker_away", "disk_full", "notify_failing")
OF_NODES = tuple(kind for kind in SEVERITY if kind not in OF_CONTROLLER)
