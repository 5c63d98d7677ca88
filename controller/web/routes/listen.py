"""Listening: what a zone hears, as it is on air."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.websockets import WebSocket

from controller.listening import Listener, SoundFormat
from controller.people.permissions import needs
from controller.people.who import Who
from controller.web import sockets
from controller.web.parts import TheOffice, TheWho

router = APIRouter(prefix="/api/zones", tags=["zones"])


def _may(who: Who) -> bool:
    return "read" in who.permissions


@sockets.route(router, "/{zone_id}/listen", "Hear what a zone hears", needs("read"))
async def listen(
    websocket: WebSocket,
    office: TheOffice,
    who: TheWho,
    zone_id: str,
    sound_format: Annotated[SoundFormat, Query(alias="format")] = "opus",
) -> None:
    """Text: `{"format", "rate_hz", "frame_us"}` when a stream begins, and first of all where one is on air;
    `{"silent": true}` when none is. Binary: the frame's number, 32 bits, big-endian, then an Opus packet, or for `s16`
    the samples of one frame, little-endian. Numbers that are missing were silent, or lost; who reads too slowly loses
    the oldest frames.

    What the client says counts for nothing. It is closed with 4000 and `unknown_zone` when the zone is removed.
    """
    await office.stations.zone(zone_id)
    with office.listening.listen(zone_id, sound_format, who.name) as listener:
        await websocket.accept()
        await sockets.while_allowed(websocket, _may, _hand_on(websocket, listener))


async def _hand_on(websocket: WebSocket, listener: Listener) -> None:
    """Send until the client goes, or there is nothing more; raises EndedError, WebSocketDisconnect."""
    gone = asyncio.ensure_future(_until_gone(websocket))
    try:
        while True:
            waiting = asyncio.ensure_future(listener.next())
            try:
                await asyncio.wait({waiting, gone}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                if not waiting.done():
                    waiting.cancel()
            if gone.done():
                return
            piece = waiting.result()
            if piece is None:
                raise sockets.EndedError(listener.over)
            if isinstance(piece, str):
                await websocket.send_text(piece)
            else:
                await websocket.send_bytes(piece)
    finally:
        gone.cancel()


async def _until_gone(websocket: WebSocket) -> None:
    while (await websocket.receive())["type"] != "websocket.disconnect":
        pass
