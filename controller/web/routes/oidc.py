"""Sign-in at the organisation's OpenID provider, where `[oidc]` names one."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse

from controller.errors import NotFoundError, RefusedError
from controller.office import Office
from controller.people.oidc import PENDING_US, Oidc
from controller.web.errors import errors
from controller.web.parts import TheOffice
from controller.web.routes.signin import give_cookie

router = APIRouter(prefix="/api/oidc", tags=["people"])

_COOKIE = "loaxa-oidc"
_PATH = "/api/oidc"
_Text = Annotated[str, Query(max_length=4096)]


@router.get(
    "/start",
    summary="Begin a sign-in at the provider",
    status_code=302,
    response_class=Response,
    responses=errors(403, 404, 503),
)
async def start(office: TheOffice, request: Request) -> Response:
    """Sends the browser there."""
    away, browser = await _provider(office).begin(str(request.base_url).rstrip("/") + f"{_PATH}/return")
    response = RedirectResponse(away, 302)
    # Lax: the provider's page brings the browser back, which a strict cookie would not survive.
    response.set_cookie(
        _COOKIE,
        browser,
        max_age=PENDING_US // 1_000_000,
        path=_PATH,
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="lax",
    )
    return response


@router.get(
    "/return",
    summary="End a sign-in at the provider",
    status_code=302,
    response_class=Response,
    responses=errors(400, 403, 404, 503),
)
async def come_back(
    office: TheOffice, request: Request, state: _Text = "", code: _Text = "", error: _Text = ""
) -> Response:
    """Signs in whom the provider names, with the roles that his groups have here."""
    provider = _provider(office)
    if error or not code:
        raise RefusedError("oidc_refused", "The sign-in service did not sign you in.", "Begin again.")
    person = await provider.finish(state, code, request.cookies.get(_COOKIE, "")[:200])
    secret = await office.people.sign_in_subject(person)
    response = RedirectResponse("/", 302)
    give_cookie(request, response, secret)
    response.delete_cookie(_COOKIE, path=_PATH)
    return response


def _provider(office: Office) -> Oidc:
    if office.people.oidc is None:
        raise NotFoundError("no_oidc", "There is no sign-in service here.", "Sign in with a password.")
    return office.people.oidc
