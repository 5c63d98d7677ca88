"""Everything that a page of nodes shows at first, in one small answer."""

import asyncio
import gzip
import json
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from controller.office import Office
from controller.people.permissions import needs
from controller.rows import COLUMNS
from controller.web.models.areas import AreaOut
from controller.web.models.fields import at
from controller.web.models.nodes import Stranger
from controller.web.models.zones import ZoneOut
from controller.web.routes.areas import area_out
from controller.web.views import zone_out

router = APIRouter(prefix="/api", tags=["overview"])

_GZIP_LEVEL = 4
"""Half the time of level 6, for a twentieth more bytes (2,000 nodes)."""


class Rows(BaseModel):
    """Rows by id, a value for each column."""

    columns: list[str] = Field(examples=[list(COLUMNS)])
    rows: list[list[Any]]


class OverviewOut(BaseModel):
    """Nodes as rows, so that no name is told two thousand times; zones, areas, and strangers (at most 200)."""

    nodes: Rows
    zones: list[ZoneOut]
    areas: list[AreaOut]
    unknown: list[Stranger]


class Prepared:
    """The answer as it was made last, compressed too."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._key: Any = None
        self._plain = b""
        self._compressed: asyncio.Future[bytes] | None = None

    async def get(self, compressed: bool) -> bytes:
        """Return the bytes of the answer; made anew, once for everybody, when something changed."""
        office = self._office
        key = (office.overview.version, office.areas.generation, tuple(office.reports.unknown.items()))
        if key != self._key:
            self._plain = await _write(self._office)
            self._key, self._compressed = key, None
        if not compressed:
            return self._plain
        if self._compressed is None:
            self._compressed = asyncio.ensure_future(asyncio.to_thread(gzip.compress, self._plain, _GZIP_LEVEL))
        return await asyncio.shield(self._compressed)


@router.get(
    "/overview",
    summary="All nodes and zones at a glance",
    response_model=OverviewOut,
    openapi_extra=needs("read"),
)
async def overview(request: Request) -> Response:
    """Begin to watch `/api/events` first: whatever changes after this answer was made is in its `nodes` events.

    `columns` says what the values of a row are. since_ms: since when in that state. alert: the kind of its worst
    alert. on_air: something is on air in its zone; playing: the node said last that it plays just that. enrolled: a
    board has its key. rtp: a plain RTP receiver. link, signal_dbm, temperature_c, speaker: as it told last.
    """
    compressed = "gzip" in request.headers.get("accept-encoding", "")
    prepared = request.app.state.overview
    assert isinstance(prepared, Prepared)
    raw = await prepared.get(compressed)
    headers = {"Vary": "Accept-Encoding", "Cache-Control": "no-store"}
    if compressed:
        headers["Content-Encoding"] = "gzip"
    return Response(raw, media_type="application/json", headers=headers)


async def _write(office: Office) -> bytes:
    roster = await office.stations.roster()
    zones = [zone_out(office, zone, roster.members[zone.id]) for zone in roster.zones.values()]
    strangers = [Stranger(id=name, seen_at=at(seen)) for name, seen in office.reports.unknown.items()]
    areas = [area_out(area) for area in await office.areas.all()]
    parts = {
        "zones": b"[" + b",".join(zone.model_dump_json().encode() for zone in zones) + b"]",
        "areas": b"[" + b",".join(area.model_dump_json().encode() for area in areas) + b"]",
        "unknown": b"[" + b",".join(each.model_dump_json().encode() for each in strangers) + b"]",
    }
    columns = json.dumps(COLUMNS, separators=(",", ":")).encode()
    rows = b",".join(office.overview.rows())
    rest = b"".join(b',"%s":%s' % (name.encode(), raw) for name, raw in parts.items())
    return b'{"nodes":{"columns":%s,"rows":[%s]}%s}' % (columns, rows, rest)
