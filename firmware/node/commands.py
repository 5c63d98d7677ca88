"""Commands: each body is checked, done at most once, kept, and answered."""

from codec.wire import command
from codec.wire.errors import WireError


class Commands:
    """Does commands on a `control` with apply_settings(), stop(), tone(duration_ms), reboot(cause) and trust."""

    def __init__(self, node_id, settings, control):
        self._node_id = node_id
        self._settings = settings
        self._control = control
        self._last_error = None

    def receive(self, raw):
        """Do the command in the bytes `raw`; return the bytes of the answer. Raises WireError for no command
        at all."""
        counter, operation, arguments = command.parse(raw, self._node_id)
        settings = self._settings
        if counter == settings.counter:
            # The broker may deliver twice (QoS 1): the answer again, not the deed.
            return command.build_ack(counter, self._last_error)
        if counter < settings.counter:
            return command.build_ack(counter, "counter must grow; the last was %d" % settings.counter)
        settings.counter = counter
        self._last_error = None
        try:
            self._do(operation, arguments)
        except WireError as error:
            self._last_error = str(error)
        settings.save()
        return command.build_ack(counter, self._last_error)

    def _do(self, operation, arguments):
        settings = self._settings
        control = self._control
        if operation == command.CONFIGURE:
            settings.zone = arguments["zone"]
            settings.gain_db = arguments["gain_db"]
            settings.delay_us = arguments["delay_us"]
            settings.muted = arguments["muted"]
            control.apply_settings()
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
