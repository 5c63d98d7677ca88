"""Routes that are WebSockets: what each needs, how it says no, and how long it may go on."""

import contextlib
import functools
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIWebSocketRoute
from sqlalchemy.exc import SQLAlchemyError
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from controller.errors import ControllerError
from controller.people.who import Who
from controller.web.access import declared
from controller.web.parts import office_of
from controller.web.recheck import ends_before, until_refused

Endpoint = Callable[..., Awaitable[None]]
CLOSE_REFUSED = 4403
"""Who opened it may not any more."""
CLOSE_OVER = 4000
"""What was said or heard here is over; the reason says why, as the code of an error."""
_MAX_REASON_BYTES = 123


class EndedError(Exception):
    """What a WebSocket was for is over. reason: a word for programs. The peer is told by a close with CLOSE_OVER."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def route(router: APIRouter, path: str, summary: str, openapi_extra: dict[str, Any]) -> Callable[[Endpoint], Endpoint]:
    """Return a decorator that adds a WebSocket to `router`. openapi_extra: `controller.people.permissions.needs`.

    The endpoint raises ControllerError for what cannot be: before it accepts, that is the answer to the handshake, as
    to any request; afterwards the WebSocket is closed with the error's code as the reason, as it is for EndedError.
    """

    def add(endpoint: Endpoint) -> Endpoint:
        @functools.wraps(endpoint)
        async def served(websocket: WebSocket, **parts: Any) -> None:
            try:
                await endpoint(websocket, **parts)
            except EndedError as ended:
                await close(websocket, CLOSE_OVER, ended.reason)
            except ControllerError as error:
                if websocket.client_state is WebSocketState.CONNECTING:
                    raise
                await close(websocket, CLOSE_OVER, error.code)
            except SQLAlchemyError:
                if websocket.client_state is WebSocketState.CONNECTING:
                    raise
                await close(websocket, CLOSE_OVER, "database")
            except WebSocketDisconnect:
                pass
            else:
                await close(websocket, 1000, "")

        vars(served)["declared"] = {**openapi_extra, "summary": summary, "description": endpoint.__doc__ or ""}
        router.add_api_websocket_route(path, served)
        return endpoint

    return add


def describe(app: FastAPI, routers: Iterable[APIRouter]) -> None:
    """Have the OpenAPI document list the WebSockets of `routers` as `x-websockets`, which OpenAPI itself cannot."""
    plain = app.openapi
    found = {
        each.path: declared(each.endpoint)
        for router in routers
        for each in router.routes
        if isinstance(each, APIWebSocketRoute)
    }

    def whole() -> dict[str, Any]:
        return {**plain(), "x-websockets": found}

    app.openapi = whole  # type: ignore[method-assign] # as FastAPI says to extend it


async def while_allowed(websocket: WebSocket, may: Callable[[Who], bool], work: Any, used: bool = False) -> bool:
    """Do `work` for as long as who opened the WebSocket may; False: he may not any more, and it is closed so.

    used: what goes on is a use of the sign-in, which then does not end as an idle one.
    """
    refused = until_refused(office_of(websocket), websocket.headers, may, used)
    if await ends_before(refused, work):
        return True
    await close(websocket, CLOSE_REFUSED, "not_allowed")
    return False


async def close(websocket: WebSocket, code: int, reason: str) -> None:
    """Close it, unless it is closed."""
    if WebSocketState.DISCONNECTED in (websocket.client_state, websocket.application_state):
        return
    with contextlib.suppress(RuntimeError, WebSocketDisconnect):  # the peer was quicker
        await websocket.close(code, reason.encode()[:_MAX_REASON_BYTES].decode(errors="ignore"))
