"""What the controller set and a reboot must not lose: zone, gain, delay, mute; of the last command counter, tag and
whether it failed."""

import json
from binascii import hexlify

from codec.wire import body, command
from codec.wire.errors import WireError
from codec.wire.mac import derive
from codec.wire.names import check_name

_OWNER_BYTES = 8


class Settings:
    """The kept settings; each change goes to the HAL's storage before it is answered."""

    def __init__(self, config, storage):
        self._storage = storage
        # A board that is enrolled anew must not go by what it was told as another node, its counter above all.
        self._owner = hexlify(derive(config.key, "settings")[:_OWNER_BYTES]).decode()
        self.zone = config.zone
        self.gain_db = config.gain_db
        self.delay_us = config.delay_us
        self.muted = False
        self.counter = -1
        self.tag = ""
        self.failed = False
        raw = storage.load_settings()
        if raw:
            try:
                self._take(body.parse(raw))
            except WireError:
                storage.log("settings are damaged; starting from those of the enrolment")

    def _take(self, found):
        if body.text(found, "owner", 2 * _OWNER_BYTES) != self._owner:
            return
        zone = found.get("zone")
        zone = None if zone is None else check_name(zone)
        gain_db = body.number(found, "gain_db", command.MIN_GAIN_DB, command.MAX_GAIN_DB)
        delay_us = body.integer(found, "delay_us", 0, command.MAX_DELAY_US)
        muted = body.boolean(found, "muted")
        counter = body.integer(found, "counter", -1, command.MAX_COUNTER)
        tag = body.text(found, "tag", 2 * command.TAG_BYTES, "")
        failed = body.boolean(found, "failed", False)
        self.zone = zone
        self.gain_db = gain_db
        self.delay_us = delay_us
        self.muted = muted
        self.counter = counter
        self.tag = tag
        self.failed = failed

    def save(self):
        """Keep what is set now."""
        kept = {
            "owner": self._owner,
            "zone": self.zone,
            "gain_db": self.gain_db,
            "delay_us": self.delay_us,
            "muted": self.muted,
            "counter": self.counter,
            "tag": self.tag,
            "failed": self.failed,
        }
        self._storage.save_settings(json.dumps(kept).encode())
