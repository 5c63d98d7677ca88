"""Caps the body of every request, in bytes and in time, before anything reads it."""

import asyncio
import re

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from codec.wire.enrolment import PATH as ENROL
from controller.web.errors import error_response

JSON_BYTES = 256 * 1024
ENROLMENT_BYTES = 1024
"""Anybody may send this one."""
UNLIMITED = re.compile(r"/api/sessions/[^/]+/input")
"""A live voice has no length; what bounds it is the pace of the pipe it goes into."""
FORM_BYTES = 64 * 1024
"""What a multipart form adds around its file."""
BODY_S = 15.0
"""How long a body may take that is no sound."""
SOUND_BYTES_A_SECOND = 2048
"""How fast a sound file must come at the least, after that time: slower than any line that carries a voice."""


class BodyLimit:
    """ASGI middleware: answers 413 when a body is, or claims to be, larger than its route takes, and 408 when it is
    dripped."""

    def __init__(self, app: ASGIApp, max_sound_bytes: int) -> None:
        self._app = app
        self._max_sound_bytes = max_sound_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or UNLIMITED.fullmatch(scope["path"]):
            await self._app(scope, receive, send)
            return
        limit = JSON_BYTES
        if scope["path"] == "/api/sounds":
            limit = self._max_sound_bytes + FORM_BYTES
        elif scope["path"] == ENROL:
            limit = ENROLMENT_BYTES
        claimed = dict(scope["headers"]).get(b"content-length", b"0")
        if not claimed.isdigit() or int(claimed) > limit:
            await too_large(limit)(scope, receive, send)
            return
        seen = 0
        whole = False
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        rate = SOUND_BYTES_A_SECOND if scope["path"] == "/api/sounds" else 0

        async def counted() -> Message:
            nonlocal seen, whole
            if whole:  # what comes now is the end of the connection, whenever that is
                return await receive()
            try:
                async with asyncio.timeout_at(began_s + BODY_S + (seen / rate if rate else 0)):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(408, "The body did not come in time.") from None
            seen += len(message.get("body", b""))
            whole = not message.get("more_body", False)
            if seen > limit:
                raise HTTPException(413, f"The body is larger than {limit} bytes.")
            return message

        await self._app(scope, counted, send)


def too_large(limit: int) -> ASGIApp:
    """Return the answer to a body of more than `limit` bytes."""
    return error_response(413, "too_large", f"The body is larger than {limit} bytes.", "Send less.")
