"""The engine's pipeline for its tests."""

import pytest

from controller.engine.mediasocket import open_media
from controller.engine.settings import EngineSettings
from tests.controller.engine.rig import Rig


@pytest.fixture
def rig():
    with open_media(EngineSettings(host="127.0.0.1", port=0)) as media:
        found = Rig(media)
        yield found
        found.close()
