"""WHIP (RFC 9725): the microphone of a browser, of OBS or of GStreamer, into zones."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response

from codec.wire.announcement import PRIORITY_NAMES
from controller.audit import change as changes
from controller.broadcasts import may_speak
from controller.errors import RefusedError, UnusableError
from controller.ingest.microphone_offer import check_offer
from controller.ingest.request import MicrophoneRequest
from controller.microphones import ENDED, Microphone
from controller.office import Office
from controller.people.permissions import OPEN, needs
from controller.people.who import Who
from controller.storage.tables import Session
from controller.web.errors import errors
from controller.web.models.fields import Name
from controller.web.models.sessions import Priority
from controller.web.parts import TheOffice, TheWho
from controller.web.recheck import until_refused

router = APIRouter(prefix="/api/whip", tags=["sessions"])

SDP = "application/sdp"
Zones = Annotated[
    list[Name],
    Query(default_factory=list, max_length=1000, description="where to speak; each one a parameter of its own"),
]
Chime = Annotated[Literal["open", "close", "alert", "none"], Query(description="what sounds before the voice")]
GraceS = Annotated[float | None, Query(ge=0.5, le=60, description="how long a lost connection is waited for, seconds")]
Taken = Annotated[str, Query(alias="session", max_length=34, description="a session that gets this as its connection")]


@router.post(
    "",
    status_code=201,
    summary="Speak (WHIP)",
    response_class=Response,
    responses={**errors(400, 403, 404, 409, 413, 422, 503), 201: {"content": {SDP: {}}}},
    openapi_extra={
        **needs("broadcast", "broadcast.speak"),
        "requestBody": {"required": True, "content": {SDP: {"schema": {"type": "string"}}}},
    },
)
async def publish(
    office: TheOffice,
    who: TheWho,
    request: Request,
    zone: Zones,
    priority: Priority = "live",
    chime: Chime = "none",
    grace_s: GraceS = None,
    session: Taken = "",
) -> Response:
    """The body is an SDP offer with one audio track in Opus, all of its candidates gathered; the answer has ours.

    `Location` is the session: `DELETE` it to end, post here with `session` to connect it anew while it lasts. A chime
    sounds at once; `Speak-After-Ms` says for how long the voice is not let through yet.
    """
    if session:
        changes.about(session, taken_up=True)
    offer = check_offer(request.headers.get("content-type", ""), await request.body())
    row, microphone = await open_microphone(
        office, who, session, zone, priority, None if chime == "none" else chime, grace_s
    )
    try:
        answer = await microphone.connect(offer)
    except BaseException:
        if not session:
            await office.broadcasts.end(row.id, "the microphone could not be connected")
        raise
    microphone.guard(until_refused(office, request.headers, lambda asker: may_speak(row, asker), used=True))
    headers = {"Location": f"/api/whip/{row.id}", "Speak-After-Ms": str(microphone.speak_after_ms)}
    return Response(answer, status_code=201, media_type=SDP, headers=headers)


@router.options("", status_code=204, include_in_schema=False, openapi_extra=needs(OPEN))
@router.options("/{session_id}", status_code=204, include_in_schema=False, openapi_extra=needs(OPEN))
async def options(request: Request) -> Response:
    """Says what may be posted (RFC 9725 section 4.1). Pages of other sites may not: nothing is said for CORS."""
    if "session_id" in request.path_params:
        return Response(status_code=204, headers={"Allow": "DELETE, OPTIONS"})
    return Response(status_code=204, headers={"Allow": "OPTIONS, POST", "Accept-Post": SDP})


@router.delete(
    "/{session_id}", status_code=200, summary="Stop speaking (WHIP)", responses=errors(403, 404),
    openapi_extra=needs("broadcast", "broadcast.stop"),
)  # fmt: skip
async def unpublish(office: TheOffice, session_id: str) -> Response:
    """Ends the session; one that is over stays as it is."""
    await office.broadcasts.end(session_id, ENDED)
    return Response()


async def open_microphone(
    office: Office,
    who: Who,
    session_id: str,
    zones: list[str],
    priority: Priority,
    chime: Literal["open", "close", "alert"] | None,
    grace_s: float | None,
) -> tuple[Session, Microphone]:
    """Return a session and its microphone: a new one in `zones`, or the one that is there, if `who` may speak in it.

    Raises RefusedError, NotFoundError, ConflictError, UnusableError.
    """
    if session_id:
        row = await office.broadcasts.get(session_id)
        if not may_speak(row, who):
            raise RefusedError("not_yours", f"{who.name} did not begin this session.", "Start another session.")
        return row, office.microphones.of(session_id)
    if priority == "emergency":
        who.must("broadcast.emergency")
    if not zones:
        raise UnusableError("no_zone", "It is not said where to speak.", "Add ?zone=ID, for each zone once.")
    request = MicrophoneRequest(chime=chime, grace_s=office.settings.grace_s if grace_s is None else grace_s)
    return await office.microphones.begin(request, zones, PRIORITY_NAMES.index(priority), who.account)
