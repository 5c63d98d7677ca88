"""``loaxa user``, ``token``, ``login``, ``logout`` and ``audit`` against a real controller."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.controller.running import ROOT, Running, running

PASSWORD = "bốn từ không liên quan"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("house")) as controller:
        yield controller


def loaxa(office: Running, *arguments: str, away: Path | None = None, **more: Any) -> subprocess.CompletedProcess[str]:
    """Run a command; away: as on another computer, whose home this is."""
    environment = {**os.environ, "LOAXA_CONTROLLER": office.ports["url"], **more.pop("env", {})}
    if away:
        authority = away / "ca.pem"
        authority.write_text(office.http.get("/ca.pem").text)
        environment |= {
            "XDG_STATE_HOME": str(away / "state"),
            "XDG_CONFIG_HOME": str(away / "config"),
            "LOAXA_CA": str(authority),
        }
    command = [sys.executable, "-m", "loaxa.cli", *arguments]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=50, check=False, env=environment, **more
    )


def answer(office: Running, *arguments: str, **more: Any) -> Any:
    done = loaxa(office, *arguments, "--json", **more)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_accounts(house: Running) -> None:
    made = answer(house, "user", "add", "lan", "--title", "Nguyễn Thị Lan", "--role", "operator", "--generate")
    assert made["roles"] == ["operator"] and len(made["made_password"]) == 23
    changed = answer(house, "user", "set", "lan", "--role", "operator", "--role", "auditor", "--no-enabled")
    assert (changed["roles"], changed["enabled"]) == (["auditor", "operator"], False)
    typed = loaxa(house, "user", "password", "lan", input=PASSWORD + "\n")
    assert typed.returncode == 0 and PASSWORD not in typed.stdout
    assert "lan  " in loaxa(house, "user", "list").stdout
    assert answer(house, "user", "remove", "lan") == {"removed": "lan"}
    refused = loaxa(house, "user", "remove", "lan")
    assert refused.returncode == 1 and "loaxa user list shows" in refused.stderr


def test_another_computer_signs_in_and_out(house: Running, tmp_path: Path) -> None:
    house.post("/api/users", {"name": "minh", "roles": ["board"], "password": PASSWORD})
    stranger = loaxa(house, "zone", "list", away=tmp_path)
    assert stranger.returncode == 1 and "loaxa login" in stranger.stderr
    wrong = loaxa(house, "login", "minh", away=tmp_path, env={"LOAXA_PASSWORD": "not this"})
    assert wrong.returncode == 1 and "wrong" in wrong.stderr
    said = answer(house, "login", "minh", away=tmp_path, input=PASSWORD + "\n")
    assert said["roles"] == ["board"]
    kept = tmp_path / "config" / "loaxa" / "credentials.json"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert answer(house, "zone", "list", away=tmp_path) == {"zones": []}
    forbidden = loaxa(house, "zone", "add", "thon-1", away=tmp_path)
    assert forbidden.returncode == 1 and "zones.write" in forbidden.stderr
    house.http.patch("/api/users/minh", json={"roles": ["administrator"]})
    answer(house, "login", "minh", away=tmp_path, input=PASSWORD + "\n")
    answer(house, "zone", "add", "thon-1", away=tmp_path)
    forbidden = loaxa(house, "user", "add", "ai", "--role", "administrator", "--generate", away=tmp_path)
    assert forbidden.returncode == 1 and "controller's own machine" in forbidden.stderr
    answer(house, "zone", "remove", "thon-1")
    content = kept.read_text()
    assert answer(house, "logout", away=tmp_path) == {"url": house.ports["url"]}
    kept.write_text(content)
    assert loaxa(house, "zone", "list", away=tmp_path).returncode == 1, "revoked there, not only forgotten here"


def test_a_token_for_a_program(house: Running, tmp_path: Path) -> None:
    house.post("/api/users", {"name": "may", "roles": ["operator"], "password": PASSWORD})
    made = answer(house, "token", "add", "--user", "may", "--scope", "read", "--days", "1")
    program = {"LOAXA_TOKEN": made["token"]}
    assert answer(house, "node", "list", away=tmp_path, env=program)["nodes"] == []
    assert made["id"] in loaxa(house, "token", "list").stdout
    answer(house, "token", "remove", made["id"])
    assert loaxa(house, "node", "list", away=tmp_path, env=program).returncode == 1


def test_the_audit_is_listed_exported_and_verified(house: Running, tmp_path: Path) -> None:
    for zone in ("thon-7", "thon-8", "thon-9"):
        answer(house, "zone", "add", zone)
    assert "zone.add" in loaxa(house, "audit", "list").stdout
    assert answer(house, "audit", "verify")["whole"]
    file = tmp_path / "audit.jsonl"
    count = answer(house, "audit", "export", str(file))["records"]
    assert answer(house, "audit", "verify", str(file))["n"] == count
    lines = file.read_text().splitlines(keepends=True)
    assert all(json.loads(line)["hash"] for line in lines)
    file.write_text("".join(lines[:1] + lines[2:]))
    found = loaxa(house, "audit", "verify", str(file))
    assert found.returncode == 1 and "record 2 is missing" in found.stdout
    assert loaxa(house, "audit", "verify", str(tmp_path / "none")).returncode == 1


def test_a_controller_whose_audit_was_tampered_with_says_so(tmp_path: Path) -> None:
    import sqlite3

    with running(tmp_path / "office") as office:
        office.village()
        office.stop()
        with sqlite3.connect(office.folder / "state" / "loaxa.sqlite3") as database:
            database.execute("DROP TRIGGER audit_no_DELETE")
            database.execute("DELETE FROM audit WHERE n = (SELECT max(n) FROM audit)")
        database.close()
        office.start()
        found = loaxa(office, "audit", "verify")
        assert found.returncode == 1 and "removed from the end" in found.stdout
        assert "removed from the end" in office.log.read_text()
