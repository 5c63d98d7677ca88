"""Every text that people read stands in the catalogues, in both; every text there is read by somebody."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from controller.web.page import LANGUAGES, STATIC, catalogue
from tests.controller.web import javascript
from tests.controller.web.javascript import Text

ROOT = STATIC.parents[2]
TEMPLATES = STATIC.parent / "templates"
MODULES = sorted(path for path in STATIC.rglob("*.js") if "vendor" not in path.relative_to(STATIC).parts)
KEY = re.compile(r"[a-z]\w*(\.\w+)+")
KEYS = catalogue("vi").keys()
PARTS = {key.split(".")[0] for key in KEYS}

TECHNICAL = {
    "class",
    "rel",
    "autocomplete",
    "viewBox",
    "d",
    "points",
    "transform",
    "sizes",
    "accept",
    "media",
    "style",
    "font",
}
"""Attributes whose words are the browser's."""
PROGRAMMERS = {"querySelector", "querySelectorAll", "closest", "matches", "matchMedia", "getContext", "font"}
"""Calls whose words are the browser's."""
READ = {"aria-label", "aria-description", "aria-roledescription", "title", "alt", "placeholder", "label"}
"""Attributes that people read or hear."""
CHILDREN = {"h": 2, "svg": 2, "fill": 1, "say": 1, "tell": 0, "confirm": 0, "sheet": 0, "alert": 0}
"""Calls that show their texts, from which argument on."""
UNITS = {"dB", "dBm", "kHz", "Hz", "ms", "mA", "mV", "GB", "MB", "kB", "km", "kbit", "ppm", "CSV", "JSON", "PNG", "QR"}
"""The same in every language."""
_VIETNAMESE = re.compile(r"[À-ÖØ-öø-ỹđĐ]")
_TWO_WORDS = re.compile(r"[A-Za-z]{2,}[,.:;!?]? +[A-Za-z]{2,}")
_WORD = re.compile(r"[A-Za-z]{2,}")


def human(text: Text) -> bool:
    """Return whether a text of a module is one that people read, which should be the catalogue's."""
    whole = re.sub(r"<[^>]*>?|\w+://", "", " ".join(text.pieces))
    if len(whole) < 2 or text.before[-1] in ("===", "!==", "case"):
        return False
    if _VIETNAMESE.search(whole):
        return True
    # What a value in a text, or brackets for order, are part of.
    inner = next(frame for frame in reversed(text.frames) if frame.call or frame.opener in ("", "{", "["))
    shown = inner.call in CHILDREN and inner.at >= CHILDREN[inner.call]
    shown = shown or inner.key in READ or text.before == ("textContent", "=")
    if shown and set(_WORD.findall(whole)) - UNITS:
        return True
    if not _TWO_WORDS.search(whole) or re.fullmatch(r"[\w-]+\(.*\)", whole):  # a function of a style sheet
        return False
    browsers = inner.key in TECHNICAL or inner.call in PROGRAMMERS or text.before in (("className", "="), ("font", "="))
    thrown = any(frame.call.endswith(("Error", "Exception")) for frame in text.frames)
    listed = "classList" in text.before or (inner.call in ("add", "toggle", "remove") and " " not in whole)
    said_by_nodes = any(each.startswith(whole) for each in python_texts()[0])
    return not (browsers or thrown or listed or said_by_nodes)


@cache
def read(path: Path) -> tuple[Text, ...]:
    """Return the texts of a module."""
    return tuple(javascript.texts(path.read_text(encoding="utf-8")))


def asked_for(text: Text) -> bool:
    """Return whether a text is (a part of) the first argument of `t` or `has`."""
    inner = text.frames[-1]
    return inner.opener == "(" and inner.call in ("t", "has") and inner.at == 0


def literal(texts: tuple[Text, ...]) -> set[str]:
    """Return the texts without values in them."""
    return {text.pieces[0] for text in texts if len(text.pieces) == 1}


