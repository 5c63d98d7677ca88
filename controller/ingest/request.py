"""What a source is asked for with: the bodies of the REST API, and the file that a sound resolves to."""

import re
import unicodedata
from ipaddress import IPv4Address
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)

from controller.bodies import Body

from .errors import IngestError

MAX_TEXT_CHARS = 20000
MAX_START_US = 24 * 3600 * 1_000_000
_VOICE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{1,8}){0,4}|piper:[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}")


class _Request(Body):
    model_config = ConfigDict(frozen=True)

    @property
    def live(self) -> bool:
        """True when samples come at their own pace, False when the pipe's reader sets the pace."""
        return False


class SoundRequest(_Request):
    """A sound of the sound store, by its id; the controller resolves it to a FileSource."""

    kind: Literal["sound"] = "sound"
    sound: str = Field(min_length=1, max_length=128, description="id of a stored sound")
    start_us: int = Field(0, ge=0, le=MAX_START_US, description="where to begin, microseconds")


class FileSource(_Request):
    """A file on this computer. Not part of the REST API: a path never comes from outside.

    path: absolute. gain_db: applied to every sample. start_us: where to begin, microseconds of the file.
    """

    kind: Literal["file"] = "file"
    path: Path
    gain_db: float = Field(0.0, ge=-100.0, le=40.0)
    start_us: int = Field(0, ge=0, le=MAX_START_US)


class TextRequest(_Request):
    """A text to be spoken."""

    kind: Literal["text"] = "text"
    text: str = Field(description=f"what to say, at most {MAX_TEXT_CHARS} characters")
    voice: str = Field("vi", description="vi, vi-vn-x-central, vi-vn-x-south, or piper:<name of a voice file>")
    speed: float = Field(1.0, ge=0.5, le=2.0, description="1.0 is the voice's own speed")
    start_us: int = Field(0, ge=0, le=MAX_START_US, description="where to begin, microseconds of speech")

    @field_validator("text")
    @classmethod
    def _speakable(cls, text: str) -> str:
        if len(text) > MAX_TEXT_CHARS:
            raise ValueError(f"the text has {len(text)} characters; split it into parts of at most {MAX_TEXT_CHARS}")
        if any("\ud800" <= character <= "\udfff" for character in text):  # half a character, as JSON can carry
            raise ValueError("the text is broken Unicode; write it anew")
        if not any(unicodedata.category(character)[0] in "LN" for character in text):
            raise ValueError("the text has no letter or digit to speak; write at least one word")
        return text

    @field_validator("voice")
    @classmethod
    def _known_form(cls, voice: str) -> str:
        if not _VOICE.fullmatch(voice):
            raise ValueError('a voice is "vi", "vi-vn-x-central", "vi-vn-x-south", another language, or "piper:<name>"')
        return voice


class ChimeRequest(_Request):
    """A few struck notes before or after an announcement."""

    kind: Literal["chime"] = "chime"
    name: Literal["open", "close", "alert"] = Field("open", description="rising, falling, or repeated in a hurry")
    gain_db: float = Field(0.0, ge=-60.0, le=6.0)


class ToneRequest(_Request):
    """A sine for tests and measurements."""

    kind: Literal["tone"] = "tone"
    frequency_hz: float = Field(1000.0, ge=20.0, le=20000.0)
    duration_ms: int = Field(1000, ge=20, le=3_600_000)
    level_db: float = Field(-18.0, ge=-90.0, le=0.0, description="peak, dB of full scale")


class StreamRequest(_Request):
    """A radio stream or a file on a server: HTTP or HTTPS, plain or HLS.

    Not live: the reader of the pipe sets the pace, what the server sent ahead is the cushion against stalls.
    """

    kind: Literal["stream"] = "stream"
    url: str = Field(max_length=2000)
    gain_db: float = Field(0.0, ge=-60.0, le=20.0)
    cushion_ms: int = Field(1000, ge=0, le=10000, description="sound collected before it is let through")
    stall_ms: int = Field(8000, ge=500, le=60000, description="without data for so long, connect again")
    patience_s: float = Field(20.0, ge=0.0, le=3600.0, description="how long the first connection is tried")

    @field_validator("url")
    @classmethod
    def _http(cls, url: str) -> str:
        try:
            parts = urlsplit(url)
            valid = parts.scheme.lower() in ("http", "https") and bool(parts.hostname)
            valid = valid and parts.port != 0
        except ValueError:
            valid = False
        if not valid or any(character.isspace() or not character.isprintable() for character in url):
            raise ValueError("the address of a stream begins with http:// or https:// and names a server")
        return url


