"""The rules of WCAG 2.2, levels A and AA, as far as a machine can judge them: axe-core, in the page itself."""

import json
from functools import cache
from pathlib import Path

from playwright.sync_api import Page

from tests import needs

AXE = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"
TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")


@cache
def _source() -> str:
    if not AXE.exists():
        needs.missing("axe-core is not installed; run: scripts/assets")
    return AXE.read_text(encoding="utf-8")


def violations(page: Page) -> list[str]:
    """Return what is wrong with the page as it is now: rule, element, and what to do, a line each."""
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(_source())
    options = {"runOnly": {"type": "tag", "values": TAGS}, "resultTypes": ["violations"]}
    found = page.evaluate(f"axe.run(document, {json.dumps(options)}).then((result) => result.violations)")
    return [
        f"{rule['id']}: {node['html'][:200]} ({' '.join(node['failureSummary'].split())[:300]})"
        for rule in found
        for node in rule["nodes"]
    ]
