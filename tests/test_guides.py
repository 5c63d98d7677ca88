"""The guides: both say the same, name pictures that are there, and call things what the pages call them."""

import re
from pathlib import Path

import pytest

from controller.web.page import LANGUAGES, catalogue

DOCS = Path(__file__).resolve().parent.parent / "docs"
OF_OTHERS = {
    "vi": {"Cho phép", "Xanh", "Đỏ", "Vàng", "OBS", "WHIP", "Prometheus", "Chứng chỉ CA", "Vẫn cài đặt", "Cài đặt"},
    "en": {
        "Allow",
        "Green",
        "Red",
        "Amber",
        "OBS",
        "WHIP",
        "Prometheus",
        "CA certificate",
        "Install anyway",
        "Install",
    },
}
"""What steps name in bold and is not ours: browsers, telephones, programs, colours."""
EVERYWHERE = {"Safari", "Install Certificate…", "Place all certificates in the following store"}


def guide(language: str) -> str:
    return (DOCS / f"guide.{language}.md").read_text(encoding="utf-8")


def pictures(text: str) -> list[str]:
    """Return the files of all pictures, as written."""
    return re.findall(r'<img src="([^"]+)"', text) + re.findall(r"!\[[^\]]*\]\(([^)]+)\)", text)


def slug(heading: str) -> str:
    """Return the anchor that a heading gets where Markdown is shown."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def anchors(text: str) -> set[str]:
    return {slug(heading) for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}


def test_both_have_the_same_headings() -> None:
    levels = {language: re.findall(r"^(#+) ", guide(language), re.MULTILINE) for language in LANGUAGES}
    assert len(levels["vi"]) > 30
    assert levels["vi"] == levels["en"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_picture_is_there_and_in_the_language_of_its_guide(language: str) -> None:
    named = pictures(guide(language))
    assert len(named) > 15
    assert [name for name in named if not (DOCS / name).is_file()] == []
    assert [name for name in named if f"-{language}." not in name] == []


def test_both_show_the_same_pictures() -> None:
    vietnamese, english = (pictures(guide(language)) for language in ("vi", "en"))
    assert [name.replace("-vi.", "-en.") for name in vietnamese] == english


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_picture_has_words_for_who_does_not_see_it(language: str) -> None:
    assert all(len(words) > 10 for words in re.findall(r'<img [^>]*alt="([^"]*)"', guide(language)))
    assert guide(language).count("<img ") == guide(language).count(' alt="')


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_link_leads_somewhere(language: str) -> None:
    text = guide(language)
    for target in re.findall(r"(?<!!)\[[^\]]+\]\(([^)]+)\)", text):
        name, _, anchor = target.partition("#")
        path = DOCS / name if name else DOCS / f"guide.{language}.md"
        assert path.is_file(), target
        assert not anchor or anchor in anchors(path.read_text(encoding="utf-8")), target


@pytest.mark.parametrize("language", LANGUAGES)
def test_steps_call_things_what_the_pages_call_them(language: str) -> None:
    texts = set(catalogue(language).values())
    steps = re.findall(r"^\d+\. .+(?:\n   .+)*", guide(language), re.MULTILINE)
    bold = [word for step in steps for word in re.findall(r"\*\*(.+?)\*\*", step)]
    assert len(bold) > 100
    assert sorted({word for word in bold if word not in texts | OF_OTHERS[language] | EVERYWHERE}) == []
