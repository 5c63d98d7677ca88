"""Names of nodes and zones, and the topics made of them."""

import hashlib

from .errors import WireError

MAX_NAME_CHARS = 32
_ALLOWED = "abcdefghijklmnopqrstuvwxyz0123456789-"
_ROOT = "loaxa/v1/"

NODE_TOPICS = ("command", "ack", "status", "health", "log")
ZONE_TOPICS = ("session", "schedule")


def check_name(name: str) -> str:
    """Return `name` if it is 1-32 characters of a-z, 0-9 and '-', not starting with '-'; raises WireError.

    The alphabet keeps MQTT wildcards, path separators and look-alikes out of topics, files and addresses.
    """
    if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME_CHARS or name[0] == "-":
        raise WireError("a name is 1 to 32 characters of a-z, 0-9 and '-', and starts with a letter or digit")
    for character in name:
        if character not in _ALLOWED:
            raise WireError("a name is 1 to 32 characters of a-z, 0-9 and '-', and starts with a letter or digit")
    return name


def node_topic(node_id: str, leaf: str) -> str:
    """Return the topic `leaf` (one of NODE_TOPICS) of a node."""
    return _ROOT + "node/" + node_id + "/" + leaf


def zone_topic(zone_id: str, leaf: str) -> str:
    """Return the topic `leaf` (one of ZONE_TOPICS) of a zone."""
    return _ROOT + "zone/" + zone_id + "/" + leaf


def chain_topic(name: str) -> str:
    """Return the topic that tells the keys of a chain, named as its profile."""
    return _ROOT + "chain/" + name


def parse_node_topic(topic: str) -> tuple[str, str]:
    """Return ``(node_id, leaf)`` of a topic made by :func:`node_topic`; raises WireError."""
    parts = topic[: len(_ROOT) + 64].split("/")
    if len(parts) != 5 or topic[: len(_ROOT)] != _ROOT or parts[2] != "node" or parts[4] not in NODE_TOPICS:
        raise WireError("not a node's topic")
    return check_name(parts[3]), parts[4]


def node_tag(node_id: str) -> bytes:
    """Return the 8 bytes that stand for a node in datagrams: the head of SHA-256 of its name."""
    return hashlib.sha256(node_id.encode()).digest()[:8]
