"""Starts a simulated board: mounts its firmware's image, LOAXA_ROMFS, as a board maps its flash, and runs it."""

import sys

import ffi
import uctypes
import uos
import vfs

_O_RDONLY, _PROT_READ, _MAP_PRIVATE = 0, 1, 2

_libc = ffi.open("libc.so.6")
_open = _libc.func("i", "open", "si")
_mmap = _libc.func("P", "mmap", "pLiiil")

_image = uos.getenv("LOAXA_ROMFS")
_size = uos.stat(_image)[6]
_address = _mmap(None, _size, _PROT_READ, _MAP_PRIVATE, _open(_image, _O_RDONLY), 0)
vfs.mount(vfs.VfsRom(uctypes.bytearray_at(_address, _size)), "/rom")
sys.path[:] = ["/rom", ".frozen"]

from firmware.main import main  # noqa: E402 - from the image

sys.exit(main())
