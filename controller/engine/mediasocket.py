"""The one UDP socket that audio leaves by and time exchanges come to."""

import contextlib
import socket

from controller.engine.settings import EngineSettings

BUFFER_BYTES = 4 << 20
"""A frame for a thousand members at once; the kernel's usual 208 KiB holds a quarter of it."""
_SO_SNDBUFFORCE, _SO_RCVBUFFORCE = 32, 33
_EXPEDITED_FORWARDING = 0xB8
"""DSCP EF (RFC 3246), what networks that know voice queue first."""


def open_media(settings: EngineSettings) -> socket.socket:
    """Return the bound non-blocking socket; raises OSError that names the address."""
    media = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        for ordinary, forced in ((socket.SO_SNDBUF, _SO_SNDBUFFORCE), (socket.SO_RCVBUF, _SO_RCVBUFFORCE)):
            media.setsockopt(socket.SOL_SOCKET, ordinary, BUFFER_BYTES)
            with contextlib.suppress(OSError):  # beyond the system's limit only with CAP_NET_ADMIN
                media.setsockopt(socket.SOL_SOCKET, forced, BUFFER_BYTES)
        media.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, _EXPEDITED_FORWARDING)
        media.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, settings.multicast_ttl)
        if settings.multicast_interface:
            media.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(settings.multicast_interface))
        media.bind((settings.host, settings.port))
        media.setblocking(False)
    except OSError as error:
        media.close()
        raise OSError(error.errno, f"media socket {settings.host}:{settings.port}: {error.strerror}") from error
    return media
