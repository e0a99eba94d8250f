"""Bodies of HTTP requests: read in time, up to a size, and whole, whatever a client sends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from aiohttp import BodyPartReader, web

from characters.protocol.codec import MessageError, parse_object
from characters.protocol.link import MAX_FRAME
from characters.service.registry import RefusalError
from characters.service.requests import unreadable

__all__ = ["read_body", "read_form", "read_object"]

BODY_SECONDS = 10.0
MOST_PARTS = 16  # of a form
PIECE = 4 * 1024  # bytes


async def read_body(request: web.Request) -> bytes:
    """Return the bytes of a body. Raises RefusalError 400, HTTPRequestEntityTooLarge."""
    body = bytearray()
    with _unreadable():
        async with asyncio.timeout(BODY_SECONDS):
            while piece := await request.content.read(PIECE):
                body += piece
                if len(body) > MAX_FRAME:
                    raise web.HTTPRequestEntityTooLarge(MAX_FRAME, len(body))
                await asyncio.sleep(0)  # it may have come in as many chunks as it has bytes
    return bytes(body)


async def read_object(request: web.Request) -> dict[str, Any]:
    """Return the body as an object. Raises RefusalError."""
    try:
        found = parse_object(await read_body(request))
        json.dumps(found, ensure_ascii=False).encode()
    except MessageError as problem:
        raise unreadable(problem, problem.message) from None
    except UnicodeEncodeError:  # no database takes it
        raise RefusalError(400, "the body holds half a character") from None
    return found


async def read_form(request: web.Request) -> Mapping[str, Any]:
    """Return the fields of a form. Raises RefusalError 400 or 413."""
    with _unreadable():
        async with asyncio.timeout(BODY_SECONDS):
            if request.content_type == "multipart/form-data":
                return await _parts(request)
            return await request.post()


async def _parts(request: web.Request) -> Mapping[str, Any]:
    """Return the fields of a form that are texts; aiohttp itself reads thousands, and files."""
    form, count = dict[str, Any](), 0
    async for part in await request.multipart():
        count += 1
        if count > MOST_PARTS or not isinstance(part, BodyPartReader):
            raise RefusalError(413, f"a form has at most {MOST_PARTS} fields, none in parts")
        data = await part.read(decode=True)
        if part.name and part.filename is None:
            form[part.name] = bytes(data).decode(part.get_charset("utf-8"))
    return form


@contextmanager
def _unreadable() -> Iterator[None]:
    """Answer 400 for a body that aiohttp cannot read.

    Its errors are of many kinds: ValueError for a missing boundary or bad base64, LookupError for
    an unknown charset, RuntimeError for an unknown encoding, AssertionError for a nested form.
    """
    try:
        yield
    except (TimeoutError, ConnectionError, web.HTTPException, RefusalError):
        raise
    except Exception as error:
        kind = type(error).__name__
        raise RefusalError(400, f"the body cannot be read: {kind}") from None
