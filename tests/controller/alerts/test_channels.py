"""Each channel speaks to a real server: what it sends, how it fails, and that no secret is in what it says then."""

import asyncio
import hashlib
import hmac
import logging
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from controller.alerts.alert import Alert
from controller.alerts.notify import channel, email, http
from controller.alerts.notify.channel import ChannelError, Message
from controller.alerts.notify.registry import read_channels
from tests.controller.alerts.servers import Hook, Post

ALERT = Alert("a-1", "cum-01", "offline", "fault", 1_700_000_000_000_000, detail={"reason": "gone", "count": 1})
MESSAGE = Message("Mất liên lạc: Thôn Đông", "Mất liên lạc: Thôn Đông\nCần làm: …", (ALERT,))
TOKEN = "123456:AAE-secret_token"


@pytest.fixture
def hook() -> Iterator[Hook]:
    found = Hook()
    yield found
    found.close()


def send(table: dict[str, Any], message: Message = MESSAGE) -> None:
    """Send by the channel that the settings describe."""
    (settings,) = read_channels([table])
    asyncio.run(settings.open().send(message))


def refusal(table: dict[str, Any], message: Message = MESSAGE) -> ChannelError:
    with pytest.raises(ChannelError) as caught:
        send(table, message)
    assert caught.value.hint
    return caught.value


def test_a_webhook_is_json_that_is_signed(hook: Hook) -> None:
    send({"kind": "webhook", "url": f"{hook.url}/hook?x=1", "secret": "khoá"})
    (request,) = hook.requests
    assert request.path == "/hook?x=1"
    assert request.headers["Content-Type"].startswith("application/json")
    body = request.json()
    assert (body["event"], body["title"], body["text"]) == ("alerts", MESSAGE.title, MESSAGE.text)
    assert body["raised"] == [ALERT.public()]
    assert body["cleared"] == []
    at, code = (part.split("=")[1] for part in request.headers["Loaxa-Signature"].split(","))
    assert abs(int(at) - time.time()) < 60
    expected = hmac.new("khoá".encode(), f"{at}.".encode() + request.body, hashlib.sha256).hexdigest()
    assert code == expected


def test_a_webhook_without_a_secret_is_not_signed(hook: Hook) -> None:
    send({"kind": "webhook", "url": hook.url})
    assert "Loaxa-Signature" not in hook.requests[0].headers


def test_a_redirect_is_not_followed(hook: Hook) -> None:
    hook.answer = lambda request: (307, {"Location": "/elsewhere"}, b"")
    error = refusal({"kind": "webhook", "url": hook.url})
    assert error.words == "127.0.0.1 leads elsewhere (HTTP 307)."
    assert [request.path for request in hook.requests] == ["/"]


def test_a_refusal_is_told_in_the_servers_words_without_the_secret(hook: Hook) -> None:
    hook.answer = lambda request: (500, {}, b"database\n is away, secret s3cret-s3cret " + b"x" * 1_000_000)
    error = refusal({"kind": "webhook", "url": hook.url, "secret": "s3cret-s3cret"})
    assert error.words.startswith("The webhook refused it: HTTP 500 database  is away, secret …")
    assert len(error.words) < 200


def test_nobody_is_there() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert "127.0.0.1 is not reached" in refusal({"kind": "webhook", "url": f"http://127.0.0.1:{port}"}).words
    mail = {"kind": "email", "host": "127.0.0.1", "port": port, "tls": "off", "from": "a@b.vn", "to": ["c@d.vn"]}
    assert "127.0.0.1 is not reached" in refusal(mail).words