class SoundCardRequest(_Request):
    """A microphone or line input of this computer."""

    kind: Literal["soundcard"] = "soundcard"
    device: str | None = Field(None, max_length=200, description="name or part of it; null: the system's default")
    gain_db: float = Field(0.0, ge=-60.0, le=40.0)

    @property
    def live(self) -> bool:
        return True


class RtpRequest(_Request):
    """RTP from other equipment (RFC 3550): L16 (RFC 3551) or Opus (RFC 7587)."""

    kind: Literal["rtp"] = "rtp"
    port: int = Field(ge=1024, le=65535, description="UDP port to listen on")
    payload: Literal["l16", "opus"] = "opus"
    rate_hz: int = Field(48000, ge=8000, le=192000, description="of L16")
    channels: int = Field(1, ge=1, le=8, description="of L16")
    source: IPv4Address | None = Field(None, description="the only address that is listened to; null: any")
    group: IPv4Address | None = Field(None, description="multicast group to join")
    gain_db: float = Field(0.0, ge=-60.0, le=40.0)

    @model_validator(mode="after")
    def _consistent(self) -> "RtpRequest":
        if self.group is not None and not self.group.is_multicast:
            raise ValueError("group is a multicast address: 224.0.0.0 to 239.255.255.255")
        return self

    @property
    def live(self) -> bool:
        return True


class PushRequest(_Request):
    """Raw samples that the client sends over HTTP: 48 kHz mono s16 little-endian. Needs no child.

    realtime: the samples come from a microphone at their own pace, and what piles up is dropped to keep the delay
    short; otherwise the sender is held back and nothing is lost.
    """

    kind: Literal["push"] = "push"
    realtime: bool = False

    @property
    def live(self) -> bool:
        return self.realtime


class MicrophoneRequest(_Request):
    """Somebody's voice, from a browser or a program that publishes by WHIP (RFC 9725); begun at `/api/whip`.

    grace_s: for so long a connection that was lost is waited for.
    """

    kind: Literal["microphone"] = "microphone"
    chime: Literal["open", "close", "alert"] | None = Field(None, description="what sounds before the voice")
    grace_s: float = Field(5.0, ge=0.5, le=60.0, description="how long a lost connection is waited for, seconds")

    @property
    def live(self) -> bool:
        return True


Media = TextRequest | ChimeRequest | ToneRequest | StreamRequest | SoundCardRequest | RtpRequest
SourceRequest = Annotated[SoundRequest | Media | PushRequest, Field(discriminator="kind")]
"""What the REST API takes in."""
Playable = FileSource | Media
"""What a child plays."""

Stored = SoundRequest | Media | PushRequest | MicrophoneRequest
"""What a session may have as its source."""
_SOURCE: TypeAdapter[Stored] = TypeAdapter(Annotated[Stored, Field(discriminator="kind")])
_PLAYABLE: TypeAdapter[Playable] = TypeAdapter(Annotated[Playable, Field(discriminator="kind")])


def parse_request(body: Any) -> Stored:
    """Return the request in a decoded JSON body; raises IngestError("invalid"), naming each wrong field."""
    try:
        return _SOURCE.validate_python(body)
    except ValidationError as error:
        raise IngestError("invalid", explain(error)) from None


def parse_playable(body: Any) -> Playable:
    """Return what a child is to play from a decoded JSON body; raises pydantic.ValidationError."""
    return _PLAYABLE.validate_python(body)


def explain(error: ValidationError) -> str:
    """Return one line for people: each wrong field and what is wrong with it."""
    kinds = {"sound", "text", "chime", "tone", "stream", "soundcard", "rtp", "push"}
    parts = []
    for problem in error.errors(include_url=False):
        place = [str(step) for step in problem["loc"] if step not in kinds or len(problem["loc"]) == 1]
        if len(problem["loc"]) > 1 and problem["loc"][-1] in kinds:  # a field named like a kind: text, sound
            place.append(str(problem["loc"][-1]))
        text = problem["msg"].removeprefix("Value error, ")
        parts.append(f"{'.'.join(place)}: {text}" if place else text)
    return "; ".join(parts)[:1000]
