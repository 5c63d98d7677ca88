"""``python -m controller.engine``: one engine, controlled through an inherited socket."""

import os
import sys

# One product of small matrices is quicker in one thread than shared out; must be set before numpy is
# imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def main() -> None:
    """Run the engine until the controller is gone."""
    import asyncio
    import logging
    import signal

    from controller.engine.process import serve
    from controller.engine.settings import parse_arguments

    logging.basicConfig(level=logging.INFO, format="engine: %(levelname)s %(message)s")
    settings = parse_arguments(sys.argv[1:])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # ^C is for the controller, which then closes the socket
    sys.setswitchinterval(0.0005)  # a worker that comes back from libopus gets the GIL within a fraction of a frame
    try:
        asyncio.run(serve(settings))
    except OSError as error:
        sys.exit(f"engine: {error}")


if __name__ == "__main__":
    main()
