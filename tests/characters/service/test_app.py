from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from characters.service.rooms import Limits
from characters.service.service import Settings
from tests.characters.service.client import Bare, serve
from tests.characters.transport.stages import AT_ONCE

QUICK = Settings(pace=AT_ONCE, sweep_every=0.01, probe=0.05)


def test_connect_gives_everything_that_a_client_needs() -> None:
    async def play(bare: Bare) -> None:
        grant = await bare.connect(end_user_id="me", end_user_metadata={"a": 1})
        assert grant["room_url"] == f"ws{bare.url[4:]}/rooms/{grant['room_name']}"
        assert grant["end_user_metadata"] == {"a": 1}
        assert len({grant[key] for key in ("session_id", "character_session_id", "token")}) == 3

    serve(play)


@pytest.mark.parametrize(
    ("body", "status", "detail"),
    [
        ({"character_id": "nobody"}, 404, "character not found"),
        ({"character_id": "c", "character_session_id": "x"}, 404, "session not found"),
        ({"character_id": "c", "mode": "join", "room_name": "x"}, 404, "room not found"),
    ],
)
def test_what_is_not_there_is_not_found(body: dict[str, Any], status: int, detail: str) -> None:
    async def play(bare: Bare) -> None:
        assert await bare.post("/connect", **body) == (status, {"detail": detail})

    serve(play)


def test_a_malformed_body_says_what_is_wrong_with_it() -> None:
    async def play(bare: Bare) -> None:
        async with bare.http.post(bare.url + "/connect", data=b"{") as answer:
            assert (answer.status, await answer.json()) == (400, {"detail": "malformed JSON"})
        status, body = await bare.post("/connect", character_id="c", mode="sit")
        assert (status, body["detail"][0]["loc"]) == (422, ["body", "mode"])

    serve(play)


def test_an_oversized_body_is_refused() -> None:
    async def play(bare: Bare) -> None:
        status, body = await bare.post("/connect", character_id="c", player_name="x" * 100_000)
        assert status == 413
        assert "larger" in body["detail"]

    serve(play)


def test_a_key_is_demanded_when_there_is_one() -> None:
    async def play(bare: Bare) -> None:
        assert (await bare.post("/connect", character_id="c"))[0] == 401
        for header in ("X-API-Key", "API-AUTH-TOKEN"):
            async with bare.http.post(
                bare.url + "/connect", json={"character_id": "c"}, headers={header: "s3cret"}
            ) as answer:
                assert answer.status == 200
        assert (await bare.health())["status"] == "ok"

    serve(play, api_key="s3cret")


def test_a_live_session_refuses_a_second_player_until_he_takes_over() -> None:
    async def play(bare: Bare) -> None:
        async with bare.room() as (guest, grant):
            session_id = grant["character_session_id"]

            async def pulse() -> None:
                while True:
                    await guest.link("ping", t=1.0)
                    await asyncio.sleep(0.005)

            beating = asyncio.create_task(pulse())
            status, _ = await bare.post(
                "/connect", character_id="counter", character_session_id=session_id
            )
            beating.cancel()
            assert status == 409
            again = await bare.connect(character_session_id=session_id, takeover=True)
            assert again["character_session_id"] == session_id
            goodbye = (await guest.ended())[-1]
            assert (goodbye["type"], goodbye["reason"]) == ("bye", "taken-over")

    serve(play, QUICK)


def test_a_connection_that_does_not_answer_does_not_stand_in_the_way() -> None:
    async def play(bare: Bare) -> None:
        async with bare.room() as (_, grant):
            again = await bare.connect(character_session_id=grant["character_session_id"])
            assert again["character_session_id"] == grant["character_session_id"]

    serve(play, QUICK)


def test_a_foreign_token_opens_nothing() -> None:
    async def play(bare: Bare) -> None:
        mine, other = await bare.connect(), await bare.connect()
        for token in (other["token"], "made-up", "x" * 5000):
            with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
                async with bare.enter(mine, token):
                    pass
            assert caught.value.status == 403
        async with bare.enter(mine):
            pass

    serve(play)


def test_a_room_is_no_web_page() -> None:
    async def play(bare: Bare) -> None:
        grant = await bare.connect()
        async with bare.http.get(bare.url + "/rooms/" + grant["room_name"]) as answer:
            assert answer.status == 426

    serve(play)


def test_a_deleted_session_is_expired() -> None:
    async def play(bare: Bare) -> None:
        grant = await bare.connect()
        session_id = grant["character_session_id"]
        url = f"{bare.url}/sessions/{session_id}"
        async with bare.http.delete(url) as answer:
            assert answer.status == 200
        async with bare.http.delete(url) as answer:
            assert answer.status == 404
        status, body = await bare.post(
            "/connect", character_id="counter", character_session_id=session_id
        )
        assert (status, body) == (404, {"detail": "session expired"})

    serve(play)


def test_forget_ends_the_talk_and_wipes_the_player() -> None:
    async def play(bare: Bare) -> None:
        async with bare.room(end_user_id="me") as (guest, _):
            assert await bare.post("/forget", end_user_id="me") == (200, {"forgotten": 1})
            assert (await guest.ended())[-1]["reason"] == "killed"
        assert (await bare.health())["sessions"] == 0
        assert (await bare.post("/forget"))[0] == 422

    serve(play)


def test_health_counts_what_is_alive() -> None:
    async def play(bare: Bare) -> None:
        async with bare.room():
            assert await bare.health() == {"status": "ok", "sessions": 1, "rooms": 1, "live": 1}

    serve(play)


def test_too_many_rooms_tell_when_to_come_back() -> None:
    async def play(bare: Bare) -> None:
        await bare.connect()
        async with bare.http.post(bare.url + "/connect", json={"character_id": "c"}) as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (429, "5")

    serve(play, replace(QUICK, limits=Limits(max_rooms=1)))


def test_a_draining_service_refuses_newcomers_and_says_when_to_come_back() -> None:
    async def play(bare: Bare) -> None:
        async with bare.room() as (guest, _):
            await bare.stage.service.drain()
            goodbye = (await guest.ended())[-1]
            assert (goodbye["reason"], goodbye["retry_after"]) == ("drain", 1.0)
        async with bare.http.post(bare.url + "/connect", json={"character_id": "c"}) as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (503, "1")

    serve(play)


def test_an_unknown_path_is_answered_in_json() -> None:
    async def play(bare: Bare) -> None:
        assert await bare.post("/nowhere") == (404, {"detail": "Not Found"})

    serve(play)


def test_a_web_page_of_the_player_is_not_served() -> None:
    async def play(bare: Bare) -> None:
        async with bare.http.post(
            bare.url + "/connect", json={"character_id": "c"}, headers={"Origin": "http://evil"}
        ) as answer:
            assert answer.status == 403

    serve(play)
