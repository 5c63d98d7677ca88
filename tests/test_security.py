"""The threat model names tests; they must exist, else it promises what nothing shows."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "security.md"


def test_every_test_that_the_threat_model_names_exists() -> None:
    named, path = 0, Path()
    for match in re.finditer(r"`([\w/.-]*)::(\w+)`|`([\w-]+\.toml)`", DOCUMENT.read_text(encoding="utf-8")):
        file, function, scenario = match.groups()
        named += 1
        if scenario:
            assert (ROOT / "scenarios" / scenario).is_file(), scenario
            continue
        path = ROOT / "tests" / file if file else path
        assert path.is_file(), path
        body = ast.parse(path.read_text(encoding="utf-8")).body
        defined = {each.name for each in body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)}
        assert function in defined, f"{path.name} has no {function}"
    assert named > 100
