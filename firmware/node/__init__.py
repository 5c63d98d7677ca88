"""A node's agent. Stages take bytes, samples and times; only ``agent``, ``link`` and ``mqtt`` know asyncio.

Times: `local_us` is the node's own unwrapped microsecond counter, `media_us` the controller's media clock.
Positions in a stream are samples at 48 kHz from its frame 0. No two of them are ever compared.
"""
