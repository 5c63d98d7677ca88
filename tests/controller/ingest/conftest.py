"""A pool with a warm child for each test."""

from collections.abc import AsyncIterator

import pytest

from controller.ingest.pool import IngestPool


@pytest.fixture
async def pool() -> AsyncIterator[IngestPool]:
    """A pool that keeps one warm child."""
    async with IngestPool(warm=1) as made:
        yield made
