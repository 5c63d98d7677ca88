"""Rows of the database as answers."""

from codec.wire.announcement import PRIORITY_NAMES
from controller.audit.record import public_url
from controller.office import Office
from controller.people.who import Who
from controller.storage.tables import Node, Session, Sound, Zone
from controller.web.models.fields import Address, at
from controller.web.models.nodes import NodeOut
from controller.web.models.sessions import SessionOut
from controller.web.models.sounds import SoundOut
from controller.web.models.zones import ZoneOut


def zone_out(office: Office, zone: Zone, nodes: list[Node]) -> ZoneOut:
    """Return a zone as clients see it."""
    stream = office.memory.streams.get(zone.id)
    return ZoneOut(
        id=zone.id,
        title=zone.title,
        profile=zone.profile,
        gain_db=zone.gain_db,
        multicast=_address(zone.multicast),
        sync_group=_address(zone.sync_group),
        area=zone.area,
        nodes=[node.id for node in nodes],
        on_air={"ssrc": stream.ssrc, "media0_us": stream.media0_us, "lead_us": stream.lead_us} if stream else None,
        behind=office.air.leads.behind.get(zone.id, []),
    )


def node_out(office: Office, node: Node, who: Who) -> NodeOut:
    """Return a node as `who` sees it, with its last reports."""
    reports = office.reports.view(node)
    inside = not who.permissions.isdisjoint(("nodes.write", "audit.read"))
    return NodeOut(
        id=node.id,
        title=node.title,
        zone=node.zone,
        gain_db=node.gain_db,
        muted=node.muted,
        delay_us=node.delay_us,
        x_m=node.x_m,
        y_m=node.y_m,
        lat=node.lat,
        lon=node.lon,
        rtp_address=_address(node.rtp_address),
        board=node.board,
        serial=node.serial if inside else None,
        sim_number=node.sim_number if inside else None,
        sim_serial=node.sim_serial if inside else None,
        postal_address=node.postal_address if inside else None,
        horns=node.horns,
        height_m=node.height_m,
        aim_deg=node.aim_deg,
        note=node.note if inside else None,
        enrolled_at=at(node.enrolled_wall_us),
        retired_at=at(node.retired_wall_us),
        state=reports["state"] if node.retired_wall_us is None else "retired",
        status=reports["status"],
        health=reports["health"],
        seen_at=at(reports["seen_wall_us"]),
    )


def session_out(row: Session) -> SessionOut:
    """Return a session as clients see it: of a stream's address without a password or query."""
    source = row.source
    if "url" in source:
        source = {**source, "url": public_url(source["url"])}
    return SessionOut.model_validate(
        {
            "id": row.id,
            "state": row.state,
            "reason": row.reason,
            "source": source,
            "zones": row.zones,
            "priority": PRIORITY_NAMES[row.priority],
            "gain_db": row.gain_db,
            "by": row.account or "local",
            "accepted_at": at(row.accepted_wall_us),
            "ended_at": at(row.ended_wall_us),
            "began_media_us": row.began_media_us,
        }
    )


def sound_out(row: Sound) -> SoundOut:
    """Return a sound as clients see it."""
    return SoundOut(
        id=row.sha256,
        title=row.title,
        duration_s=row.duration_s,
        loudness_lufs=row.loudness_lufs,
        true_peak_db=row.true_peak_db,
        size_bytes=row.size_bytes,
        added_at=at(row.added_wall_us),
    )


def _address(pair: list[object] | None) -> Address | None:
    return Address.model_validate({"host": pair[0], "port": pair[1]}) if pair else None
