"""aiosendspin's time filter in a process of its own: exchanges in, estimates out, a line of JSON each.

usage: sendspin.py PATH/aiosendspin/client/time_sync.py

A line in is ``[exchanges, at_us]``, exchanges as ``[t1, t2, t3, t4]``; a line out is ``[media_us, error_us]`` for the
local instant `at_us`, both null while the filter is not synchronised. The filter's module needs nothing else of its
package, and so runs on any Python from 3.10 on.
"""

import importlib.util
import json
import sys
from typing import Any


def load(path: str) -> Any:
    """Return a new filter of the module at `path`."""
    spec = importlib.util.spec_from_file_location("time_sync", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["time_sync"] = module
    spec.loader.exec_module(module)
    return module.SendspinTimeFilter()


def main(path: str) -> None:
    """Answer line by line until the input ends."""
    peer = load(path)
    for line in sys.stdin:
        exchanges, at_us = json.loads(line)
        for t1_us, t2_us, t3_us, t4_us in exchanges:
            # As its client feeds it (client/connection.py, _handle_server_time).
            offset_us = ((t2_us - t1_us) + (t3_us - t4_us)) / 2
            half_trip_us = ((t4_us - t1_us) - (t3_us - t2_us)) / 2
            peer.update(round(offset_us), round(half_trip_us), t4_us)
        known = peer.is_synchronized
        answer = [peer.compute_server_time(at_us), peer.error] if known else [None, None]
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
