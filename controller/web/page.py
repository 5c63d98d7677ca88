"""The pages: one shell for all of them, its texts from one catalogue a language, nothing from elsewhere."""

import hashlib
import json
import posixpath
import re
from functools import lru_cache
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Cookie, Query, Request
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from controller.people.permissions import OPEN, needs
from controller.web.parts import PerhapsWho, TheOffice

_HERE = Path(__file__).parent
STATIC = _HERE / "static"
CATALOGUE = _HERE / "catalogue"
LANGUAGES = ("vi", "en")
LANGUAGE_COOKIE = "loaxa_language"
_IMPORT = re.compile(r'^(?:import|export)\b[^;"]*\bfrom "(\.{1,2}/[^"]+)";', re.MULTILINE)
_YEAR_S = 365 * 86400
PAGES = ("live", "listen", "nodes", "map", "enrol", "health", "wall", "areas", "people", "audit", "me")
"""The first part of each page's address; `static/pages/NAME.js` shows it."""

router = APIRouter(include_in_schema=False)
_templates = Environment(
    loader=FileSystemLoader(_HERE / "templates"), autoescape=select_autoescape(), undefined=StrictUndefined
)
_templates.policies["json.dumps_kwargs"] = {"ensure_ascii": False}


async def page(
    request: Request,
    office: TheOffice,
    who: PerhapsWho,
    lang: Annotated[str, Query(max_length=10)] = "",
    kept: Annotated[str, Cookie(alias=LANGUAGE_COOKIE, max_length=10)] = "",
) -> HTMLResponse:
    """The shell, in the language asked for, else the one this browser asked for last, else Vietnamese."""
    language = choose(lang, kept)
    text = _templates.get_template("shell.html").render(
        t=catalogue(language),
        language=language,
        static=f"/static/{version()}",
        modules=shell_modules(),
        page=needed(first_part(request.url.path) if who is not None else ""),
        config={
            "languages": LANGUAGES,
            "oidc": office.people.oidc is not None,
            "tiles": office.settings.web_tiles,
            "air": office.settings.web_air_url,
            "signed_in": who is not None,
        },
    )
    answer = HTMLResponse(text, headers={"Content-Language": language, "Vary": "Cookie"})
    if lang in LANGUAGES:
        answer.set_cookie(LANGUAGE_COOKIE, lang, max_age=_YEAR_S, samesite="strict", path="/")
    return answer


for _path in ("/", *(f"/{name}" for name in PAGES), *(f"/{name}/{{rest:path}}" for name in PAGES)):
    router.add_api_route(_path, page, response_class=HTMLResponse, openapi_extra=needs(OPEN))


@router.get("/app.webmanifest", openapi_extra=needs(OPEN))
async def manifest(lang: Annotated[str, Query(max_length=10)] = "") -> JSONResponse:
    """What a telephone needs to keep the pages as an application."""
    texts = catalogue(choose(lang))
    icons = [
        {"src": f"/static/{version()}/icon-{size}.png", "sizes": f"{size}x{size}", "type": "image/png"}
        for size in (192, 512)
    ]
    icons.append({"src": f"/static/{version()}/icon.svg", "sizes": "any", "type": "image/svg+xml"})
    return JSONResponse(
        {
            "id": "/",
            "name": texts["shell.title"],
            "short_name": texts["shell.title"],
            "description": texts["shell.subtitle"],
            "lang": choose(lang),
            "start_url": "/",
            "display": "standalone",
            "background_color": "#f4f6f5",
            "theme_color": "#0b6e5f",
            "icons": icons,
        },
        media_type="application/manifest+json",
    )


@router.get("/sw.js", openapi_extra=needs(OPEN))
async def service_worker() -> FileResponse:
    """The service worker; it stands at the root, since that is what it looks after."""
    return FileResponse(STATIC / "sw.js", media_type="text/javascript", headers={"Cache-Control": "no-cache"})


def choose(*asked: str) -> str:
    """Return the first language of `asked` that is one of ours, else Vietnamese.

    What a browser says of itself does not count: many of a commune's computers are in English, their users are not.
    """
    return next((language for language in asked if language in LANGUAGES), LANGUAGES[0])


