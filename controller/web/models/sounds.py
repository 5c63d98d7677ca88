"""Bodies about stored sounds."""

from datetime import datetime

from pydantic import BaseModel


class SoundOut(BaseModel):
    """A stored sound; id is the SHA-256 of its file."""

    id: str
    title: str
    duration_s: float
    loudness_lufs: float
    true_peak_db: float
    size_bytes: int
    added_at: datetime | None


class SoundList(BaseModel):
    """Sounds, the newest first."""

    sounds: list[SoundOut]
