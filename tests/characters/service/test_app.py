from __future__ import annotations

import asyncio
import gc
import json
import os
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import aiohttp
import msgpack
import pytest

from characters.service.agent_factory import PersonaAgentFactory
from characters.service.app import (
    BUSY,
    MOST_HALF_SENT,
    MOST_JUST_CAME,
    SERVED,
    _refusal,
    drop_half_sent,
    read_in_pieces,
)
from characters.service.bodies import _fields, read_body
from characters.service.registry import Limits, RefusalError
from characters.service.room_connection import FairLoop
from characters.service.service import ServiceSettings
from tests.characters.client.virtual_time import VirtualLoop
from tests.characters.service.client import Bare, Guest, kind, serve
from tests.characters.transport.stages import AT_ONCE

QUICK = ServiceSettings(timing=AT_ONCE, sweep_every=0.01, probe=0.05)


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


def test_a_refusal_is_no_garbage_in_circles_that_the_collector_has_to_find() -> None:
    async def play(bare: Bare) -> None:
        assert (await bare.post("/connect", character_id="nobody"))[0] == 404
        gc.collect()
        gc.set_debug(gc.DEBUG_SAVEALL)
        try:
            assert (await bare.post("/connect", character_id="nobody"))[0] == 404
            gc.collect()
            assert not [it for it in gc.garbage if isinstance(it, RefusalError)]
        finally:
            gc.set_debug(0)
            gc.garbage.clear()

    serve(play)


def test_more_schemas_of_actions_than_a_model_takes_are_refused() -> None:
    async def play(bare: Bare) -> None:
        functions = [{"name": f"a{number}", "parameters": {}} for number in range(129)]
        config = {"actions": ["a1"], "functions": functions}
        status, body = await bare.post("/connect", character_id="c", action_config=config)
        assert status == 422 and body["detail"][0]["msg"] == "more than 128 schemas of actions"
        config["functions"] = functions[:128]
        assert (await bare.post("/connect", character_id="c", action_config=config))[0] == 200

    serve(play)


def test_a_malformed_body_says_what_is_wrong_with_it() -> None:
    async def play(bare: Bare) -> None:
        async with bare.http.post(bare.url + "/connect", data=b"{") as answer:
            assert (answer.status, await answer.json()) == (400, {"detail": "malformed JSON"})
        status, body = await bare.post("/connect", character_id="c", mode="sit")
        assert (status, body["detail"][0]["loc"]) == (422, ["body", "mode"])

    serve(play)


def test_a_body_of_too_many_values_is_refused_as_one_that_is_too_large() -> None:
    async def play(bare: Bare) -> None:
        status, body = await bare.post("/connect", character_id="c", dynamic_info={"a": [0] * 6000})
        assert (status, body["detail"][:27]) == (413, "A message of more than 5,00")

    serve(play)


@pytest.mark.parametrize("field", ["heard", "end_user_id", "key"])
def test_half_a_character_in_a_body_is_the_clients_mistake(field: str) -> None:
    async def play(bare: Bare) -> None:
        grant = await bare.connect(end_user_id="me")
        session = f"/sessions/{grant['character_session_id']}"
        path = {"heard": f"{session}/branch", "end_user_id": "/forget", "key": f"{session}/memory"}
        method = "PATCH" if field == "key" else "POST"
        data = json.dumps({"value": "x", field: "\ud800"})
        async with bare.http.request(method, bare.url + path[field], data=data) as answer:
            assert (answer.status, "half a character" in await answer.text()) == (400, True)

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

    serve(play, replace(QUICK, probe=20.0))  # it is heard at once: that time is never waited for


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
        async with bare.room(end_user_id="me") as (guest, grant):
            session_id = grant["character_session_id"]
            answer = await bare.post("/forget", end_user_id="me", character_session_id=session_id)
            assert answer == (200, {"forgotten": 1})
            assert (await guest.ended())[-1]["reason"] == "killed"
        assert (await bare.health())["sessions"] == 0
        assert (await bare.post("/forget"))[0] == 422

    serve(play)


