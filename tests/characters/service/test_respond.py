"""Who answers only when the game asks, over a real socket: typed, spoken, rejoined, restarted."""

from __future__ import annotations

from pathlib import Path

import msgpack

from characters.protocol.messages import RespondMode
from characters.speech.interfaces import Heard, SpeechStarted, SpeechStopped
from tests.characters.service.client import Bare, kind, serve, words_in
from tests.characters.service.fakes import FakeSpeech

MANUAL = dict(RespondMode.MANUAL.lanes)
FRAME = msgpack.packb([1, 1, 0.5, b"\0\0" * 320])
SPOKEN = {1: (SpeechStarted(0.5, 100), SpeechStopped(1.0, "silence", 500), Heard("count 2"))}


def test_a_typed_line_is_confirmed_and_answered_when_asked() -> None:
    async def play(bare: Bare) -> None:
        async with bare.room(respond_modes=MANUAL) as (guest, _):
            await guest.type_line("count 3", "m1")
            confirmed = await guest.until("server-response")
            assert confirmed[-1]["extras"]["message_id"] == "m1"
            await guest.ask_to_respond(message_id="m1")
            answer = await guest.until("bot-turn-completed")
            assert words_in(confirmed + answer) == "1 2 3"
            assert answer[-1]["data"]["message_id"] == "m1"

    serve(play)


def test_a_spoken_line_gets_an_id_and_is_answered_when_asked() -> None:
    async def play(bare: Bare) -> None:
        async with bare.room(respond_modes=MANUAL, default_tts_enabled=False) as (guest, _):
            await guest.socket.send_bytes(FRAME)
            heard = (await guest.until("final-user-transcription"))[-1]["data"]
            assert bare.stage.heard == []
            await guest.ask_to_respond(message_id=heard["message_id"])
            answer = await guest.until("bot-turn-completed")
            assert words_in(answer) == "1 2"

    serve(play, speech=FakeSpeech(SPOKEN))


def test_a_rejoin_may_change_the_mode_and_keeps_what_waits() -> None:
    async def play(bare: Bare) -> None:
        async with bare.room(respond_modes=MANUAL) as (guest, grant):
            await guest.type_line("count 2", "m1")
            await guest.until("server-response")
        again = await bare.connect(
            mode="join",
            room_name=grant["room_name"],
            character_session_id=grant["character_session_id"],
            live_id=grant["session_id"],
        )
        async with bare.enter(again) as guest:
            await guest.link("hello", received=0)
            await guest.type_line("and so on", "m2")
            await guest.until("bot-turn-completed")  # the greeting, repeated
            await guest.until("bot-turn-completed")
            assert bare.stage.heard == ["count 2 and so on"]

    serve(play)


def test_a_line_that_waits_survives_a_restart_of_the_service(tmp_path: Path) -> None:
    path, sessions = tmp_path / "sessions.sqlite3", []

    async def type_it(bare: Bare) -> None:
        async with bare.room(respond_modes=MANUAL) as (guest, grant):
            sessions.append(grant["character_session_id"])
            await guest.type_line("count 2", "m1")
            await guest.until("server-response")

    async def ask(bare: Bare) -> None:
        resumed = {"respond_modes": MANUAL, "character_session_id": sessions[0]}
        async with bare.room(**resumed) as (guest, _):
            await guest.ask_to_respond(message_id="m1")
            assert words_in(await guest.until("bot-turn-completed")) == "1 2"

    serve(type_it, path=path)
    serve(ask, path=path)


def test_a_mode_that_is_none_is_refused() -> None:
    async def play(bare: Bare) -> None:
        status, body = await bare.post(
            "/connect", character_id="counter", respond_modes={"user_text": "perhaps"}
        )
        assert (status, body["detail"][0]["loc"]) == (422, ["body", "respond_modes", "user_text"])

    serve(play)


def test_what_the_character_does_by_itself_it_does_all_the_same() -> None:
    async def play(bare: Bare) -> None:
        grant = await bare.connect(respond_modes=MANUAL)
        async with bare.enter(grant) as guest:
            await guest.link("hello", received=0)
            assert "llm-no-response" in map(kind, await guest.until("bot-turn-completed"))

    serve(play)
