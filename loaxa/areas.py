"""``loaxa area``: provinces, communes and villages, and their borders."""

import json
from argparse import Namespace
from pathlib import Path
from typing import Any

from loaxa.client import Controller, segment
from loaxa.errors import CommandError
from loaxa.output import Output, table

MAX_FILE_BYTES = 10_000_000


def run(controller: Controller, args: Namespace, output: Output) -> int:
    """add, list, remove, set."""
    if args.action == "add":
        made = controller.post("/areas", {"id": args.id, **_given(args)})
        output.answer(made, f"Area {made['id']} added.")
    elif args.action == "set":
        changes = _given(args)
        if not changes:
            raise CommandError("Say what to change: --title, --kind, --parent or --outline.")
        output.answer(controller.patch(f"/areas/{segment(args.id)}", changes), f"Area {args.id} changed.")
    elif args.action == "remove":
        controller.delete(f"/areas/{segment(args.id)}")
        output.answer({"removed": args.id}, f"Area {args.id} removed.")
    else:
        answer = controller.get("/areas")
        zones = [zone["area"] for zone in controller.get("/zones")["zones"]]
        rows = [
            ["  " * depth + area["id"], area["title"], area["kind"], str(zones.count(area["id"])), _border(area)]
            for depth, area in _tree(answer["areas"])
        ]
        output.answer(answer, table(rows, ["area", "title", "kind", "zones", "border"]))
    return 0


def _given(args: Namespace) -> dict[str, Any]:
    values = {name: getattr(args, name) for name in ("title", "kind", "parent") if getattr(args, name) is not None}
    if values.get("parent") == "none":
        values["parent"] = None
    if args.outline is not None:
        values["outline_geojson"] = polygon(args.outline)
    return values


def polygon(path: Path) -> dict[str, Any]:
    """Return the one polygon of a GeoJSON file, also where it stands in a feature or in a collection of one.

    Raises CommandError where there is none, or several.
    """
    try:
        with path.open("rb") as file:
            found = json.loads(file.read(MAX_FILE_BYTES))
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from None
    except (ValueError, RecursionError):
        raise CommandError(f"{path} is no GeoJSON.") from None
    if isinstance(found, dict) and found.get("type") == "FeatureCollection":
        features = found.get("features")
        found = features[0] if isinstance(features, list) and len(features) == 1 else None
    if isinstance(found, dict) and found.get("type") == "Feature":
        found = found.get("geometry")
    if isinstance(found, dict) and found.get("type") == "MultiPolygon":
        parts = found.get("coordinates")
        found = {"type": "Polygon", "coordinates": parts[0]} if isinstance(parts, list) and len(parts) == 1 else None
    if not isinstance(found, dict) or found.get("type") != "Polygon":
        raise CommandError(f"{path} has not exactly one polygon: an area has one border.")
    return found


def _tree(areas: list[dict[str, Any]], parent: str | None = None, depth: int = 0) -> list[tuple[int, dict[str, Any]]]:
    found = []
    for area in areas:
        if area["parent"] == parent:
            found += [(depth, area), *_tree(areas, area["id"], depth + 1)]
    return found


def _border(area: dict[str, Any]) -> str:
    return f"{len(area['outline'])} points" if area["outline"] else ""
