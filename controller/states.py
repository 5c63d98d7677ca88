"""The states of a session, one word each for the database, the REST interface and the page."""

STARTING = "starting"
ON_AIR = "on_air"
STALLED = "stalled"
ENDED = "ended"
FAILED = "failed"
STATES = (STARTING, ON_AIR, STALLED, ENDED, FAILED)
"""Accepted; its sound plays; its source gives nothing for the moment; over; over by a fault."""
ACTIVE = (STARTING, ON_AIR, STALLED)
