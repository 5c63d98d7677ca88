"""Enrolment: codes for boards, their use, and the end of a node's service."""

import segno
from fastapi import APIRouter, Request, Response

from codec.wire import enrolment
from controller.enrolments import Code
from controller.errors import ConflictError
from controller.office import Office
from controller.people.permissions import needs
from controller.web.errors import errors
from controller.web.models.enrolment import EnrolmentOut, EnrolRequest, Identity, NodeAdded
from controller.web.models.fields import at
from controller.web.models.nodes import NodeNew, NodeOut
from controller.web.parts import TheOffice, TheWho
from controller.web.views import node_out

router = APIRouter(tags=["nodes"])


@router.post(
    "/api/nodes",
    status_code=201,
    summary="Add a node",
    responses=errors(400, 404, 409, 422, 503),
    openapi_extra=needs("nodes.write", "node.add"),
)
async def add_node(office: TheOffice, who: TheWho, body: NodeNew, response: Response) -> NodeAdded:
    """The answer has the enrolment line for its board, good for 15 minutes; `enrolment` below makes another.

    It has none for who may not enrol nodes, which is a permission of its own.
    """
    _keep_from_caches(response)
    enrols = body.rtp_address is None and _reachable(office) and "nodes.enrol" in who.permissions
    pin = await office.web.pin() if enrols else None
    node = await office.stations.add_node(body.columns())
    made = enrolment_out(office, node.id, await office.enrolments.make(node.id), pin) if enrols else None
    return NodeAdded(
        **node_out(office, node, who).model_dump(),
        broker=office.public_broker(),
        media=office.public_media(),
        enrolment=made,
    )


@router.post(
    "/api/nodes/{node_id}/enrolment",
    status_code=201,
    summary="Make an enrolment code",
    responses=errors(404, 409, 503),
    openapi_extra=needs("nodes.enrol", "node.enrolment"),
)
async def make_code(office: TheOffice, node_id: str, response: Response) -> EnrolmentOut:
    """For a first board, for one that replaces a broken one, or to bring a retired node back.

    Until the code is used the node goes on with the board that it has; then that one's key is revoked.
    """
    _keep_from_caches(response)
    if not _reachable(office):
        raise ConflictError(
            "in_the_clear",
            "A node on another machine is enrolled by HTTPS alone, and this controller is served without.",
            "Let it serve HTTPS; docs/operations.md says how.",
        )
    pin = await office.web.pin()
    return enrolment_out(office, node_id, await office.enrolments.make(node_id), pin)


@router.post(
    "/api/nodes/{node_id}/retire",
    summary="Retire a node",
    responses=errors(404),
    openapi_extra=needs("nodes.enrol", "node.retire"),
)
async def retire(office: TheOffice, who: TheWho, node_id: str) -> NodeOut:
    """Destroys its key: its board is a stranger at once. It stays in the inventory until it is removed."""
    return node_out(office, await office.enrolments.retire(node_id), who)


@router.post("/api/enrol", summary="Become a node", responses=errors(400, 403, 413, 422, 429))
async def enrol(office: TheOffice, request: Request, response: Response, body: EnrolRequest) -> Identity:
    """For boards. It uses the code up and is told once: if the answer is lost, make a new code."""
    _keep_from_caches(response)
    asker = request.client.host if request.client else ""
    node = await office.enrolments.use(body.code, body.board, body.serial, asker)
    return Identity(
        id=node.id,
        key=node.key.hex(),
        ca=office.transport.node_ca(),
        broker=office.public_broker(),
        media=office.public_media(),
        zone=node.zone,
        gain_db=node.gain_db,
        delay_us=node.delay_us,
    )


def enrolment_out(office: Office, node_id: str, made: Code, pin: bytes | None) -> EnrolmentOut:
    """Return a fresh code as the line that a technician carries, and as its picture."""
    line = enrolment.build_line(enrolment.Line(*office.public_web(), made.code, pin))
    return EnrolmentOut(
        node=node_id,
        line=line,
        expires_at=at(made.expires_wall_us),
        qr_svg=segno.make(line, error="m", micro=False).svg_inline(scale=4),
    )


def _reachable(office: Office) -> bool:
    """Whether a board would take a line: without a pin it speaks to its own machine alone."""
    by_tls = office.web.context is not None or office.settings.public_web is not None
    return by_tls or office.public_web()[0].startswith("127.")


def _keep_from_caches(response: Response) -> None:
    response.headers["Cache-Control"] = "no-store"
