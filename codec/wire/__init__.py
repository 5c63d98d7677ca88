"""Every byte on the network, defined once; imports nothing that MicroPython lacks."""
