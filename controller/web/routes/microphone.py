"""Speaking by a WebSocket of samples: for browsers, or networks, through which WebRTC does not come."""

from collections.abc import AsyncIterator

from fastapi import APIRouter
from starlette.websockets import WebSocket, WebSocketState

from controller.audit import change as changes
from controller.broadcasts import may_speak
from controller.people.permissions import needs
from controller.states import ACTIVE
from controller.web import sockets
from controller.web.models.sessions import Priority
from controller.web.parts import TheOffice, TheWho
from controller.web.routes.whip import Chime, GraceS, Taken, Zones, open_microphone

router = APIRouter(prefix="/api", tags=["sessions"])

HUNG_UP = 1000
_SAMPLE_BYTES = 2


@sockets.route(router, "/microphone", "Speak (WebSocket)", needs("broadcast", "broadcast.speak"))
async def speak(
    websocket: WebSocket,
    office: TheOffice,
    who: TheWho,
    zone: Zones,
    priority: Priority = "live",
    chime: Chime = "none",
    grace_s: GraceS = None,
    session: Taken = "",
) -> None:
    """First a text comes: `{"session", "speak_after_ms"}`, that is for how long a chime sounds first. Then send 48 kHz
    mono samples, signed 16 bits, little-endian, in messages of 10 to 60 ms at the pace of the microphone: what is
    more than that is dropped, a live voice is not delayed. Texts count for nothing.

    Closing it with 1000 ends the session; whatever else ends the connection, the session waits for another one, with
    `session`, here or at `/api/whip`. It is closed with 4000 and `over` when the session ends, with `taken_over` when
    another connection speaks in it.
    """
    row, microphone = await open_microphone(
        office, who, session, zone, priority, None if chime == "none" else chime, grace_s
    )
    changes.about(row.id)
    voice = _Voice(websocket)
    await websocket.accept()
    await websocket.send_json({"session": row.id, "speak_after_ms": microphone.speak_after_ms})
    allowed = await sockets.while_allowed(
        websocket, lambda asker: may_speak(row, asker), microphone.pour(voice.samples(), "s16"), used=True
    )
    if not allowed:
        await office.broadcasts.end(row.id, "the speaker may not speak any more")
    elif websocket.client_state is WebSocketState.CONNECTED:
        over = (await office.broadcasts.get(row.id)).state not in ACTIVE
        raise sockets.EndedError("over" if over else "taken_over")
    elif voice.code == HUNG_UP and microphone.is_lost:
        microphone.hang_up()


class _Voice:
    """What comes by a WebSocket. code: what it was closed with."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket
        self.code = 0

    async def samples(self) -> AsyncIterator[bytes]:
        """Give whole samples; the rest of a message that ends within one is dropped."""
        while (message := await self._websocket.receive())["type"] == "websocket.receive":
            data: bytes = message.get("bytes") or b""
            yield data[: len(data) // _SAMPLE_BYTES * _SAMPLE_BYTES]
        self.code = int(message.get("code", 0))
