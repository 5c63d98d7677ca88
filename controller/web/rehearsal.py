"""A route is prepared at its first request, which takes a fifth of a second; an emergency must not pay for it."""

from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient


async def rehearse(app: FastAPI, token: str) -> None:
    """Have `app` prepare the routes of a broadcast, by a request that it refuses and one that changes nothing."""
    signed = {"Authorization": f"Bearer {token}"}
    async with AsyncClient(transport=ASGITransport(app), base_url="http://rehearsal", headers=signed) as client:
        await client.post("/api/sessions", json={})
        await client.get("/api/sessions")
