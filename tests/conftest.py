"""What every test may ask for: where the repository is, the MicroPython that set-up made, and a sound card."""

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import needs

ROOT = Path(__file__).resolve().parent.parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let what takes long begin first."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the repository's folder."""
    return ROOT


@pytest.fixture(scope="session")
def micropython(root: Path) -> Path:
    """Return the MicroPython that nodes run on; ``make deps`` makes it."""
    path = root / ".tools" / "bin" / "micropython"
    assert path.exists(), "no MicroPython: run `make deps`"
    return path


@pytest.fixture
def sound_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """A PulseAudio daemon with a null sink, and ALSA's default device pointed at it."""
    needs.pulseaudio()
    runtime = tmp_path / "run"
    runtime.mkdir(mode=0o700)
    socket_path = runtime / "native"
    alsa = tmp_path / "asound.conf"
    alsa.write_text("</usr/share/alsa/alsa.conf>\npcm.!default { type pulse }\nctl.!default { type pulse }\n")
    environment = {
        "HOME": str(tmp_path),
        "XDG_RUNTIME_DIR": str(runtime),
        "PULSE_SERVER": f"unix:{socket_path}",
        "ALSA_CONFIG_PATH": str(alsa),
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with subprocess.Popen(
        [
            *(
                "pulseaudio",
                "-n",
                "--daemonize=no",
                "--exit-idle-time=-1",
                "--use-pid-file=no",
                "--disable-shm=yes",
            ),
            *("-L", f"module-native-protocol-unix auth-anonymous=1 socket={socket_path}"),
            *("-L", "module-null-sink sink_name=horn rate=48000"),
        ],
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as daemon:
        deadline_s = time.monotonic() + 20
        while subprocess.run(["pactl", "info"], capture_output=True, check=False).returncode:
            assert time.monotonic() < deadline_s, "PulseAudio does not start"
            time.sleep(0.1)
        subprocess.run(["pactl", "set-default-source", "horn.monitor"], check=True)
        yield environment
        daemon.terminate()
