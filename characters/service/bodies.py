"""Bodies of HTTP requests: read in time, up to a size, and whole, whatever a client sends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email import message_from_bytes
from email.message import Message
from email.utils import collapse_rfc2231_value
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from characters.protocol.codec import MessageError, parse_object
from characters.protocol.link import MAX_FRAME
from characters.service.registry import RefusalError
from characters.service.requests import unreadable
from characters.service.room_connection import FairLoop

__all__ = ["discard_body", "read_body", "read_form", "read_object"]

BODY_SECONDS = 10.0
DISCARD_SECONDS = 1.0
MOST_FIELDS = 16  # of a form
PIECE = 1024  # bytes, each perhaps a chunk of its own
ENCODINGS = ("7bit", "8bit", "binary", "base64", "quoted-printable")  # of a part of a form
# Others make halves of characters of plain letters (utf-7, unicode_escape), or take the square of
# the time (punycode).
CHARSETS = ("utf-8", "us-ascii", "iso-8859-1", "windows-1252")


async def read_body(request: web.Request, loop: FairLoop) -> bytes:
    """Return the bytes of a body, read in turns.

    Raises RefusalError 400, HTTPRequestEntityTooLarge.
    """
    body = bytearray()
    with _unreadable():
        async with asyncio.timeout(BODY_SECONDS):
            while piece := await request.content.read(PIECE):
                body += piece
                if len(body) > MAX_FRAME:
                    raise web.HTTPRequestEntityTooLarge(MAX_FRAME, len(body))
                await loop.turn()  # it may have come in as many chunks as it has bytes
    return bytes(body)


async def discard_body(request: web.Request, loop: FairLoop) -> None:
    """Read for a while, in turns, what a client still sends of a body that nobody needs.

    A connection that is closed before takes the answer along. aiohttp would read as fast as the
    body comes, and others would wait for it.
    """
    with suppress(Exception):  # whatever is wrong with it
        async with asyncio.timeout(DISCARD_SECONDS):
            while await request.content.read(PIECE):
                await loop.turn()


async def read_object(request: web.Request, loop: FairLoop) -> dict[str, Any]:
    """Return the body as an object. Raises RefusalError."""
    return await loop.read(_object, await read_body(request, loop))


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = parse_object(body)
        json.dumps(found, ensure_ascii=False).encode()
    except MessageError as problem:
        raise unreadable(problem, problem.message) from None
    except UnicodeEncodeError:  # no database takes it
        raise RefusalError(400, "the body holds half a character") from None
    return found


async def read_form(request: web.Request, loop: FairLoop) -> dict[str, str]:
    """Return the fields of a form that are texts. Raises RefusalError 400 or 413."""
    kind, body = request.headers.get("Content-Type", ""), await read_body(request, loop)
    with _unreadable():
        return await loop.read(partial(_fields, kind), body)


def _fields(kind: str, body: bytes) -> dict[str, str]:
    """Return the fields in a body of that kind. Raises RefusalError, and others as they come."""
    head = f"Content-Type: {kind}\r\n\r\n".encode("latin-1", "replace")
    about = message_from_bytes(head)
    if about.get_content_type() == "multipart/form-data":
        boundary = about.get_boundary()
        if not boundary:
            raise ValueError("no boundary")
        _check_count(body.count(b"--" + boundary.encode()) - 1)
        return _parts(message_from_bytes(head + body))
    _check_count(body.count(b"&") + 1)
    charset = _charset(about)
    return dict(parse_qsl(body.decode(charset), keep_blank_values=True, encoding=charset))


def _check_count(fields: int) -> None:
    if fields > MOST_FIELDS:
        raise RefusalError(413, f"a form has at most {MOST_FIELDS} fields, none in parts")


def _parts(form: Message) -> dict[str, str]:
    """Return the texts of a form; files are left out."""
    if form.defects:
        raise form.defects[0]
    fields = dict[str, str]()
    _, *parts = form.walk()
    for part in parts:
        if part.is_multipart():
            _check_count(MOST_FIELDS + 1)
        if part.get("Content-Transfer-Encoding", "8bit").strip().lower() not in ENCODINGS:
            raise ValueError("unknown encoding")
        data = part.get_payload(decode=True)
        assert isinstance(data, bytes)  # it is in no parts
        if part.defects:
            raise part.defects[0]
        name = part.get_param("name", header="Content-Disposition")
        if name and part.get_filename() is None:
            fields[collapse_rfc2231_value(name)] = data.decode(_charset(part))
    return fields


def _charset(about: Message) -> str:
    charset = about.get_content_charset("utf-8")
    if charset not in CHARSETS:
        raise RefusalError(400, f"the texts of a form are in one of {', '.join(CHARSETS)}")
    return charset


@contextmanager
def _unreadable() -> Iterator[None]:
    """Answer 400 for a body that cannot be read.

    What is wrong is told in many kinds: ValueError for a missing boundary or half a character,
    LookupError for an unknown charset, MessageDefect for a form that is cut off or bad base64.
    """
    try:
        yield
    except (TimeoutError, ConnectionError, web.HTTPException, RefusalError):
        raise
    except Exception as error:
        kind = type(error).__name__
        raise RefusalError(400, f"the body cannot be read: {kind}") from None
