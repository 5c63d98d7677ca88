"""The one error of ingest."""


class IngestError(Exception):
    """A source that cannot be had.

    code: a short stable name for catalogues of texts ("no_sound", "not_found", ...).
    text: English, for people: what was wrong; what to do. It begins small, to stand inside a sentence.
    """

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text

    @property
    def message(self) -> str:
        """What was wrong, as a sentence."""
        return _sentence(self._parts[0])

    @property
    def hint(self) -> str:
        """What to do, as a sentence; a text that does not say has a general one."""
        return _sentence(self._parts[1] or "try again; the controller's log says more")

    @property
    def _parts(self) -> tuple[str, str]:
        wrong, mark, advice = self.text.rpartition("; ")
        return (wrong, advice) if mark else (self.text, "")


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "?", "!")) else ".")
