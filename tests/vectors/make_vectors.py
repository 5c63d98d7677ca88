"""Writes the test vectors of the wire beside itself: ``.venv/bin/python -m tests.vectors.make_vectors``.

A vector is ``{"name", "hex", "parsed", "error"}``: the bytes, and what parsing them gives or the text of the
refusal; "*" where that text is the JSON parser's affair. "given" has the keys that the tags of all vectors are under.
"""

import json
from collections.abc import Callable
from pathlib import Path

from codec.wire.errors import WireError
from tests.firmware.suite.check_wire import GIVEN, PARSERS
from tests.vectors import bodies, datagrams

HERE = Path(__file__).resolve().parent
PARSER_DEPENDENT = ("no JSON", "nested too deep", "not UTF-8", "cut off after an inner object")


def write(kind: str, cases: dict[str, bytes]) -> None:
    parse: Callable[[bytes], object] = PARSERS[kind]
    vectors = []
    for name, data in cases.items():
        parsed, error = None, None
        try:
            parsed = parse(data)
        except WireError as refusal:
            error = "*" if name in PARSER_DEPENDENT else str(refusal)
        vectors.append({"name": name, "hex": data.hex(), "parsed": parsed, "error": error})
    given = {name: value.hex() for name, value in GIVEN.items()}
    text = json.dumps({"format": kind, "given": given, "vectors": vectors}, indent=1) + "\n"
    (HERE / f"{kind}.json").write_text(text)


if __name__ == "__main__":
    write("rtp", datagrams.rtp_vectors())
    write("signed", datagrams.signed_vectors())
    write("sync", datagrams.sync_vectors())
    write("tesla", bodies.tesla_vectors())
    write("chain", bodies.chain_vectors())
    write("beacon", datagrams.beacon_vectors())
    write("nack", datagrams.nack_vectors())
    write("announcement", bodies.announcement_vectors())
    write("command", bodies.command_vectors())
    write("ack", bodies.ack_vectors())
    write("report", bodies.report_vectors())
