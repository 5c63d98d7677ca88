"""People: accounts and tokens."""

from fastapi import APIRouter

from controller.errors import ConflictError, NotFoundError, RefusedError
from controller.people.passwords import generate
from controller.people.permissions import ANYONE, ROLES, SELF, needs
from controller.storage.people import Account, Token
from controller.web.errors import errors
from controller.web.models.fields import at
from controller.web.models.people import (
    PasswordNew,
    TokenList,
    TokenMade,
    TokenNew,
    TokenOut,
    UserList,
    UserMade,
    UserNew,
    UserOut,
    UserPatch,
)
from controller.web.parts import TheOffice, TheWho

router = APIRouter(prefix="/api", tags=["people"])


@router.get("/users", summary="List accounts", openapi_extra=needs("people.read"))
async def list_users(office: TheOffice) -> UserList:
    """All accounts by name, and what each role may do."""
    users = [_user(account) for account in await office.people.accounts.all()]
    return UserList(users=users, roles={role: sorted(may) for role, may in ROLES.items()})


@router.post(
    "/users",
    status_code=201,
    summary="Add an account",
    responses=errors(400, 409, 422, 503),
    openapi_extra=needs("people.write", "user.add"),
)
async def add_user(office: TheOffice, body: UserNew) -> UserMade:
    """Without a password one is made up and answered once; the account's owner changes it."""
    made = None if body.password else generate()
    account = await office.people.accounts.add(body.name, body.title, body.roles, body.password or made)
    return UserMade(**vars(_user(account)), made_password=made)


@router.patch(
    "/users/{name}",
    summary="Change an account",
    responses=errors(400, 404, 409, 422),
    openapi_extra=needs("people.write", "user.change"),
)
async def change_user(office: TheOffice, name: str, body: UserPatch) -> UserOut:
    """Roles count at once. Who is disabled is signed out, and his tokens do nothing."""
    values = body.model_dump(exclude_none=True)
    return _user(await office.people.accounts.change(name, values))


@router.delete(
    "/users/{name}",
    status_code=204,
    summary="Remove an account",
    responses=errors(404, 409),
    openapi_extra=needs("people.write", "user.remove"),
)
async def remove_user(office: TheOffice, name: str) -> None:
    """With its sign-ins and tokens. To keep what it did together with its name, disable it instead."""
    await office.people.accounts.remove(name)


@router.put(
    "/users/{name}/password",
    summary="Give an account a password",
    responses=errors(400, 404, 422, 503),
    openapi_extra=needs("people.write", "user.password"),
)
async def set_password(office: TheOffice, name: str, body: PasswordNew) -> UserMade:
    """Ends all its sign-ins and tokens. Without a password one is made up and answered once."""
    made = None if body.password else generate()
    await office.people.accounts.set_password(name, body.password or made or "")
    return UserMade(**vars(_user(await office.people.accounts.get(name))), made_password=made)


@router.delete(
    "/users/{name}/totp",
    status_code=204,
    summary="End an account's one-time codes",
    responses=errors(404),
    openapi_extra=needs("people.write", "totp.end"),
)
async def end_totp(office: TheOffice, name: str) -> None:
    """For who lost his telephone. Ends all its sign-ins."""
    await office.people.accounts.end_totp(name)


@router.get("/tokens", summary="List tokens", openapi_extra=needs(SELF))
async def list_tokens(office: TheOffice, who: TheWho) -> TokenList:
    """One's own; with people.read everybody's."""
    whose = None if "people.read" in who.permissions else who.account
    return TokenList(tokens=[_token(token) for token in await office.people.tokens.all(whose)])


@router.post(
    "/tokens",
    status_code=201,
    summary="Make a token",
    responses=errors(400, 403, 404, 409, 422),
    openapi_extra=needs(SELF, "token.add"),
)
async def add_token(office: TheOffice, who: TheWho, body: TokenNew) -> TokenMade:
    """For a program: send it as `Authorization: Bearer …`. The token is told here and never again."""
    account = body.user or who.account
    if account is None:
        raise ConflictError("whose", "Nobody is signed in here.", "Say for whom: user.")
    if account != who.account and who.account is not None:
        raise RefusedError("not_allowed", "A token is made by its own account.", "Sign in as it.")
    token, secret = await office.people.tokens.add(account, body.title, body.scopes, body.days)
    return TokenMade(**vars(_token(token)), token=secret)


@router.delete(
    "/tokens/{token_id}",
    status_code=204,
    summary="Revoke a token",
    responses=errors(404),
    openapi_extra=needs(ANYONE, "token.remove"),
)
async def remove_token(office: TheOffice, who: TheWho, token_id: str) -> None:
    """One's own; with people.write anybody's; a token that asks, itself alone. It is worth nothing at once."""
    if who.token not in (None, token_id):
        raise NotFoundError("unknown_token", f"There is no token {token_id}.", "A token can revoke itself alone.")
    anybodys = "people.write" in who.permissions and who.token is None
    await office.people.tokens.remove(token_id, None if anybodys else who.account)


def _user(account: Account) -> UserOut:
    return UserOut(
        name=account.name,
        title=account.title or "",
        roles=account.roles,
        enabled=account.enabled is not False,
        password=account.password_hash is not None,
        totp=bool(account.totp_confirmed),
        created_at=at(account.created_wall_us),
    )


def _token(token: Token) -> TokenOut:
    return TokenOut(
        id=token.id,
        user=token.account,
        title=token.title,
        scopes=token.scopes,
        created_at=at(token.created_wall_us),
        expires_at=at(token.expires_wall_us),
    )
