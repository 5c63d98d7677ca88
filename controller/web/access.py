"""Denies by default: what a request may do is settled here, before anything else of it is read.

A route says what it needs with `controller.people.permissions.needs`; one that says nothing is served to nobody.
"""

import contextlib
import json
from collections.abc import Iterable
from http.cookies import CookieError, SimpleCookie
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute, APIWebSocketRoute
from sqlalchemy.exc import SQLAlchemyError
from starlette.datastructures import Headers
from starlette.responses import RedirectResponse
from starlette.routing import BaseRoute, Match, Mount, Route, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from controller.audit import change as changes
from controller.audit.change import Change
from controller.office import Office
from controller.people.permissions import ANYONE, BY_HAND, CHANGING, OPEN, PLAIN, PUBLIC, SELF
from controller.people.who import Who
from controller.web.errors import error_response

COOKIE = "loaxa"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
MAX_COOKIE_CHARS = 4096
MAX_DETAILS_BYTES = 256 * 1024


class UndeclaredRouteError(Exception):
    """A route of the application does not say what it needs: a mistake of ours, found at the start."""


def listed(app: FastAPI, routers: Iterable[APIRouter]) -> list[BaseRoute]:
    """Return the routes of `routers`, which stand in `app` under their own paths, and the framework's.

    Only these are ever served. Raises UndeclaredRouteError when one is neither public nor says what it needs, or
    changes something without a name for the audit.
    """
    routes = [route for router in routers for route in router.routes]
    routes += [route for route in app.routes if isinstance(route, Route | Mount | WebSocketRoute)]
    for route in routes:
        path = getattr(route, "path", "")
        extra = _extra(route)
        if path not in PUBLIC and path not in PLAIN and "x-permission" not in extra:
            raise UndeclaredRouteError(f"{path} does not say which permission it needs")
        if (getattr(route, "methods", None) or set()) - SAFE and path not in PUBLIC and not extra.get("x-action"):
            raise UndeclaredRouteError(f"{path} changes something and has no name for the audit")
    return routes


class Access:
    """ASGI middleware: finds out who asks and what for, refuses it or lets it through, and has changes recorded."""

    def __init__(self, app: ASGIApp, routes: list[BaseRoute], office: Office) -> None:
        self._app = app
        self._routes = routes
        self._office = office

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or one WebSocket; what is refused of those is so before their handshake."""
        if scope["type"] not in ("http", "websocket"):
            return
        try:
            refusal, change = await self._judge(scope)
        except SQLAlchemyError:
            refusal = error_response(503, "database", "The database does not answer now.", "Check its disk; try again.")
            change = None
        if refusal is not None:
            await refusal(scope, receive, send)
        elif change is None:
            await self._app(scope, receive, send)
        else:
            await self._record(change, scope, receive, send)

    async def _judge(self, scope: Scope) -> tuple[ASGIApp | None, Change | None]:
        """Return the answer to a request that is refused, or the change that it is going to make."""
        route, found, methods = self._route(scope)
        headers = Headers(scope=scope)
        bearer, cookie = credentials(headers)
        who = await self._office.people.who(bearer, cookie)
        scope.setdefault("state", {})["who"] = who
        if route is None:
            if _typed(scope, headers):
                return RedirectResponse("/?no-page", 303), None
            return (_unknown(bearer) if who is None else _nothing(methods)), None
        path = getattr(route, "path", "")
        permission = PLAIN.get(path) or _extra(route).get("x-permission")
        if path not in PUBLIC and permission != OPEN:
            if who is None:
                return _unknown(bearer), None
            if permission is None or not _allowed(who, permission):
                text = f"{who.name} may not do this: it needs {permission or 'a permission that nobody has'}."
                hint = "Ask an administrator for a role that has it."
                if who.token and permission in (SELF, *BY_HAND):
                    hint = "No token may: sign in, or do it on the controller's own machine."
                return error_response(403, "not_allowed", text, hint), None
        action = str(_extra(route).get("x-action", ""))
        socket = scope["type"] == "websocket"
        safe = not socket and scope["method"] in SAFE
        if safe and path not in CHANGING:
            return None, None
        # Only a browser sends a cookie by itself, and it says from which site. Other sites' pages may open a WebSocket
        # and read what comes (RFC 6455 section 10.2), so all of those must come from our own.
        browser = (who is not None and who.sign_in is not None) or path == "/api/sign-in"
        ours = own_page(headers) if socket else same_origin(headers, strictly=path != "/api/sign-in")
        if browser and not safe and not ours:
            text = "This came from another site's page."
            return error_response(403, "other_site", text, "Open the controller's own page."), None
        if socket and not action:
            return None, None
        peer = scope["client"][0] if scope.get("client") else ""
        parameters = found.get("path_params", {})
        name = who.name if who else "nobody"
        return None, Change(name, peer, action, "/".join(str(each) for each in parameters.values()))

    def _route(self, scope: Scope) -> tuple[BaseRoute | None, Scope, set[str]]:
        """Return the route of a request and what it found in the path; without one, the methods that the path has."""
        methods: set[str] = set()
        for route in self._routes:
            if scope["type"] == "websocket" and not isinstance(route, WebSocketRoute):
                continue  # files, for one, would take it
            match, found = route.matches(scope)
            if match == Match.FULL:
                return route, found, set()
            if match == Match.PARTIAL:
                methods |= getattr(route, "methods", None) or set()
        return None, {}, methods

    async def _record(self, change: Change, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a change; it is in the audit before its success is answered."""
        is_json = Headers(scope=scope).get("content-type", "").partition(";")[0].strip() == "application/json"
        body = bytearray()
        kept = is_json

        async def heard() -> Message:
            nonlocal kept
            message = await receive()
            if kept and message["type"] == "http.request":
                body.extend(message.get("body", b""))
                if len(body) > MAX_DETAILS_BYTES:
                    kept = False
                    body.clear()
                elif not message.get("more_body"):
                    _fill(change, bytes(body))
            return message

        async def told(message: Message) -> None:
            succeeded = message["type"] == "http.response.start" and message["status"] < 400
            if (succeeded or message["type"] == "websocket.accept") and not change.recorded:
                await self._office.audit.note(change)
            await send(message)

        change.recorded = not change.action  # enrolment and sign-in tell of themselves
        changes.begin(change)
        try:
            await self._app(scope, heard, told)
        finally:
            change.over = True


