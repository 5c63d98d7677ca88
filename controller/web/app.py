"""The FastAPI application: routes on one Office."""

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from controller.office import Office
from controller.web import errors
from controller.web.limits import BodyLimit
from controller.web.page import STATIC, SecurityHeaders
from controller.web.page import router as page
from controller.web.routes import authority, enrolment, health, nodes, sessions, sounds, sources, zones

DESCRIPTION = """
The loudspeaker system of a commune. A **zone** is a group of **nodes** that play the same; a **session** puts a
**source** on air in zones.

A first broadcast: `POST /api/zones {"id": "thon-1"}`, `POST /api/nodes {"id": "cum-1", "zone": "thon-1"}`,
give its board the `enrolment.line` of the answer, then
`POST /api/sessions {"source": {"kind": "text", "text": "Xin chào"}, "zones": ["thon-1"]}`.

Every error is `{"error": {"code", "message", "hint"}}`: a word for programs, a sentence for people, and what to do.
"""


def create_app(office: Office) -> FastAPI:
    """Return the application that serves `office`, which is started and stopped by the caller."""
    app = FastAPI(
        title="Loa Xã",
        description=DESCRIPTION,
        version="1",
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        responses=errors.errors(422),  # in place of the framework's own form
    )
    app.state.office = office
    errors.install(app)
    app.add_middleware(BodyLimit, max_sound_bytes=office.settings.max_sound_bytes)
    app.add_middleware(SecurityHeaders, only_https=office.settings.http_tls == "files")
    for module in (authority, health, zones, nodes, enrolment, sessions, sounds, sources):
        app.include_router(module.router)
    app.include_router(page)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    return app
