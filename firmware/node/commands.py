"""Commands: each body is checked, done at most once and in time, kept, and answered."""

from binascii import hexlify

from codec.wire import command
from codec.wire.errors import WireError
from codec.wire.mac import Mac, derive

_MOST_WAITING = 8


class Commands:
    """Does commands on a `control` with apply_settings(), stop(), tone(duration_ms), reboot(cause), trust and
    take_air(terms, chains, session, lan). `key` is the node's; `clock` says what time it is, which expiry needs."""

    def __init__(self, node_id, key, settings, control, clock):
        self._node_id = node_id
        self._key = Mac(derive(key, "command"))
        self._answer_key = Mac(derive(key, "ack"))
        self._settings = settings
        self._control = control
        self._clock = clock
        self._last_error = None
        self._waiting = []

    def receive(self, raw):
        """Take a command in the bytes `raw`, to be done by :meth:`poll`. Raises WireError for no command at all."""
        parsed = command.parse(raw, self._node_id, self._key)
        if len(self._waiting) >= _MOST_WAITING:
            raise WireError("too many commands at once")
        self._waiting.append((hexlify(raw[: command.TAG_BYTES]).decode(),) + parsed)

    def poll(self, now_us):
        """Do what waits, as soon as the time is known at local `now_us`; return the bytes of the answers."""
        if not self._waiting or not self._clock.locked(now_us):
            return []
        waiting, self._waiting = self._waiting, []
        media_us = self._clock.media_us(now_us)
        return [self._obey(found, media_us) for found in waiting]

    def _obey(self, found, media_us):
        tag, counter, expires_us, operation, arguments = found
        settings = self._settings
        if tag == settings.tag:
            # The broker may deliver twice (QoS 1): the answer again, not the deed.
            return self._answer(
                counter, self._last_error or ("not done, before a restart" if settings.failed else None)
            )
        if counter <= settings.counter:
            last = settings.counter  # by which a controller whose database is an older one goes on
            return self._answer(counter, "counter must grow; the last was %d" % last, last)
        settings.counter = counter
        settings.tag = tag
        self._last_error = None
        if media_us > expires_us:
            self._last_error = "it came %d s after it had expired" % ((media_us - expires_us) // 1000000)
        else:
            try:
                self._do(operation, arguments)
            except WireError as error:
                self._last_error = str(error)
        settings.failed = self._last_error is not None
        settings.save()
        return self._answer(counter, self._last_error)

    def _answer(self, counter, error, last=None):
        return command.build_ack(counter, error, self._answer_key, last)

    def _do(self, operation, arguments):
        settings = self._settings
        control = self._control
        if operation == command.CONFIGURE:
            if settings.zone != arguments["zone"]:
                control.stop()
            settings.zone = arguments["zone"]
            settings.gain_db = arguments["gain_db"]
            settings.delay_us = arguments["delay_us"]
            settings.muted = arguments["muted"]
            control.apply_settings()
        elif operation == command.AIR:
            control.take_air(arguments["terms"], arguments["chains"], arguments["session"], arguments["lan"])
        elif operation == command.SET_GAIN:
            settings.gain_db = arguments["gain_db"]
            control.apply_settings()
        elif operation == command.MUTE:
            settings.muted = arguments["muted"]
            control.apply_settings()
        elif operation == command.STOP:
            control.stop()
        elif operation == command.TEST_TONE:
            if not control.tone(arguments["duration_ms"]):
                raise WireError("a programme is on air")
        elif operation == command.TRUST:
            control.trust.add(arguments["ca"], arguments["only"])
        elif operation == command.REBOOT:
            control.reboot("command")
