"""The loops over samples: machine code (viper) on MicroPython, the same integers in plain Python
elsewhere."""

import sys

if sys.implementation.name == "micropython":
    from .hot_viper import amplify, resample
else:
    from .hot_plain import amplify, resample

__all__ = ["amplify", "resample"]
