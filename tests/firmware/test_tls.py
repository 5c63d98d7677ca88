"""TLS under MicroPython in a heap as small as a board's: who is refused, what stays behind, that nothing waits."""

import asyncio
import os
import re
import ssl
from pathlib import Path

import pytest

from controller.pki import BROKER_NAME, Authority, fingerprint
from firmware.hal.certificate import begins

HEAP = "200k"


async def run(folder: Path, root: Path, micropython: Path, times: int, hosts: list[str], *trusted: Authority) -> str:
    """Run secure.py at a server whose certificate is from the authority in `folder`, for `hosts`; return its lines."""
    authority = Authority(folder / "pki")
    certificate, key = authority.issue("broker", hosts)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            assert await reader.readexactly(3000) == b"x" * 3000
            writer.write(b"y" * 3000)
            await writer.drain()
            await reader.read(1)
        except (OSError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    paths = []
    for number, each in enumerate(trusted or (authority,)):
        path = folder / f"trusted-{number}.pem"
        path.write_text(each.certificate_pem)
        paths.append(str(path))
    process = await asyncio.create_subprocess_exec(
        *(str(micropython), "-X", f"heapsize={HEAP}", str(root / "tests/firmware/connections/secure.py")),
        *(str(server.sockets[0].getsockname()[1]), str(times), *paths),
        env={**os.environ, "MICROPYPATH": f"{root}:.frozen"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        out, _ = await asyncio.wait_for(process.communicate(), 110)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        server.close()
        await asyncio.sleep(0.05)
    return out.decode()


@pytest.mark.timeout(120)
async def test_many_connections_leave_nothing_behind(tmp_path: Path, root: Path, micropython: Path) -> None:
    said = await run(tmp_path, root, micropython, 600, [BROKER_NAME])
    found = {name: int(value) for name, value in re.findall(r"(\w+) (-?\d+)", said)}
    print(found)
    assert found["descriptors"] == 0, said
    assert found["heap"] < 500, said
    assert found["resident"] < 600, said
    # A handshake computes in one go: much less than a DAC holds.
    assert found["longest"] < 60, said


async def test_a_broker_of_another_authority_is_refused(tmp_path: Path, root: Path, micropython: Path) -> None:
    said = await run(tmp_path, root, micropython, 1, [BROKER_NAME], Authority(tmp_path / "other"))
    assert said.startswith("refused: broker is not ours"), said


async def test_a_certificate_for_another_name_is_refused(tmp_path: Path, root: Path, micropython: Path) -> None:
    said = await run(tmp_path, root, micropython, 1, ["127.0.0.1", "localhost"])
    assert said.startswith("refused: broker is not ours"), said


async def test_of_two_authorities_either_will_do(tmp_path: Path, root: Path, micropython: Path) -> None:
    ours, other = Authority(tmp_path / "pki"), Authority(tmp_path / "other")
    for trusted in ((ours, other), (other, ours)):
        said = await run(tmp_path, root, micropython, 1, [BROKER_NAME], *trusted)
        assert "descriptors 0" in said, said
    assert fingerprint(ours.certificate_pem) != fingerprint(other.certificate_pem)


async def test_a_broker_in_the_clear_is_refused(root: Path, micropython: Path, tmp_path: Path) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"\x20\x02\x00\x00" * 8)
        await reader.read()
        writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    path = tmp_path / "ca.pem"
    path.write_text(Authority(tmp_path).certificate_pem)
    process = await asyncio.create_subprocess_exec(
        *(str(micropython), "-X", f"heapsize={HEAP}", str(root / "tests/firmware/connections/secure.py")),
        *(str(server.sockets[0].getsockname()[1]), "1", str(path)),
        env={**os.environ, "MICROPYPATH": f"{root}:.frozen"},
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await asyncio.wait_for(process.communicate(), 20)
    server.close()
    assert out.startswith(b"refused: "), out


def test_the_date_that_a_board_without_a_calendar_takes(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    assert begins(authority.certificate_pem) == authority.begins.timetuple()[:6]
    for text in (
        "",
        "x",
        "-----BEGIN CERTIFICATE-----",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
    ):
        with pytest.raises(ValueError, match="validity"):
            begins(text)
