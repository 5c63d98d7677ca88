"""Signing in: cookies, other sites, guessing, one-time codes, tokens, and what a change of password ends."""

import time
from collections.abc import Iterator

import httpx
import pyotp
import pytest

from tests.controller.running import Running, running

PASSWORD = "bốn từ không liên quan"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("house")) as controller:
        yield controller


def account(office: Running, name: str, role: str = "operator") -> None:
    office.post("/api/users", {"name": name, "roles": [role], "password": PASSWORD})


def browser(office: Running, source: str = "127.0.0.1") -> httpx.Client:
    url = office.ports["url"]
    transport = httpx.HTTPTransport(local_address=source, verify=office.tls())
    return httpx.Client(base_url=url, headers={"Origin": url}, transport=transport, timeout=20)


def sign_in(client: httpx.Client, name: str, password: str = PASSWORD, code: str = "") -> httpx.Response:
    return client.post("/api/sign-in", json={"name": name, "password": password, "code": code})


def code_of(answer: httpx.Response) -> str:
    return str(answer.json()["error"]["code"])


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(house: Running) -> None:
    account(house, "lan")
    with browser(house) as client:
        cookie = sign_in(client, "lan").headers["set-cookie"].lower()
        assert "httponly" in cookie and "secure" in cookie and "samesite=strict" in cookie and "path=/" in cookie
        assert client.get("/api/me").json()["account"] == "lan"
        assert client.post("/api/sign-out").status_code == 204
        client.headers["Cookie"] = cookie.partition(";")[0]
        assert client.get("/api/me").status_code == 401, "signed out is signed out for the cookie's thief too"


def test_who_is_signed_out_watches_no_longer(house: Running) -> None:
    account(house, "ngoc")
    with browser(house) as client:
        sign_in(client, "ngoc")
        with client.stream("GET", "/api/events") as response:
            lines = response.iter_lines()
            assert next(lines) == "event: hello"
            client.post("/api/sign-out").raise_for_status()
            assert not [line for line in lines if line.startswith("event: session")]


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({"Origin": "http://evil.example"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": ""}, False),
        ({"Origin": "http://["}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "none"}, False),
        ({}, False),
        ({"Sec-Fetch-Site": "same-origin"}, True),
    ],
)
def test_another_sites_page_changes_nothing(house: Running, headers: dict[str, str], allowed: bool) -> None:
    name = f"minh-{abs(hash(str(headers))) % 10**8}"
    account(house, name)
    with browser(house) as client:
        sign_in(client, name)
        del client.headers["Origin"]
        answer = client.post("/api/sessions/stop-all", headers=headers)
        assert answer.is_success == allowed, answer.text
        if not allowed:
            assert code_of(answer) == "other_site"


@pytest.mark.parametrize("origin", ["http://evil.example", "http://[", "null", "://", ""])
def test_another_sites_page_signs_nobody_in(house: Running, origin: str) -> None:
    with httpx.Client(base_url=house.ports["url"], verify=house.tls()) as client:
        answer = client.post("/api/sign-in", json={}, headers={"Origin": origin})
        assert code_of(answer) == "other_site"


def is_good(house: Running, token: str) -> bool:
    program = {"Authorization": f"Bearer {token}"}
    return httpx.get(house.ports["url"] + "/api/me", headers=program, verify=house.tls()).is_success


def test_a_new_password_ends_every_sign_in_and_token(house: Running) -> None:
    account(house, "hoa")
    with browser(house) as one, browser(house) as two:
        kept = house.post("/api/tokens", {"user": "hoa", "scopes": ["read"]})["token"]
        sign_in(one, "hoa")
        sign_in(two, "hoa")
        wrong = one.put("/api/me/password", json={"password": "not this one", "new_password": "sông núi mây trời"})
        assert code_of(wrong) == "wrong_password"
        weak = one.put("/api/me/password", json={"password": PASSWORD, "new_password": "hoa12345678"})
        assert code_of(weak) == "weak_password"
        assert is_good(house, kept)
        body = {"password": PASSWORD, "new_password": "sông núi mây trời"}
        assert one.put("/api/me/password", json=body).status_code == 204
        assert not is_good(house, kept)
        assert one.get("/api/me").status_code == two.get("/api/me").status_code == 401
        assert code_of(sign_in(one, "hoa")) == "sign_in_refused"
        assert sign_in(one, "hoa", "sông núi mây trời").is_success
        kept = house.post("/api/tokens", {"user": "hoa", "scopes": ["read"]})["token"]
        assert house.http.put("/api/users/hoa/password", json={}).is_success
        assert one.get("/api/me").status_code == 401 and not is_good(house, kept), "an administrator's reset ends them"


