from __future__ import annotations

import asyncio
import io
import logging
import wave
from time import monotonic

import pytest

from characters.service.speech.endpoint import SpeechEndpoint
from characters.service.speech.endpoint_ears import EndpointEars
from characters.service.speech.protocols import SAY_AGAIN, Heard, Rejected
from tests.characters.service.speech.openai_server import OpenAIServer, serving, tone

SOUND = tone(0.5, 16_000)


def recognise(
    *changes: tuple[str, object], times: int = 1
) -> tuple[Heard | Rejected, OpenAIServer]:
    async def talk() -> tuple[Heard | Rejected, OpenAIServer]:
        async with serving() as server:
            for name, value in changes:
                setattr(server, name, value)
            ears = EndpointEars(SpeechEndpoint(server.url, "whisper-1", "k3y"), "en", 0.5)
            for _ in range(times):
                utterance = await ears.open(("where does it hurt",))
                await utterance.feed(SOUND[:640])
                await utterance.feed(SOUND[640:])
                heard = await utterance.finish()
            await ears.close()
            return heard, server

    return asyncio.run(talk())


def test_an_utterance_is_sent_as_one_file_and_its_words_come_back() -> None:
    heard, server = recognise()
    assert heard == Heard("Where does it hurt?")
    (asked,) = server.asked
    with wave.open(io.BytesIO(asked["file"])) as file:
        assert (file.getframerate(), file.getnchannels()) == (16_000, 1)
        assert file.readframes(file.getnframes()) == SOUND


def test_model_language_and_key_go_along() -> None:
    _, server = recognise()
    asked = server.asked[0]
    assert (asked["model"], asked["language"], asked["response_format"]) == (
        "whisper-1",
        "en",
        "json",
    )
    assert server.keys == ["Bearer k3y"]


@pytest.mark.parametrize(
    ("name", "value"),
    [("status", 500), ("status", 401), ("is_stuck", True), ("text", None), ("text", " ")],
)
def test_whatever_fails_the_player_is_asked_to_say_it_again_and_soon(
    name: str, value: object
) -> None:
    began = monotonic()
    assert recognise((name, value))[0] == Rejected(SAY_AGAIN)
    assert monotonic() - began < 5.0


def test_a_service_that_is_not_there_is_a_rejection() -> None:
    async def talk() -> Heard | Rejected:
        ears = EndpointEars(SpeechEndpoint("http://127.0.0.1:9/v1", "m"), "")
        heard = await (await ears.open(())).finish()
        await ears.close()
        return heard

    assert asyncio.run(talk()) == Rejected(SAY_AGAIN)


def test_a_failure_is_logged_once_without_words_or_key(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        recognise(("status", 500), times=3)
    (record,) = caplog.records
    assert "HTTP 500" in record.getMessage() and "k3y" not in record.getMessage()


def test_what_is_dropped_is_never_sent() -> None:
    async def talk() -> OpenAIServer:
        async with serving() as server:
            ears = EndpointEars(SpeechEndpoint(server.url, "m"), "")
            utterance = await ears.open(())
            await utterance.feed(SOUND)
            await utterance.cancel()
            await ears.close()
            return server

    assert asyncio.run(talk()).asked == []
