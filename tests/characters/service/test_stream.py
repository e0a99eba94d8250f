from __future__ import annotations

import json
from typing import Any

import aiohttp

from tests.characters.service.client import Bare, serve


async def ask(bare: Bare, **fields: str) -> tuple[int, list[dict[str, Any]]]:
    form = aiohttp.FormData(fields, default_to_multipart=True)
    async with bare.http.post(bare.url + "/connect/stream", data=form) as answer:
        text = await answer.text()
        if answer.status != 200:
            return answer.status, [json.loads(text)]
        assert answer.content_type == "text/event-stream"
        events = [json.loads(part.removeprefix("data: ")) for part in text.split("\n\n") if part]
        return 200, events


def test_a_question_is_answered_by_a_stream_of_events() -> None:
    async def play(bare: Bare) -> None:
        status, events = await ask(bare, character_id="counter", text_input="count 3")
        assert status == 200
        assert [event["type"] for event in events] == [
            "connection-started",
            "bot-llm-text",
            "connection-stoppped",
        ]
        assert events[1]["data"]["text"] == "1 2 3"

    serve(play)


def test_the_session_of_a_stream_can_be_resumed_by_a_room() -> None:
    async def play(bare: Bare) -> None:
        _, events = await ask(bare, character_id="counter", text_input="hello")
        session_id = events[0]["data"]["character_session_id"]
        async with bare.room(character_session_id=session_id) as (_, grant):
            assert grant["character_session_id"] == session_id
        assert (await bare.health())["sessions"] == 1

    serve(play)


def test_a_session_can_be_asked_again() -> None:
    async def play(bare: Bare) -> None:
        _, events = await ask(bare, character_id="counter", text_input="one")
        session_id = events[0]["data"]["character_session_id"]
        _, again = await ask(
            bare, character_id="counter", text_input="two", character_session_id=session_id
        )
        assert again[0]["data"]["character_session_id"] == session_id
        assert bare.stage.heard == ["one", "two"]
        assert (await bare.health())["rooms"] == 0

    serve(play)


def test_a_stream_is_refused_before_it_begins() -> None:
    async def play(bare: Bare) -> None:
        assert (await ask(bare, character_id="nobody", text_input="hi"))[0] == 404
        assert (await ask(bare, character_id="counter"))[0] == 422
        assert (await ask(bare, text_input="hi"))[0] == 422
        assert (await ask(bare, character_id="counter", text_input="x" * 3000))[0] == 422

    serve(play)