@cache
def python_texts() -> tuple[set[str], list[tuple[str, ...]]]:
    """Return all texts of controller and nodes, and the pieces of those with values where the catalogue is known."""
    plain: set[str] = set()
    made: list[tuple[str, ...]] = []
    for path in (path for folder in ("controller", "codec", "firmware") for path in (ROOT / folder).rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                plain.add(node.value)
            elif isinstance(node, ast.JoinedStr) and "catalogue" in source.lower():
                pieces = [""]
                for value in node.values:
                    if isinstance(value, ast.Constant):
                        pieces[-1] += str(value.value)
                    else:
                        pieces.append("")
                made.append(tuple(pieces))
    return plain, made


def between(pieces: tuple[str, ...], key: str) -> Iterator[tuple[str, ...]]:
    """Return the values, each of one character at least, with which a text of these pieces is `key`."""
    first, *others = pieces
    if not key.startswith(first):
        return
    rest = key[len(first) :]
    if not others:
        if not rest:
            yield ()
        return
    for end in range(1, len(rest) + 1):
        for values in between(tuple(others), rest[end:]):
            yield rest[:end], *values


def templates() -> Iterator[tuple[Path, str]]:
    """Return all templates."""
    for path in TEMPLATES.glob("*.html"):
        yield path, path.read_text(encoding="utf-8")


def test_both_catalogues_have_the_same_texts_in_the_same_files() -> None:
    folders = {language: STATIC.parent / "catalogue" / language for language in LANGUAGES}
    names = [sorted(path.name for path in folder.iterdir()) for folder in folders.values()]
    assert all(each == names[0] for each in names)
    first, *others = (catalogue(language) for language in LANGUAGES)
    for other in others:
        assert sorted(first.keys() ^ other.keys()) == []
    for language in LANGUAGES:
        assert [key for key, text in catalogue(language).items() if not text.strip()] == [], language
        assert [key for key in catalogue(language) if not KEY.fullmatch(key)] == [], language


def test_both_have_the_same_places_for_values() -> None:
    places = [
        {key: sorted(re.findall(r"\{(\w+)\}", text)) for key, text in catalogue(each).items()} for each in LANGUAGES
    ]
    assert {
        key: [each[key] for each in places] for key in KEYS if any(each[key] != places[0][key] for each in places)
    } == {}


def test_vietnamese_is_vietnamese() -> None:
    """A text forgotten in English: of three words and more in Vietnamese, one has a mark."""
    plain = {key: text for key, text in catalogue("vi").items() if len(re.findall(r"[^\W\d_]{2,}", text)) >= 4}
    assert [key for key, text in plain.items() if not _VIETNAMESE.search(text)] == []


def test_every_text_that_is_asked_for_exists() -> None:
    missing = [
        f"{path.relative_to(STATIC)}:{text.line} {text.pieces[0]}"
        for path in MODULES
        for text in read(path)
        if asked_for(text) and len(text.pieces) == 1 and KEY.fullmatch(text.pieces[0]) and text.pieces[0] not in KEYS
    ]
    missing += [
        f"{path.name} {key}"
        for path, source in templates()
        for key in re.findall(r't\["([^"]+)"\]', source)
        if key not in KEYS
    ]
    assert not missing, "\n".join(missing)


def test_every_text_is_used() -> None:
    """A key that is made of a word and a value is used where that value is a word of the pages or the controller."""
    python, python_made = python_texts()
    everywhere = set().union(*(literal(read(path)) for path in MODULES), python)
    everywhere |= {word.replace(" ", "_") for word in everywhere}
    used = {key for key in KEYS if key in everywhere}
    for _, source in templates():
        used |= KEYS & set(re.findall(r't\["([^"]+)"\]', source))
    made: list[tuple[tuple[str, ...], set[str], str]] = [(pieces, python, "the controller") for pieces in python_made]
    for path in MODULES:
        names = {token.text for token in javascript.tokens(path.read_text(encoding="utf-8")) if token.kind == "name"}
        made += [(text.pieces, names, f"{path.relative_to(STATIC)}:{text.line}") for text in read(path)]
    idle = []
    for pieces, names, where in made:
        if len(pieces) < 2 or pieces[0].split(".")[0] not in PARTS or "." not in pieces[0] or " " in "".join(pieces):
            continue
        found = {key: values for key in KEYS if (values := list(between(pieces, key)))}
        used |= {key for key, values in found.items() if any(set(each) <= everywhere | names for each in values)}
        if not found:
            idle.append(f"{where}: {'…'.join(pieces)}")
    assert not idle, "no text is named like " + "\n".join(idle)
    unused = sorted(KEYS - used)
    assert not unused, "nobody reads " + "\n".join(unused)


def test_no_text_stands_in_a_module() -> None:
    found = [
        f"{path.relative_to(STATIC)}:{text.line} {'…'.join(text.pieces)!r}"
        for path in MODULES
        for text in read(path)
        if human(text)
    ]
    assert not found, "\n".join(found)


def test_no_text_stands_in_a_template() -> None:
    for path, source in templates():
        bare = re.sub(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}|<!--.*?-->|<!doctype[^>]*>", "", source, flags=re.DOTALL)
        for name, value in re.findall(r'([\w-]+)="([^"]*)"', bare):
            assert name not in READ or not re.search(r"[^\W\d_]{2,}", value), f"{path.name}: {name} {value}"
        assert re.findall(r"[^\W\d_]{2,}", re.sub(r"<[^>]*>", "", bare)) == [], path.name


@pytest.mark.parametrize(
    "source",
    [
        'h("button", {}, "Save")',
        'h("p", { class: "quiet" }, `There are ${number(n)} nodes`)',
        'h("p", {}, on ? "On air" : t("shell.silence"))',
        'const words = "Đang phát";',
        "const words = 'not on air';",
        'h("img", { alt: "Logo" })',
        'element.textContent = "Wait";',
        'tell("Saved");',
        'h("td", {}, [1, 2].map((n) => h("b", {}, `No ${n}`)))',
        'x = /["]/.test(y) ? "one two" : 3;',
        "x = `a${t(`state.${y}`)} and this`;",
    ],
)
def test_what_people_read_is_seen(source: str) -> None:
    assert any(human(text) for text in javascript.texts(source))


@pytest.mark.parametrize(
    "source",
    [
        'h("button", { class: "danger solid", type: "submit", onclick: () => go("/live") }, t("shell.save"))',
        'import { a } from "./core/texts.js"; // Save the file "as is"',
        'throw new TypeError("this must not be");',
        'document.querySelector("main > p.quiet strong");',
        'h("span", {}, `${number(x)} dBm`)',
        'h("span", {}, "· ", x ? "…" : "—")',
        'svg("path", { d: "M3 4 h5 v6" });',
        "element.className = `page ${name} wide`;",
        'x = a / b; y = "s" / 2;',
    ],
)
def test_what_browsers_read_is_not(source: str) -> None:
    assert not any(human(text) for text in javascript.texts(source))


def test_what_a_module_says_is_read_right() -> None:
    source = 'f({ a: `x${g("in", { b: \'q\\\'\' })}y`, \'c-d\': /[/"]/u.test("\\u00e9") }, "last")'
    found = {
        text.whole: (text.frames[-1].call, text.frames[-1].at, text.frames[-1].key) for text in javascript.texts(source)
    }
    assert found == {
        "xy": ("", 0, "a"),
        "in": ("g", 0, ""),
        "q'": ("", 0, "b"),
        "c-d": ("", 1, ""),
        "é": ("test", 0, ""),
        "last": ("f", 1, ""),
    }
