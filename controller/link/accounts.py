"""Who may do what at our own broker: made from the nodes in the database, told to mosquitto's dynamic security plugin.

Whatever is not allowed here is denied. A node's account is bound to its client id, so that even its own key does not
let two of it in.
"""

import base64
import hashlib
import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from codec.wire.mac import derive
from codec.wire.names import ZONE_TOPICS, node_topic, zone_topic
from controller.storage.tables import Node

CONTROLLER = "LoaxaController"
"""User and client id of the controller: no node can have either, since names have no capitals (codec.wire.names).

Letters and digits alone, at most 23: what every broker takes (MQTT 3.1.1, 3.1.3.1).
"""
CONTROL_TOPIC = "$CONTROL/dynamic-security/v1"
RESPONSE_TOPIC = CONTROL_TOPIC + "/response"
CHAIN_TOPICS = "loaxa/v1/chain/+"
"""Where keys that authenticate sound are announced, to every node."""
NODE_SAYS = ("status", "health", "ack", "log")
_ITERATIONS = 101
"""Enough for passwords of 256 random bits, and a thousand of them are hashed at a start."""

Commands = list[dict[str, Any]]


@dataclass(frozen=True)
class Account:
    """One node's account at the broker."""

    node_id: str
    password: str
    zone: str


def account(node: Node) -> Account:
    """Return the account of a node."""
    return Account(node.id, derive(node.key, "broker").hex(), node.zone)


class Accounts:
    """The accounts that should be (:meth:`want`), and those that the broker has.

    password: of the controller itself; drawn anew at every start.
    """

    def __init__(self) -> None:
        self.password = secrets.token_urlsafe(32)
        self._wanted: dict[str, Account] = {}
        self._applied: dict[str, Account] = {}
        self._zones: set[str] = set()

    def want(self, nodes: Iterable[Node]) -> None:
        """Take over who is a node now; plain receivers and retired nodes have no account."""
        self._wanted = {
            node.id: account(node) for node in nodes if node.rtp_address is None and node.retired_wall_us is None
        }

    def document(self) -> bytes:
        """Return the plugin's file for a broker that starts now."""
        self._applied = dict(self._wanted)
        self._zones = {each.zone for each in self._wanted.values()}
        clients = [_client(CONTROLLER, self.password, CONTROLLER, [CONTROLLER])]
        roles = [_controller_role(), _chain_role(), *(_zone_role(zone) for zone in sorted(self._zones))]
        for each in self._wanted.values():
            clients.append(_client(each.node_id, each.password, _client_id(each), _roles(each)))
            roles.append(_node_role(each.node_id))
        denied = {"publishClientSend": False, "publishClientReceive": False, "subscribe": False, "unsubscribe": True}
        return json.dumps({"defaultACLAccess": denied, "clients": clients, "groups": [], "roles": roles}).encode()

    def changes(self) -> Commands:
        """Return what to tell the broker; empty: it has what it should. :meth:`applied` says that it took them.

        Whoever is gone or has another key or zone is thrown out by the broker as it takes this.
        """
        commands: Commands = []
        for node_id in self._applied.keys() - self._wanted.keys():
            commands.append({"command": "deleteClient", "username": node_id})
            commands.append({"command": "deleteRole", "rolename": _role(node_id)})
        for zone in sorted({each.zone for each in self._wanted.values()} - self._zones):
            commands.append({"command": "createRole", **_zone_role(zone)})
        for each in self._wanted.values():
            known = self._applied.get(each.node_id)
            if known == each:
                continue
            login = {"username": each.node_id, "password": each.password, "roles": _named(_roles(each))}
            if known is None:
                commands.append({"command": "createRole", **_node_role(each.node_id)})
                commands.append({"command": "createClient", **login, "clientid": _client_id(each)})
            else:
                commands.append({"command": "modifyClient", **login})
                commands.append({"command": "enableClient", "username": each.node_id})  # another board may be it now
        return commands

    def snapshot(self) -> tuple[dict[str, Account], set[str]]:
        """Return what :meth:`changes` leads to."""
        return dict(self._wanted), self._zones | {each.zone for each in self._wanted.values()}

    def applied(self, reached: tuple[dict[str, Account], set[str]]) -> None:
        """The broker has taken what led to this."""
        self._applied, self._zones = reached


def _client(username: str, password: str, client_id: str, roles: list[str]) -> dict[str, Any]:
    salt = secrets.token_bytes(12)
    hashed = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _ITERATIONS)
    return {
        "username": username,
        "clientid": client_id,
        "password": base64.b64encode(hashed).decode(),
        "salt": base64.b64encode(salt).decode(),
        "iterations": _ITERATIONS,
        "roles": _named(roles),
    }


def _client_id(each: Account) -> str:
    return f"loaxa-{each.node_id}"


def _role(node_id: str) -> str:
    return f"node-{node_id}"


def _roles(each: Account) -> list[str]:
    return [_role(each.node_id), f"zone-{each.zone}", "chain"]


def _named(roles: list[str]) -> list[dict[str, str]]:
    return [{"rolename": role} for role in roles]


def _rules(rolename: str, *rules: tuple[str, str]) -> dict[str, Any]:
    return {
        "rolename": rolename,
        "acls": [{"acltype": kind, "topic": topic, "priority": 0, "allow": True} for kind, topic in rules],
    }


def _hears(topic: str, kind: str = "subscribeLiteral") -> tuple[tuple[str, str], tuple[str, str]]:
    return (kind, topic), ("publishClientReceive", topic)


def _node_role(node_id: str) -> dict[str, Any]:
    says = (("publishClientSend", node_topic(node_id, leaf)) for leaf in NODE_SAYS)
    return _rules(_role(node_id), *says, *_hears(node_topic(node_id, "command")))


def _zone_role(zone: str) -> dict[str, Any]:
    return _rules(f"zone-{zone}", *(rule for leaf in ZONE_TOPICS for rule in _hears(zone_topic(zone, leaf))))


def _chain_role() -> dict[str, Any]:
    return _rules("chain", *_hears(CHAIN_TOPICS, "subscribePattern"))


def _controller_role() -> dict[str, Any]:
    return _rules(
        CONTROLLER,
        ("publishClientSend", "loaxa/v1/#"),
        *_hears("loaxa/v1/#", "subscribePattern"),
        ("publishClientSend", CONTROL_TOPIC),
        *_hears(RESPONSE_TOPIC),
    )
