"""Sounds: stored once, played often."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from starlette.datastructures import UploadFile

from controller.errors import UnusableError
from controller.people.permissions import needs
from controller.web.errors import errors
from controller.web.models.sounds import SoundList, SoundOut
from controller.web.parts import TheOffice
from controller.web.views import sound_out

router = APIRouter(prefix="/api/sounds", tags=["sounds"])

_CHUNK_BYTES = 256 * 1024
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
            "multipart/form-data": {
                "schema": {"type": "object", "properties": {"file": {"type": "string", "format": "binary"}}}
            },
        },
    }
}


@router.get("", summary="List sounds", openapi_extra=needs("read"))
async def list_sounds(office: TheOffice) -> SoundList:
    """The newest first."""
    return SoundList(sounds=[sound_out(row) for row in await office.sounds.all()])


@router.post(
    "",
    status_code=201,
    summary="Upload a sound",
    responses=errors(400, 409, 413, 422),
    openapi_extra={**_BODY, **needs("sounds.write", "sound.add")},
)
async def upload(
    request: Request,
    response: Response,
    office: TheOffice,
    title: Annotated[str, Query(max_length=200, description="empty: the file's name")] = "",
) -> SoundOut:
    """A file of any audio format, as the raw body or as the field `file` of a form.

    The same bytes twice are one sound: 200 in place of 201. 409 when there is no room for it beside the others.
    """
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        async with request.form(max_files=1, max_fields=4) as form:
            file = form.get("file")
            if not isinstance(file, UploadFile):
                raise UnusableError("no_file", "The form has no file.", 'Put it into the field "file".')
            sound, new = await office.sounds.add(_chunks(file), title or (file.filename or "")[:200])
    else:
        sound, new = await office.sounds.add(request.stream(), title)
    response.status_code = 201 if new else 200
    return sound_out(sound)


@router.get("/{sound_id}", summary="Read a sound", responses=errors(404), openapi_extra=needs("read"))
async def read_sound(office: TheOffice, sound_id: str) -> SoundOut:
    """What is known of a sound."""
    return sound_out(await office.sounds.get(sound_id))


@router.delete(
    "/{sound_id}",
    status_code=204,
    summary="Remove a sound",
    responses=errors(404),
    openapi_extra=needs("sounds.write", "sound.remove"),
)
async def remove_sound(office: TheOffice, sound_id: str) -> None:
    """A session that plays it now plays on."""
    await office.sounds.remove(sound_id)


async def _chunks(file: UploadFile) -> AsyncIterator[bytes]:
    while chunk := await file.read(_CHUNK_BYTES):
        yield chunk
