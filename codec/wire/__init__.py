"""Every byte on the network, defined once. Runs on CPython and MicroPython alike: imports struct, json, hashlib only."""
