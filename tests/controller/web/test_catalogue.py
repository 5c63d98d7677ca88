"""Texts of the page: one catalogue a language, the same keys, every key that is used is there."""

import json
import re
from pathlib import Path

import pytest

from controller.web.page import LANGUAGES, catalogue, choose

WEB = Path(__file__).resolve().parents[3] / "controller" / "web"


def test_same_keys_and_no_empty_text() -> None:
    first, *others = [catalogue(language) for language in LANGUAGES]
    for other in others:
        assert list(first) == list(other)
        assert all(other.values())
    assert all(first.values())


def test_every_key_that_is_used_is_there() -> None:
    page = (WEB / "templates" / "index.html").read_text()
    used = set(re.findall(r"\bt\.(\w+)", page))
    for script in (WEB / "static").glob("*.js"):
        used |= set(re.findall(r"text\(\"(\w+)\"\)", script.read_text()))
    assert used <= set(catalogue("vi"))
    for language in LANGUAGES:
        raw = (WEB / "catalogue" / f"{language}.json").read_text()
        assert len(json.loads(raw)) == raw.count('": "'), "a key stands twice"


@pytest.mark.parametrize(
    ("asked", "accepted", "language"),
    [
        ("", "", "vi"),
        ("en", "vi", "en"),
        ("xx", "", "vi"),
        ("", "en-US,en;q=0.9", "en"),
        ("", "vi;q=0.8,en;q=0.9", "en"),
        ("", "en;q=0", "vi"),
        ("", ";;q=x,,", "vi"),
        ("", "de,fr", "vi"),
    ],
)
def test_language(asked: str, accepted: str, language: str) -> None:
    assert choose(asked, accepted) == language
