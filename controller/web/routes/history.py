"""What nodes told over time."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime, Field

from controller.clock import wall_us
from controller.errors import UnusableError
from controller.people.permissions import needs
from controller.trends import read
from controller.trends.compact import DAY
from controller.trends.sample import MINUTE_US
from controller.web.errors import errors
from controller.web.models.history import HistoryOut
from controller.web.parts import TheOffice

router = APIRouter(prefix="/api/nodes", tags=["nodes"])

MAX_POINTS = 2000
MAX_DAYS = 400


@router.get(
    "/{node_id}/history",
    summary="What a node told over time",
    response_model=HistoryOut,
    responses=errors(404, 422),
    openapi_extra=needs("read"),
)
async def history(
    request: Request,
    office: TheOffice,
    node_id: str,
    series: Annotated[
        list[Annotated[str, Field(max_length=64)]],
        Query(default_factory=list, max_length=50, description="only these; without it: all"),
    ],
    from_: Annotated[
        AwareDatetime | None, Query(alias="from", description="with a time zone; without it: a day before `to`")
    ] = None,
    to: Annotated[AwareDatetime | None, Query(description="not included; without it: now")] = None,
    points: Annotated[int, Query(ge=1, le=MAX_POINTS, description="how many steps at most")] = 600,
) -> Response:
    """Gauges, counters and states of up to 400 days in steps of whole minutes. A minute is here when it is over."""
    await office.stations.node(node_id)
    last = _minute(to) if to else wall_us() // MINUTE_US
    first = _minute(from_) if from_ else last - DAY
    if not 0 <= first < last <= first + MAX_DAYS * DAY:
        raise UnusableError(
            "span", f"`to` must come after `from`, by a minute at least and {MAX_DAYS} days at most.", "Correct them."
        )
    asked = read.span(first, last, points)
    compressed = "gzip" in request.headers.get("accept-encoding", "")
    async with office.plotting:
        kept = await read.fetch(office.database, node_id, asked)
        answer = await asyncio.to_thread(read.body, kept, asked, frozenset(series), compressed)
    headers = {"Vary": "Accept-Encoding", "Cache-Control": "no-store"}
    if compressed:
        headers["Content-Encoding"] = "gzip"
    return Response(answer, media_type="application/json", headers=headers)


def _minute(time: datetime) -> int:
    """Return the whole minute of UTC that a time is in; out of reach of the clock it is before all of them."""
    try:
        return int(time.astimezone(UTC).timestamp() // 60)
    except (OverflowError, ValueError):  # the year 1 in the east
        return -1
