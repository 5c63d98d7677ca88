"""Stands in for the C module ``loadac``, unless ``board.json`` says that this board's firmware lacks it."""

from _board import settings

if not settings["loadac"]:
    raise ImportError("no module named 'loadac'")

from _dac import DAC

__all__ = ["DAC"]
