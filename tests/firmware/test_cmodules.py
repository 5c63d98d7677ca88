"""Our C modules for MicroPython, built into the unix port and held against libopus itself."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from opuslib_next.api import decoder as libopus

HERE = Path(__file__).parent
STREAMS = sorted((HERE / "vectors_opus").glob("*.json"))
NO_SOURCES = 77  # what scripts/micropython-cmodules answers where the distribution's sources cannot be had

pytestmark = pytest.mark.timeout(600)  # the first test waits for the build


@pytest.fixture(scope="session")
def built(root: Path) -> Path:
    """Return the unix port with our modules, built from the sources that `make deps` fetched."""
    build = subprocess.run(
        [root / "scripts" / "micropython-cmodules", "build"],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if build.returncode == NO_SOURCES:  # no package has them: also in continuous integration a mirror may be without
        pytest.skip(f"the sources of MicroPython cannot be had here: {build.stderr.strip()}")
    assert build.returncode == 0, build.stderr
    return root / ".tools" / "micropython-opus" / "micropython"


def run(program: Path, script: str, *arguments: str, path: Path | None = None) -> str:
    """Return what the script printed; it is killed, or ends badly, only if a module misbehaves.

    path: where the script finds modules of ours.
    """
    done = subprocess.run(
        [program, HERE / "cmodules" / script, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, "MICROPYPATH": f"{path}:.frozen"} if path else None,
    )
    assert done.returncode == 0, f"{script}: exit {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr}"
    return done.stdout


# How a node hears the thirty packets of a stream, a letter for each: it came (p), it was lost and is made
# from the next one's FEC (f), it was lost and is concealed (l).
HEARD = "ppppfpppplpfppplpppfllfplfpppp"


@pytest.mark.parametrize("path", STREAMS, ids=[path.stem for path in STREAMS])
def test_decodes_to_the_bit_as_libopus_does(built: Path, path: Path) -> None:
    stream = json.loads(path.read_text())
    packets = [bytes.fromhex(packet) for packet in stream["packets"]]
    assert len(packets) == len(HEARD)

    expected = []
    state = libopus.create_state(stream["rate"], stream["channels"])
    try:
        for index, how in enumerate(HEARD):
            packet = None if how == "l" else packets[index + (how == "f")]
            length = len(packet) if packet is not None else 0
            pcm = libopus.decode(
                state, packet, length, stream["frame_samples"], how == "f", channels=stream["channels"]
            )
            expected.append(pcm.hex())
    finally:
        libopus.destroy(state)

    printed = run(built, "decode.py", str(path), HEARD).split()
    assert any(set(frame) != {"0"} for frame in printed)
    assert len(printed) == len(expected)
    for index, (got, want) in enumerate(zip(printed, expected, strict=True)):
        assert got == want, f"frame {index} ({HEARD[index]}) differs"


def test_hostile_packets_and_arguments_are_refused(built: Path) -> None:
    assert run(built, "hostile.py", str(HERE / "vectors_opus" / "speech_48k_20ms_fec.json")).startswith("ok libopus")


def test_the_dac_counts_the_frames_that_left(built: Path) -> None:
    assert run(built, "loadac_position.py") == "ok\n"


def test_the_loops_in_c_equal_the_plain_ones(built: Path, root: Path) -> None:
    assert run(built, "loops.py", path=root) == "ok\n"
