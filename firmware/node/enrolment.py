"""Enrolment: a board without an identity, or with a new line, asks the office once who it is, and keeps the answer."""

import asyncio
import json

from codec.wire import body, enrolment
from codec.wire.errors import WireError
from codec.wire.mac import same

from . import config as node_config

_RETRY_MS = 5000
_MAX_HEAD_LINES = 40
_MAX_HEAD_CHARS = 512
EXIT_CODE = 2


class RefusedError(ValueError):
    """The office, or what answers in its place, does not enrol this board; asking again would not help."""


def run(hal, config, line):
    """Enrol this board by `line`, or by what the console says where it is empty; then it restarts.

    Returns None where it goes on with the identity that it has, or an exit code.
    """
    while True:
        if line:
            reason = _by(hal, config, line)
            if reason is None:
                return None
            hal.log("not enrolled: " + reason)
            if config.id is not None:
                return None
        line = hal.ask("Enrolment line: ").strip()
        if not line:
            hal.log("no identity: `loaxa node enrol ID` in the office prints a line to enrol with")
            return EXIT_CODE


def _by(hal, config, text):
    """Return why not, or None where there is nothing more to do now."""
    try:
        line = enrolment.parse_line(text)
    except WireError as error:
        return str(error)
    while True:
        try:
            asyncio.run(hal.network_up())
            identity = ask(hal, line)
        except RefusedError as error:
            if config.id is not None:
                _keep(hal, config.identity(), text)  # else every start would ask again
            return str(error)
        except OSError as error:
            hal.log("the office at %s:%d does not answer (%s)" % (line.host, line.port, error))
            if config.id is not None:
                return None  # the next start asks again; what has an identity must sound
            asyncio.run(_wait(hal))
            continue
        _keep(hal, identity, text)
        hal.log("enrolled as " + identity["id"] + "; it starts again as this node")
        hal.reboot("enrolled")
        return None


async def _wait(hal):
    await hal.sleep_ms(_RETRY_MS)


def _keep(hal, identity, text):
    hal.save_identity(json.dumps(dict(identity, line=node_config.plain(text))).encode())


def ask(hal, line):
    """Return the identity, checked, that the office gives for a Line; raises RefusedError, and OSError to try again."""
    stream, fingerprint = hal.open_pinned(line.host, line.port, line.pin is None)
    try:
        if line.pin is not None and not same(fingerprint[: enrolment.PIN_BYTES], line.pin):
            raise RefusedError("who answers at %s:%d is not the office of this line" % (line.host, line.port))
        request = enrolment.build_request(line.code, hal.board, hal.serial())
        head = "POST %s HTTP/1.1\r\nHost: %s:%d\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
        head = (head + "Connection: close\r\n\r\n") % (enrolment.PATH, line.host, line.port, len(request))
        stream.write(head.encode() + request)
        status, answer = _answer(stream)
    finally:
        stream.close()
    if status == 429 or status >= 500:
        raise OSError("it is busy: status %d" % status)
    try:
        if status != 200:
            raise RefusedError(_said(answer, status))
        return node_config.identity(body.parse(answer))
    except WireError as error:
        raise RefusedError("the office's answer is no identity: " + str(error))


def _answer(stream):
    """Return (status, body) of the answer, both capped; raises RefusedError for what is no such answer."""
    words = _line(stream).split(" ")
    if len(words) < 2 or words[0][:7] != "HTTP/1." or len(words[1]) != 3 or not words[1].isdigit():
        raise RefusedError("what answers is no office")
    length = None
    for _ in range(_MAX_HEAD_LINES):
        text = _line(stream)
        if not text:
            break
        name, _, value = text.partition(":")
        value = value.strip()
        if name.lower() == "content-length" and 0 < len(value) < 6 and value.isdigit():
            length = int(value)
    else:
        raise RefusedError("the office's answer has no end")
    if length is None or length > enrolment.MAX_ANSWER_BYTES:
        raise RefusedError("the office's answer is longer than %d bytes" % enrolment.MAX_ANSWER_BYTES)
    answer = stream.read(length) if length else b""
    if answer is None or len(answer) != length:
        raise OSError("the answer was cut off; make a new code if this goes on")
    return int(words[1]), answer


def _line(stream):
    raw = stream.readline(_MAX_HEAD_CHARS)
    if not raw:
        raise OSError("no answer")
    if raw[-1:] != b"\n":
        raise RefusedError("what answers is no office")
    try:
        return raw.decode().strip()
    except UnicodeError:
        raise RefusedError("what answers is no office")


def _said(answer, status):
    try:
        said = body.parse(answer).get("error")
        if isinstance(said, dict):
            return body.text(said, "message", 500) + " " + body.text(said, "hint", 500)
    except WireError:
        pass  # not ours; its number must do
    return "the office answers with status %d" % status
