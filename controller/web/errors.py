"""The one form of every error: ``{"error": {"code", "message", "hint"}}``."""

import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError, WebSocketRequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from controller.errors import ControllerError, TooOftenError

log = logging.getLogger(__name__)

_CODES = {404: "not_found", 405: "wrong_method", 413: "too_large", 415: "wrong_type"}
_HINTS = {
    404: "GET /api/openapi.json lists what there is.",
    405: "GET /api/openapi.json lists what there is.",
    413: "Send less.",
}
_KINDS = {"sound", "text", "chime", "tone", "stream", "soundcard", "rtp", "push"}


class ErrorBody(BaseModel):
    """What was wrong."""

    code: str = Field(description="a fixed word for programs", examples=["unknown_zone"])
    message: str = Field(description="one sentence for people", examples=["There is no zone thon-9."])
    hint: str = Field(description="what to do", examples=["GET /api/zones lists them."])


class ErrorForm(BaseModel):
    """The form of every error."""

    error: ErrorBody


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI responses for these statuses."""
    words = {
        400: "The body is not JSON, or the request is no HTTP.",
        401: "Nobody is signed in; sign in, or send a token.",
        403: "This is refused; the hint says what to do.",
        404: "What was named does not exist.",
        409: "It contradicts what is there; the hint says what to do.",
        413: "The body is too large.",
        422: "A value is wrong; the message names it.",
        429: "Too often; Retry-After says when to ask again.",
        503: "A part that is needed is away; try again.",
    }
    return {status: {"model": ErrorForm, "description": words[status]} for status in statuses}


def error_response(status: int, code: str, message: str, hint: str) -> JSONResponse:
    """Return the answer in the one form."""
    return JSONResponse({"error": {"code": code, "message": message, "hint": hint}}, status)


def install(app: FastAPI) -> None:
    """Have `app` answer every error in the one form."""
    app.add_exception_handler(ControllerError, _controller_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(WebSocketRequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(SQLAlchemyError, _database_error)
    app.add_exception_handler(ClientDisconnect, _gone)
    app.add_exception_handler(Exception, _unexpected)


async def _controller_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ControllerError)
    response = error_response(error.status, error.code, error.message, error.hint)
    if isinstance(error, TooOftenError):
        response.headers["Retry-After"] = str(error.retry_s)
    return response


async def _invalid(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError | WebSocketRequestValidationError)
    problems = error.errors()
    if any(problem["type"] == "json_invalid" for problem in problems):
        return error_response(
            400, "not_json", "The body is not JSON.", 'Send one JSON object and "Content-Type: application/json".'
        )
    sentences = [_sentence(problem) for problem in problems[:5]]
    return error_response(422, "invalid", "; ".join(sentences) + ".", "GET /api/openapi.json describes every field.")


async def _http_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    hint = _HINTS.get(error.status_code, "GET /api/openapi.json describes every request.")
    response = error_response(
        error.status_code, _CODES.get(error.status_code, "bad_request"), _stop(str(error.detail)), hint
    )
    response.headers.update(error.headers or {})
    return response


async def _database_error(_request: Request, error: Exception) -> JSONResponse:
    log.error("database: %s", error)
    return error_response(503, "database", "The database does not take this now.", "Check its disk; try again.")


async def _unexpected(_request: Request, _error: Exception) -> JSONResponse:
    # The framework logs the error itself.
    return error_response(500, "mistake", "The controller made a mistake.", "Its log says which; please report it.")


async def _gone(_request: Request, _error: Exception) -> JSONResponse:
    return error_response(400, "cut_off", "The connection was lost in the middle of the body.", "Send it again.")


def _sentence(problem: Any) -> str:
    place = [str(step) for step in problem["loc"] if step not in ("body", "query", "path")]
    if len(place) > 2:  # in a union the kind stands between the field and its own field
        place = [place[0], *(step for step in place[1:-1] if step not in _KINDS), place[-1]]
    text = str(problem["msg"]).removeprefix("Value error, ")
    return f"{'.'.join(place)}: {text}"[:400] if place else text[:400]


def _stop(text: str) -> str:
    return text if text.endswith(".") else text + "."
