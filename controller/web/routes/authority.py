"""The commune's certificate authority, for whoever is to trust it."""

from datetime import datetime

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import BaseModel

from controller.bodies import Body
from controller.people.permissions import needs
from controller.web.errors import errors
from controller.web.parts import TheOffice

router = APIRouter(tags=["transport"])


class AuthorityOut(BaseModel):
    """The authority, and how far its rotation is.

    fingerprint, next_fingerprint: SHA-256, hexadecimal; the next one signs once no node is waited for. old_trusted:
    nodes may still trust the one before. waiting: nodes that have yet to answer.
    """

    fingerprint: str
    expires_at: datetime
    pem: str
    next_fingerprint: str | None
    old_trusted: bool
    waiting: list[str]


class Rotate(Body):
    """now: do not wait for nodes; those that have not learnt of the next authority must be enrolled anew."""

    now: bool = False


@router.get("/ca.pem", summary="The authority", response_class=Response)
async def authority(office: TheOffice) -> Response:
    """The certificate by which phones and programs know this controller. It is no secret; compare its fingerprint."""
    return Response(
        office.transport.authority.certificate_pem,
        media_type="application/x-x509-ca-cert",  # what telephones offer to install
        headers={"Content-Disposition": 'attachment; filename="loaxa-ca.crt"'},  # what Windows opens as a certificate
    )


@router.get("/api/ca", summary="Read the authority", openapi_extra=needs("read"))
async def read_authority(office: TheOffice) -> AuthorityOut:
    """The certificate authority of this commune."""
    return AuthorityOut(**await office.transport.rotation.state())


@router.post(
    "/api/ca/rotate",
    summary="Rotate the authority",
    responses=errors(422),
    openapi_extra=needs("authority.write", "authority.rotate"),
)
async def rotate(office: TheOffice, body: Rotate) -> AuthorityOut:
    """Makes the next authority and tells every node; when all have it, it takes the place of this one by itself."""
    await office.transport.rotation.begin(
        body.now or office.broker is None
    )  # another's broker: nodes do not go by ours
    return AuthorityOut(**await office.transport.rotation.state())
