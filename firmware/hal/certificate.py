"""The one thing that a board must read of a certificate by itself."""

from binascii import a2b_base64

_UTC_TIME = b"\x17\x0d"


def begins(pem):
    """Return ``(year, month, day, hour, minute, second)``, UTC, from when on a certificate in PEM is valid.

    RFC 5280, 4.1.2.5: until 2049 the validity is two UTCTimes of 13 bytes, one after the other. Raises ValueError.
    """
    text = pem.split("-----BEGIN CERTIFICATE-----")[-1].split("-----END")
    raw = a2b_base64(text[0]) if len(text) > 1 else b""
    at = raw.find(_UTC_TIME)
    while at >= 0 and raw[at + 15 : at + 17] != _UTC_TIME:
        at = raw.find(_UTC_TIME, at + 1)
    if at < 0:
        raise ValueError("no validity in this certificate")
    digits = raw[at + 2 : at + 14].decode()
    two = [int(digits[i : i + 2]) for i in range(0, 12, 2)]
    return (2000 + two[0], two[1], two[2], two[3], two[4], two[5])
