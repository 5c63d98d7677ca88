"""The one error of ingest."""


class IngestError(Exception):
    """A source that cannot be had.

    code: a short stable name for catalogues of texts ("no_sound", "not_found", ...).
    text: English, for people, says what to do.
    """

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
