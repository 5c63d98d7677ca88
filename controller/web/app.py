"""The FastAPI application: routes on one Office."""

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from starlette.middleware.gzip import GZipMiddleware

from controller.office import Office
from controller.web import errors, sockets
from controller.web.access import Access, listed
from controller.web.limits import BodyLimit
from controller.web.page import STATIC, SecurityHeaders, Versioned, origin_of, policy
from controller.web.page import router as page
from controller.web.routes import (
    alerts,
    areas,
    audit,
    authority,
    enrolment,
    health,
    history,
    listen,
    metrics,
    microphone,
    nodes,
    oidc,
    overview,
    people,
    sessions,
    signin,
    sounds,
    sources,
    whip,
    zones,
)

DESCRIPTION = """
The loudspeaker system of a commune. A **zone** is a group of **nodes** that play the same; a **session** puts a
**source** on air in zones.

A first broadcast: `POST /api/zones {"id": "thon-1"}`, `POST /api/nodes {"id": "cum-1", "zone": "thon-1"}`,
give its board the `enrolment.line` of the answer, then
`POST /api/sessions {"source": {"kind": "text", "text": "Xin chào"}, "zones": ["thon-1"]}`.

Every request but a few says whose it is: `Authorization: Bearer TOKEN`, or the cookie of a sign-in. `x-permission` of
an operation is what it needs; a token's scopes are such permissions.

`x-websockets` lists what is a WebSocket: the same sign-in or token, and from a page the controller's own alone. What is
refused of it is refused as any request is, before the handshake.

Every error is `{"error": {"code", "message", "hint"}}`: a word for programs, a sentence for people, and what to do.
"""

PARTS = (
    *(authority, health, metrics, overview, alerts, areas, zones, listen, nodes, history, enrolment, sessions),
    *(whip, microphone, sounds, sources, signin, oidc, people, audit),
)


def create_app(office: Office) -> FastAPI:
    """Return the application that serves `office`, which is started and stopped by the caller."""
    app = FastAPI(
        title="Loa Xã",
        description=DESCRIPTION,
        version="1",
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        # 422 in place of the form of the framework; 401 and 403 are said before a route is reached.
        responses=errors.errors(401, 403, 422),
    )
    app.state.office = office
    app.state.overview = overview.Prepared(office)
    errors.install(app)
    routers = [module.router for module in PARTS] + [page]
    for router in routers:
        app.include_router(router)
    app.mount("/static", Versioned(GZipMiddleware(StaticFiles(directory=STATIC))), name="static")
    app.add_middleware(Access, routes=listed(app, routers), office=office)
    app.add_middleware(BodyLimit, max_sound_bytes=office.settings.max_sound_bytes)
    app.add_middleware(
        SecurityHeaders,
        only_https=office.settings.http_tls == "files",
        policy=policy(elsewhere=origin_of(office.settings.web_air_url), tiles=office.settings.web_tiles),
    )
    sockets.describe(app, routers)
    return app
