"""Denied by default: for each route, each role, each scope of a token, and nobody, whether it is let through."""

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from controller.web.access import UndeclaredRouteError, listed
from tests.controller.running import Running, running

SELF = "self"
ANYONE = "anyone"
PUBLIC = "public"
ROUTES = {
    ("GET", "/ca.pem"): PUBLIC,
    ("GET", "/api/ca"): "read",
    ("POST", "/api/ca/rotate"): "authority.write",
    ("GET", "/api/health"): PUBLIC,
    ("GET", "/metrics"): "read",
    ("POST", "/api/sign-in"): PUBLIC,
    ("POST", "/api/enrol"): PUBLIC,
    ("GET", "/api/oidc/start"): PUBLIC,
    ("GET", "/api/oidc/return"): PUBLIC,
    ("GET", "/api/events"): "read",
    ("GET", "/api/alerts"): "read",
    ("POST", "/api/alerts/{alert_id}/acknowledge"): "alerts.write",
    ("GET", "/api/notify"): "read",
    ("POST", "/api/notify/test"): "notify.test",
    ("GET", "/api/overview"): "read",
    ("GET", "/api/areas"): "read",
    ("POST", "/api/areas"): "zones.write",
    ("PATCH", "/api/areas/{area_id}"): "zones.write",
    ("DELETE", "/api/areas/{area_id}"): "zones.write",
    ("GET", "/api/sources"): "read",
    ("GET", "/api/zones"): "read",
    ("POST", "/api/zones"): "zones.write",
    ("GET", "/api/zones/{zone_id}"): "read",
    ("PATCH", "/api/zones/{zone_id}"): "zones.write",
    ("DELETE", "/api/zones/{zone_id}"): "zones.write",
    ("POST", "/api/zones/{zone_id}/align"): "zones.write",
    ("GET", "/api/nodes"): "read",
    ("POST", "/api/nodes"): "nodes.write",
    ("POST", "/api/nodes/commands"): "nodes.write",
    ("GET", "/api/nodes/{node_id}"): "read",
    ("GET", "/api/nodes/{node_id}/history"): "read",
    ("GET", "/api/nodes/{node_id}/events"): "read",
    ("PATCH", "/api/nodes/{node_id}"): "nodes.write",
    ("DELETE", "/api/nodes/{node_id}"): "nodes.write",
    ("POST", "/api/nodes/{node_id}/command"): "nodes.write",
    ("POST", "/api/nodes/{node_id}/enrolment"): "nodes.enrol",
    ("POST", "/api/nodes/{node_id}/retire"): "nodes.enrol",
    ("GET", "/api/sessions"): "read",
    ("POST", "/api/sessions"): "broadcast",
    ("POST", "/api/sessions/stop-all"): "broadcast",
    ("GET", "/api/sessions/{session_id}"): "read",
    ("PATCH", "/api/sessions/{session_id}"): "broadcast",
    ("DELETE", "/api/sessions/{session_id}"): "broadcast",
    ("PUT", "/api/sessions/{session_id}/solo"): "broadcast",
    ("PUT", "/api/sessions/{session_id}/input"): "broadcast",
    ("POST", "/api/whip"): "broadcast",
    ("DELETE", "/api/whip/{session_id}"): "broadcast",
    ("GET", "/api/sessions/{session_id}/session.sdp"): "read",
    ("GET", "/api/sounds"): "read",
    ("POST", "/api/sounds"): "sounds.write",
    ("GET", "/api/sounds/{sound_id}"): "read",
    ("DELETE", "/api/sounds/{sound_id}"): "sounds.write",
    ("GET", "/api/users"): "people.read",
    ("POST", "/api/users"): "people.write",
    ("PATCH", "/api/users/{name}"): "people.write",
    ("DELETE", "/api/users/{name}"): "people.write",
    ("PUT", "/api/users/{name}/password"): "people.write",
    ("DELETE", "/api/users/{name}/totp"): "people.write",
    ("GET", "/api/tokens"): SELF,
    ("POST", "/api/tokens"): SELF,
    ("DELETE", "/api/tokens/{token_id}"): ANYONE,
    ("GET", "/api/me"): ANYONE,
    ("PUT", "/api/me/password"): SELF,
    ("POST", "/api/me/totp"): SELF,
    ("PUT", "/api/me/totp"): SELF,
    ("GET", "/api/audit"): "audit.read",
    ("GET", "/api/audit/verify"): "audit.read",
    ("GET", "/api/audit/export"): "audit.read",
    ("POST", "/api/sign-out"): SELF,  # the last: it ends what asks
}
UNLISTED = {
    ("GET", "/"): PUBLIC,
    ("GET", "/live"): PUBLIC,
    ("GET", "/sw.js"): PUBLIC,
    ("GET", "/api/openapi.json"): "read",
    ("OPTIONS", "/api/whip"): PUBLIC,
    ("OPTIONS", "/api/whip/{session_id}"): PUBLIC,
}
"""What the OpenAPI document does not list."""
SPEAKING = {"read", "broadcast", "broadcast.emergency", "sounds.write", "alerts.write"}
SOCKETS = {
    ("SOCKET", "/api/zones/{zone_id}/listen"): "read",
    ("SOCKET", "/api/microphone"): "broadcast",
}
"""Those that are WebSockets."""
HANDSHAKE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "MDEyMzQ1Njc4OWFiY2RlZg==",
}
ROLES = {
    "administrator": {
        *("read", "broadcast", "broadcast.emergency", "sounds.write", "zones.write", "nodes.write", "nodes.enrol"),
        *("alerts.write", "notify.test"),
        *("people.read", "people.write", "audit.read", "authority.write"),
    },
    "operator": SPEAKING,
    "approver": SPEAKING,
    "technician": {"read", "broadcast", "sounds.write", "zones.write", "nodes.write", "nodes.enrol", "alerts.write"},
    "auditor": {"read", "people.read", "audit.read"},
    "board": {"read"},
}
BY_HAND = {"people.write"}
"""What no token may do."""
PASSWORD = "bốn từ không liên quan"


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A controller with one account a role, named by it, and one without."""
    with running(tmp_path_factory.mktemp("people")) as controller:
        for role in ROLES:
            controller.post("/api/users", {"name": role, "roles": [role], "password": PASSWORD})
        controller.post("/api/users", {"name": "nobody-yet", "roles": [], "password": PASSWORD})
        yield controller


def client(office: Running, **headers: str) -> httpx.Client:
    return httpx.Client(base_url=office.ports["url"], trust_env=False, timeout=20, headers=headers, verify=office.tls())


@contextlib.contextmanager
def signed_in(office: Running, name: str) -> Iterator[httpx.Client]:
    with client(office, Origin=office.ports["url"]) as browser:
        assert browser.post("/api/sign-in", json={"name": name, "password": PASSWORD}).is_success
        yield browser


def token(office: Running, user: str, scope: str) -> httpx.Client:
    made = office.post("/api/tokens", {"user": user, "scopes": [scope]})["token"]
    return client(office, Authorization=f"Bearer {made}")


def status(asker: httpx.Client, method: str, path: str) -> int:
    """Ask with names of nothing and a body that no route takes: what is let through changes nothing."""
    filled = path.replace("{", "no-").replace("}", "")
    if method == "SOCKET":
        return asker.get(filled, headers=HANDSHAKE).status_code
    with asker.stream(method, filled, json=[] if method in ("POST", "PUT", "PATCH") else None) as answer:
        return answer.status_code


def let_through(asker: httpx.Client) -> set[tuple[str, str]]:
    """Return the routes that did not answer 401 or 403 for want of a permission."""
    return {
        (method, path)
        for method, path in [*UNLISTED, *SOCKETS, *ROUTES]
        if status(asker, method, path) not in (401, 403)
    }


def expected(allowed: set[str]) -> set[tuple[str, str]]:
    return {route for route, permission in {**UNLISTED, **SOCKETS, **ROUTES}.items() if permission in allowed}


def test_every_route_has_a_row(people: Running) -> None:
    whole = people.get("/api/openapi.json")
    sockets = {("SOCKET", path): each["x-permission"] for path, each in whole["x-websockets"].items()}
    assert sockets == SOCKETS
    document: dict[str, Any] = whole["paths"]
    found = {
        (method.upper(), path): operation.get("x-permission", PUBLIC)
        for path, operations in document.items()
        for method, operation in operations.items()
    }
    assert found == ROUTES


@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_do_what_its_row_says_and_nothing_else(people: Running, role: str) -> None:
    with signed_in(people, role) as browser:
        assert let_through(browser) == expected({PUBLIC, SELF, ANYONE, *ROLES[role]})


def test_an_account_without_a_role_may_see_itself_alone(people: Running) -> None:
    with signed_in(people, "nobody-yet") as browser:
        assert let_through(browser) == expected({PUBLIC, SELF, ANYONE})


def test_nobody_may_do_what_is_public_alone(people: Running) -> None:
    for headers in ({}, {"Authorization": "Bearer loaxa_x"}, {"Cookie": "loaxa=x"}, {"Authorization": "Basic YTpi"}):
        with client(people, **headers) as stranger:
            assert let_through(stranger) == expected({PUBLIC}), headers
    with client(people) as stranger:
        assert stranger.get("/api/health").json() == {"ok": True}


@pytest.mark.parametrize("scope", sorted(ROLES["administrator"] - BY_HAND))
def test_a_token_may_do_what_its_one_scope_says(people: Running, scope: str) -> None:
    with token(people, "administrator", scope) as program:
        assert let_through(program) == expected({PUBLIC, ANYONE, scope})


def test_no_token_touches_accounts(people: Running) -> None:
    body = {"user": "administrator", "scopes": sorted(BY_HAND)}
    assert people.http.post("/api/tokens", json=body).status_code == 422
    kept = people.post("/api/tokens", {"user": "administrator", "scopes": ["read"]})
    with sqlite3.connect(people.folder / "state" / "loaxa.sqlite3") as database:  # as one that was made before
        database.execute("UPDATE tokens SET scopes = ? WHERE id = ?", (json.dumps(sorted(BY_HAND)), kept["id"]))
    database.close()
    with client(people, Authorization=f"Bearer {kept['token']}") as program:
        assert let_through(program) == expected({PUBLIC, ANYONE})


def test_a_token_may_never_do_more_than_its_account(people: Running) -> None:
    with token(people, "board", "zones.write") as program:
        assert let_through(program) == expected({PUBLIC, ANYONE})


def test_an_emergency_needs_a_permission_of_its_own(people: Running) -> None:
    people.village()
    body = {"source": {"kind": "tone", "duration_ms": 200}, "zones": ["thon-1"], "priority": "emergency"}
    with signed_in(people, "technician") as browser:
        refused = browser.post("/api/sessions", json=body)
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "not_allowed")
        assert browser.post("/api/sessions", json={**body, "priority": "live"}).status_code == 201
    with signed_in(people, "operator") as browser:
        assert browser.post("/api/sessions", json=body).status_code == 201


def input_status(speaker: httpx.Client, session: str) -> int:
    return speaker.put(f"/api/sessions/{session}/input", content=b"\1\2" * 480).status_code


def test_nobody_speaks_in_a_session_that_is_not_his(people: Running) -> None:
    people.village("thon-2", "cum-2")
    body = {"source": {"kind": "push"}, "zones": ["thon-2"]}
    with signed_in(people, "technician") as technician, signed_in(people, "operator") as operator:
        for begun in ({}, {"priority": "emergency"}):
            session = operator.post("/api/sessions", json={**body, **begun}).json()["id"]
            assert input_status(technician, session) == 403
            assert input_status(operator, session) == 200
        session = technician.post("/api/sessions", json=body).json()["id"]
        assert input_status(technician, session) == 200
        session = technician.post("/api/sessions", json=body).json()["id"]
        assert input_status(operator, session) == 200, "who may speak in an emergency may speak anywhere"


def test_a_voice_ends_with_the_sign_in_and_is_in_the_audit_from_its_start(people: Running) -> None:
    people.village("thon-3", "cum-3")
    with signed_in(people, "operator") as operator:
        body = {"source": {"kind": "push"}, "zones": ["thon-3"]}
        session = operator.post("/api/sessions", json=body).json()["id"]

        def voice() -> Iterator[bytes]:
            yield b"\1\2" * 48_000
            people.until_state(session, "on_air")
            newest = people.get("/api/audit?limit=1")["records"][0]
            assert (newest["who"], newest["action"], newest["object"]) == ("operator", "broadcast.input", session)
            operator.cookies.clear()
            people.http.put("/api/users/operator/password", json={"password": PASSWORD}).raise_for_status()
            people.until_state(session, "ended", 6)

        refused = operator.put(f"/api/sessions/{session}/input", content=voice())
        assert refused.status_code == 403, refused.text
        assert people.get(f"/api/sessions/{session}")["reason"] == "the sender may not speak any more"


def test_a_board_learns_no_password_of_a_stream_and_no_sim(people: Running) -> None:
    people.village("thon-4", "cum-4")
    inventory = {"serial": "A1", "sim_number": "0912345678", "sim_serial": "8984012345678", "note": "khoá ở nhà bà Sáu"}
    inventory["postal_address"] = "12 Thôn Đông"
    people.http.patch("/api/nodes/cum-4", json=inventory).raise_for_status()
    source = {"kind": "stream", "url": "HTTP://lan:secret@127.0.0.1:9/live?key=secret"}
    session = people.post("/api/sessions", {"source": source, "zones": ["thon-4"]})["id"]
    for role, inside in (("board", False), ("operator", False), ("technician", True), ("auditor", True)):
        with signed_in(people, role) as browser:
            for path in (f"/api/sessions/{session}", "/api/sessions"):
                assert "//127.0.0.1:9/live?…" in browser.get(path).text and "secret" not in browser.get(path).text
            shown = browser.get("/api/nodes/cum-4").json()
            assert shown["id"] == "cum-4"
            assert {name: shown[name] for name in inventory} == (inventory if inside else dict.fromkeys(inventory))
            assert ("0912345678" in browser.get("/api/nodes").text) == inside


def test_a_route_that_says_nothing_keeps_the_controller_from_starting() -> None:
    from fastapi import APIRouter, FastAPI

    from controller.people.permissions import needs

    router = APIRouter()
    router.add_api_route("/api/forgotten", lambda: None, methods=["GET"])
    with pytest.raises(UndeclaredRouteError, match="/api/forgotten does not say"):
        listed(FastAPI(openapi_url=None, docs_url=None, redoc_url=None), [router])
    unnamed = APIRouter()
    unnamed.add_api_route("/api/unnamed", lambda: None, methods=["POST"], openapi_extra=needs("read"))
    with pytest.raises(UndeclaredRouteError, match="no name for the audit"):
        listed(FastAPI(openapi_url=None, docs_url=None, redoc_url=None), [unnamed])
    silent = APIRouter()

    @silent.websocket("/api/silent")
    async def socket() -> None: ...

    with pytest.raises(UndeclaredRouteError, match="/api/silent does not say"):
        listed(FastAPI(openapi_url=None, docs_url=None, redoc_url=None), [silent])
    with pytest.raises(ValueError, match="no permission"):
        needs("everything")
