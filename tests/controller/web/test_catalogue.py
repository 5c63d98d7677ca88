"""Texts of the page: one catalogue a language, the same keys, every key that is used is there."""

import pytest

from controller.web.page import LANGUAGES, catalogue, choose


def test_same_keys_and_no_empty_text() -> None:
    first, *others = [catalogue(language) for language in LANGUAGES]
    for other in others:
        assert list(first) == list(other)
        assert all(other.values())
    assert all(first.values())


@pytest.mark.parametrize(
    ("asked", "language"),
    [(("", ""), "vi"), (("en", ""), "en"), (("", "en"), "en"), (("vi", "en"), "vi"), (("xx", "<b>"), "vi"), ((), "vi")],
)
def test_language(asked: tuple[str, ...], language: str) -> None:
    assert choose(*asked) == language
