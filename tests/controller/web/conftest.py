"""One controller for all tests of the routes."""

from collections.abc import Iterator

import pytest

from tests.controller.running import Running, running


@pytest.fixture(scope="session")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("office")) as controller:
        controller.village()
        yield controller
