"""What Prometheus collects."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from controller.metrics.exposition import CONTENT_TYPE
from controller.people.permissions import needs
from controller.web.parts import TheOffice

router = APIRouter(tags=["health"])


@router.get(
    "/metrics",
    summary="Measurements for Prometheus",
    response_class=PlainTextResponse,
    openapi_extra=needs("read"),
)
async def metrics(request: Request, office: TheOffice) -> Response:
    """In Prometheus' text format, two seconds old at most. Give Prometheus a token with the scope `read`."""
    plain, packed = await office.metrics.page()
    compressed = "gzip" in request.headers.get("accept-encoding", "")
    headers = {"Vary": "Accept-Encoding", "Cache-Control": "no-store"}
    if compressed:
        headers["Content-Encoding"] = "gzip"
    return Response(packed if compressed else plain, media_type=CONTENT_TYPE, headers=headers)
