"""The audit: read, verified and exported; no route changes it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime

from controller.audit.log import Audit
from controller.audit.search import Search
from controller.people.permissions import needs
from controller.web.errors import errors
from controller.web.models.fields import at
from controller.web.models.people import RecordList, RecordOut, VerdictOut, plain
from controller.web.parts import TheOffice

router = APIRouter(prefix="/api/audit", tags=["audit"])


@router.get("", summary="Read the audit", responses=errors(422), openapi_extra=needs("audit.read"))
async def list_records(
    office: TheOffice,
    before: Annotated[int | None, Query(ge=1, le=2**62, description="records with smaller numbers")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    who: Annotated[str | None, Query(max_length=120, description="how the name begins")] = None,
    action: Annotated[str | None, Query(max_length=40, description="how it begins: `node.` is all of nodes")] = None,
    thing: Annotated[str | None, Query(alias="object", max_length=200, description="how its id begins")] = None,
    text: Annotated[str | None, Query(max_length=200, description="somewhere in the details or the object")] = None,
    since: Annotated[AwareDatetime | None, Query(alias="from", description="from this time on")] = None,
    until: Annotated[AwareDatetime | None, Query(alias="to", description="before this time")] = None,
) -> RecordList:
    """The newest first; for the next page give `before` the last number of this one, and the rest as before."""
    search = Search(who, action, thing, text, _us(since), _us(until))
    records = await office.audit.page(before, limit, search)
    return RecordList(records=[RecordOut(**plain(record)) for record in records])


@router.get("/verify", summary="Verify the audit", openapi_extra=needs("audit.read"))
async def verify(office: TheOffice) -> VerdictOut:
    """Reads all of it."""
    verdict = await office.audit.verify()
    return VerdictOut(
        whole=verdict.whole,
        n=verdict.head.n,
        hash=verdict.head.hash,
        problems=verdict.problems,
        whole_to=verdict.whole_to,
        first_at=at(verdict.first_us),
        last_at=at(verdict.last_us),
    )


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


def _us(time: datetime | None) -> int | None:
    """Return a time as wall microseconds."""
    return None if time is None else (time - datetime.fromtimestamp(0, UTC)) // timedelta(microseconds=1)


async def _lines(audit: Audit) -> AsyncIterator[str]:
    async for record in audit.all():
        yield record.line() + "\n"
