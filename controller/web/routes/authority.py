"""The commune's certificate authority, for whoever is to trust it."""

from fastapi import APIRouter
from fastapi.responses import Response

from controller.web.parts import TheOffice

router = APIRouter(tags=["transport"])


@router.get("/ca.pem", summary="The authority", response_class=Response)
async def authority(office: TheOffice) -> Response:
    """The certificate by which phones and programs know this controller. It is no secret; compare its fingerprint."""
    return Response(
        office.transport.authority.certificate_pem,
        media_type="application/x-pem-file",
        headers={"Content-Disposition": 'attachment; filename="loaxa-ca.pem"'},
    )