def declared(endpoint: Any) -> dict[str, Any]:
    """Return what a WebSocket's endpoint says that it needs (`controller.web.sockets.route`); empty: nothing."""
    found: dict[str, Any] = getattr(endpoint, "declared", {})
    return found


def credentials(headers: Headers) -> tuple[str | None, str | None]:
    """Return the token and the cookie of a request, None for what it does not have."""
    scheme, _, given = headers.get("authorization", "").partition(" ")
    bearer = given.strip()[:MAX_COOKIE_CHARS] if scheme.lower() == "bearer" else None
    text = headers.get("cookie", "")
    if len(text) > MAX_COOKIE_CHARS:
        return bearer, None
    with contextlib.suppress(CookieError):
        morsel = SimpleCookie(text).get(COOKIE)
        return bearer, morsel.value if morsel else None
    return bearer, None


def same_origin(headers: Headers, strictly: bool) -> bool:
    """Return whether a page of this controller sent this. strictly: something must say so; else nothing against it."""
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None:
        return site == "same-origin"
    if origin is not None:
        return _is_own(headers)
    return not strictly


def own_page(headers: Headers) -> bool:
    """Return whether a page of this controller opened this WebSocket: a browser always names its origin."""
    return _is_own(headers) and same_origin(headers, strictly=True)


def _is_own(headers: Headers) -> bool:
    # RFC 6454: a scheme, a host, no path
    return headers.get("origin", "").partition("://")[2] == headers.get("host", "") != ""


def _allowed(who: Who, permission: str) -> bool:
    if permission == SELF:
        return who.token is None
    return permission == ANYONE or permission in who.permissions


def _typed(scope: Scope, headers: Headers) -> bool:
    """Return whether somebody gave a browser this address, who can do nothing with an answer for programs."""
    path = str(scope["path"])
    program = path.startswith(("/api/", "/static/")) or scope["type"] != "http" or scope["method"] != "GET"
    return not program and "text/html" in headers.get("accept", "")


def _unknown(bearer: str | None) -> ASGIApp:
    if bearer is not None:
        text, hint = "This token is not valid, or no longer.", "Sign in again: loaxa login."
    else:
        text, hint = "This needs a sign-in.", "Sign in: loaxa login, or on the page."
    answer = error_response(401, "sign_in_needed", text, hint)
    answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


def _nothing(methods: set[str]) -> ASGIApp:
    hint = "GET /api/openapi.json lists what there is."
    if not methods:
        return error_response(404, "not_found", "Not Found.", hint)
    answer = error_response(405, "wrong_method", "Method Not Allowed.", hint)
    answer.headers["Allow"] = ", ".join(sorted(methods))
    return answer


def _extra(route: Any) -> dict[str, Any]:
    if isinstance(route, APIWebSocketRoute):
        return declared(route.endpoint)
    return (route.openapi_extra or {}) if isinstance(route, APIRoute) else {}


def _fill(change: Change, body: bytes) -> None:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return  # the route refuses it
    if isinstance(found, dict):
        change.details = found
        change.object = change.object or str(found.get("id", ""))
