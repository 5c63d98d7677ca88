"""Bodies about people, tokens and the audit."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, Field

from controller.bodies import Body
from controller.people.passwords import MOST_CHARS
from controller.web.models.fields import Title


def _account(name: str) -> str:
    if not name or name in ("local", "system", "nobody"):
        raise ValueError("this name means something else here; choose another")
    if any(not ((c.isascii() and (c.islower() or c.isdigit())) or c in ".-_@") for c in name):
        raise ValueError("a name has a-z, 0-9 and . - _ @ alone")
    return name


AccountName = Annotated[
    str, AfterValidator(_account), Field(max_length=64, description="a-z, 0-9, . - _ @", examples=["lan.nguyen"])
]
Password = Annotated[str, Field(min_length=1, max_length=MOST_CHARS)]
Words = Annotated[list[Annotated[str, Field(max_length=40)]], Field(max_length=40)]
Code = Annotated[str, Field(max_length=10, description="six digits of the telephone", examples=["123456"])]


class SignInNew(Body):
    """Who signs in. code: where one-time codes are in use for the account."""

    name: str = Field(max_length=64)
    password: Password
    code: Code = ""


class Me(BaseModel):
    """Who asks, and what he may do. account: null for the user who runs the controller, without a sign-in."""

    name: str
    account: str | None
    roles: list[str]
    permissions: list[str]


class PasswordChange(Body):
    """password: the one of now."""

    password: Password
    new_password: Password


class TotpNew(Body):
    """password: the one of now, so that a stolen sign-in binds no telephone of its own."""

    password: Password


class TotpOffer(BaseModel):
    """A secret for one-time codes, told here and never again; in use once a code of it is confirmed."""

    secret: str
    address: str = Field(description="otpauth://…, for a QR code")
    qr_svg: str


class TotpConfirm(Body):
    """The first code of the telephone."""

    code: Code


class UserNew(Body):
    """A new account. password: left out, one is made up and answered once."""

    name: AccountName
    title: Title = ""
    roles: Words = Field(examples=[["operator"]])
    password: Password | None = None


class UserPatch(Body):
    """What changes; what is left out stays."""

    title: Title | None = None
    roles: Words | None = None
    enabled: bool | None = None


class PasswordNew(Body):
    """password: left out, one is made up and answered once."""

    password: Password | None = None


class UserOut(BaseModel):
    """An account. password: whether it has one. totp: whether one-time codes are asked for."""

    name: str
    title: str
    roles: list[str]
    enabled: bool
    password: bool
    totp: bool
    created_at: datetime | None


class UserMade(UserOut):
    """made_password: the one that was made up; told here and never again."""

    made_password: str | None


class UserList(BaseModel):
    """All accounts, and what each role may do."""

    users: list[UserOut]
    roles: dict[str, list[str]]


class TokenNew(Body):
    """scopes: permissions, see GET /api/users; the token has those of them that its account has. user: whose; else
    the one who asks."""

    title: Title = ""
    scopes: Words = Field(min_length=1, examples=[["read"]])
    days: int = Field(90, ge=1, le=730)
    user: str | None = Field(None, max_length=64)


class TokenOut(BaseModel):
    """What is known of a token."""

    id: str
    user: str
    title: str
    scopes: list[str]
    created_at: datetime | None
    expires_at: datetime | None


class TokenMade(TokenOut):
    """token: told here and never again."""

    token: str


class TokenList(BaseModel):
    """Tokens."""

    tokens: list[TokenOut]


class RecordOut(BaseModel):
    """One record; see controller.audit.record. details: canonical JSON in a text, as it is hashed."""

    n: int
    wall_us: int
    who: str
    address: str
    action: str
    object: str
    details: str
    previous: str
    hash: str


class RecordList(BaseModel):
    """The newest first."""

    records: list[RecordOut]


class VerdictOut(BaseModel):
    """whole: nothing was found. n, hash: of the last record; write them down elsewhere from time to time.

    whole_to: up to which record nothing was found. first_at, last_at: when the first and the last record were made.
    """

    whole: bool
    n: int
    hash: str
    problems: list[str]
    whole_to: int
    first_at: datetime | None
    last_at: datetime | None


def plain(value: Any) -> dict[str, Any]:
    """Return the fields of a dataclass."""
    return dict(vars(value))
