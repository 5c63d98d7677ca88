"""The key of a zone's nodes among themselves follows who they are."""

from controller.announcer import lan_key
from controller.storage.tables import Node


def node(name: str, key: bytes) -> Node:
    return Node(id=name, zone="thon-1", key=key)


def test_it_is_another_one_whenever_a_node_comes_goes_or_is_replaced() -> None:
    one, two, three = node("a", b"1" * 32), node("b", b"2" * 32), node("c", b"3" * 32)
    replaced = node("b", b"4" * 32)
    keys = {
        lan_key("thon-1", [one, two]),
        lan_key("thon-1", [one, two, three]),
        lan_key("thon-1", [one]),
        lan_key("thon-1", [one, replaced]),
        lan_key("thon-2", [one, two]),
    }
    assert len(keys) == 5
    assert lan_key("thon-1", [two, one]) == lan_key("thon-1", [one, two])
