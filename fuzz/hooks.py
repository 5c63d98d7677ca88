"""What schemathesis loads: every error must have the one form; answers are counted."""

import atexit
import json
import os
import random
from collections import Counter
from pathlib import Path

import schemathesis

ERROR_STATUS = 400
STATUSES: Counter[int] = Counter()
ORIGINS = (None, None, "null", "", "://", "http://[", "http://[::1", "https://a@b:c/d", "http://evil.example")
"""What a page's address may look like to us; no document of the interface tells of this header."""


@schemathesis.check
def one_form_of_errors(_context: object, response: schemathesis.Response, _case: schemathesis.Case) -> None:
    """Fail for an error that is not ``{"error": {"code", "message", "hint"}}``, three texts that are not empty."""
    if response.status_code < ERROR_STATUS or response.request.method == "HEAD":
        return
    try:
        form = response.json()["error"]
        fits = set(form) == {"code", "message", "hint"} and all(
            isinstance(each, str) and each for each in form.values()
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        fits = False
    if not fits:
        raise AssertionError(f"an error of {response.status_code} that is not in the one form")


@schemathesis.hook
def before_call(_context: object, case: schemathesis.Case, _kwargs: object) -> None:
    """Say that the request is from some page."""
    origin = random.choice(ORIGINS)
    if origin is not None:
        case.headers["Origin"] = origin


@schemathesis.hook
def after_call(_context: object, _case: schemathesis.Case, response: schemathesis.Response) -> None:
    """Count the answers: a run in which nothing succeeds shows nothing."""
    STATUSES[response.status_code] += 1


@atexit.register
def _tell() -> None:
    Path(os.environ["LOAXA_FUZZ_STATUSES"]).write_text(json.dumps(dict(STATUSES)), encoding="utf-8")
