"""Sign-in at an OpenID provider: a real one, on loopback; and what a false one, or a thief of a code, gets."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from controller.people.accounts import PROVIDER_US
from tests.controller.running import CONFIG, Running, running
from tests.controller.web.provider import CLIENT, SECRET, Provider, new_key


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    found = Provider()
    yield found
    found.close()


@pytest.fixture(scope="module")
def federated(tmp_path_factory: pytest.TempPathFactory, provider: Provider) -> Iterator[Running]:
    section = (
        f'[oidc]\nissuer = "{provider.issuer}"\nclient_id = "{CLIENT}"\nclient_secret = "{SECRET}"\n'
        '[oidc.roles]\nphat-thanh = "operator"\nlanh-dao = "approver"\n'
    )
    with running(tmp_path_factory.mktemp("federated"), CONFIG + section) as controller:
        yield controller


@pytest.fixture(autouse=True)
def honest(provider: Provider) -> None:
    provider.changes, provider.signing, provider.algorithm = {}, provider.key, "RS256"
    provider.person = {"sub": "42", "name": "Nguyễn Thị Lan", "groups": ["phat-thanh", "khac"]}


def browser(office: Running) -> httpx.Client:
    return httpx.Client(base_url=office.ports["url"], timeout=20, trust_env=False, verify=office.tls())


def sign_in(client: httpx.Client) -> httpx.Response:
    """Go to the provider and come back."""
    there = client.get("/api/oidc/start")
    assert there.status_code == 302, there.text
    back = httpx.get(there.headers["location"], trust_env=False).headers["location"]
    return client.get(back)


def test_a_person_signs_in_with_the_roles_of_his_groups(federated: Running, provider: Provider) -> None:
    with browser(federated) as client:
        assert sign_in(client).headers["location"] == "/"
        me = client.get("/api/me").json()
        assert me["roles"] == ["operator"]
        assert '"oidc": true' in client.get("/").text
    provider.person["groups"] = ["lanh-dao"]
    with browser(federated) as client:
        sign_in(client)
        again = client.get("/api/me").json()
        assert (again["account"], again["roles"]) == (me["account"], ["approver"]), "the same person, of today's groups"
        federated.http.patch(f"/api/users/{me['account']}", json={"enabled": False})
        assert client.get("/api/me").status_code == 401
        assert sign_in(client).status_code == 403
    federated.http.patch(f"/api/users/{me['account']}", json={"enabled": True})


def test_the_audit_tells_who_signed_in_and_from_where(federated: Running, provider: Provider) -> None:
    provider.person["sub"] = "43"
    with browser(federated) as client:
        sign_in(client)
        name = client.get("/api/me").json()["account"]
        provider.person["groups"] = ["lanh-dao"]
        sign_in(client)
    told = [(one["action"], one["who"], one["address"]) for one in federated.get("/api/audit?limit=4")["records"]]
    assert told == [(action, name, "127.0.0.1") for action in ("sign_in", "user.change", "sign_in", "user.add")]


def test_who_left_the_provider_is_out_after_a_month(federated: Running, provider: Provider) -> None:
    provider.person["sub"] = "44"
    with browser(federated) as client, browser(federated) as program:
        sign_in(client)
        me = client.get("/api/me").json()["account"]
        made = federated.post("/api/tokens", {"user": me, "scopes": ["read"]})["token"]
        program.headers["Authorization"] = f"Bearer {made}"
        assert program.get("/api/zones").is_success
        with sqlite3.connect(federated.folder / "state" / "loaxa.sqlite3") as database:
            database.execute("UPDATE accounts SET provider_wall_us = provider_wall_us - ?", (PROVIDER_US,))
        database.close()
        assert program.get("/api/zones").status_code == client.get("/api/zones").status_code == 401
        sign_in(client)
        assert program.get("/api/zones").is_success, "whom the provider still knows goes on"


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "another"},
        {"iss": "http://127.0.0.1:1"},
        {"exp": 1_000_000_000},
        {"nonce": "of another sign-in"},
        {"groups": ["khac"]},
        {"groups": {"phat-thanh": True}},
        {"sub": None},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_token_that_is_not_for_this_sign_in_is_refused(
    federated: Running, provider: Provider, changes: dict[str, Any]
) -> None:
    provider.changes = changes
    with browser(federated) as client:
        answer = sign_in(client)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "oidc_refused")
        assert client.get("/api/me").status_code == 401


@pytest.mark.parametrize("how", ["none", "another key", "shared secret"])
def test_a_token_that_the_provider_did_not_sign_is_refused(federated: Running, provider: Provider, how: str) -> None:
    if how == "none":
        provider.signing, provider.algorithm = None, "none"
    elif how == "another key":
        provider.signing = new_key()
    else:
        provider.signing, provider.algorithm = "a shared secret of more than thirty-two bytes", "HS256"
    with browser(federated) as client:
        assert sign_in(client).json()["error"]["code"] == "oidc_refused"


def test_a_code_is_worth_nothing_in_another_browser_or_twice(federated: Running) -> None:
    with browser(federated) as victim, browser(federated) as thief:
        there = thief.get("/api/oidc/start").headers["location"]
        back = httpx.get(there, trust_env=False).headers["location"]
        assert victim.get(back).status_code == 403, "nobody is signed in as somebody else by a link"
        assert thief.get(back).status_code == 403, "and its state is used up"
    with browser(federated) as client:
        assert client.get("/api/oidc/return?state=x&code=y").status_code == 403
        assert client.get("/api/oidc/return?error=access_denied").status_code == 403


def test_without_a_section_there_is_none(office: Running) -> None:
    with browser(office) as client:
        assert client.get("/api/oidc/start").json()["error"]["code"] == "no_oidc"
        assert '"oidc": false' in client.get("/").text


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('issuer = "http://example.org"\nclient_id = "x"\nroles = {a = "operator"}', "issuer must be an https"),
        ('issuer = "https://example.org"\nclient_id = "x"\nroles = {a = "king"}', "roles must map"),
        ('issuer = "https://example.org"\nclient_id = "x"', "roles must map"),
        ('issuer = "https://example.org"\nclient_id = ""\nroles = {a = "board"}', "client_id must be"),
        ('issuer = "https://example.org"\nclient_id = "x"\nkey = 1\nroles = {a = "board"}', "key is not a setting"),
    ],
)
def test_a_section_that_makes_no_sense_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    from controller.errors import StartError
    from controller.settings import parse

    with pytest.raises(StartError, match=complaint):
        parse("[oidc]\n" + text)