@pytest.mark.parametrize("kind", ["webhook", "email"])
def test_who_says_nothing_is_not_waited_for(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (http, email, channel):
        monkeypatch.setattr(module, "SEND_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        port = deaf.getsockname()[1]
        table = {"kind": "webhook", "url": f"http://127.0.0.1:{port}"}
        if kind == "email":
            table = {
                "kind": "email",
                "host": "127.0.0.1",
                "port": port,
                "tls": "off",
                "from": "a@b.vn",
                "to": ["c@d.vn"],
            }
            monkeypatch.setattr(email, "STEP_S", 1.0)
        assert "does not answer" in refusal(table).words


def telegram(hook: Hook, **more: Any) -> dict[str, Any]:
    return {"kind": "telegram", "base": hook.url, "token": TOKEN, "chat": -100123, **more}


def test_telegram(hook: Hook) -> None:
    send(telegram(hook))
    (request,) = hook.requests
    assert request.path == f"/bot{TOKEN}/sendMessage"
    body = request.json()
    assert (body["chat_id"], body["text"]) == ("-100123", MESSAGE.text)
    assert "parse_mode" not in body, "a node's title is never markup"
    send(telegram(hook), Message("x", "đ" * 10_000))
    assert len(hook.requests[1].json()["text"]) <= 4096


def test_telegram_says_why_and_when_again_and_never_the_token(hook: Hook, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    answer = (
        b'{"ok": false, "description": "Too Many Requests /bot'
        + TOKEN.encode()
        + b'", "parameters": {"retry_after": 7}}'
    )
    hook.answer = lambda request: (429, {}, answer)
    error = refusal(telegram(hook))
    assert error.words == "Telegram refused it: HTTP 429 Too Many Requests /bot…"
    assert error.retry_s == 7.0
    hook.answer = lambda request: (401, {}, b"[1]")
    assert "BotFather" in refusal(telegram(hook)).hint
    gone = refusal(telegram(hook, base="http://127.0.0.1:9"))
    assert TOKEN not in str(gone) + gone.words + gone.hint + caplog.text
    (settings,) = read_channels([telegram(hook)])
    assert TOKEN not in repr(settings)


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")  # it means STARTTLS
@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_mail_goes_out_encrypted_with_an_account(tls: str, tmp_path: Path) -> None:
    post = Post(tmp_path, tls, "loaxa@xa.vn", "mật khẩu")
    (tmp_path / "password").write_text("mật khẩu\n")
    table = {
        "kind": "email",
        "host": "127.0.0.1",
        "port": post.port,
        "tls": tls,
        "ca": str(post.ca),
        "user": "loaxa@xa.vn",
        "password_file": str(tmp_path / "password"),
        "from": "loaxa@xa.vn",
        "to": ["truc@xa.vn", "lan@xa.vn"],
    }
    try:
        send(table, Message("Mất liên lạc: Thôn\r\nBcc: all@evil.vn", MESSAGE.text, (ALERT,)))
        (mail,) = post.mailbox.messages
        assert post.mailbox.encrypted == [True]
        assert post.mailbox.recipients == [["truc@xa.vn", "lan@xa.vn"]]
        assert mail["Subject"] == "Mất liên lạc: Thôn  Bcc: all@evil.vn"
        assert mail["Bcc"] is None
        assert mail["Auto-Submitted"] == "auto-generated"
        assert "Loa Xã" in mail["From"]
        assert mail.get_content().splitlines() == MESSAGE.text.splitlines()
        wrong = refusal({**table, "password_file": "", "password": "another password"})
        assert "refuses the account" in wrong.words
        assert "refuses the account" in refusal({**table, "password_file": "", "password": "mật khẩu sai"}).words
        assert "another password" not in wrong.words
        assert "not trusted" in refusal({name: value for name, value in table.items() if name != "ca"}).words
        post.mailbox.refused = "lan@xa.vn"
        send(table)
        assert post.mailbox.recipients[-1] == ["truc@xa.vn"]
        assert "takes none of the recipients" in refusal({**table, "to": ["lan@xa.vn"]}).words
    finally:
        post.close()


def test_a_password_is_never_said_where_tls_is_not_offered(tmp_path: Path) -> None:
    post = Post(tmp_path, "off")
    table = {"kind": "email", "host": "127.0.0.1", "port": post.port, "from": "a@b.vn", "to": ["c@d.vn"]}
    try:
        assert "does not offer" in refusal({**table, "user": "a", "password": "b"}).words
        assert post.mailbox.messages == []
        send({**table, "tls": "off"})
        assert post.mailbox.encrypted == [False]
    finally:
        post.close()


MAIL = {"kind": "email", "host": "mail.vn", "from": "a@b.vn", "to": ["c@d.vn"]}
GRAM = {"kind": "telegram", "token": TOKEN, "chat": "1"}


@pytest.mark.parametrize(
    ("tables", "words"),
    [
        ({}, r"written as \[\[notify\]\]"),
        ([1], r"written as \[\[notify\]\]"),
        ([{"kind": "fax"}], "kind must be one of webhook, email, telegram"),
        ([{}], "kind must be one of"),
        ([{"kind": "webhook"}], "webhook: url is missing"),
        ([{"kind": "webhook", "url": "ftp://x"}], "url must be an address"),
        ([{"kind": "webhook", "url": "http://x:99999"}], "url must be an address"),
        ([{"kind": "webhook", "url": "http://u:p@x"}], "without a user name"),
        ([{"kind": "webhook", "url": "http://x/\n"}], "url must be a text"),
        ([{"kind": "webhook", "url": "http://x", "sekret": "y"}], "sekret is not a setting; there are url, secret"),
        ([{"kind": "webhook", "url": "http://x", "secret": "y", "secret_file": "z"}], "both there"),
        ([{"kind": "webhook", "url": "http://x", "kinds": ["away"]}], "kinds must be a list of offline"),
        ([{"kind": "webhook", "url": "http://x", "kinds": [[]]}], "kinds must be a list of offline"),
        ([{"kind": "webhook", "url": "http://x", "min_severity": "bad"}], "min_severity must be one of fault, warning"),
        ([{"kind": "webhook", "url": "http://x", "language": "fr"}], "language must be one of vi, en"),
        ([{"kind": "webhook", "url": "http://x", "name": "A B"}], "name must be 1 to 32 characters"),
        ([{"kind": "webhook", "url": "http://x"}] * 2, "webhook is there twice"),
        ([{"kind": "webhook", "url": "http://x"}] * 21, "more than 20 times"),
        ([{**GRAM, "base": "http://bot.vn"}], "base must begin with https://"),
        ([{**GRAM, "token": "a/b"}], "token must be as the BotFather gave it"),
        ([{"kind": "telegram", "chat": "1"}], "token or token_file is missing"),
        ([{**GRAM, "chat": True}], "chat must be"),
        ([{**MAIL, "tls": "off"}], "on this machine"),
        ([{**MAIL, "tls": "ssl"}], "tls must be one of starttls, tls, off"),
        ([{**MAIL, "user": "a"}], "belong together"),
        ([{**MAIL, "to": []}], "to must be a list of 1 to 20 addresses"),
        ([{**MAIL, "to": ["x"]}], "to must be an e-mail address"),
        ([{**MAIL, "from": "a@b.vn\nBcc: x@y.vn"}], "from must be an e-mail address"),
        ([{**MAIL, "port": 0}], "port must be"),
    ],
)
def test_settings_that_are_wrong_are_named(tables: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read_channels(tables)


def test_what_a_channel_wants() -> None:
    every, faults, some = read_channels(
        [
            {"kind": "webhook", "url": "http://x", "name": "every"},
            {"kind": "webhook", "url": "http://x", "name": "faults", "min_severity": "fault"},
            {"kind": "webhook", "url": "http://x", "name": "some", "kinds": ["hot", "offline"]},
        ]
    )
    hot = Alert("a-2", "cum-01", "hot", "warning", 0)
    wanted = [[each.wants(alert) for each in (every, faults, some)] for alert in (ALERT, hot)]
    assert wanted == [[True, True, True], [True, False, True]]
    own = Alert("a-3", None, "notify_failing", "warning", 0, detail={"channels": {"every": "no answer"}})
    assert not every.wants(own)