def test_who_is_disabled_is_out_at_once(house: Running) -> None:
    account(house, "dung")
    token = house.post("/api/tokens", {"user": "dung", "scopes": ["read"]})["token"]
    program = {"Authorization": f"Bearer {token}"}
    with (
        browser(house) as client,
        httpx.Client(base_url=house.ports["url"], headers=program, verify=house.tls()) as tool,
    ):
        sign_in(client, "dung")
        assert tool.get("/api/zones").is_success
        house.http.patch("/api/users/dung", json={"enabled": False})
        assert client.get("/api/me").status_code == tool.get("/api/zones").status_code == 401
        assert code_of(sign_in(client, "dung")) == "sign_in_refused"


def test_guessing_gets_slow_and_locks_nobody_out(house: Running) -> None:
    account(house, "tam")
    with browser(house) as at_home:
        assert sign_in(at_home, "tam").is_success
        with browser(house, "127.0.0.66") as guesser:
            codes = [code_of(sign_in(guesser, "tam", f"guess {n}")) for n in range(9)]
        assert codes[0] == "sign_in_refused" and codes[-1] == "too_often"
        assert sign_in(at_home, "tam").is_success, "from where he signed in before he always may"
    with browser(house, "127.0.0.67") as elsewhere:
        slow = sign_in(elsewhere, "tam")
        if not slow.is_success:
            assert int(slow.headers["retry-after"]) <= 30


def test_an_unknown_name_answers_like_a_wrong_password_and_as_slowly(house: Running) -> None:
    account(house, "yen")

    def took(name: str, source: str) -> tuple[float, str]:
        with browser(house, source) as client:
            began = time.perf_counter()
            answer = sign_in(client, name, "quite wrong")
            return time.perf_counter() - began, answer.text

    known = sorted(took("yen", f"127.0.1.{n}") for n in range(1, 4))
    unknown = sorted(took(f"stranger-{n}", f"127.0.2.{n}") for n in range(1, 4))
    assert known[0][1] == unknown[0][1]
    assert unknown[0][0] > known[0][0] / 3, "an unknown name must not be told by a quick answer"


def test_one_time_codes(house: Running) -> None:
    account(house, "quang")
    with browser(house) as client:
        sign_in(client, "quang")
        assert client.post("/api/me/totp").status_code == 422
        assert code_of(client.post("/api/me/totp", json={"password": "of a thief"})) == "wrong_password"
        offered = client.post("/api/me/totp", json={"password": PASSWORD}).json()
        assert offered["address"].startswith("otpauth://totp/") and "<svg" in offered["qr_svg"]
        assert client.put("/api/me/totp", json={"code": "000000x"}).status_code == 422
        assert sign_in(client, "quang").is_success, "not asked for before it is confirmed"
        telephone = pyotp.TOTP(offered["secret"])
        code = telephone.now()
        assert client.put("/api/me/totp", json={"code": code}).status_code == 204
        assert code_of(client.post("/api/me/totp", json={"password": PASSWORD})) == "totp_on"
    with browser(house, "127.0.3.1") as client:
        assert code_of(sign_in(client, "quang")) == "code_needed"
        assert code_of(sign_in(client, "quang", code=code)) == "sign_in_refused", "no code works twice"
        later = telephone.at(time.time() + 30)
        assert sign_in(client, "quang", code=later).is_success
        assert code_of(sign_in(client, "quang", code=later)) == "sign_in_refused"
        assert house.http.delete("/api/users/quang/totp").status_code == 204
        assert client.get("/api/me").status_code == 401
        assert sign_in(client, "quang").is_success, "an administrator helped"


