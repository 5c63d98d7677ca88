"""What routes need of the controller, as FastAPI dependencies."""

from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from controller.office import Office


def _office(connection: HTTPConnection) -> Office:
    office = connection.app.state.office
    assert isinstance(office, Office)
    return office


TheOffice = Annotated[Office, Depends(_office)]
