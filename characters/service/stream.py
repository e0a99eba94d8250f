"""`POST /connect/stream`: one question by text, the answer as server-sent events.

No room is opened: the session is resumed or made, the mind answers once, all is kept. The end
event is spelled `connection-stoppped`, as the public service spells it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from characters.core.messages import ActionResponse, BotEmotion, BotLlmText, encode_server
from characters.service.dialogue.mind import Do, Feel, Part
from characters.service.requests import read_fields
from characters.service.rooms import RefusalError
from characters.service.service import Service

__all__ = ["END_EVENT", "answer_stream"]

END_EVENT = "connection-stoppped"
FIELDS = ("character_id", "text_input", "character_session_id", "end_user_id", "persona")


async def answer_stream(service: Service, request: web.Request) -> web.StreamResponse:
    """Answer a multipart question. Raises RefusalError before the stream begins."""
    form = await request.post()
    values = {name: form[name] for name in FIELDS if name in form}
    text = values.pop("text_input", None)
    if not isinstance(text, str) or not 0 < len(text.strip()) <= 2000:
        raise RefusalError(
            422,
            [{"type": "missing", "loc": ["body", "text_input"], "msg": "1 to 2000 characters"}],
        )
    ask = read_fields(values)
    async with service.question(ask, text.strip()) as (grant, parts):
        answer = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}
        )
        await answer.prepare(request)
        session_id = grant.room.session.session_id
        ids = {"session_id": grant.live_id, "character_session_id": session_id}
        await _event(answer, {"type": "connection-started", "data": ids})
        async for part in parts:
            await _event(answer, _encode(part))
        await _event(answer, {"type": END_EVENT, "data": {}})
    await answer.write_eof()
    return answer


def _encode(part: Part) -> Mapping[str, Any]:
    if isinstance(part, Feel):
        return encode_server(BotEmotion(part.emotion, part.scale))
    if isinstance(part, Do):
        return encode_server(ActionResponse(part.actions))
    return encode_server(BotLlmText(part.text))


async def _event(answer: web.StreamResponse, data: Mapping[str, Any]) -> None:
    await answer.write(b"data: " + json.dumps(data).encode() + b"\n\n")