@lru_cache
def catalogue(language: str) -> dict[str, str]:
    """Return every text of the pages in one language: all parts of its folder. Raises ValueError for a key twice."""
    found: dict[str, str] = {}
    for part in sorted((CATALOGUE / language).glob("*.json")):
        texts: dict[str, str] = json.loads(part.read_text(encoding="utf-8"))
        if twice := found.keys() & texts.keys():
            raise ValueError(f"{part}: {', '.join(sorted(twice))} stands in another part, too")
        found.update(texts)
    return found


@lru_cache
def version() -> str:
    """Return a word for all static files as they are: its folder is kept by browsers for ever."""
    digest = hashlib.sha256()
    for name in _files():
        digest.update(name.encode() + b"\0" + (STATIC / name).read_bytes())
    return digest.hexdigest()[:12]


def first_part(path: str) -> str:
    """Return which of PAGES an address leads to, or "" for none of them."""
    name = path.split("/", 2)[1]
    return name if name in PAGES else ""


@lru_cache
def shell_modules() -> list[str]:
    """Return the modules that every page begins with."""
    return [name for name in _files() if name.startswith("core/") and name.endswith(".js")]


@lru_cache
def needed(name: str) -> dict[str, list[str]]:
    """Return what a page begins with beyond the shell: `modules` with all that they import, and its `looks`.

    A browser that is told of all at once does not find out, one answer after the other, what it has yet to ask for.
    """
    found: list[str] = []
    waiting = [f"pages/{name}.js"]
    while waiting:
        module = waiting.pop()
        if module in found or module in shell_modules() or module not in _files():
            continue
        found.append(module)
        imported = _IMPORT.findall((STATIC / module).read_text(encoding="utf-8"))
        waiting += [posixpath.normpath(posixpath.join(posixpath.dirname(module), each)) for each in imported]
    return {"modules": found, "looks": [each for each in (f"css/{name}.css",) if each in _files()]}


@lru_cache
def _files() -> list[str]:
    return sorted(str(path.relative_to(STATIC)) for path in STATIC.rglob("*") if path.is_file())


def origin_of(url: str) -> str:
    """Return scheme, host and port of an address, empty for none."""
    return f"{urlsplit(url).scheme}://{urlsplit(url).netloc}" if url else ""


def policy(elsewhere: str = "", tiles: str = "") -> str:
    """Return the Content-Security-Policy. elsewhere: what else scripts may connect to. tiles: where maps' tiles are."""
    origin = f" {urlsplit(tiles).scheme}://{urlsplit(tiles).netloc}" if tiles.startswith("http") else ""
    return (
        f"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'{' ' if elsewhere else ''}"
        f"{elsewhere}; img-src 'self' data:{origin}; media-src 'self' blob:; worker-src 'self'; manifest-src 'self'; "
        "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    )


class SecurityHeaders:
    """ASGI middleware: nothing but our own files is loaded, nobody frames us, no type is guessed."""

    def __init__(self, app: ASGIApp, only_https: bool = False, policy: str = policy()) -> None:
        """only_https: browsers shall never come back in the clear; not with a certificate that they may not know."""
        self._app = app
        self._only_https = only_https
        self._policy = policy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""

        async def marked(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                headers = MutableHeaders(scope=message)
                headers["Content-Security-Policy"] = self._policy
                headers["X-Content-Type-Options"] = "nosniff"
                headers["Referrer-Policy"] = "no-referrer"
                headers["Permissions-Policy"] = "microphone=(self), serial=(self), geolocation=(self), camera=()"
                # What the controller says is kept by nobody: a browser's way back would show it to whoever comes next.
                api = str(scope["path"]).startswith("/api/")
                headers.setdefault("Cache-Control", "no-store" if api else "no-cache")
                if self._only_https:
                    headers["Strict-Transport-Security"] = "max-age=31536000"
            await send(message)

        await self._app(scope, receive, marked)


class Versioned:
    """ASGI application of the static files under `/static/VERSION/`, which never change there; others are not found."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one file."""
        path = str(scope["path"]).removeprefix(str(scope.get("root_path", "")))
        _, given, *rest = path.split("/", 2)
        if given != version() or not rest:
            await Response(status_code=404)(scope, receive, send)
            return

        async def kept(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 200:
                MutableHeaders(scope=message)["Cache-Control"] = "public, max-age=31536000, immutable"
            await send(message)

        root = f"{scope.get('root_path', '')}/{given}"
        await self._app({**scope, "root_path": root}, receive, kept)
