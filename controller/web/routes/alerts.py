"""What is wrong, who has seen it, and how people are told of it."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime

from codec.wire.names import MAX_NAME_CHARS
from controller.alerts.kinds import FAULT
from controller.people.permissions import needs
from controller.web.errors import errors
from controller.web.models.alerts import (
    Acknowledgement,
    AlertList,
    AlertOut,
    ChannelList,
    ChannelOut,
    TestRequest,
    TrialList,
    TrialOut,
)
from controller.web.parts import TheOffice, TheWho

router = APIRouter(prefix="/api", tags=["alerts"])


@router.get("/alerts", summary="List alerts", responses=errors(422), openapi_extra=needs("read"))
async def list_alerts(
    office: TheOffice,
    active: Annotated[bool | None, Query(description="true: what is wrong now; false: what is over; else both")] = None,
    node: Annotated[str | None, Query(max_length=MAX_NAME_CHARS, description="of this node alone")] = None,
    before: Annotated[AwareDatetime | None, Query(description="since before this time: the next page")] = None,
    limit: Annotated[int, Query(ge=1, le=5000)] = 500,
) -> AlertList:
    """What is wrong now comes faults first, everything else the newest first."""
    before_us = None if before is None else round(before.timestamp() * 1_000_000)
    found = await office.alerts.page(active, node, before_us, limit)
    severities = [alert.severity for alert in office.alerts.active()]
    faults = severities.count(FAULT)
    return AlertList(
        alerts=[AlertOut.model_validate(alert.public()) for alert in found],
        faults=faults,
        warnings=len(severities) - faults,
    )


@router.post(
    "/alerts/{alert_id}/acknowledge",
    summary="Acknowledge an alert",
    responses=errors(404, 422, 503),
    openapi_extra=needs("alerts.write", "alert.acknowledge"),
)
async def acknowledge(office: TheOffice, who: TheWho, alert_id: str, body: Acknowledgement) -> AlertOut:
    """Somebody has seen it. It stays until it is over; the last acknowledgement and its note count."""
    return AlertOut.model_validate((await office.alerts.acknowledge(alert_id, who.name, body.note)).public())


@router.get("/notify", summary="List channels of notification", openapi_extra=needs("read"))
async def list_channels(office: TheOffice) -> ChannelList:
    """What `[[notify]]` of the settings says, without secrets and addresses, and whether it gets through."""
    channels = []
    for courier in office.notifier.couriers.values():
        settings = courier.settings
        channels.append(
            ChannelOut(
                name=settings.name,
                kind=settings.kind,
                language=settings.language,
                min_severity=settings.min_severity,
                kinds=sorted(settings.alerts),
                failing=courier.failing,
                hint=courier.hint,
                waiting=await courier.queue.waiting(),
            )
        )
    return ChannelList(channels=channels)


@router.post(
    "/notify/test",
    summary="Send a test message",
    responses=errors(404, 409, 422),
    openapi_extra=needs("notify.test", "notify.test"),
)
async def try_channels(office: TheOffice, body: TestRequest) -> TrialList:
    """Sends it now, by one channel or by all, and answers what came of it; at most some 25 s."""
    trials = await office.notifier.try_them(body.channel)
    return TrialList(
        results=[
            TrialOut(name=each.name, kind=each.kind, sent=each.error is None, error=each.error, hint=each.hint)
            for each in trials
        ]
    )
