"""The audit: read, verified and exported; no route changes it."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from controller.audit.log import Audit
from controller.people.permissions import needs
from controller.web.errors import errors
from controller.web.models.people import RecordList, RecordOut, VerdictOut, plain
from controller.web.parts import TheOffice

router = APIRouter(prefix="/api/audit", tags=["audit"])


@router.get("", summary="Read the audit", responses=errors(422), openapi_extra=needs("audit.read"))
async def list_records(
    office: TheOffice,
    before: Annotated[int | None, Query(ge=1, le=2**62, description="records with smaller numbers")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> RecordList:
    """The newest first; for the next page give `before` the last number of this one."""
    return RecordList(records=[RecordOut(**plain(record)) for record in await office.audit.page(before, limit)])


@router.get("/verify", summary="Verify the audit", openapi_extra=needs("audit.read"))
async def verify(office: TheOffice) -> VerdictOut:
    """Reads all of it."""
    verdict = await office.audit.verify()
    return VerdictOut(whole=verdict.whole, n=verdict.head.n, hash=verdict.head.hash, problems=verdict.problems)


@router.get(
    "/export",
    summary="Export the audit",
    response_class=StreamingResponse,
    responses={200: {"content": {"application/jsonl": {}}}},
    openapi_extra=needs("audit.read"),
)
async def export(office: TheOffice) -> StreamingResponse:
    """One record a line, with its hash; `loaxa audit verify FILE` needs nothing else."""
    return StreamingResponse(
        _lines(office.audit),
        media_type="application/jsonl",
        headers={"Content-Disposition": 'attachment; filename="loaxa-audit.jsonl"'},
    )


async def _lines(audit: Audit) -> AsyncIterator[str]:
    async for record in audit.all():
        yield record.line() + "\n"
