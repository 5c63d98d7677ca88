"""One-time codes of a telephone (RFC 6238): a code works once, also within its own half minute."""

import hmac

import pyotp

STEP_S = 30
ISSUER = "Loa Xã"


def new_secret() -> str:
    """Return a secret of 160 bits in base32."""
    return pyotp.random_base32()


def address(secret: str, name: str) -> str:
    """Return the otpauth:// address that a telephone reads from a QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=ISSUER)


def used_step(secret: str, code: str, now_s: int, last_step: int) -> int | None:
    """Return the step whose code this is, after `last_step`; one step of wrong clock either way. None: it is none."""
    step_now = now_s // STEP_S
    found = None
    for step in (step_now - 1, step_now, step_now + 1):
        good = hmac.compare_digest(pyotp.TOTP(secret).at(step * STEP_S).encode(), code.strip().encode())
        if good and step > last_step:
            found = step
    return found
