"""Session descriptions for standard players: which stream of which zone, and where it arrives."""

from codec import sdp
from controller.errors import ConflictError, NotFoundError
from controller.office import Office
from controller.states import ACTIVE
from controller.stations import Roster
from controller.storage.tables import Session


async def describe(office: Office, broadcast: Session, zone_id: str | None, node_id: str | None) -> str:
    """Return the SDP of a session in one of its zones, for its multicast group or one of its plain RTP receivers.

    Raises NotFoundError for a zone or receiver that the session has not, ConflictError when the session is over or not
    on air yet, and when the choice is not clear or there is none.
    """
    if broadcast.state not in ACTIVE:
        raise ConflictError("over", f"The session {broadcast.id} is over.", "Start another one.")
    roster = await office.stations.roster()
    zone = roster.zones[_zone_of(broadcast, zone_id, roster)]
    address, port = zone.multicast if zone.multicast and not node_id else _receiver(roster, zone.id, node_id)
    stream = office.memory.streams.get(zone.id)
    if stream is None:
        raise ConflictError("not_on_air", f"The zone {zone.id} is not on air yet.", "Ask again in a moment.")
    return sdp.build(
        sdp.Description(
            session_id=int(broadcast.id.removeprefix("s-"), 16) >> 1,
            version=stream.media0_us,
            name=f"Loa Xã {zone.title or zone.id}",
            origin=office.public_media()[0],
            address=address,
            port=port,
            ssrc=stream.ssrc,
            profile=office.settings.profiles[zone.profile],
        )
    )


def _zone_of(broadcast: Session, zone_id: str | None, roster: Roster) -> str:
    zones = [zone for zone in broadcast.zones if zone in roster.zones]
    if zone_id is not None:
        if zone_id not in zones:
            raise NotFoundError(
                "unknown_zone",
                f"The session is not in a zone {zone_id}.",
                f"It is in {', '.join(zones) or 'none that is still there'}.",
            )
        return zone_id
    described = [zone for zone in zones if roster.zones[zone].multicast or _receivers(roster, zone)]
    if not described:
        raise ConflictError(
            "only_nodes",
            "The packets of this session go to nodes of ours alone.",
            "Give the zone a multicast group, or add a node with an rtp_address.",
        )
    if len(described) > 1:
        raise ConflictError(
            "which_zone",
            "Several zones of this session can be described.",
            f"Say ?zone= one of {', '.join(described)}.",
        )
    return described[0]


def _receiver(roster: Roster, zone_id: str, node_id: str | None) -> tuple[str, int]:
    receivers = _receivers(roster, zone_id)
    if node_id is not None and node_id not in receivers:
        raise NotFoundError(
            "unknown_node",
            f"The zone {zone_id} has no plain RTP receiver {node_id}.",
            f"It has {', '.join(receivers) or 'none; add a node with an rtp_address'}.",
        )
    if not receivers:
        raise ConflictError(
            "only_nodes",
            f"The packets of the zone {zone_id} go to nodes of ours alone.",
            "Give the zone a multicast group, or add a node with an rtp_address.",
        )
    if node_id is None and len(receivers) > 1:
        raise ConflictError(
            "which_node", "The zone has several RTP receivers.", f"Say ?node= one of {', '.join(receivers)}."
        )
    return receivers[node_id or next(iter(receivers))]


def _receivers(roster: Roster, zone_id: str) -> dict[str, tuple[str, int]]:
    return {
        node.id: (str(node.rtp_address[0]), int(node.rtp_address[1]))
        for node in roster.members[zone_id]
        if node.rtp_address
    }
