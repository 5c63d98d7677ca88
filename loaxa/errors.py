"""The one error of the command line."""


class CommandError(Exception):
    """What was asked cannot be done; the text says why and what to do. Shown without a traceback, exit code 1."""
