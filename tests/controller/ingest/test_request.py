"""Bodies of requests, good and bad, and what is said about the bad ones."""

from typing import Any

import pytest

from controller.ingest.errors import IngestError
from controller.ingest.request import MAX_TEXT_CHARS, parse_request


@pytest.mark.parametrize(
    ("body", "live"),
    [
        ({"kind": "sound", "sound": "abc"}, False),
        ({"kind": "text", "text": "Xin chào", "voice": "vi-vn-x-south", "speed": 1.2}, False),
        ({"kind": "text", "text": "Xin chào", "voice": "piper:vi_nu-1.0"}, False),
        ({"kind": "chime"}, False),
        ({"kind": "tone", "frequency_hz": 440, "duration_ms": 500}, False),
        ({"kind": "stream", "url": "https://example.org/live.m3u8"}, False),
        ({"kind": "soundcard"}, True),
        ({"kind": "rtp", "port": 5004, "payload": "l16", "source": "192.0.2.1", "group": "239.1.2.3"}, True),
        ({"kind": "push"}, False),
        ({"kind": "push", "realtime": True}, True),
    ],
)
def test_good(body: dict[str, Any], live: bool) -> None:
    request = parse_request(body)
    assert request.kind == body["kind"]
    assert request.live is live


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"kind": "text", "text": "  ...!? "}, "text: the text has no letter or digit to speak"),
        ({"kind": "text", "text": ""}, "write at least one word"),
        ({"kind": "text", "text": "\ud800 xin"}, "broken Unicode"),
        ({"kind": "text", "text": "a" * (MAX_TEXT_CHARS + 1)}, "split it into parts of at most 20000"),
        ({"kind": "text", "text": "a", "voice": "../../etc"}, 'voice: a voice is "vi"'),
        ({"kind": "text", "text": "a", "voice": "piper:../x"}, 'voice: a voice is "vi"'),
        ({"kind": "text", "text": "a", "voice": "-f/etc/passwd"}, 'voice: a voice is "vi"'),
        ({"kind": "stream", "url": "file:///etc/passwd"}, "url: the address of a stream begins with http://"),
        ({"kind": "stream", "url": "http://"}, "names a server"),
        ({"kind": "stream", "url": "http://a b/"}, "names a server"),
        ({"kind": "stream", "url": "http://a:99999/"}, "names a server"),
        ({"kind": "rtp", "port": 80}, "port: Input should be greater than or equal to 1024"),
        ({"kind": "rtp", "port": 5004, "group": "10.0.0.1"}, "group is a multicast address"),
        ({"kind": "file", "path": "/etc/passwd"}, "kind"),
        ({"kind": "sound", "sound": "a", "path": "/etc/passwd"}, "path: Extra inputs are not permitted"),
        ({"kind": "tone", "level_db": float("nan")}, "level_db"),
        ({"kind": "tone", "level_db": False}, "level_db: this is a number, not true or false"),
        ({"kind": "rtp", "port": 5004, "channels": True}, "channels: this is a number, not true or false"),
        ({"kind": "nothing"}, "kind"),
        ({}, "kind"),
        ([], "valid"),
        (None, "valid"),
    ],
)
def test_bad(body: Any, said: str) -> None:
    with pytest.raises(IngestError) as caught:
        parse_request(body)
    assert caught.value.code == "invalid"
    assert said in caught.value.text
