"""The one table of what may be done and who may do it. Whatever is not in it may be done by nobody."""

from collections.abc import Iterable
from typing import Any

SELF = "self"
"""What everybody who is signed in may do: see who he is, sign out, change his own password, codes and tokens."""
ANYONE = "anyone"
"""What also every token may do: ask whose it is, revoke itself."""
OPEN = "open"
"""What also who has not said who he is may do: be shown a page, which then asks him."""
LOCAL = "local"

PERMISSIONS = {
    "read": "see zones, nodes, sessions, sounds and what happens",
    "broadcast": "put on air, change and stop what is on air",
    "broadcast.emergency": "put on air with the priority of an emergency",
    "sounds.write": "store and remove sounds",
    "zones.write": "add, change and remove zones",
    "nodes.write": "add, change, order and remove nodes",
    "nodes.enrol": "make enrolment codes, retire nodes",
    "alerts.write": "acknowledge alerts",
    "notify.test": "send a test message by a channel of notification",
    "authority.write": "change the authority that nodes and browsers know this controller by",
    "people.read": "see accounts and tokens",
    "people.write": "add, change and remove accounts; remove tokens of others; never by a token",
    "audit.read": "read, verify and export the audit",
}
BY_HAND = frozenset({"people.write"})
"""What no token may do: a stolen one makes no account, no password and no other token that would outlive it."""
ROLES: dict[str, frozenset[str]] = {
    "administrator": frozenset(PERMISSIONS),
    "operator": frozenset({"read", "broadcast", "broadcast.emergency", "sounds.write", "alerts.write"}),
    "approver": frozenset({"read", "broadcast", "broadcast.emergency", "sounds.write", "alerts.write"}),
    "technician": frozenset(
        {"read", "broadcast", "sounds.write", "zones.write", "nodes.write", "nodes.enrol", "alerts.write"}
    ),
    "auditor": frozenset({"read", "people.read", "audit.read"}),
    "board": frozenset({"read"}),
}
PUBLIC = frozenset(
    {"/static", "/ca.pem", "/api/health", "/api/enrol", "/api/sign-in", "/api/oidc/start", "/api/oidc/return"}
)
"""Routes for people, boards and programs that have not said who they are. The full state is told to `read` alone."""
CHANGING = frozenset({"/api/oidc/return"})
"""Routes that change something by GET: another site's page leads there, and proves by a state that it may."""
PLAIN = {"/api/openapi.json": "read"}
"""Routes of the framework, which cannot declare what they need."""


def of_roles(roles: Iterable[str]) -> frozenset[str]:
    """Return what these roles together may do; a role that is unknown may do nothing."""
    return frozenset[str]().union(*(ROLES.get(role, frozenset()) for role in roles))


def needs(permission: str, action: str = "") -> dict[str, Any]:
    """Return what a route declares, as its `openapi_extra`. action: what the audit calls it; needed where it changes.

    Raises ValueError for a permission that does not exist.
    """
    if permission not in (SELF, ANYONE, OPEN) and permission not in PERMISSIONS:
        raise ValueError(f"there is no permission {permission}")
    return {"x-permission": permission, "x-action": action}
