"""Reads the pages' modules just enough to know each text in them and where it stands: in which call and property."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

_SPACE = re.compile(r"(?:\s|//[^\n]*|/\*.*?\*/)+", re.DOTALL)
_NAME = re.compile(r"[A-Za-z_$#][\w$]*")
_NUMBER = re.compile(r"(?:0[xX][\da-fA-F]+|\d[\d_]*\.?\d*(?:[eE][+-]?\d+)?|\.\d+)n?")
_STRING = re.compile(r"\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'", re.DOTALL)
_REGEX = re.compile(r"/(?:[^/\\\n\[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/\w*")
_OPERATOR = re.compile(r"=>|\.\.\.|[=!<>*&|?+-]+=?|.", re.DOTALL)
_KINDS = (("text", _STRING), ("number", _NUMBER), ("name", _NAME), ("mark", _OPERATOR))
_ESCAPE = re.compile(r"\\(u\{[\da-fA-F]+\}|u[\da-fA-F]{4}|x[\da-fA-F]{2}|.)", re.DOTALL)
_BEFORE_VALUE = {"return", "typeof", "case", "of", "in", "await", "void", "new", "delete", "throw"}


@dataclass
class Token:
    """kind: name, number, text, regex or mark. text: of a text its pieces, between which values stand."""

    kind: str
    text: str
    line: int
    pieces: tuple[str, ...] = ()


@dataclass
class Frame:
    """What a text stands in. opener: "(", "[", "{" or "${". call: the name before "(", or "[" where it is an index.

    at: how many commas before it. key: the property it is (a part of) the value of.
    """

    opener: str
    call: str = ""
    at: int = 0
    key: str = ""
    since_comma: list[Token] = field(default_factory=list)


@dataclass
class Text:
    """A text of a module, with what it stands in, the innermost last, and the tokens just before it."""

    pieces: tuple[str, ...]
    line: int
    frames: list[Frame]
    before: tuple[str, str]

    @property
    def whole(self) -> str:
        """The text, values left out."""
        return "".join(self.pieces)


def tokens(source: str) -> list[Token]:
    """Return the tokens of a module; raises ValueError where it cannot be read."""
    return _tokens(source, 0, nested=False)[0]


def _tokens(source: str, at: int, nested: bool) -> tuple[list[Token], int]:
    found: list[Token] = []
    depth = 0
    while at < len(source):
        if space := _SPACE.match(source, at):
            at = space.end()
            continue
        line = source.count("\n", 0, at) + 1
        character = source[at]
        if character == "`":
            made, at = _template(source, at + 1, line)
            found += made
            continue
        if character == "/" and _value_expected(found) and (regex := _REGEX.match(source, at)):
            found.append(Token("regex", regex.group(), line))
            at = regex.end()
            continue
        kind, match = next((kind, match) for kind, pattern in _KINDS if (match := pattern.match(source, at)))
        text = match.group()
        if nested and text == "}" and depth == 0:
            return found, at
        depth += (text == "{") - (text == "}") if kind == "mark" else 0
        pieces = (_unescaped(text[1:-1]),) if kind == "text" else ()
        found.append(Token(kind, text, line, pieces))
        at = match.end()
    if nested:
        raise ValueError("a template without an end")
    return found, at


def _template(source: str, at: int, line: int) -> tuple[list[Token], int]:
    """Return a token of the whole text and, behind it, what its values are made of; and where it ends."""
    pieces, piece, inner = [], "", []
    while at < len(source):
        if source[at] == "`":
            whole = Token("text", "`", line, (*pieces, _unescaped(piece)))
            return [whole, *inner], at + 1
        if source.startswith("${", at):
            pieces.append(_unescaped(piece))
            piece = ""
            made, at = _tokens(source, at + 2, nested=True)
            inner += [Token("mark", "${", line), *made, Token("mark", "}", line)]
            at += 1
            continue
        step = 2 if source[at] == "\\" else 1
        piece += source[at : at + step]
        at += step
    raise ValueError(f"line {line}: a template without an end")


def _unescaped(text: str) -> str:
    def one(match: re.Match[str]) -> str:
        code = match.group(1)
        return chr(int(code.strip("ux{}"), 16)) if code[0] in "ux" and len(code) > 1 else {"n": "\n"}.get(code, code)

    return _ESCAPE.sub(one, text)


def _value_expected(found: list[Token]) -> bool:
    if not found:
        return True
    last = found[-1]
    if last.kind == "mark":
        return last.text not in (")", "]", "}")
    return last.kind == "name" and last.text in _BEFORE_VALUE


def texts(source: str) -> Iterator[Text]:
    """Return every text of a module with what it stands in."""
    frames = [Frame("")]
    before = [Token("mark", "", 0), Token("mark", "", 0)]
    for token in tokens(source):
        frame = frames[-1]
        if token.kind == "text":
            yield Text(token.pieces, token.line, [replace(each) for each in frames], (before[-2].text, before[-1].text))
        if token.kind == "mark" and token.text in ("(", "[", "{", "${"):
            named = before[-1].kind == "name" and before[-1].text not in _BEFORE_VALUE
            index = token.text == "[" and (named or before[-1].text in (")", "]"))
            frames.append(Frame(token.text, "[" if index else before[-1].text if named and token.text == "(" else ""))
        elif token.kind == "mark" and token.text in (")", "]", "}") and len(frames) > 1:
            frames.pop()
        elif token.kind == "mark" and token.text in (",", ";"):
            frame.at, frame.key, frame.since_comma = frame.at + 1, "", []
        elif token.text == ":" and frame.opener == "{" and len(frame.since_comma) == 1:
            only = frame.since_comma[0]
            frame.key = only.pieces[0] if only.pieces else only.text
        else:
            frame.since_comma.append(token)
        before.append(token)
