"""The page at ``/``: one template, its texts from one catalogue a language, nothing from elsewhere."""

import json
from functools import lru_cache
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Header, Query
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from controller.web.parts import TheOffice

_HERE = Path(__file__).parent
STATIC = _HERE / "static"
LANGUAGES = ("vi", "en")
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)

router = APIRouter(include_in_schema=False)
_templates = Environment(
    loader=FileSystemLoader(_HERE / "templates"), autoescape=select_autoescape(), undefined=StrictUndefined
)


@router.get("/", response_class=HTMLResponse)
async def page(
    office: TheOffice,
    lang: Annotated[str, Query(max_length=10)] = "",
    accept_language: Annotated[str, Header(max_length=500)] = "",
) -> HTMLResponse:
    """The page, in the language asked for, else the browser's, else Vietnamese."""
    language = choose(lang, accept_language)
    text = _templates.get_template("index.html").render(
        t=catalogue(language), language=language, languages=LANGUAGES, oidc=office.people.oidc is not None
    )
    return HTMLResponse(text, headers={"Content-Language": language, "Vary": "Accept-Language"})


def choose(asked: str, accepted: str) -> str:
    """Return the language: `asked` if it is one of ours, else the first of ours in an Accept-Language header."""
    if asked in LANGUAGES:
        return asked
    ranked = []
    for place, entry in enumerate(accepted.split(",")):
        tag, _, parameters = entry.strip().partition(";")
        weight = parameters.strip().removeprefix("q=") or "1"
        try:
            ranked.append((-float(weight), place, tag.split("-")[0].lower()))
        except ValueError:
            continue
    for weight_below, _, name in sorted(ranked):
        if name in LANGUAGES and weight_below < 0:
            return name
    return LANGUAGES[0]


@lru_cache
def catalogue(language: str) -> dict[str, str]:
    """Return every text of the page in one language."""
    found: dict[str, str] = json.loads((_HERE / "catalogue" / f"{language}.json").read_text(encoding="utf-8"))
    return found


class SecurityHeaders:
    """ASGI middleware: nothing but our own files is loaded, nobody frames us, no type is guessed."""

    def __init__(self, app: ASGIApp, only_https: bool = False) -> None:
        """only_https: browsers shall never come back in the clear; not with a certificate that they may not know."""
        self._app = app
        self._only_https = only_https

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Content-Security-Policy"] = _POLICY
                headers["X-Content-Type-Options"] = "nosniff"
                headers["Referrer-Policy"] = "no-referrer"
                headers.setdefault("Cache-Control", "no-cache")
                if self._only_https:
                    headers["Strict-Transport-Security"] = "max-age=31536000"
            await send(message)

        await self._app(scope, receive, marked if scope["type"] == "http" else send)
