"""What routes need of the controller, as FastAPI dependencies."""

from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from controller.office import Office
from controller.people.who import Who


def office_of(connection: HTTPConnection) -> Office:
    """Return the office that a request, or a WebSocket, is to."""
    office = connection.app.state.office
    assert isinstance(office, Office)
    return office


TheOffice = Annotated[Office, Depends(office_of)]


def _who(connection: HTTPConnection) -> Who:
    who = connection.scope["state"]["who"]
    assert isinstance(who, Who)  # controller.web.access lets nobody else here
    return who


def _perhaps(connection: HTTPConnection) -> Who | None:
    who = connection.scope["state"]["who"]
    assert who is None or isinstance(who, Who)
    return who


TheWho = Annotated[Who, Depends(_who)]
PerhapsWho = Annotated[Who | None, Depends(_perhaps)]
