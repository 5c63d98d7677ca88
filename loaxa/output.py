"""Standard output holds the answer and nothing else: text for people, or exactly one JSON object."""

import json
import sys
from typing import Any


class Output:
    """Where a command puts its answer. as_json: one JSON object in place of text."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json

    def answer(self, body: dict[str, Any], text: str) -> None:
        """Print the answer, once a command."""
        if self.as_json:
            print(json.dumps(body, ensure_ascii=False), flush=True)
        elif text:
            print(text, flush=True)

    def note(self, text: str) -> None:
        """Tell something on the way, on standard error."""
        print(text, file=sys.stderr, flush=True)


def table(rows: list[list[str]], heads: list[str]) -> str:
    """Return rows in aligned columns under their heads."""
    lines = [heads, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )
