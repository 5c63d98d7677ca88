"""Stands in for an ESP32's ``os``: the host's, but for the size of the flash."""

# ruff: noqa: I001, F403 - the star first, so that our own names win over it
from uos import *

from _board import now

_BLOCK_BYTES = 4096


def statvfs(path):
    """Return what the file system of the board's flash has, and has left."""
    total = now("storage_total_bytes") // _BLOCK_BYTES
    free = now("storage_free_bytes") // _BLOCK_BYTES
    return (_BLOCK_BYTES, _BLOCK_BYTES, total, free, free, 0, 0, 0, 0, 255)
