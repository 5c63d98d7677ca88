"""Every byte on the network, defined once. Runs on CPython and MicroPython alike: no import beyond ``struct`` and ``json``."""
