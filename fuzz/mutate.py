"""Changes JSON as a tree: changed as bytes it is hardly ever JSON any more, and nothing behind a brace is reached."""

import copy
import json
import random
from typing import Any

ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 1 << 31, 1 << 63, -(1 << 63), 10**400, 0.5, -0.0, 1e308, float("nan"), float("inf"),
    "", "a", "\0", "\ud800", "ộ", "a" * 5000, "00" * 16, "00" * 32, "239.0.0.1", "lan", [], {}, [[]], [None, 1],
)  # fmt: skip


def mutate(data: bytes, max_size: int, seed: int) -> bytes | None:
    """Return JSON with a few values changed, removed or moved; None for what is no JSON, or became too long."""
    chance = random.Random(seed)
    try:
        tree = json.loads(data)
        for _ in range(chance.randint(1, 3)):
            tree = _changed(tree, chance)
        made = json.dumps(tree).encode()
    except (ValueError, RecursionError):
        return None
    return made if len(made) <= max_size else None


def _changed(tree: Any, chance: random.Random) -> Any:
    places = list(_places(tree))
    if not places:
        return copy.deepcopy(chance.choice(ODD))
    holder, key = chance.choice(places)
    action = chance.randrange(5)
    if action == 0:
        del holder[key]
    elif action == 1:
        other, its_key = chance.choice(places)
        holder[key] = copy.deepcopy(other[its_key])
    elif action == 2 and isinstance(holder, list):
        holder.insert(key, copy.deepcopy(holder[key]))
    elif action == 3 and isinstance(holder[key], int):
        holder[key] += chance.choice((-1, 1, 255, -65536))
    else:
        holder[key] = copy.deepcopy(chance.choice(ODD))
    return tree


def _places(tree: Any) -> Any:
    """Yield every (holder, key) of a tree."""
    entries = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in list(entries):
        yield tree, key
        yield from _places(value)
