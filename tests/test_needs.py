"""What is missing is skipped at a person's, and fails in continuous integration."""

import pytest

from tests import needs


def test_a_person_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no-such-player is not installed; run: scripts/system-packages"):
        needs.player("no-such-player")


def test_in_continuous_integration_it_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "1")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(pytest.fail.Exception, match="no PulseAudio; run: sudo apt-get install"):
        needs.pulseaudio()
    with pytest.raises(pytest.fail.Exception, match="ffmpeg is not installed"):
        needs.player("ffmpeg")
