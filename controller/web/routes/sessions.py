"""Sessions: what is on air, and was."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from starlette.requests import ClientDisconnect

from controller.broadcasts import may_speak
from controller.descriptions import describe
from controller.errors import RefusedError
from controller.people.permissions import needs
from controller.people.who import Who
from controller.web.errors import errors
from controller.web.models.sessions import SessionList, SessionNew, SessionOut, SessionPatch, SessionSolo, SoloOut
from controller.web.parts import TheOffice, TheWho
from controller.web.recheck import ends_before, until_refused
from controller.web.views import session_out

router = APIRouter(prefix="/api/sessions", tags=["sessions"])


@router.post(
    "",
    status_code=201,
    summary="Put a source on air",
    responses=errors(400, 403, 404, 409, 422, 503),
    openapi_extra=needs("broadcast", "broadcast.begin"),
)
async def begin(office: TheOffice, who: TheWho, body: SessionNew) -> SessionOut:
    """Answers when the session is in the database and its source was started; it ends with its source.

    Text, chime, tone, stream, sound card, RTP: they sound at once. sound: upload it first (`POST /api/sounds`).
    areas: the zones that are in them at this moment; those that nobody would hear are left out.
    push: send the samples afterwards (`PUT /api/sessions/{id}/input`).
    """
    if body.priority == "emergency":
        who.must("broadcast.emergency")
    zones = [*body.zones, *await office.areas.zones_in(body.areas, body.allow_empty)]
    return session_out(
        await office.broadcasts.begin(
            body.source, zones, body.priority_number(), body.gain_db, body.allow_empty, who.account
        )
    )


@router.get("", summary="List sessions", responses=errors(422), openapi_extra=needs("read"))
async def list_sessions(
    office: TheOffice,
    active: Annotated[bool, Query(description="only those that are not over")] = False,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> SessionList:
    """The newest first."""
    return SessionList(sessions=[session_out(row) for row in await office.broadcasts.recent(limit, active)])


@router.post("/stop-all", summary="Silence everything", openapi_extra=needs("broadcast", "broadcast.stop_all"))
async def stop_all(office: TheOffice) -> SessionList:
    """Ends every session and answers with them."""
    return SessionList(sessions=[session_out(row) for row in await office.broadcasts.stop_all("stopped")])


@router.get("/{session_id}", summary="Read a session", responses=errors(404), openapi_extra=needs("read"))
async def read_session(office: TheOffice, session_id: str) -> SessionOut:
    """One session."""
    return session_out(await office.broadcasts.get(session_id))


@router.patch(
    "/{session_id}",
    summary="Change the gain",
    responses=errors(400, 404, 409, 422),
    openapi_extra=needs("broadcast", "broadcast.change"),
)
async def change(office: TheOffice, session_id: str, body: SessionPatch) -> SessionOut:
    """It is ramped: no click."""
    return session_out(await office.broadcasts.set_gain(session_id, body.gain_db))


@router.delete(
    "/{session_id}", summary="Stop a session", responses=errors(404), openapi_extra=needs("broadcast", "broadcast.stop")
)
async def stop(office: TheOffice, session_id: str) -> SessionOut:
    """Fades out. The session stays in the list; stopping it twice is no error."""
    return session_out(await office.broadcasts.end(session_id, "stopped"))


@router.put(
    "/{session_id}/solo",
    summary="Let one node alone sound",
    responses=errors(400, 404, 409, 422, 503),
    openapi_extra=needs("broadcast", "broadcast.solo"),
)
async def solo(
    office: TheOffice,
    session_id: str,
    body: SessionSolo,
    wait_s: Annotated[float, Query(ge=0, le=2, description="how long to wait for the nodes' answers")] = 1.0,
) -> SoloOut:
    """To hear and measure horn by horn: all other nodes of the session's zones are silent until the session ends.

    Each node has its own mute back when the session ends for whatever reason, and at once when another one begins in
    the zone: an emergency is heard everywhere. Refused while another session is on air there.
    """
    found = await office.solo.choose(session_id, body.node, wait_s)
    return SoloOut(node=found.node, silent=found.silent, unanswered=found.unanswered)


@router.put(
    "/{session_id}/input",
    summary="Send samples",
    responses=errors(403, 404, 409),
    openapi_extra=needs("broadcast", "broadcast.input"),
)
async def push(
    request: Request,
    office: TheOffice,
    who: TheWho,
    session_id: str,
    sample_format: Annotated[Literal["s16", "f32"], Query(alias="format")] = "s16",
) -> SessionOut:
    """Raw 48 kHz mono samples, little-endian, for a session whose source is `push`; best as a chunked body.

    The body is taken at the pace at which it is played. Its end is the session's end; a lost connection too, and the
    end of the sign-in or token that it is sent with. Refused to others than who began the session, unless they have
    broadcast.emergency.
    """
    broadcast = await office.broadcasts.get(session_id)

    def may(asker: Who) -> bool:
        return may_speak(broadcast, asker)

    if not may(who):
        raise RefusedError("not_yours", f"{who.name} did not begin this session.", "Start another session.")
    pipe = office.broadcasts.input_of(session_id)
    try:
        await office.audit.note_current()
        refused = until_refused(office, request.headers, may, used=True)
        if not await ends_before(refused, pipe.pour(request.stream(), sample_format)):
            await office.broadcasts.end(session_id, "the sender may not speak any more")
            raise RefusedError("not_allowed", f"{who.name} may not speak any more.", "Sign in again.")
    except ClientDisconnect:
        await office.broadcasts.end(session_id, "the sender's connection was lost")
    finally:
        pipe.close()
    return session_out(await office.broadcasts.get(session_id))


@router.get(
    "/{session_id}/session.sdp",
    summary="Session description (RFC 8866)",
    response_class=Response,
    responses={**errors(404, 409), 200: {"content": {"application/sdp": {}}}},
    openapi_extra=needs("read"),
)
async def sdp(
    office: TheOffice,
    session_id: str,
    zone: Annotated[str | None, Query(description="which of its zones; else the first that can be joined")] = None,
    node: Annotated[str | None, Query(description="which plain RTP receiver; needed when there are several")] = None,
) -> Response:
    """For a standard player (ffplay, VLC, GStreamer) that receives the zone's multicast group or its RTP address.

    Where only nodes of ours receive the zone, there is nothing to join: the description is then inactive and says so.
    """
    text = await describe(office, await office.broadcasts.get(session_id), zone, node)
    return Response(text, media_type="application/sdp")
