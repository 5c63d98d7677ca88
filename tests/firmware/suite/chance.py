"""Numbers for checks on either interpreter."""


class Chance:
    """Small repeatable numbers, the same on both interpreters."""

    def __init__(self, seed):
        self.state = seed

    def next(self, limit):
        self.state = (self.state * 1103515245 + 12345) & 0x7FFFFFFF
        return (self.state >> 8) % limit
