"""WebSockets of a real controller: whose page may open them, how long they last, what listeners are sent."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from controller import localaccess
from tests.controller.running import Running
from tests.controller.web.test_permissions import HANDSHAKE

PASSWORD = "bốn từ không liên quan"
LISTEN = "/api/zones/thon-1/listen"


@contextlib.asynccontextmanager
async def opened(office: Running, path: str, **headers: str) -> AsyncIterator[ClientConnection]:
    url = office.ports["url"].replace("http", "ws", 1) + path
    async with connect(
        url, ssl=office.tls(), additional_headers=headers, compression=None, proxy=None, max_queue=None
    ) as end:
        yield end


def bearer(office: Running) -> dict[str, str]:
    found = localaccess.find(office.ports["url"])
    assert found
    return {"Authorization": f"Bearer {found.token}"}


@contextlib.contextmanager
def signed_in(office: Running, name: str, role: str = "board") -> Iterator[httpx.Client]:
    office.http.post("/api/users", json={"name": name, "roles": [role], "password": PASSWORD})
    with httpx.Client(base_url=office.ports["url"], verify=office.tls(), trust_env=False) as browser:
        asked = browser.post(
            "/api/sign-in", json={"name": name, "password": PASSWORD}, headers={"Origin": office.ports["url"]}
        )
        assert asked.is_success, asked.text
        yield browser


async def heard(end: ClientConnection) -> Any:
    """Return the next message: what a text says, or number and payload of a frame."""
    said = await asyncio.wait_for(end.recv(), 10)
    return json.loads(said) if isinstance(said, str) else (int.from_bytes(said[:4], "big"), said[4:])


def test_a_cookie_opens_one_from_our_own_page_alone(office: Running) -> None:
    url = office.ports["url"]
    cases: list[tuple[dict[str, str], int]] = [
        ({}, 403),
        ({"Origin": ""}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"}, 403),
        ({"Origin": url, "Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 403),
        ({"Origin": url + ".evil.example"}, 403),
        ({"Origin": url}, 404),
        ({"Origin": url, "Sec-Fetch-Site": "same-origin"}, 404),
    ]
    with signed_in(office, "trang") as browser:
        for headers, status in cases:
            answer = browser.get("/api/zones/nowhere/listen", headers={**HANDSHAKE, **headers})
            code = "other_site" if status == 403 else "unknown_zone"
            assert (answer.status_code, answer.json()["error"]["code"]) == (status, code), headers


def test_what_is_refused_is_so_before_the_handshake_and_in_the_form_of_all_errors(office: Running) -> None:
    for path, status, code in (
        ("/api/zones/nowhere/listen", 404, "unknown_zone"),
        (LISTEN + "?format=mp3", 422, "invalid"),
        ("/api/zones", 404, "not_found"),
        ("/static/x", 404, "not_found"),
        ("/", 404, "not_found"),
        ("/api/events", 404, "not_found"),
    ):
        answer = office.http.get(path, headers=HANDSHAKE)
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code), path
        assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "without completing handshake" not in office.log.read_text(), "no line of the log for what strangers ask"


async def test_who_is_signed_out_hears_no_longer(office: Running) -> None:
    with signed_in(office, "ngoc") as browser:
        cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
        async with opened(office, LISTEN, Cookie=cookie, Origin=office.ports["url"]) as end:
            assert await heard(end) == {"silent": True}
            browser.post("/api/sign-out", headers={"Origin": office.ports["url"]}).raise_for_status()
            with pytest.raises(ConnectionClosed) as closed:
                await asyncio.wait_for(end.recv(), 10)
    assert closed.value.rcvd and closed.value.rcvd.code == 4403


async def test_who_listens_hears_what_is_on_air(office: Running) -> None:
    async with (
        opened(office, LISTEN, **bearer(office)) as opus,
        opened(office, LISTEN + "?format=s16", **bearer(office)) as s16,
    ):
        assert await heard(opus) == await heard(s16) == {"silent": True}
        office.tone(600)
        for end, name in ((opus, "opus"), (s16, "s16")):
            assert await heard(end) == {"format": name, "rate_hz": 48000, "frame_us": 20000}
            frames = [await heard(end) for _ in range(25)]
            first = frames[0][0]
            assert [number for number, _ in frames] == list(range(first, first + 25))
            assert all(len(payload) == 1920 if name == "s16" else len(payload) < 400 for _, payload in frames)
            while isinstance(said := await heard(end), tuple):
                pass
            assert said == {"silent": True}


async def test_it_ends_with_its_zone(office: Running) -> None:
    office.post("/api/zones", {"id": "tam"})
    async with opened(office, "/api/zones/tam/listen", **bearer(office)) as end:
        assert await heard(end) == {"silent": True}
        office.http.delete("/api/zones/tam").raise_for_status()
        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(end.recv(), 10)
    assert closed.value.rcvd and (closed.value.rcvd.code, closed.value.rcvd.reason) == (4000, "unknown_zone")


async def test_one_account_does_not_take_every_place(office: Running) -> None:
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(20):
            await stack.enter_async_context(opened(office, LISTEN, **bearer(office)))
        answer = office.http.get(LISTEN, headers=HANDSHAKE)
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "too_many_listeners")
        with signed_in(office, "lan") as browser:
            cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
            async with opened(office, LISTEN, Cookie=cookie, Origin=office.ports["url"]) as end:
                assert await heard(end) == {"silent": True}