def test_a_player_is_not_forgotten_by_the_mere_name() -> None:
    async def play(bare: Bare) -> None:
        await bare.connect(end_user_id="ada")
        other = (await bare.connect(end_user_id="bob"))["character_session_id"]
        for shown in ({}, {"character_session_id": "guess"}, {"character_session_id": other}):
            status, _ = await bare.post("/forget", end_user_id="ada", **shown)
            assert status == 403
        assert (await bare.health())["sessions"] == 2

    serve(play)


def test_health_counts_what_is_alive() -> None:
    async def play(bare: Bare) -> None:
        async with bare.room():
            counts = {"sessions": 1, "rooms": 1, "live": 1}
            assert await bare.health() == {"service": "troupe", "status": "ok", **counts}

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


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "10.0.0.1:80"])
def test_only_a_loopback_name_is_answered(host: str) -> None:
    async def play(bare: Bare) -> None:
        for path in ("/connect", "/health"):
            method = "GET" if path == "/health" else "POST"
            headers = {"Host": host}
            async with bare.http.request(method, bare.url + path, headers=headers) as answer:
                assert answer.status == 403

    serve(play)


PART = b'--x\r\nContent-Disposition: form-data; name="text_input"\r\n'
FORM = PART + b"Content-Type: text/plain; charset=nonsense\r\n\r\nhello\r\n--x--\r\n"
FORM_BASE64 = PART + b"Content-Transfer-Encoding: base64\r\n\r\n%%%\r\n--x--\r\n"
FORM_ENCODING = PART + b"Content-Transfer-Encoding: rot13\r\n\r\nuryyb\r\n--x--\r\n"
FORM_NESTED = (
    PART + b"Content-Type: multipart/mixed; boundary=y\r\n\r\n--y\r\n\r\n--y--\r\n--x--\r\n"
)
UNREADABLE = {
    "no boundary": ("multipart/form-data", b"--x"),
    "no gzip": ("application/json", b"{}"),
    "bad charset": ("multipart/form-data; boundary=x; charset=nonsense", FORM),
    "bad base64": ("multipart/form-data; boundary=x", FORM_BASE64),
    "cut off": ("multipart/form-data; boundary=x", FORM[:-12]),
    "unknown encoding": ("multipart/form-data; boundary=x", FORM_ENCODING),
    "in parts": ("multipart/form-data; boundary=x", FORM_NESTED),
    "lines of nothing": ("multipart/form-data; boundary=x", b"\n" * 60_000),
    "no utf-8": ("application/x-www-form-urlencoded; charset=nonsense", b"text_input=\xff"),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_body_that_cannot_be_read_is_the_clients_mistake(name: str) -> None:
    kind, body = UNREADABLE[name]
    headers = {"Content-Type": kind} | ({"Content-Encoding": "gzip"} if name == "no gzip" else {})

    async def play(bare: Bare) -> None:
        for path in ("/connect", "/connect/stream"):
            url = bare.url + path
            async with bare.http.post(url, data=body, headers=headers) as answer:
                assert 400 <= answer.status < 500, await answer.text()

    serve(play)


@pytest.mark.parametrize(
    "persona", ["personas/\0.toml", "personas/" + "\N{GRINNING FACE}" * 190, "a" * 200]
)
def test_a_persona_that_no_file_can_be_called_is_the_clients_mistake(
    persona: str, tmp_path: Path
) -> None:
    async def play(bare: Bare) -> None:
        status, _ = await bare.post("/connect", character_id="counter", persona=persona)
        assert status in (404, 422)

    serve(play, agents=PersonaAgentFactory([tmp_path], Random))


@pytest.mark.parametrize(
    "request_line",
    [b"secret /\x00 HTTP/1.1", b"GET /health HTTP/1.1\r\nsecret: " + b"secret" * 2000],
)
def test_no_log_repeats_a_request_that_cannot_be_read(
    request_line: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async def play(bare: Bare) -> None:
        host, port = bare.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(request_line + b"\r\n\r\n")
        assert b" 400 " in await reader.readline()
        writer.close()

    with caplog.at_level(0):
        serve(play)
    assert "secret" not in caplog.text


def test_a_room_unpacks_nothing() -> None:
    async def play(bare: Bare) -> None:
        grant = await bare.connect()
        headers = {"Authorization": f"Bearer {grant['token']}"}
        async with bare.http.ws_connect(grant["room_url"], compress=15, headers=headers) as socket:
            assert not socket.compress  # what is asked for is not granted

    serve(play)


def test_a_request_that_stays_half_sent_is_dropped() -> None:
    async def play(bare: Bare) -> None:
        watch = asyncio.create_task(drop_half_sent(bare.stage.runner, within=0.2))
        host, port = bare.url.removeprefix("http://").split(":")
        async with bare.room() as (guest, _):
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(b"GET /health HTTP/1.1\r\nHo")
            assert await reader.read() == b""
            writer.close()
            await guest.say("still here")  # a room is no half request
            await guest.until("bot-turn-completed")
        watch.cancel()

    serve(play)


def test_a_body_that_stays_half_sent_is_given_up() -> None:
    loop = VirtualLoop()
    request: Any = SimpleNamespace(content=asyncio.StreamReader(loop=loop))
    request.content.feed_data(b'{"character_id": ')
    began = loop.time()
    with pytest.raises(TimeoutError) as given_up:
        loop.run(read_body(request, FairLoop()))
    assert 5.0 < loop.time() - began < 20.0
    assert _refusal(given_up.value, "connect").status == 408
    loop.finish()


def test_of_one_address_only_so_many_requests_may_be_half_sent() -> None:
    async def play(bare: Bare) -> None:
        watch = asyncio.create_task(drop_half_sent(bare.stage.runner, within=5.0, most=3))
        host, port = bare.url.removeprefix("http://").split(":")
        async with bare.room() as (guest, _):
            opened = [await asyncio.open_connection(host, int(port)) for _ in range(6)]
            for _, writer in opened:
                writer.write(b"GET /health HTTP/1.1\r\nHo")
            assert [await reader.read() for reader, _ in opened[:3]] == [b""] * 3
            await guest.say("still here")
            await guest.until("bot-turn-completed")
            reader, writer = opened[-1]  # the newest may go on
            writer.write(b"st: localhost\r\n\r\n")
            assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        watch.cancel()
        for _, writer in opened:
            writer.close()

    serve(play)


def test_many_who_come_at_once_from_one_address_are_all_answered() -> None:
    """A crowd behind one router: its requests are read one after the other."""

    class Line:
        peername = ("192.0.2.1", 1)
        is_closed = False

        def force_close(self) -> None:
            self.is_closed = True

    def after(seconds: float, lines: int) -> int:
        server = SimpleNamespace(connections=[Line() for _ in range(lines)])
        runner: Any = SimpleNamespace(server=server, app={BUSY: set(), SERVED: set()})
        loop = VirtualLoop()
        with suppress(TimeoutError):
            loop.run(asyncio.wait_for(drop_half_sent(runner), seconds))
        loop.finish()
        return sum(not line.is_closed for line in server.connections)

    assert after(0.15, 100) == 100
    assert after(0.15, 1000) == MOST_JUST_CAME
    assert after(1.0, 100) == MOST_HALF_SENT


def test_a_connection_that_was_answered_before_is_not_half_sent() -> None:
    async def play(bare: Bare) -> None:
        watch = asyncio.create_task(drop_half_sent(bare.stage.runner, within=5.0, most=0))
        host, port = bare.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        for _ in range(2):
            writer.write(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert b'"troupe"' in await reader.readuntil(b"}")
            await asyncio.sleep(0.2)
        writer.close()
        watch.cancel()

    serve(play)


def test_little_is_read_of_a_connection_before_others_take_a_turn() -> None:
    class Pipe(asyncio.Transport):
        max_size = 256 * 1024

    async def play(bare: Bare) -> None:
        runner, made = bare.stage.runner, list[object]()
        assert runner.server is not None
        runner.server.connection_made = lambda *given: made.append(given)  # type: ignore
        read_in_pieces(runner)
        handler: Any = object()
        pipe, other = Pipe(), asyncio.Transport()
        runner.server.connection_made(handler, pipe)
        runner.server.connection_made(handler, other)
        assert pipe.max_size <= 8 * 1024
        assert made == [(handler, pipe), (handler, other)]

    serve(play)


def test_a_form_of_many_fields_is_refused_before_they_are_read() -> None:
    field = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n'

    async def play(bare: Bare) -> None:
        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        url, data = bare.url + "/connect/stream", field * 500 + b"--x--\r\n"
        async with bare.http.post(url, data=data, headers=headers) as answer:
            assert answer.status == 413
            assert "at most 16 fields" in (await answer.json())["detail"]
        async with bare.http.post(url, data={f"{n}": "" for n in range(17)}) as answer:
            assert answer.status == 413

    serve(play)


@pytest.mark.parametrize("encoding", ["", "base64", "quoted-printable"])
def test_a_form_is_read_in_every_encoding_of_its_texts(encoding: str) -> None:
    encoded = {"": "hi ä", "base64": "aGkgw6Q=", "quoted-printable": "hi =C3=A4"}[encoding]
    part = f"Content-Transfer-Encoding: {encoding}\r\n" if encoding else ""
    file = '--x\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\nno text\r\n'
    body = f"{PART.decode()}{part}\r\n{encoded}\r\n{file}--x--\r\n".encode()
    assert _fields("multipart/form-data; boundary=x", body) == {"text_input": "hi ä"}
    plain = "application/x-www-form-urlencoded"
    assert _fields(plain, b"text_input=hi+%C3%A4&a=") == {"text_input": "hi ä", "a": ""}


@pytest.mark.parametrize(
    ("charset", "text"),
    [("utf-7", b"+2D0-"), ("unicode_escape", rb"\ud83d"), ("punycode", b"-" + b"b" * 50_000)],
)
def test_a_form_in_a_charset_that_makes_half_characters_is_refused(
    charset: str, text: bytes
) -> None:
    async def play(bare: Bare) -> None:
        head = b'--x\r\nContent-Disposition: form-data; name="character_id"\r\n\r\ncounter\r\n'
        part = PART + f"Content-Type: text/plain; charset={charset}\r\n\r\n".encode()
        plain = f"application/x-www-form-urlencoded; charset={charset}"
        for how, body in (
            ("multipart/form-data; boundary=x", head + part + text + b"\r\n--x--\r\n"),
            (plain, b"character_id=counter&text_input=" + text),
        ):
            url, headers = bare.url + "/connect/stream", {"Content-Type": how}
            async with bare.http.post(url, data=body, headers=headers) as answer:
                assert answer.status == 400
                assert "utf-8" in (await answer.json())["detail"]

    serve(play)


@pytest.mark.parametrize("target", [b"*", b"//", b"/?"])
def test_a_path_of_no_name_is_the_clients_mistake(target: bytes) -> None:
    async def play(bare: Bare) -> None:
        host, port = bare.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"OPTIONS " + target + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b" 404 " in await reader.readline()
        writer.close()

    serve(play)


QUICK_VISIT = ServiceSettings(timing=AT_ONCE, hello_within=0.1, silent_client=0.2)


def test_the_welcome_comes_before_everything_else() -> None:
    async def play(bare: Bare) -> None:
        grant = await bare.connect()
        async with bare.enter(grant) as guest:
            assert guest.socket.protocol == "troupe.v1"
            await guest.link("hello", received=0)
            frames = await guest.until("bot-ready")
            assert [kind(frame) for frame in frames] == [
                "welcome",
                "interaction-created",
                "bot-ready",
            ]
            assert [frame.get("seq") for frame in frames] == [None, 1, 2]

    serve(play)


@pytest.mark.parametrize(
    "first",
    [
        {"type": "user_text_message", "data": {"text": "hi"}},
        {"label": "troupe", "type": "ack", "received": 0},
    ],
)
def test_whoever_does_not_say_hello_first_is_shown_out(first: dict[str, object]) -> None:
    async def play(bare: Bare) -> None:
        async with bare.enter(await bare.connect()) as guest:
            await guest.send(**first)
            assert (await guest.ended())[-1]["reason"] == "protocol"

    serve(play)


def test_a_client_that_never_speaks_is_dropped() -> None:
    async def play(bare: Bare) -> None:
        async with bare.enter(await bare.connect()) as guest:
            assert await guest.ended() == []

    serve(play, QUICK_VISIT)


def test_a_client_that_falls_silent_is_dropped_and_its_room_lives_on() -> None:
    async def play(bare: Bare) -> None:
        async with bare.room() as (guest, _):
            await guest.ended()
        assert await bare.health() == {
            "service": "troupe",
            "status": "ok",
            "sessions": 1,
            "rooms": 1,
            "live": 0,
        }

    serve(play, QUICK_VISIT)


def test_pings_keep_a_client_alive_and_are_answered_with_their_time() -> None:
    async def play(bare: Bare) -> None:
        async with bare.room() as (guest, _):
            await guest.link("ping", t=12.5)
            assert (await guest.until("pong"))[-1]["t"] == 12.5

    serve(play)


def test_messages_are_confirmed_with_the_next_ping() -> None:
    async def play(bare: Bare) -> None:
        async with bare.room() as (guest, _):
            await guest.say("count 2", seq=1)
            await guest.until("bot-turn-completed")
            await guest.link("ping", t=1.0)
            assert (await guest.until("ack"))[-1]["received"] == 1

    serve(play)


def test_a_repeated_message_is_heard_once() -> None:
    async def play(bare: Bare) -> None:
        async with bare.room() as (guest, _):
            for seq, text in ((1, "one"), (1, "one"), (2, "two")):
                await guest.say(text, seq=seq)
            await guest.until("bot-turn-completed")
            await guest.until("bot-turn-completed")
            assert bare.stage.heard == ["one", "two"]

    serve(play)


def test_a_gap_in_the_numbers_ends_the_connection_and_delivers_nothing() -> None:
    async def play(bare: Bare) -> None:
        async with bare.room() as (guest, _):
            await guest.say("lost before me", seq=2)
            assert (await guest.ended())[-1]["reason"] == "protocol"
            assert bare.stage.heard == []

    serve(play)


def test_a_client_without_numbers_is_served_too() -> None:
    async def play(bare: Bare) -> None:
        async with bare.room() as (guest, _):
            await guest.say("count 3")
            frames = await guest.until("bot-turn-completed")
            text = "".join(f["data"]["text"] for f in frames if kind(f) == "bot-llm-text")
            assert text == "1 2 3"

    serve(play)


@pytest.mark.parametrize(
    ("frame", "error"),
    [
        ("{", "parse-error"),
        ("[]", "parse-error"),
        ("[" * 30_000, "parse-error"),
        ("{}", "validation-error"),
        ('{"type": 5}', "validation-error"),
        ('{"type": "sing"}', "unknown-message-type"),
        ('{"type": "user_text_message", "data": 1}', "validation-error"),
        ('{"type": "user_text_message", "data": {"text": "\\ud800"}}', "validation-error"),
        ('{"label": "troupe", "type": "dance"}', "validation-error"),
        ('{"seq": "x", "type": "reset-idle-timer"}', "validation-error"),
    ],
)
def test_a_bad_message_gets_its_documented_acknowledgement(frame: str, error: str) -> None:
    async def play(bare: Bare) -> None:
        async with bare.room() as (guest, _):
            await guest.socket.send_str(frame)
            answer = (await guest.until("server-response"))[-1]
            assert (answer["event_type"], answer["status"]) == (error, "error")
            await guest.say("still here")
            await guest.until("bot-turn-completed")

    serve(play)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        b"\xff" * 100,
        msgpack.packb([1, 1]),
        msgpack.packb([2, 1, 0.0, b"\0\0"]),
        msgpack.packb([1, 1, float("nan"), b"\0\0"]),
        msgpack.packb([1, 1, 0.0, b"odd"]),
        msgpack.packb([1, 1, 0.0, "text"]),
        msgpack.packb([1, 1, 0.0, b"\0" * 10_000]),
        b"\x91" * 5000,
    ],
)
def test_a_bad_audio_frame_is_an_error_and_nothing_more(data: bytes) -> None:
    async def play(bare: Bare) -> None:
        async with bare.room() as (guest, _):
            await guest.socket.send_bytes(data)
            assert (await guest.until("server-response"))[-1]["status"] == "error"
            await guest.say("still here")
            await guest.until("bot-turn-completed")

    serve(play)


def test_the_log_says_how_long_after_the_ready_signal_the_microphone_was_first_heard(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def play(bare: Bare) -> None:
        async with bare.room() as (guest, _):
            for timestamp in (0.75, 0.5, 1.0):
                await guest.socket.send_bytes(msgpack.packb([1, 1, timestamp, bytes(640)]))

    with caplog.at_level("INFO", "characters.service"):
        serve(play)
    assert "3 audio frames, the earliest at 0.500 s" in caplog.text


def test_a_frame_that_is_too_long_ends_that_connection_only() -> None:
    async def play(bare: Bare) -> None:
        async with bare.room() as (other, _), bare.room() as (guest, _):
            await guest.socket.send_str("x" * 70_000)
            await guest.ended()
            assert guest.socket.close_code == aiohttp.WSCloseCode.MESSAGE_TOO_BIG
            await other.say("still here")
            await other.until("bot-turn-completed")

    serve(play)


def test_bytes_that_are_no_utf8_end_that_connection_only() -> None:
    async def play(bare: Bare) -> None:
        async with bare.room() as (other, _), bare.room() as (guest, _):
            await guest.socket.send_frame(b"\xff\xfe\xff", aiohttp.WSMsgType.TEXT)
            await guest.ended()
            await other.say("still here")
            await other.until("bot-turn-completed")

    serve(play)


def test_random_frames_never_reach_another_player() -> None:
    async def play(bare: Bare) -> None:
        chance = Random(7)
        async with bare.room() as (other, _):
            for _ in range(20):
                async with bare.room() as (guest, _grant):
                    await throw(guest, chance)
            await other.say("count 2")
            frames = await other.until("bot-turn-completed")
            assert [kind(frame) for frame in frames].count("bot-llm-text") == 2
            assert bare.stage.heard[-1] == "count 2"

    serve(play)


async def throw(guest: Guest, chance: Random) -> None:
    for _ in range(30):
        noise = os.urandom(chance.randrange(200))
        if chance.random() < 0.5:
            await guest.socket.send_bytes(noise)
        else:
            text = json.dumps({"type": noise.hex(), "seq": chance.choice([1, None, -5, "x"])})
            await guest.socket.send_str(text[: chance.randrange(len(text))])


def test_a_slow_reader_loses_its_connection_and_nobody_elses() -> None:
    async def play(bare: Bare) -> None:
        async with bare.room() as (other, _), bare.room() as (guest, _grant):
            # Ask and ask, and never read or confirm: the room's outbox is bounded.
            for _ in range(1500):
                await guest.say("count 20")
            await until_gone(bare)
            await other.say("still here")
            await other.until("bot-turn-completed")

    serve(play)


def test_pings_of_a_socket_are_answered_at_the_pace_of_frames_and_not_as_they_come(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def play(bare: Bare) -> None:
        grant = await bare.connect()
        headers = {"Authorization": f"Bearer {grant['token']}"}
        async with bare.http.ws_connect(
            grant["room_url"], protocols=("troupe.v1",), headers=headers, autoping=False
        ) as socket:
            for number in range(20):
                await socket.ping(str(number).encode())
            pongs = 0
            with suppress(TimeoutError):
                async with asyncio.timeout(0.5):
                    while (await socket.receive()).type is aiohttp.WSMsgType.PONG:
                        pongs += 1
            assert 0 < pongs <= 6

    monkeypatch.setattr("characters.service.room_connection.FRAMES", (0.001, 5))
    serve(play)


def test_an_acknowledgement_repeats_no_text() -> None:
    async def play(bare: Bare) -> None:
        async with bare.room() as (guest, _):
            for _ in range(15):
                text = "\N{GRINNING FACE}" * 4_000
                await guest.send(type="context-update", data={"text": text})
            acks = [(await guest.until("server-response"))[-1] for _ in range(15)]
        assert acks[-1]["status"] == "success"
        assert acks[-1]["extras"]["runtime_token_count"] == 15_000
        assert max(len(json.dumps(ack)) for ack in acks) < 500

    serve(play)


@pytest.mark.parametrize(
    "keys",
    [
        '{"a": "fine \\ud800"}',
        '{"a": ' + "9" * 400 + "}",
        '{"a": [{"b": 1e999}]}',
        '{"a": ' + "[" * 40 + "]" * 40 + "}",
    ],
    ids=["half a character", "too long", "infinite", "deep"],
)
def test_a_value_that_no_store_takes_is_refused_and_the_talk_goes_on(keys: str) -> None:
    async def play(bare: Bare) -> None:
        async with bare.room() as (guest, _):
            data = '{"template_keys": ' + keys + "}"
            await guest.socket.send_str('{"type": "update-template-keys", "data": ' + data + "}")
            ack = (await guest.until("server-response"))[-1]
            assert (ack["event_type"], ack["status"]) == ("validation-error", "error")
            await guest.say("still here")
            await guest.until("bot-turn-completed")

    serve(play)


async def until_gone(bare: Bare) -> None:
    async with asyncio.timeout(60):
        while (await bare.health())["live"] > 1:  # noqa: ASYNC110  # health has no event
            await asyncio.sleep(0)


def test_a_rejoin_repeats_what_was_missed_and_then_gets_ready() -> None:
    async def play(bare: Bare) -> None:
        grant = await bare.connect()
        async with bare.enter(grant) as guest:
            await guest.link("hello", received=0)
            frames = await guest.until("bot-ready")
        again = await bare.connect(
            mode="join",
            room_name=grant["room_name"],
            character_session_id=grant["character_session_id"],
            live_id=grant["session_id"],
        )
        async with bare.enter(again) as guest:
            await guest.link("hello", received=1)
            welcome, *replay = await guest.until("bot-ready")
            while len(replay) <= welcome["replayed"]:
                replay += await guest.until("bot-ready")
            assert (welcome["resumed"], welcome["next_seq"]) == ("rejoined", 2)
            assert [frame["seq"] for frame in replay] == list(range(2, 3 + welcome["replayed"]))
            assert kind(replay[0]) == kind(frames[-1]) == "bot-ready"

    serve(play)


def test_a_rejoin_that_nobody_can_repeat_for_is_told_that_the_room_is_gone() -> None:
    async def play(bare: Bare) -> None:
        async with bare.room() as (guest, grant):
            await guest.link("ack", received=2)
            await guest.link("ping", t=0.0)
            await guest.until("pong")
        again = await bare.connect(
            mode="join",
            room_name=grant["room_name"],
            character_session_id=grant["character_session_id"],
            live_id=grant["session_id"],
        )
        async with bare.enter(again) as guest:
            await guest.link("hello", received=1)
            assert (await guest.ended())[-1]["reason"] == "room-gone"
        status, body = await bare.post(
            "/connect",
            character_id="counter",
            character_session_id=grant["character_session_id"],
        )
        assert (status, body["character_session_id"]) == (200, grant["character_session_id"])

    serve(play)


def test_a_goodbye_closes_the_connection() -> None:
    async def play(bare: Bare) -> None:
        async with bare.room() as (guest, _):
            await guest.link("bye", reason="disconnect")
            await guest.ended()
            assert guest.socket.close_code == aiohttp.WSCloseCode.OK

    serve(play)


def test_an_idle_player_is_warned_and_then_sent_home() -> None:
    async def play(bare: Bare) -> None:
        async with bare.enter(await bare.connect()) as guest:
            await guest.link("hello", received=0)
            frames = await guest.ended()
        assert "user-idle-warning" in map(kind, frames)
        assert frames[-1]["reason"] == "idle-timeout"

    # Long enough to enter on a machine that stalls; the warning comes at once.
    timing = replace(AT_ONCE, idle_timeout=1.0, idle_warning=0.99)
    serve(play, ServiceSettings(timing=timing))


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


@pytest.mark.parametrize("head", ["POST /health", "POST /nowhere", "DELETE /sessions/x"])
def test_a_body_that_nobody_needs_is_read_for_a_moment_only(head: str) -> None:
    async def play(bare: Bare) -> None:
        host, port = bare.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        lines = (f"{head} HTTP/1.1", "Host: localhost", "Transfer-Encoding: chunked", "", "")
        writer.write("\r\n".join(lines).encode())
        status = await reader.readline()
        assert status.startswith((b"HTTP/1.1 404", b"HTTP/1.1 405"))
        async with asyncio.timeout(5.0):
            with suppress(ConnectionError):
                while not reader.at_eof():
                    writer.write(b"1\r\nx\r\n" * 100)
                    await asyncio.sleep(0.01)
                    await writer.drain()

    serve(play)


def test_an_answer_arrives_though_its_body_was_not_wanted() -> None:
    async def play(bare: Bare) -> None:
        for size in (10, 100_000, 400_000):
            async with bare.http.post(bare.url + "/nowhere", data=b"x" * size) as answer:
                assert answer.status == 404
                assert (await answer.json())["detail"]

    serve(play)


def test_who_asks_by_text_without_end_waits_and_is_refused() -> None:
    async def play(bare: Bare) -> None:
        form = {"character_id": "counter", "text_input": "hello " * 300}

        async def ask() -> int:
            async with bare.http.post(bare.url + "/connect/stream", data=form) as answer:
                await answer.read()
                return answer.status

        statuses = [await ask() for _ in range(4)]
        assert statuses == [200] * 4
        many = await asyncio.gather(*(ask() for _ in range(12)))
        assert many.count(429) >= 6
        assert 200 in many  # a few wait

    serve(play)


def test_what_fails_because_the_service_ends_is_to_be_tried_again() -> None:
    async def play(bare: Bare) -> None:
        async def refuse(*_: object) -> None:
            raise RuntimeError("cannot schedule new futures after shutdown")

        service: Any = bare.stage.service
        service._repository.history = refuse
        assert (await bare.post("/connect", character_id="counter"))[0] == 500
        service.is_draining = True  # since the request was let in
        service._refuse_while_draining = lambda: None
        status, answer = await bare.post("/connect", character_id="counter")
        assert (status, answer["detail"]) == (503, "the service is restarting")

    serve(play)
