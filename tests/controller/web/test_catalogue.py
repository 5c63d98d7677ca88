"""Which language a page is in."""

import pytest

from controller.web.page import choose


@pytest.mark.parametrize(
    ("asked", "language"),
    [(("", ""), "vi"), (("en", ""), "en"), (("", "en"), "en"), (("vi", "en"), "vi"), (("xx", "<b>"), "vi"), ((), "vi")],
)
def test_language(asked: tuple[str, ...], language: str) -> None:
    assert choose(*asked) == language
