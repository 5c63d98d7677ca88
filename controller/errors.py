"""The one error family of the controller: what was wrong, and what to do about it."""


class ControllerError(Exception):
    """Something asked of the controller cannot be done; nothing was changed.

    code: a fixed word for programs. message: one sentence for people. hint: what to do.
    status: the HTTP status that a route answers with.
    """

    status = 400

    def __init__(self, code: str, message: str, hint: str) -> None:
        super().__init__(f"{message} {hint}")
        self.code = code
        self.message = message
        self.hint = hint


class RefusedError(ControllerError):
    """Who asks may not do this."""

    status = 403


class TooOftenError(ControllerError):
    """Asked too often; the same request is looked at again after `retry_s` seconds."""

    status = 429

    def __init__(self, code: str, message: str, hint: str, retry_s: int) -> None:
        super().__init__(code, message, hint)
        self.retry_s = retry_s


class NotFoundError(ControllerError):
    """What was named does not exist."""

    status = 404


class ConflictError(ControllerError):
    """What was asked contradicts what is there."""

    status = 409


class UnusableError(ControllerError):
    """The request is well formed but its content cannot be used: a file that is no audio, an empty text."""

    status = 422


class OversizeError(ControllerError):
    """More bytes than the limit."""

    status = 413


class UnavailableError(ControllerError):
    """A part of the controller that is needed is away for the moment; the same request may succeed later."""

    status = 503


class StartError(ControllerError):
    """The controller cannot start: a port in use, a broker that is not there, a setting that makes no sense."""
