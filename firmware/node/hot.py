"""The loops over samples: the C module ``loadsp`` where there is one, else machine code (viper) on MicroPython and the
same integers in plain Python elsewhere."""

import sys

try:
    from loadsp import amplify, power, resample
except ImportError:
    if sys.implementation.name == "micropython":
        from .hot_viper import amplify, power, resample
    else:
        from .hot_plain import amplify, power, resample

__all__ = ["amplify", "power", "resample"]
