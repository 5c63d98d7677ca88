"""``loaxa user``, ``token``, ``login`` and ``logout``."""

import getpass
import os
import sys
from argparse import Namespace
from typing import Any
from urllib.parse import urlsplit

import httpx

from controller.people.permissions import BY_HAND, PERMISSIONS
from loaxa import credentials
from loaxa.client import ANSWER_S, Controller, segment, verified
from loaxa.errors import CommandError
from loaxa.output import Output, table

LOGIN_DAYS = 30
LOOPBACK = ("127.0.0.1", "::1", "localhost")


def user(controller: Controller, args: Namespace, output: Output) -> int:
    """add, list, password, remove, set."""
    if args.action == "add":
        body = {"name": args.name, "title": args.title, "roles": args.role, "password": _asked(args)}
        made = controller.post("/users", body)
        output.answer(made, f"Account {made['name']} added: {', '.join(made['roles']) or 'no role'}.{_made(made)}")
    elif args.action == "set":
        changes: dict[str, Any] = {"title": args.title, "roles": args.role or None, "enabled": args.enabled}
        changes = {name: value for name, value in changes.items() if value is not None}
        if not changes and not args.end_totp:
            raise CommandError("Say what to change: --title, --role, --enabled, --no-enabled or --end-totp.")
        if args.end_totp:
            controller.delete(f"/users/{segment(args.name)}/totp")
        changed = controller.patch(f"/users/{segment(args.name)}", changes)
        output.answer(changed, f"Account {args.name} changed.")
    elif args.action == "password":
        made = controller.put(f"/users/{segment(args.name)}/password", {"password": _asked(args)})
        output.answer(made, f"Account {args.name} has a new password; its sign-ins and tokens are ended.{_made(made)}")
    elif args.action == "remove":
        controller.delete(f"/users/{segment(args.name)}")
        output.answer({"removed": args.name}, f"Account {args.name} removed.")
    else:
        answer = controller.get("/users")
        rows = [
            [
                one["name"],
                one["title"],
                ",".join(one["roles"]),
                "enabled" if one["enabled"] else "disabled",
                "yes" if one["totp"] else "no",
            ]
            for one in answer["users"]
        ]
        output.answer(answer, table(rows, ["user", "title", "roles", "state", "one-time codes"]))
    return 0


def token(controller: Controller, args: Namespace, output: Output) -> int:
    """add, list, remove."""
    if args.action == "add":
        body = {"title": args.title, "scopes": args.scope, "days": args.days, "user": args.user}
        made = controller.post("/tokens", body)
        output.note(f"Token {made['id']} of {made['user']}, until {made['expires_at']}; it is shown this once:")
        output.answer(made, made["token"])
    elif args.action == "remove":
        controller.delete(f"/tokens/{segment(args.id)}")
        output.answer({"removed": args.id}, f"Token {args.id} is worth nothing from now on.")
    else:
        answer = controller.get("/tokens")
        rows = [
            [one["id"], one["user"], one["title"], ",".join(one["scopes"]), one["expires_at"]]
            for one in answer["tokens"]
        ]
        output.answer(answer, table(rows, ["token", "user", "title", "scopes", "until"]))
    return 0


def login(url: str, args: Namespace, output: Output) -> int:
    """Sign in at the controller at `url` and keep a token of it for this user of this computer."""
    if url.startswith("http://") and urlsplit(url).hostname not in LOOPBACK:
        output.note(f"{url} is not encrypted: the password and the token can be read on the way. Is there no https://?")
    name = args.name or input("User name: ")
    password = os.environ.get("LOAXA_PASSWORD") or _secret("Password: ")
    with Browser(url, args.ca) as browser:
        body = {"name": name, "password": password, "code": args.code or ""}
        answer = browser.post("/sign-in", body)
        if answer.status_code == 403 and _code(answer) == "code_needed":
            answer = browser.post("/sign-in", {**body, "code": _secret("One-time code: ")})
        me = browser.checked(answer)
        scopes = [scope for scope in PERMISSIONS if scope in me["permissions"] and scope not in BY_HAND]
        if not scopes:
            raise CommandError(f"{name} has no role; an administrator gives one: loaxa user set {name} --role ROLE")
        title = f"loaxa login at {os.uname().nodename}"[:200]
        made = browser.checked(browser.post("/tokens", {"title": title, "scopes": scopes, "days": LOGIN_DAYS}))
        browser.checked(browser.post("/sign-out", None))
    path = credentials.keep(url, credentials.Kept(made["id"], made["token"]))
    output.answer(
        {"url": url, "user": name, "roles": me["roles"], "until": made["expires_at"]},
        f"Signed in at {url} as {name} until {made['expires_at']}; the token is in {path}.",
    )
    return 0


def logout(controller: Controller, output: Output) -> int:
    """Forget the token of this controller; it has it revoked first where that is possible."""
    kept = credentials.find(controller.url)
    if kept is None:
        raise CommandError(f"There is no sign-in at {controller.url}.")
    credentials.forget(controller.url)
    try:
        controller.delete(f"/tokens/{segment(kept.id)}")
    except CommandError as error:
        output.note(f"It is forgotten here, but not revoked there: {error}")
    output.answer({"url": controller.url}, f"Signed out at {controller.url}.")
    return 0


class Browser:
    """The few requests that need a sign-in instead of a token. Raises CommandError when nobody answers."""

    def __init__(self, url: str, ca: str | None) -> None:
        self._url = url
        self._client = httpx.Client(
            base_url=url + "/api",
            timeout=ANSWER_S,
            trust_env=False,
            headers={"Sec-Fetch-Site": "same-origin"},
            verify=verified(url, ca),
        )

    def __enter__(self) -> "Browser":
        return self

    def __exit__(self, *_details: object) -> None:
        self._client.close()

    def post(self, path: str, body: Any) -> httpx.Response:
        """Return the answer, whatever it is."""
        try:
            return self._client.post(path, json=body)
        except httpx.HTTPError as error:
            raise CommandError(f"No controller answers at {self._url} ({error or type(error).__name__}).") from None

    def checked(self, answer: httpx.Response) -> Any:
        """Return what an answer holds; raises CommandError with the controller's words for an error."""
        try:
            if answer.is_success:
                return answer.json() if answer.content else None
            error = answer.json()["error"]
            text = f"{error['message']} {error['hint']}"
        except (ValueError, KeyError, TypeError):
            text = f"{self._url} answered {answer.status_code}; is it a Loa Xã controller?"
        raise CommandError(text)


def _code(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["error"]["code"])
    except (ValueError, KeyError, TypeError):
        return ""


def _asked(args: Namespace) -> str | None:
    """Return the password to set, asked for twice, or read from a pipe; None: the controller makes one up."""
    if args.generate:
        return None
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n") or None
    first = _secret("New password (empty: one is made up): ")
    if first and first != _secret("Again: "):
        raise CommandError("These were two different passwords.")
    return first or None


def _secret(prompt: str) -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    return getpass.getpass(prompt)


def _made(answer: dict[str, Any]) -> str:
    password = answer["made_password"]
    return f"\nIts password, shown this once: {password}" if password else ""
