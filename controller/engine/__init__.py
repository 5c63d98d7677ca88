"""The engine: mixes, encodes and sends; a process of its own (``python -m controller.engine``)."""
