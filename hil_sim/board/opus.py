"""Stands in for the C module ``opus``: libopus through ffi, with the same interface."""

from firmware.hal.linux.opus import Decoder

__all__ = ["Decoder"]
