"""Serves until it is told to stop: the office and its HTTP interface in one loop."""

import asyncio
import contextlib
import logging
import signal
import sys
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from controller import localaccess
from controller.office import Office
from controller.people.accounts import FIRST
from controller.ports import listen_tcp
from controller.settings import LOOPBACK, Settings
from controller.web.app import create_app
from controller.web.front import Connection, Front
from controller.web.rehearsal import rehearse
from controller.web.upgraded import MAX_MESSAGE_BYTES, PING_S, PONG_S

log = logging.getLogger(__name__)

FAREWELL_S = 2
"""How long requests that are under way may take once the controller is told to stop."""


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to `serve`, which has more to stop than this server."""
        yield


async def serve(settings: Settings, ready: Callable[[dict[str, Any]], None]) -> None:
    """Run the controller until SIGTERM or SIGINT; `ready` is told its address and ports. Raises StartError."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    http = listen_tcp(settings.http_host, settings.http_port, "Web interface", "http")
    try:
        office = Office(settings)
        starting = asyncio.create_task(office.start())
        stopping = asyncio.create_task(told.wait())
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)
            await office.stop()
            return
        starting.result()
        try:
            await _serve_http(office, http, told, ready)
        finally:
            await office.stop()
    finally:
        http.close()


async def _serve_http(office: Office, http: Any, told: asyncio.Event, ready: Callable[[dict[str, Any]], None]) -> None:
    office.web_port = http.getsockname()[1]
    web = office.web
    app = create_app(office)
    await rehearse(app, office.people.local_token)
    server = _Server(
        uvicorn.Config(
            app,
            http=H11Protocol,
            proxy_headers=bool(office.settings.http_trusted),
            forwarded_allow_ips=list(office.settings.http_trusted),
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="websockets-sansio",
            ws_max_size=MAX_MESSAGE_BYTES,
            ws_ping_interval=PING_S,
            ws_ping_timeout=PONG_S,
            ws_per_message_deflate=False,
            timeout_graceful_shutdown=FAREWELL_S,
            server_header=False,
        )
    )
    running = asyncio.create_task(server.serve(sockets=[]))
    while not server.started and not running.done():
        await asyncio.sleep(0.01)

    def connection(front: Front, host: str) -> Connection:
        return Connection(
            front, host, config=server.config, server_state=server.server_state, app_state=server.lifespan.state
        )

    front = Front(http, connection, web.context, frozenset(office.settings.http_trusted))
    accepting = asyncio.create_task(front.run(), name="web")
    renewing = asyncio.create_task(web.keep(), name="certificate")
    reached_at = {office.public_broker()[0], office.public_media()[0]}
    if office.broker:
        reached_at.add(office.settings.broker_bind)
    if reached_at & LOOPBACK:
        log.warning("Only nodes on this machine can reach it; for others set host in [public] and bind in [broker].")
    addresses = _addresses(office, http.getsockname()[1])

    def access() -> localaccess.Access:
        return localaccess.Access(addresses["url"], office.people.local_token, web.authority_pem)

    with _local_access(addresses["http_port"], access, office.transport.rotation.switched):
        if office.first_password:
            _tell_first_password(office.first_password)
            office.first_password = None
        ready(addresses)
        stopping = asyncio.create_task(told.wait())
        await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
        office.bus.close()  # streams of events end, or they would hold the server up; those of sound, too
        office.listening.stop()
        for task in (accepting, renewing):
            task.cancel()
        await asyncio.gather(accepting, renewing, return_exceptions=True)
        front.close()
        server.should_exit = True
        stopping.cancel()
        await running


def _tell_first_password(password: str) -> None:
    """Say it once, and not to the log, which is kept."""
    print(
        f"\n  Tài khoản đầu tiên / the first account: {FIRST}\n  Mật khẩu / its password: {password}\n"
        "  It is shown this once. Change it: loaxa user password admin\n",
        file=sys.stderr,
        flush=True,
    )


@contextlib.contextmanager
def _local_access(
    http_port: int, access: Callable[[], localaccess.Access], switched: list[Callable[[], None]]
) -> Iterator[None]:
    """Let this user on this machine in without a sign-in for as long as the block runs; said anew when it is other."""
    try:
        path = localaccess.write(http_port, access())
    except OSError as error:
        log.warning("%s: commands on this machine need `loaxa login`, too", error)
        yield
        return

    def again() -> None:
        localaccess.write(http_port, access())

    switched.append(again)
    try:
        yield
    finally:
        localaccess.remove(path, access())


def _addresses(office: Office, http_port: int) -> dict[str, Any]:
    host = office.settings.http_host
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host
    broker = office.public_broker()
    return {
        "url": f"{office.web.scheme}://{shown}:{http_port}",
        "http_port": http_port,
        "media_port": office.air.port,
        "broker_host": broker[0],
        "broker_port": broker[1],
        "engine_pid": office.air.pid,
        "broker_pid": office.broker.pid if office.broker else None,
    }
