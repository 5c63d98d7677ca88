"""``loaxa serve``: the controller."""

import asyncio
import logging
import sys
from pathlib import Path
from typing import Any

from controller.errors import StartError
from controller.serve import serve
from controller.settings import load
from loaxa.errors import CommandError
from loaxa.output import Output


def run(config: Path | None, output: Output) -> int:
    """Run until SIGTERM or SIGINT; raises CommandError when it cannot start."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for chatty in ("alembic", "httpx", "mqtt", "uvicorn.error"):
        logging.getLogger(chatty).setLevel(logging.WARNING)

    def ready(addresses: dict[str, Any]) -> None:
        output.answer({"ready": True, **addresses}, f"Loa Xã is ready: {addresses['url']}")

    try:
        asyncio.run(serve(load(config), ready))
    except StartError as error:
        raise CommandError(str(error)) from None
    return 0
