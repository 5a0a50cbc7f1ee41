"""/v1/files: uploads that messages name by their ids. There is no list: an id is known to its uploader alone."""

from __future__ import annotations

import anyio
from fastapi import FastAPI, Request
from fastapi.responses import FileResponse
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException

from ..store import Full, Store, Stored
from .errors import Refusal

PIECE = 2**20


def add_to(api: FastAPI, store: Store) -> None:
    """Add the routes to `api`."""

    @api.post("/files")
    async def upload(request: Request) -> dict:
        """Keep a file for a day. multipart/form-data with `file`; `purpose` may be given."""
        try:
            async with request.form(max_files=1, max_fields=16) as form:
                file = form.get("file")
                if not isinstance(file, UploadFile):
                    raise Refusal(400, "send multipart/form-data with a field 'file'", "file", "missing_file")
                purpose = form.get("purpose")
                stored = await _keep(file, store, purpose if isinstance(purpose, str) else "user_data")
        except MultiPartException as error:
            raise Refusal(400, f"the form can't be read: {error.message}", "file", "invalid_form") from error
        return _object(stored)

    @api.get("/files/{id}")
    async def about(id: str) -> dict:
        """What is known of an upload."""
        return _object(_found(await anyio.to_thread.run_sync(store.about, id), id))

    @api.get("/files/{id}/content")
    async def content(id: str) -> FileResponse:
        """The file itself, to be saved and not shown."""
        stored = _found(await anyio.to_thread.run_sync(store.about, id), id)
        path = await anyio.to_thread.run_sync(store.path, id)
        return FileResponse(path, filename=stored.name, media_type="application/octet-stream",
                            headers={"X-Content-Type-Options": "nosniff"})

    @api.delete("/files/{id}")
    async def delete(id: str) -> dict:
        """Forget an upload before its day is over."""
        if not await anyio.to_thread.run_sync(store.delete, id):
            _found(None, id)
        return {"id": id, "object": "file", "deleted": True}


async def _keep(file: UploadFile, store: Store, purpose: str) -> Stored:
    incoming = store.begin(file.filename or "file", purpose[:40])
    try:
        while piece := await file.read(PIECE):
            await anyio.to_thread.run_sync(incoming.write, piece)
        if not file.size:
            raise Refusal(400, f"{file.filename or 'the file'}: is empty; export it again", "file", "empty_file")
        return await anyio.to_thread.run_sync(incoming.finish)
    except Full as error:
        message = f"files of up to {store.max_file / 1e6:.0f} MB are taken"
        raise Refusal(413, message, "file", "file_too_large") from error
    except BaseException:
        incoming.discard()
        raise


def _found(stored: Stored | None, id: str) -> Stored:
    if stored is None:
        message = f"there is no file {id[:60]!r} (any more); uploads are kept for a day"
        raise Refusal(404, message, "id", "file_not_found")
    return stored


def _object(stored: Stored) -> dict:
    return {"id": stored.id, "object": "file", "bytes": stored.size, "created_at": stored.created,
            "expires_at": stored.expires, "filename": stored.name, "purpose": stored.purpose, "status": "processed"}
