"""Session descriptions for standard players: which stream of which zone, and where it arrives."""

import ipaddress

from codec import sdp
from controller.errors import ConflictError, NotFoundError
from controller.office import Office
from controller.ports import own_address
from controller.states import ACTIVE
from controller.stations import Roster
from controller.storage.tables import Session

_ONLY_NODES = "Only nodes of ours receive this; give the zone a multicast group or add a node with an rtp_address."
_PORT_OF_NOTHING = 5004
"""What m= says where nothing can be joined. Port 0 would mean a stream that was refused (RFC 3264)."""


async def describe(office: Office, broadcast: Session, zone_id: str | None, node_id: str | None) -> str:
    """Return the SDP of a session in one of its zones: for the zone's multicast group, or for one of its plain RTP
    receivers; where it has neither, an inactive one that says what to do.

    The zone is, unless it is named, the first that somebody can join, else the first. Raises NotFoundError for a zone
    or receiver that the session has not, ConflictError when the session is over or not on air yet, and when a zone has
    several receivers and none is named.
    """
    if broadcast.state not in ACTIVE:
        raise ConflictError("over", f"The session {broadcast.id} is over.", "Start another one.")
    roster = await office.stations.roster()
    zone = roster.zones[_zone_of(broadcast, zone_id, node_id, roster)]
    group = zone.multicast if zone.multicast and not node_id else None
    where = group or _receiver(roster, zone.id, node_id)
    stream = office.memory.streams.get(zone.id)
    if stream is None:
        raise ConflictError("not_on_air", f"The zone {zone.id} is not on air yet.", "Ask again in a moment.")
    address, port = where or (sdp.NOWHERE, _PORT_OF_NOTHING)
    return sdp.build(
        sdp.Description(
            session_id=int(broadcast.id.removeprefix("s-"), 16) >> 1,
            version=stream.media0_us,
            name=f"Loa Xã {zone.title or zone.id}",
            origin=_origin(office.public_media()[0]),
            address=address,
            port=port,
            ssrc=stream.ssrc,
            profile=office.settings.profiles[zone.profile],
            ttl=office.settings.multicast_ttl,
            information="" if where else _ONLY_NODES,
        )
    )


def _origin(host: str) -> str:
    """Return the IPv4 address in ``o=`` for what nodes are told to connect to, which may be a name."""
    try:
        return str(ipaddress.IPv4Address(host))
    except ValueError:
        return own_address()


def _zone_of(broadcast: Session, zone_id: str | None, node_id: str | None, roster: Roster) -> str:
    zones = [zone for zone in broadcast.zones if zone in roster.zones]
    if zone_id in zones:
        return zone_id
    if zone_id is not None or not zones:
        raise NotFoundError(
            "unknown_zone",
            f"The session is not in a zone {zone_id}." if zone_id else "The zones of the session are gone.",
            f"It is in {', '.join(zones) or 'none that is still there'}.",
        )
    if node_id is not None:
        joined = [zone for zone in zones if node_id in _receivers(roster, zone)]
    else:
        joined = [zone for zone in zones if roster.zones[zone].multicast or _receivers(roster, zone)]
    return (joined or zones)[0]


def _receiver(roster: Roster, zone_id: str, node_id: str | None) -> tuple[str, int] | None:
    receivers = _receivers(roster, zone_id)
    if node_id is not None and node_id not in receivers:
        raise NotFoundError(
            "unknown_node",
            f"The zone {zone_id} has no plain RTP receiver {node_id}.",
            f"It has {', '.join(receivers) or 'none; add a node with an rtp_address'}.",
        )
    if node_id is None and len(receivers) > 1:
        raise ConflictError(
            "which_node", "The zone has several RTP receivers.", f"Say ?node= one of {', '.join(receivers)}."
        )
    return next((where for name, where in receivers.items() if node_id in (None, name)), None)


def _receivers(roster: Roster, zone_id: str) -> dict[str, tuple[str, int]]:
    return {
        node.id: (str(node.rtp_address[0]), int(node.rtp_address[1]))
        for node in roster.members[zone_id]
        if node.rtp_address
    }
