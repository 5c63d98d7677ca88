"""Every error that the controller answers has a text for people, in both languages."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import controller
from controller.web import errors
from controller.web.page import CATALOGUE, LANGUAGES

SOURCE = Path(controller.__file__).parent
CHOSEN = {"_CODES.get(error.status_code, 'bad_request')", "_text(message, 'code')"}
"""Codes that are looked up: those of HTTP, which are added below; and what a child says, which raised it itself."""
ORDERS = {"unknown_node", "retired", "plain_receiver", "broker_away"}
"""What `POST /api/nodes/commands` says of a node."""


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _families(trees: dict[Path, ast.Module]) -> set[str]:
    """Return the names of ControllerError, of all that are one, and of what a source fails with."""
    found = {"ControllerError"}
    classes = [each for tree in trees.values() for each in ast.walk(tree) if isinstance(each, ast.ClassDef)]
    for _ in classes:
        found |= {each.name for each in classes if any(_name(base) in found for base in each.bases)}
    return (found - {"StartError"}) | {"IngestError", "Failed"}


def _codes() -> Iterator[str]:
    trees = {path: ast.parse(path.read_text()) for path in SOURCE.rglob("*.py")}
    families = _families(trees)
    for path, tree in trees.items():
        for call in (each for each in ast.walk(tree) if isinstance(each, ast.Call)):
            name = _name(call.func)
            at = 1 if name == "error_response" else 0
            if (at == 0 and name not in families) or len(call.args) <= at:
                continue
            code = call.args[at]
            if isinstance(code, ast.Constant):
                assert isinstance(code.value, str)
                yield code.value
            elif _name(code) != "code":  # an error's own code, handed on, was written where that was made
                assert ast.unparse(code) in CHOSEN, f"{path}:{call.lineno}: write the code there"
    yield from errors._CODES.values()
    yield "bad_request"


CODES = sorted(set(_codes()))


def test_the_source_was_read() -> None:
    assert {"unknown_zone", "mistake", "sign_in_needed", "no_sound", "too_often", "wrong_type"} <= set(CODES)
    assert set(CODES) >= ORDERS
    assert len(CODES) > 80


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_has_a_text(language: str) -> None:
    texts = json.loads((CATALOGUE / language / "errors.json").read_text())
    assert [code for code in CODES if not texts.get(f"errors.{code}")] == []
    assert all("{" not in text and text.endswith(".") for text in texts.values()), "whole sentences without parameters"


def test_no_text_for_what_is_never_answered() -> None:
    texts = json.loads((CATALOGUE / "vi" / "errors.json").read_text())
    assert {name.removeprefix("errors.") for name in texts} - {"unknown"} <= set(CODES)
