"""How the controller itself is, and what changes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel
from starlette.datastructures import Headers

from controller.errors import UnavailableError
from controller.events import Watcher, written
from controller.office import Office
from controller.people.permissions import needs
from controller.web.errors import errors
from controller.web.parts import PerhapsWho, TheOffice
from controller.web.recheck import until_refused

router = APIRouter(prefix="/api", tags=["health"])

KEEPALIVE_S = 15.0
"""A comment line so often: proxies and phones close what is quiet."""


class Health(BaseModel):
    """ok: everything that should run runs. media_us: the media clock now. stats: the engine's last second."""

    ok: bool
    engine: dict[str, Any]
    broker: dict[str, Any]
    nodes: dict[str, int]
    sessions: int
    media_us: int


class Pulse(BaseModel):
    """What everybody may know."""

    ok: bool


@router.get("/health", summary="State of the controller")
async def health(office: TheOffice, who: PerhapsWho) -> Health | Pulse:
    """Answers also while the engine or the broker is away; who is not signed in learns `ok` alone."""
    air, link = office.air, office.link
    if who is None or "read" not in who.permissions:
        return Pulse(ok=air.ready and link.connected)
    states: dict[str, int] = {}
    for node in await office.stations.nodes():
        state = office.reports.view(node)["state"]
        states[state] = states.get(state, 0) + 1
    broker: dict[str, Any] = {
        "connected": link.connected,
        "own": office.broker is not None,
        "malformed": link.malformed,
    }
    if office.broker:
        broker.update(pid=office.broker.pid, restarts=office.broker.restarts, port=office.broker.port)
    return Health(
        ok=air.ready and link.connected,
        engine={"ready": air.ready, "pid": air.pid, "restarts": air.restarts, "port": air.port, "stats": air.stats},
        broker=broker,
        nodes=states,
        sessions=len(office.broadcasts.active),
        media_us=office.memory.now_media_us(),
    )


@router.get(
    "/events",
    summary="Changes as they happen (server-sent events)",
    response_class=StreamingResponse,
    responses={**errors(503), 200: {"content": {"text/event-stream": {}}}},
    openapi_extra=needs("read"),
)
async def events(office: TheOffice, request: Request) -> StreamingResponse:
    """`nodes`: rows of nodes that changed, `{"rows": [[id, state, since_ms, alert, on_air, muted, gain_db, playing]]}`
    as in `GET /api/overview`, every 100 ms at most. `session`, `zone`, `area`: the id of what changed, to be read anew;
    without an id any of them may have. `alert`: as in `GET /api/alerts`. `health`: of the controller.

    The first event is `hello`. When the stream ends, connect again and read everything anew. It ends, too, when the
    sign-in or token that it was opened with does.
    """
    _refuse_crowds(office)
    return _stream(office, request, office.bus.watch())


@router.get(
    "/nodes/{node_id}/events",
    summary="When a node said something (server-sent events)",
    response_class=StreamingResponse,
    responses={**errors(404, 503), 200: {"content": {"text/event-stream": {}}}},
    openapi_extra=needs("read"),
)
async def events_of_node(office: TheOffice, request: Request, node_id: str) -> StreamingResponse:
    """`told`: the node said something, be it only that it is a degree warmer; read it anew. Begins and ends as
    `/api/events` does."""
    await office.stations.node(node_id)
    _refuse_crowds(office)
    return _stream(office, request, office.bus.watch_node(node_id))


def _refuse_crowds(office: Office) -> None:
    if office.bus.full:
        raise UnavailableError("too_many_watchers", "Too many watch already.", "Close other windows; try again.")


def _stream(office: Office, request: Request, watch: AbstractContextManager[Watcher]) -> StreamingResponse:
    return StreamingResponse(
        _lines(office, request.headers, watch),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _lines(office: Office, headers: Headers, watch: AbstractContextManager[Watcher]) -> AsyncIterator[bytes]:
    with watch as watcher:
        yield written("hello", {})
        waiting = asyncio.ensure_future(_next(watcher))
        refused = asyncio.ensure_future(until_refused(office, headers, lambda who: "read" in who.permissions))
        try:
            while True:
                await asyncio.wait({waiting, refused}, timeout=KEEPALIVE_S, return_when=asyncio.FIRST_COMPLETED)
                if refused.done():
                    return
                if not waiting.done():
                    yield b": still here\n\n"
                    continue
                event = waiting.result()
                if event is None:
                    return
                yield event
                waiting = asyncio.ensure_future(_next(watcher))
        finally:
            waiting.cancel()
            refused.cancel()


async def _next(watcher: Watcher) -> bytes | None:
    try:
        return await anext(watcher)
    except StopAsyncIteration:
        return None
