"""Signing in and out, and what one changes of oneself."""

import segno
from fastapi import APIRouter, Request, Response

from controller.errors import ConflictError, RefusedError
from controller.office import Office
from controller.people import totp
from controller.people.permissions import ANYONE, SELF, needs
from controller.people.signins import LONGEST_US
from controller.people.who import Who
from controller.web.access import COOKIE
from controller.web.errors import errors
from controller.web.models.people import Me, PasswordChange, SignInNew, TotpConfirm, TotpNew, TotpOffer
from controller.web.parts import TheOffice, TheWho

router = APIRouter(prefix="/api", tags=["people"])


@router.post(
    "/sign-in",
    summary="Sign in",
    responses=errors(400, 403, 422, 429, 503),
)
async def sign_in(office: TheOffice, request: Request, response: Response, body: SignInNew) -> Me:
    """Sets a cookie. 403 `code_needed`: send the one-time code, too. 429: wait as long as it says."""
    who, secret = await office.people.sign_in(body.name, body.password, body.code, _address(request))
    give_cookie(request, response, secret)
    return _me(who)


@router.post("/sign-out", status_code=204, summary="Sign out", openapi_extra=needs(SELF, "sign_out"))
async def sign_out(office: TheOffice, who: TheWho, response: Response) -> None:
    """Ends this browser's sign-in."""
    if who.sign_in is not None:
        await office.people.sign_ins.end(who.sign_in, who.name)
    response.delete_cookie(COOKIE, path="/")


@router.get("/me", summary="Who am I", openapi_extra=needs(ANYONE))
async def me(who: TheWho) -> Me:
    """Who asks, and what he may do."""
    return _me(who)


@router.put(
    "/me/password",
    status_code=204,
    summary="Change one's password",
    responses=errors(400, 403, 409, 422, 429, 503),
    openapi_extra=needs(SELF, "user.password"),
)
async def change_password(office: TheOffice, who: TheWho, request: Request, body: PasswordChange) -> None:
    """Ends all sign-ins of the account, this one too, and all its tokens."""
    await _prove(office, who, request, body.password)
    await office.people.accounts.set_password(_account(who), body.new_password)


@router.post(
    "/me/totp",
    summary="Begin with one-time codes",
    responses=errors(400, 403, 409, 422, 429, 503),
    openapi_extra=needs(SELF, "totp.offer"),
)
async def offer_totp(office: TheOffice, who: TheWho, request: Request, body: TotpNew) -> TotpOffer:
    """The telephone reads the QR code; `PUT` its first code to have them asked for from then on."""
    await _prove(office, who, request, body.password)
    secret = await office.people.accounts.offer_totp(_account(who))
    address = totp.address(secret, _account(who))
    return TotpOffer(secret=secret, address=address, qr_svg=segno.make(address, micro=False).svg_inline(scale=4))


@router.put(
    "/me/totp",
    status_code=204,
    summary="Confirm one-time codes",
    responses=errors(400, 409, 422, 429),
    openapi_extra=needs(SELF, "totp.confirm"),
)
async def confirm_totp(office: TheOffice, who: TheWho, request: Request, body: TotpConfirm) -> None:
    """From now on a sign-in asks for a code, too."""
    await office.people.confirm_totp(_account(who), body.code, _address(request))


def give_cookie(request: Request, response: Response, secret: str) -> None:
    """Have the browser keep a sign-in, for this site's own requests alone and out of reach of scripts."""
    response.set_cookie(
        COOKIE,
        secret,
        max_age=LONGEST_US // 1_000_000,
        path="/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )
    response.headers["Cache-Control"] = "no-store"


async def _prove(office: Office, who: Who, request: Request, password: str) -> None:
    """Raise RefusedError unless this is the password of who asks, TooOftenError after too many wrong ones."""
    if not await office.people.is_password(_account(who), password, _address(request)):
        raise RefusedError("wrong_password", "The password of now is wrong.", "Try again.")


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _account(who: Who) -> str:
    if who.account is None:
        raise ConflictError("no_account", "Nobody is signed in here.", "Sign in with an account: loaxa login.")
    return who.account


def _me(who: Who) -> Me:
    return Me(name=who.name, account=who.account, roles=list(who.roles), permissions=sorted(who.permissions))
