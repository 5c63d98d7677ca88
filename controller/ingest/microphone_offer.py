"""What is looked at of a WebRTC offer before a child gets it: what it is said to be, and its size. No parsing here."""

from controller.errors import UnusableError

MAX_OFFER_BYTES = 64 * 1024
"""A browser's offer of one track has 2 to 4 KiB."""


def check_offer(content_type: str, body: bytes) -> str:
    """Return the offer as text; raises UnusableError for what is none."""
    if content_type.partition(";")[0].strip().lower() != "application/sdp":
        raise UnusableError("not_sdp", "This is no SDP offer.", "Send it with Content-Type: application/sdp.")
    if len(body) > MAX_OFFER_BYTES:
        raise UnusableError("offer", f"The offer is longer than {MAX_OFFER_BYTES} bytes.", "Offer one audio track.")
    try:
        text = body.decode("ascii")
    except UnicodeDecodeError:
        text = ""
    if not text.startswith("v=0") or "\nm=audio " not in text:
        raise UnusableError("offer", "This is no offer of audio.", "Offer one audio track in Opus.")
    return text