def test_guesses_at_the_first_code_wait_too(house: Running) -> None:
    account(house, "vinh")
    with browser(house, "127.0.5.1") as client:
        sign_in(client, "vinh")
        client.post("/api/me/totp", json={"password": PASSWORD})
        codes = [code_of(client.put("/api/me/totp", json={"code": f"{n:06}"})) for n in range(9)]
        assert codes[0] == "wrong_code" and codes[-1] == "too_often"


def test_a_revoked_token_is_worth_nothing_and_no_token_makes_another(house: Running) -> None:
    account(house, "thu")
    made = house.post("/api/tokens", {"user": "thu", "scopes": ["read", "broadcast"]})
    program = {"Authorization": f"Bearer {made['token']}"}
    with httpx.Client(base_url=house.ports["url"], headers=program, verify=house.tls()) as tool:
        assert tool.get("/api/zones").is_success
        assert tool.post("/api/tokens", json={"scopes": ["read"]}).status_code == 403
        listed = house.get("/api/tokens")["tokens"]
        assert [one["id"] for one in listed if one["user"] == "thu"] == [made["id"]]
        assert made["token"] not in str(listed)
        other = house.post("/api/tokens", {"user": "thu", "scopes": ["read"]})
        assert tool.delete(f"/api/tokens/{other['id']}").status_code == 404, "a token revokes itself alone"
        assert house.http.delete(f"/api/tokens/{other['id']}").status_code == 204
        assert house.http.delete(f"/api/tokens/{made['id']}").status_code == 204
        assert tool.get("/api/zones").status_code == 401
    assert house.http.post("/api/tokens", json={"user": "thu", "scopes": ["all"]}).status_code == 422


def test_the_last_administrator_stays(house: Running) -> None:
    for change in ({"enabled": False}, {"roles": ["operator"]}):
        refused = house.http.patch("/api/users/admin", json=change)
        assert code_of(refused) == "last_administrator"
    assert code_of(house.http.delete("/api/users/admin")) == "last_administrator"
    assert house.get("/api/users")["users"][0]["enabled"]


@pytest.mark.parametrize("password", ["short", "aaaaaaaaaaaa", "password1234", "12345678901", "x" * 201])
def test_weak_passwords_are_refused(house: Running, password: str) -> None:
    answer = house.http.post("/api/users", json={"name": "yeu", "roles": [], "password": password})
    assert answer.status_code == 422
    assert password not in answer.text


def test_the_first_password_is_told_once_and_kept_nowhere(tmp_path: object, house: Running) -> None:
    told = house.log.read_text()
    assert told.count("its password:") == 1
    password = told.split("its password: ")[1].split()[0]
    kept = [path for path in (house.folder / "state").rglob("*") if path.is_file()]
    assert kept and not any(password.encode() in path.read_bytes() for path in kept)
    with browser(house) as client:
        assert sign_in(client, "admin", password).json()["roles"] == ["administrator"]


def test_every_sign_in_is_in_the_audit_and_no_secret_is(house: Running) -> None:
    account(house, "khanh")
    with browser(house, "127.0.4.1") as client:
        sign_in(client, "khanh", "wrong-secret-1")
        sign_in(client, PASSWORD, "typed into the wrong field")
        sign_in(client, "khanh")
        client.post("/api/sessions/stop-all")
        client.post("/api/sign-out")
    records = house.get("/api/audit?limit=20")["records"]
    told = [(one["who"], one["action"], one["object"]) for one in records if one["address"] == "127.0.4.1"]
    assert told == [
        ("khanh", "sign_out", "khanh"),
        ("khanh", "broadcast.stop_all", ""),
        ("khanh", "sign_in", "khanh"),
        ("nobody", "sign_in.refused", "an unknown name"),
        ("nobody", "sign_in.refused", "khanh"),
    ]
    exported = house.http.get("/api/audit/export").text
    assert PASSWORD not in exported and "wrong-secret-1" not in exported
    assert house.get("/api/audit/verify")["whole"]
