"""Sources: what can be put on air here."""

from typing import Any, get_args

from fastapi import APIRouter
from pydantic import BaseModel, Field

from controller.errors import ControllerError
from controller.ingest.request import ChimeRequest, Media, PushRequest, SoundRequest
from controller.people.permissions import needs
from controller.web.parts import TheOffice

router = APIRouter(prefix="/api/sources", tags=["sources"])


class SourceList(BaseModel):
    """Kinds of sources, voices of texts, names of chimes, sound inputs of the controller's computer."""

    kinds: list[str] = Field(examples=[["sound", "text"]])
    voices: list[str] = Field(examples=[["vi"]])
    chimes: list[str]
    sound_cards: list[dict[str, Any]]


@router.get("", summary="List what can be put on air", openapi_extra=needs("read"))
async def list_sources(office: TheOffice) -> SourceList:
    """The fields of each kind are in the description of `POST /api/sessions`."""
    try:
        cards = await office.sources.sound_cards()
    except ControllerError:
        cards = []  # a computer without sound is fine: everything else still works
    models = (SoundRequest, *get_args(Media), PushRequest)
    return SourceList(
        kinds=[model.model_fields["kind"].default for model in models],
        voices=office.sources.voices(),
        chimes=list(get_args(ChimeRequest.model_fields["name"].annotation)),
        sound_cards=cards,
    )
