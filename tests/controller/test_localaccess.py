"""The file that lets the user who runs a controller in: for him alone, for this run alone."""

from pathlib import Path

import pytest

from controller import localaccess
from controller.localaccess import Access


@pytest.fixture(autouse=True)
def state_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def test_found_by_any_name_of_this_machine_and_by_no_other() -> None:
    access = Access("http://127.0.0.1:8080", "loaxa_t", "PEM")
    path = localaccess.write(8080, access)
    assert path.stat().st_mode & 0o777 == 0o600 and path.parent.stat().st_mode & 0o777 == 0o700
    assert localaccess.find("http://127.0.0.1:8080") == access
    assert localaccess.find("http://localhost:8080/api") == access
    for other in ("http://127.0.0.1:8081", "http://192.0.2.1:8080", "http://127.0.0.1", "http://127.0.0.1:x"):
        assert localaccess.find(other) is None, other


def test_a_file_that_others_can_read_or_that_is_damaged_is_not_used() -> None:
    path = localaccess.write(8080, Access("http://127.0.0.1:8080", "loaxa_t"))
    path.chmod(0o640)
    assert localaccess.find("http://127.0.0.1:8080") is None
    for content in ("", "[]", '{"url": 1, "token": 2, "ca": 3}', '{"url": "http://127.0.0.1:8080"}'):
        path.write_text(content)
        path.chmod(0o600)
        assert localaccess.find("http://127.0.0.1:8080") is None, content


def test_the_file_of_a_later_controller_stays() -> None:
    first, second = Access("http://127.0.0.1:8080", "loaxa_1"), Access("http://127.0.0.1:8080", "loaxa_2")
    path = localaccess.write(8080, first)
    localaccess.write(8080, second)
    localaccess.remove(path, first)
    assert localaccess.find("http://127.0.0.1:8080") == second
    localaccess.remove(path, second)
    assert localaccess.find("http://127.0.0.1:8080") is None
