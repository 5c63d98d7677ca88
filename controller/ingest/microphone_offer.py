"""What is looked at of a WebRTC offer (SDP, RFC 8866) before a child gets it: its size, and its lines one by one."""

from controller.errors import UnusableError

MAX_OFFER_BYTES = 64 * 1024
"""A browser's offer of one track has 2 to 4 KiB."""
MAX_MEDIA = 4
"""A studio offers sound and a picture."""
MAX_CANDIDATES = 32
"""Each is an address that is sent up to seven checks from each address of ours: no offer may name a thousand."""
_CANDIDATE = "a=candidate:"
_ADDRESS = 4
"""Of a candidate's fields (RFC 8839 section 5.1)."""


def check_offer(content_type: str, body: bytes) -> str:
    """Return the offer as text, without what is not to be used of it; raises UnusableError for what is none."""
    if content_type.partition(";")[0].strip().lower() != "application/sdp":
        raise UnusableError("not_sdp", "This is no SDP offer.", "Send it with Content-Type: application/sdp.")
    if len(body) > MAX_OFFER_BYTES:
        raise UnusableError("offer", f"The offer is longer than {MAX_OFFER_BYTES} bytes.", "Offer one audio track.")
    try:
        lines = body.decode("ascii").splitlines()
    except UnicodeDecodeError:
        lines = []
    kinds = [line[2:].partition(" ")[0] for line in lines if line.startswith("m=")]
    if not lines or lines[0] != "v=0" or "audio" not in kinds:
        raise UnusableError("offer", "This is no offer of audio.", "Offer one audio track in Opus.")
    if len(kinds) > MAX_MEDIA or not {"audio", "video"}.issuperset(kinds):
        raise UnusableError("offer", "The offer has more than sound and a picture.", "Offer one audio track in Opus.")
    return "\r\n".join([*_used(lines), ""])


def _used(lines: list[str]) -> list[str]:
    """Return the lines without candidates that are names (mDNS: a second of waiting each) or too many.

    The end of candidates is left out, too: a peer whose own are of no use here is found by the checks that it sends.
    """
    kept, candidates = [], 0
    for line in lines:
        if line.startswith(_CANDIDATE):
            fields = line.split(" ")
            if len(fields) <= _ADDRESS or fields[_ADDRESS].endswith(".local") or candidates == MAX_CANDIDATES:
                continue
            candidates += 1
        if line != "a=end-of-candidates":
            kept.append(line)
    return kept
