from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any

import pytest
from aiohttp import web

from characters.agents.agent import Arrived, PlayerSaid, Prompt, Say
from characters.agents.llm import MAX_ANSWER, MAX_HISTORY, LlmAgent, LlmEndpoint
from characters.agents.persona import Persona
from characters.agents.script import ScriptedAgent

PERSONA = Persona.model_validate(
    {
        "name": "Bo",
        "about": "A baker.",
        "fallback": ["Pardon?"],
        "greeting": {"first": ["Hello."]},
        "topic": [{"id": "cat", "says": ["cat"], "lines": ["A cat."]}],
    }
)


class FakeModel:
    """A chat completions endpoint that answers with these pieces."""

    def __init__(self, *pieces: str, status: int = 200, raw: bytes = b"") -> None:
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self._pieces, self._status, self._raw = pieces, status, raw

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(await request.json())
        self.keys.append(request.headers.get("Authorization"))
        answer = web.StreamResponse(status=self._status)
        await answer.prepare(request)
        for piece in self._pieces:
            chunk = {"choices": [{"delta": {"content": piece}}]}
            await answer.write(b"data: " + json.dumps(chunk).encode() + b"\n\n")
        await answer.write(self._raw or b"data: [DONE]\n\n")
        return answer


def against(model: FakeModel, play: Callable[[str], Awaitable[None]]) -> None:
    async def run() -> None:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", model.handle)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        try:
            async with asyncio.timeout(60):
                await play(f"http://{host}:{port}/v1")
        finally:
            await runner.cleanup()

    asyncio.run(run())


def agent(url: str, memory: dict[str, Any] | None = None) -> LlmAgent:
    kept = memory or {}
    endpoint = LlmEndpoint(url, "some-model", "k3y", connect_within=1.0, word_within=1.0)
    return LlmAgent(PERSONA, ScriptedAgent(PERSONA, kept, Random(1)), endpoint, kept)


async def ask(it: LlmAgent, prompt: Prompt) -> str:
    parts = [part async for part in it.reply(prompt, {"dynamic_info": "It rains."})]
    return "".join(part.text for part in parts if isinstance(part, Say))


def test_an_answer_is_streamed_from_the_model() -> None:
    model = FakeModel("Fresh", " bread", "!")

    async def play(url: str) -> None:
        assert await ask(agent(url), PlayerSaid("hello")) == "Fresh bread!"

    against(model, play)
    system, user = model.requests[0]["messages"]
    assert "You are Bo" in system["content"]
    assert "It rains." in system["content"]
    assert user == {"role": "user", "content": "hello"}
    assert model.keys == ["Bearer k3y"]


def test_what_was_learnt_and_said_goes_along_and_survives_a_resume() -> None:
    model = FakeModel("Yes.")

    async def play(url: str) -> None:
        first = agent(url)
        await ask(first, PlayerSaid("My name is Ada"))
        await ask(agent(url, json.loads(json.dumps(first.memory()))), PlayerSaid("And now?"))

    against(model, play)
    messages = model.requests[1]["messages"]
    assert "your name is Ada" in messages[0]["content"]
    assert [message["content"] for message in messages[1:]] == [
        "My name is Ada",
        "Yes.",
        "And now?",
    ]


def test_the_greeting_is_the_personas_own() -> None:
    model = FakeModel("no")

    async def play(url: str) -> None:
        assert await ask(agent(url), Arrived()) == "Hello."

    against(model, play)
    assert model.requests == []


@pytest.mark.parametrize(
    "model",
    [
        FakeModel(status=500),
        FakeModel(status=401),
        FakeModel(),
        FakeModel(raw=b"data: {broken\n\n"),
    ],
    ids=["failing", "refusing", "silent", "broken"],
)
def test_the_persona_answers_when_the_model_does_not(model: FakeModel) -> None:
    async def play(url: str) -> None:
        assert await ask(agent(url), PlayerSaid("a cat")) == "A cat."

    against(model, play)


def test_the_persona_answers_when_nobody_is_there() -> None:
    assert asyncio.run(ask(agent("http://127.0.0.1:1/v1"), PlayerSaid("a cat"))) == "A cat."


def test_a_model_that_talks_on_is_cut() -> None:
    async def play(url: str) -> None:
        assert len(await ask(agent(url), PlayerSaid("hello"))) == MAX_ANSWER

    against(FakeModel(*["x" * 300] * 20), play)


def test_the_history_is_bounded() -> None:
    async def play(url: str) -> None:
        it = agent(url)
        for number in range(MAX_HISTORY):
            await ask(it, PlayerSaid(str(number)))
        assert len(it.memory()["history"]) == MAX_HISTORY

    against(FakeModel("Yes."), play)


def test_the_key_is_not_shown() -> None:
    assert "k3y" not in repr(LlmEndpoint("http://x", "m", "k3y"))
