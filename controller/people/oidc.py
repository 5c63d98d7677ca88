"""Sign-in at an OpenID provider: authorisation code with PKCE (RFC 7636), checked by the provider's published keys."""

import asyncio
import base64
import hashlib
import hmac
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
import jwt

from controller.clock import mono_us
from controller.errors import RefusedError, UnavailableError
from controller.people.permissions import ROLES

ANSWER_S = 10.0
MAX_ANSWER_BYTES = 256 * 1024
PENDING_US = 600_000_000
MOST_PENDING = 1000
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA")
"""Only with public keys: a token signed with "none", or with a shared secret, is never taken."""
LEEWAY_S = 60


@dataclass(frozen=True)
class OidcSettings:
    """`[oidc]` of the settings. claim: the one of the id token that says which groups a person is in.

    roles: group -> one of our roles. client_secret: empty for a public client.
    """

    issuer: str
    client_id: str
    client_secret: str
    claim: str
    roles: dict[str, str]


@dataclass(frozen=True)
class Person:
    """Whom the provider says it is. subject: issuer and its own number of him, which never changes."""

    subject: str
    name: str
    title: str
    roles: list[str]


@dataclass(frozen=True)
class _Pending:
    browser: str
    nonce: str
    verifier: str
    return_to: str
    began_us: int


class Oidc:
    """One provider. Raises UnavailableError when it does not answer, RefusedError for an answer that is not good."""

    def __init__(self, settings: OidcSettings) -> None:
        self._settings = settings
        self._pending: OrderedDict[str, _Pending] = OrderedDict()
        self._found: dict[str, Any] | None = None
        self._client = httpx.AsyncClient(timeout=ANSWER_S, trust_env=False)

    async def close(self) -> None:
        """Close connections to the provider."""
        await self._client.aclose()

    async def begin(self, return_to: str) -> tuple[str, str]:
        """Return where to send the browser, and what a cookie of it shall hold until it comes back to `return_to`."""
        endpoint = str((await self._discover())["authorization_endpoint"])
        state, browser, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(4))
        self._pending[state] = _Pending(browser, nonce, verifier, return_to, mono_us())
        while len(self._pending) > MOST_PENDING:
            self._pending.popitem(last=False)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": return_to,
            "scope": "openid profile",
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return endpoint + ("&" if "?" in endpoint else "?") + urlencode(asked), browser

    async def finish(self, state: str, code: str, browser: str) -> Person:
        """Return who came back with `code`; browser: what the cookie holds. A state works once."""
        pending = self._pending.pop(state, None)
        if (
            pending is None
            or mono_us() - pending.began_us > PENDING_US
            or not hmac.compare_digest(pending.browser.encode(), browser.encode("utf-8", "replace"))
        ):
            raise _refused("this sign-in was not begun here, or too long ago")
        body = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": pending.return_to,
            "client_id": self._settings.client_id,
            "code_verifier": pending.verifier,
        }
        if self._settings.client_secret:
            body["client_secret"] = self._settings.client_secret
        found = await self._discover()
        answer = await self._ask("POST", str(found["token_endpoint"]), data=body)
        claims = await self._claims(str(answer.get("id_token", "")), found, pending.nonce)
        return self._person(claims)

    async def _claims(self, token: str, found: dict[str, Any], nonce: str) -> dict[str, Any]:
        try:
            header = jwt.get_unverified_header(token)
            keys = jwt.PyJWKSet.from_dict(await self._ask("GET", str(found["jwks_uri"])))
            key = next(one for one in keys.keys if header.get("kid") in (one.key_id, None))
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=list(ALGORITHMS),
                audience=self._settings.client_id,
                issuer=self._settings.issuer,
                leeway=LEEWAY_S,
                options={"require": ["exp", "iat", "sub", "aud", "iss", "nonce"]},
            )
        except (jwt.PyJWTError, StopIteration) as error:
            raise _refused(f"its token is not good: {type(error).__name__}") from None
        if not hmac.compare_digest(str(claims["nonce"]).encode(), nonce.encode()):
            raise _refused("its token is of another sign-in")
        return claims

    def _person(self, claims: dict[str, Any]) -> Person:
        said = claims.get(self._settings.claim, [])
        groups = [said] if isinstance(said, str) else said if isinstance(said, list) else []
        roles = sorted(
            {self._settings.roles[one] for one in groups if isinstance(one, str) and one in self._settings.roles}
        )
        if not roles:
            raise _refused("nothing that it says of you has a role here")
        subject = f"{self._settings.issuer} {claims['sub']}"[:500]
        title = str(claims.get("name") or claims.get("preferred_username") or "")[:200]
        return Person(subject, "oidc-" + hashlib.sha256(subject.encode()).hexdigest()[:12], title, roles)

    async def _discover(self) -> dict[str, Any]:
        if self._found is None:
            url = self._settings.issuer.rstrip("/") + "/.well-known/openid-configuration"
            found = await self._ask("GET", url)
            if found.get("issuer") != self._settings.issuer:
                raise _refused("it says that it is another provider")
            for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
                if not secure(str(found.get(name, ""))):
                    raise _refused(f"its {name} is not https")
            self._found = found
        return self._found

    async def _ask(self, method: str, url: str, **more: Any) -> dict[str, Any]:
        try:
            async with asyncio.timeout(ANSWER_S), self._client.stream(method, url, **more) as answer:
                content = bytearray()
                async for chunk in answer.aiter_bytes():
                    content += chunk
                    if len(content) > MAX_ANSWER_BYTES:
                        raise ValueError("too long")
            if answer.status_code >= 500:
                raise ValueError(str(answer.status_code))
            body = httpx.Response(200, content=bytes(content)).json()
        except (httpx.HTTPError, ValueError, TimeoutError) as error:
            text = f"The sign-in service does not answer ({error or type(error).__name__})."
            raise UnavailableError("oidc_away", text, "Sign in with a password, or try again.") from None
        if answer.is_error or not isinstance(body, dict):
            raise _refused("it refused the sign-in")
        return body


def secure(url: str) -> bool:
    """Return whether nobody on the way can read or change what is said there: https, or this machine itself."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in ("127.0.0.1", "::1", "localhost"))


def read_settings(body: dict[str, Any]) -> OidcSettings:
    """Return `[oidc]` of the settings; raises ValueError that names the key."""
    texts = {}
    for key, default in (("issuer", ""), ("client_id", ""), ("client_secret", None), ("claim", "groups")):
        value = body.pop(key, default)
        if key == "client_secret" and value is None:
            value = ""
        elif not isinstance(value, str) or not 0 < len(value) <= 500:
            raise ValueError(f"{key} must be a text")
        texts[key] = value
    roles = body.pop("roles", None)
    if not isinstance(roles, dict) or not roles or not set(map(str, roles.values())) <= set(ROLES):
        raise ValueError(f"roles must map what the claim says to one of {', '.join(ROLES)}")
    if body:
        raise ValueError(f"{next(iter(body))} is not a setting")
    if not secure(texts["issuer"]):
        raise ValueError("issuer must be an https address")
    return OidcSettings(**texts, roles={str(group): str(role) for group, role in roles.items()})


def _refused(why: str) -> RefusedError:
    return RefusedError("oidc_refused", f"The sign-in service's answer is not taken: {why}.", "Begin again.")
