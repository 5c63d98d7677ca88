"""Throws made-up input at every parser and every route: ``make fuzz``."""
