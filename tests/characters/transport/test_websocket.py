"""The WebSocket transport: against services that misbehave, and on simulated networks."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import TYPE_CHECKING

import msgpack
import pytest
from aiohttp import web

from characters.protocol.codec import encode_server
from characters.protocol.failures import FailureKind, failure
from characters.protocol.link import (
    CHALLENGE,
    Ping,
    Pong,
    SequencedChannel,
    Welcome,
    decode_link,
    encode_link,
    proof_of,
)
from characters.protocol.messages import (
    OWN_FIELDS,
    BotLlmText,
    BotReady,
    ConnectRequest,
    RoomGrant,
    UnknownMessage,
    UserTextMessage,
)
from characters.protocol.network_conditions import NetworkConditions
from characters.service.access import AccessSettings
from characters.transport.base import TransportError
from characters.transport.livekit import LiveKitConnection
from characters.transport.websocket import (
    MAX_AUDIO,
    MAX_HELD_BACK,
    WebSocketConnection,
    WebSocketTransport,
    WireConnection,
    is_our_room,
)
from tests.characters.client.virtual_time import VirtualLoop
from tests.characters.transport.stages import service_stage

if TYPE_CHECKING:
    from tests.livekit_server import LiveKitServer

ASK = ConnectRequest("counter")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def against(
    play: Callable[[WebSocketTransport, str], Awaitable[None]],
    connect: Handler | None = None,
    room: Handler | None = None,
    secret: str | None = None,
    health: Handler | None = None,
    sessions: Handler | None = None,
) -> None:
    """Run a play against a service made of these handlers."""

    async def nothing(request: web.Request) -> web.StreamResponse:
        return web.Response(status=404)

    async def run() -> None:
        app = web.Application()
        app.router.add_post("/connect", connect or nothing)
        app.router.add_get("/health", health or nothing)
        app.router.add_get("/rooms/r", room or nothing)
        app.router.add_route("*", "/sessions/{path:.*}", sessions or nothing)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        transport = WebSocketTransport(f"http://{host}:{port}/", api_key="k3y", secret=secret)
        try:
            async with asyncio.timeout(60):
                await play(transport, f"ws://{host}:{port}/rooms/r")
        finally:
            await transport.close()
            await runner.cleanup()

    asyncio.run(run())


def answering(status: int, body: str, **headers: str) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        assert request.path == "/health" or request.headers["X-API-Key"] == "k3y"
        return web.Response(status=status, text=body, headers=headers)

    return handler


@pytest.mark.parametrize(
    ("status", "body", "code", "kind"),
    [
        (400, '{"detail": "malformed"}', "connection.bad_request", FailureKind.TERMINAL),
        (401, '{"detail": "key"}', "connection.invalid_api_key", FailureKind.TERMINAL),
        (403, "{}", "connection.not_allowed", FailureKind.TERMINAL),
        (
            404,
            '{"detail": "character not found"}',
            "connection.character_not_found",
            FailureKind.TERMINAL,
        ),
        (404, '{"detail": "session expired"}', "session.expired", FailureKind.RESUME_REFUSED),
        (404, '{"detail": "room not found"}', "connection.room_gone", FailureKind.ROOM_GONE),
        (409, '{"detail": "live"}', "session.live_elsewhere", FailureKind.TERMINAL),
        (
            422,
            '{"detail": [{"loc": ["body", "x"], "msg": "no"}]}',
            "connection.validation",
            FailureKind.TERMINAL,
        ),
        (429, '{"detail": "concurrency"}', "connection.concurrency_limit", FailureKind.TRANSIENT),
        (500, "<html>oops", "connection.server_error", FailureKind.TRANSIENT),
        (502, "", "connection.server_error", FailureKind.TRANSIENT),
        (503, "{}", "connection.unavailable", FailureKind.TRANSIENT),
        (200, "no json", "connection.unexpected_status", FailureKind.TERMINAL),
        (200, '{"token": "t"}', "connection.unexpected_status", FailureKind.TERMINAL),
    ],
)
def test_a_refusal_gets_its_code_and_class(
    status: int, body: str, code: str, kind: FailureKind
) -> None:
    async def play(transport: WebSocketTransport, room: str) -> None:
        with pytest.raises(TransportError) as caught:
            await transport.connect(ASK)
        assert (caught.value.failure.code, caught.value.failure.kind) == (code, kind)

    against(play, answering(status, body))


@pytest.mark.parametrize(("header", "seconds"), [("7", 7.0), ("soon", None), ("-1", None)])
def test_a_service_that_says_when_to_come_back_is_believed(
    header: str, seconds: float | None
) -> None:
    async def play(transport: WebSocketTransport, room: str) -> None:
        with pytest.raises(TransportError) as caught:
            await transport.connect(ASK)
        assert caught.value.failure.retry_after == seconds

    busy = answering(503, "{}", **{"Retry-After": header})
    against(play, busy)
    against(play, busy, health=busy)  # it has no time to say who it is either


@pytest.mark.parametrize(
    ("endpoint", "code"),
    [
        ("http://127.0.0.1:1", "connection.refused"),
        ("http://no-such-host.invalid", "connection.dns"),
        *(
            (endpoint, "connection.invalid_url")
            for endpoint in (
                *("nonsense", "htp:/nonsense", "ftp://127.0.0.1", "file:///rooms/x", "http://[::1"),
                *("http://localhost:99999", f"http://{'a' * 300}", "http://\ud800"),
            )
        ),
    ],
)
def test_an_endpoint_that_is_not_there_gets_its_code(endpoint: str, code: str) -> None:
    async def run() -> None:
        transport = WebSocketTransport(endpoint)
        with pytest.raises(TransportError) as caught:
            async with asyncio.timeout(60):
                await transport.connect(ASK)
        await transport.close()
        assert caught.value.failure.code == code

    asyncio.run(run())


@pytest.mark.parametrize("url", ["ws://[::1/rooms/x", "ftp://127.0.0.1/rooms/x", "ws:///rooms/x"])
def test_a_room_whose_address_is_none_is_a_failure_like_others(url: str) -> None:
    async def run() -> None:
        transport = WebSocketTransport("http://127.0.0.1:1")
        with pytest.raises(TransportError) as caught:
            await transport.join(RoomGrant("s", "c", url, "r", "token"), SequencedChannel("r"))
        await transport.close()
        assert caught.value.failure.code == "connection.invalid_url"

    asyncio.run(run())


@pytest.mark.parametrize("odd", [{1}, float("nan"), b"", "\ud800", {1: 2}, object], ids=repr)
def test_what_no_service_would_take_is_told_with_its_field_and_not_tried_again(odd: object) -> None:
    asked: list[str] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        asked.append(request.path)
        return web.Response(status=500)

    async def play(transport: WebSocketTransport, room: str) -> None:
        with pytest.raises(TransportError) as caught:
            await transport.connect(replace(ASK, action_config={"actions": [odd]}))
        told = caught.value.failure
        assert (told.code, told.kind) == ("connection.validation", FailureKind.TERMINAL)
        assert "action_config must" in told.message

    against(play, answer)
    assert asked == []


def test_a_service_that_hangs_up_in_the_middle_is_a_transient_failure() -> None:
    async def hang_up(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async def play(transport: WebSocketTransport, room: str) -> None:
        with pytest.raises(TransportError) as caught:
            await transport.connect(ASK)
        assert caught.value.failure.kind is FailureKind.TRANSIENT

    against(play, hang_up)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed_because_keys_and_ids_are_for_the_endpoint(status: int) -> None:
    async def elsewhere(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, headers={"Location": "http://127.0.0.2:9/stolen"})

    async def play(transport: WebSocketTransport, room: str) -> None:
        with pytest.raises(TransportError) as caught:
            await transport.connect(ASK)
        assert caught.value.failure.code == "connection.redirected"
        assert "127.0.0.2" in caught.value.failure.message

    against(play, elsewhere)


def test_who_took_the_port_of_a_dead_service_is_told_no_id() -> None:
    bodies: list[object] = []

    async def impostor(request: web.Request) -> web.StreamResponse:
        bodies.append(await request.json())
        return web.Response(status=500)

    async def play(transport: WebSocketTransport, room: str) -> None:
        with pytest.raises(TransportError) as caught:
            await transport.connect(ASK)
        assert caught.value.failure.code == "connection.impostor"
        assert caught.value.failure.recoverable
        assert not bodies

    against(play, impostor, secret="of the game")


def test_a_service_proves_itself_before_each_request() -> None:
    asked = list[str]()

    async def health(request: web.Request) -> web.StreamResponse:
        proof = proof_of("of the game" if not asked else "guess", request.headers[CHALLENGE])
        asked.append(proof)
        return web.json_response({"service": "troupe", "proof": proof})

    async def play(transport: WebSocketTransport, room: str) -> None:
        for code in ("connection.character_not_found", "connection.impostor"):
            with pytest.raises(TransportError) as caught:
                await transport.connect(ASK)
            assert caught.value.failure.code == code
        assert len(asked) == 2

    refusal = answering(404, '{"detail": "character not found"}')
    against(play, refusal, secret="of the game", health=health)


def test_who_comes_after_the_proof_is_told_no_id() -> None:
    """The connection is another one: the service has ended, and its port is somebody else's."""
    told: list[object] = []

    async def health(request: web.Request) -> web.StreamResponse:
        proof = proof_of("of the game", request.headers[CHALLENGE])
        answer = web.json_response({"service": "troupe", "proof": proof})
        answer.force_close()
        return answer

    async def successor(request: web.Request) -> web.StreamResponse:
        told.append(await request.read())
        return web.Response()

    async def play(transport: WebSocketTransport, room: str) -> None:
        for ask in (transport.connect(ASK), transport.facts("s1"), transport.forget("s1")):
            with pytest.raises(TransportError) as caught:
                await ask
            assert caught.value.failure.code == "connection.failed"
            assert caught.value.failure.recoverable
        assert not told

    against(play, successor, secret="of the game", health=health, sessions=successor)


def test_a_service_that_knows_the_secret_is_ours() -> None:
    async def run() -> None:
        async with service_stage(access=AccessSettings(secret="of the game")) as stage:
            transport = WebSocketTransport(stage.url, secret="of the game")
            assert (await transport.connect(ConnectRequest("counter"))).room_name
            await transport.close()

    asyncio.run(run())


def test_our_own_fields_go_to_a_service_of_ours_alone() -> None:
    bodies: list[dict[str, object]] = []
    request = replace(ASK, persona="personas/x.toml", takeover=True, player_name="Ada")

    async def cloud(asked: web.Request) -> web.StreamResponse:
        bodies.append(await asked.json())
        return web.Response(status=500)

    async def play(transport: WebSocketTransport, room: str) -> None:
        with pytest.raises(TransportError):
            await transport.connect(request)
        assert bodies and not OWN_FIELDS & bodies[0].keys()

    against(play, cloud)
    assert request.to_dict().keys() >= {"persona", "takeover", "player_name"}


def test_only_an_expiry_keeps_what_lasts_of_a_player_and_ids_and_keys_are_quoted() -> None:
    asked: list[str] = []

    async def kept(request: web.Request) -> web.StreamResponse:
        assert request.headers["X-API-Key"] == "k3y"
        asked.append(f"{request.method} {request.raw_path}")
        return web.Response()  # without a word

    async def play(transport: WebSocketTransport, _: str) -> None:
        await transport.forget("a/b")
        await transport.forget("c", keeps_memory=True)
        assert await transport.forget_fact("d", "dog & cat") == ()

    against(play, sessions=kept)
    assert asked == [
        "DELETE /sessions/a%2Fb",
        "DELETE /sessions/c?memory=keep",
        "DELETE /sessions/d/memory?key=dog+%26+cat",
    ]


@pytest.mark.parametrize("proof", ['"guess"', r'"\ud800"', "5", "null"])
def test_who_took_the_port_of_a_dead_service_is_asked_for_no_fact(proof: str) -> None:
    async def play(transport: WebSocketTransport, _: str) -> None:
        with pytest.raises(TransportError) as told:
            await transport.facts("s1")
        assert told.value.failure.code == "connection.impostor"

    async def never(request: web.Request) -> web.StreamResponse:
        raise AssertionError(request.path)

    impostor = answering(200, f'{{"service": "troupe", "proof": {proof}}}')
    against(play, secret="5ecret", health=impostor, sessions=never)


def test_an_answer_in_small_pieces_is_read_whole_and_an_endless_one_is_refused() -> None:
    def in_pieces(piece: bytes, count: int) -> Handler:
        async def handler(request: web.Request) -> web.StreamResponse:
            answer = web.StreamResponse()
            await answer.prepare(request)
            for _ in range(count):
                await answer.write(piece)
            return answer

        return handler

    async def play(transport: WebSocketTransport, room: str) -> None:
        with pytest.raises(TransportError, match="endless"):
            await transport.connect(ASK)

    against(play, in_pieces(b"x" * 50_000, 100))

    async def whole(transport: WebSocketTransport, room: str) -> None:
        with pytest.raises(TransportError, match="session_id"):
            await transport.connect(ASK)

    against(whole, slowly(b'{"token": "t"}'))


def slowly(body: bytes) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        for byte in body:
            await answer.write(bytes([byte]))
            await asyncio.sleep(0)
        return answer

    return handler


def saying(*frames: str | bytes) -> Handler:
    """Accept a WebSocket, hear the hello, say these frames, and hang up."""

    async def handler(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(protocols=("troupe.v1",))
        await socket.prepare(request)
        await socket.receive()
        for frame in frames:
            await (socket.send_str(frame) if isinstance(frame, str) else socket.send_bytes(frame))
        await socket.close()
        return socket

    return handler


def link(**frame: object) -> str:
    return json.dumps({"label": "troupe", **frame})


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        ((), "transport.join_refused"),
        ((b"binary",), "transport.join_refused"),
        (("not json",), "transport.protocol"),
        ((link(type="ack", received=0),), "transport.protocol"),
        ((link(type="welcome", received=99),), None),
        ((link(type="bye", reason="drain", retry_after=3.0),), "transport.join_refused"),
        ((link(type="bye", reason="room-gone"),), "connection.room_gone"),
    ],
)
def test_a_room_without_a_proper_welcome_is_left(
    frames: tuple[str | bytes, ...], code: str | None
) -> None:
    async def play(transport: WebSocketTransport, room: str) -> None:
        grant = RoomGrant("s", "c", room, "r", "t")
        if code is None:
            await transport.join(grant, SequencedChannel("r"))
            return
        with pytest.raises(TransportError) as caught:
            await transport.join(grant, SequencedChannel("r"))
        assert caught.value.failure.code == code

    against(play, room=saying(*frames))


@pytest.mark.parametrize("length", [10, 2 << 20])
def test_a_frame_that_is_too_long_ends_the_connection(length: int) -> None:
    async def play(transport: WebSocketTransport, room: str) -> None:
        connection = await transport.join(
            RoomGrant("s", "c", room, "r", "t"), SequencedChannel("r")
        )
        if length < 1 << 20:
            assert await connection.receive() == UnknownMessage("of-the-future")
        with pytest.raises(TransportError) as caught:
            await connection.receive()
        assert caught.value.failure.kind is FailureKind.TRANSIENT

    frame = json.dumps({"type": "of-the-future", "seq": 1, "text": "x" * length})
    against(play, room=saying(link(type="welcome", received=0), frame))


def test_cancelling_a_join_leaves_no_task_and_no_socket() -> None:
    async def silent(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(protocols=("troupe.v1",))
        await socket.prepare(request)
        await socket.receive()
        await socket.receive()
        return socket

    async def play(transport: WebSocketTransport, room: str) -> None:
        before = asyncio.all_tasks()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await transport.join(RoomGrant("s", "c", room, "r", "t"), SequencedChannel("r"))
        await transport.close()
        # On Windows a server that listens has a task for that.
        new = {task for task in asyncio.all_tasks() - before if "accept_coro" not in repr(task)}
        left = {task for task in new if not task.done()}
        # The server's own task for the request ends a moment after ours.
        await asyncio.wait(left or {asyncio.ensure_future(asyncio.sleep(0))}, timeout=1)
        assert all(task.done() for task in left)

    against(play, room=silent)


def test_closing_the_transport_leaves_no_task_of_a_live_connection() -> None:
    async def run() -> None:
        async with asyncio.timeout(60), service_stage() as stage:
            before = asyncio.all_tasks()
            transport = WebSocketTransport(stage.url)
            for _ in range(3):
                grant = await transport.connect(replace(ASK))
                connection = await transport.join(grant, SequencedChannel(grant.room_name))
                while not isinstance(await connection.receive(), BotReady):
                    pass
            await transport.close()
            names = {task.get_coro().__qualname__ for task in asyncio.all_tasks() - before}  # type: ignore[union-attr]  # every task here runs a coroutine
            assert not [name for name in names if "WebSocketConnection" in name]

    asyncio.run(run())


# --- what waits around the protocol --------------------------------------------------------------

HOLE = NetworkConditions(is_black_hole=True)


class Line:
    """A connection without a socket, on virtual time."""

    def __init__(self) -> None:
        self.loop = VirtualLoop()
        self.channel = SequencedChannel("room")
        self.connection = WireConnection(self.channel, self.loop.time)
        self.connection.enter(Welcome(0))

    def arrives(self, text: str, seq: int) -> None:
        frame = encode_server(BotLlmText(text)) | {"seq": seq}
        self.connection.frame_received(json.dumps(frame))

    async def audio(self, count: int) -> list[int]:
        """Return the numbers of the next frames of audio."""
        frames = [await self.connection.outgoing() for _ in range(count)]
        return [msgpack.unpackb(frame)[1] for frame in frames if isinstance(frame, bytes)]

    async def carry(self) -> None:
        """Write until the end, as a socket does."""
        while await self.connection.outgoing() is not None:
            pass


def test_microphone_audio_drops_the_oldest_and_keeps_the_messages() -> None:
    line = Line()

    async def play() -> tuple[object, list[int]]:
        line.connection.send(UserTextMessage("kept"))
        for number in range(MAX_AUDIO + 10):
            line.connection.send_audio(b"\0\0", float(number))
        return await line.connection.outgoing(), await line.audio(MAX_AUDIO)

    first, audio = line.loop.run(play())
    assert "kept" in str(first)
    assert audio == list(range(11, MAX_AUDIO + 11))


def test_who_waits_to_read_or_write_is_told_of_the_end() -> None:
    line = Line()

    async def play() -> str:
        reader = asyncio.create_task(line.connection.receive())
        writer = asyncio.create_task(line.connection.outgoing())
        await asyncio.sleep(0)
        line.connection.lost(failure("transport.signal_disconnected"))
        assert await writer is None
        with pytest.raises(TransportError) as caught:
            await reader
        return caught.value.failure.code

    assert line.loop.run(play()) == "transport.signal_disconnected"


def test_what_a_black_hole_held_back_goes_on_its_way_once_it_ends() -> None:
    line = Line()

    async def play() -> tuple[object, object]:
        line.connection.set_conditions(HOLE)
        line.connection.send(UserTextMessage("a"))
        line.arrives("b", 1)
        writer = asyncio.create_task(line.connection.outgoing())
        reader = asyncio.create_task(line.connection.receive())
        await asyncio.wait((writer, reader), timeout=0.02)
        assert not writer.done() and not reader.done()
        line.connection.set_conditions(NetworkConditions.CALM)
        return await writer, await reader

    written, read = line.loop.run(play())
    assert "user_text_message" in str(written) and read == BotLlmText("b")


def test_a_swallowed_frame_is_no_sign_of_life_and_does_not_count_as_received() -> None:
    line = Line()
    began = line.connection.last_received

    async def play() -> None:
        line.connection.set_conditions(HOLE)
        await asyncio.sleep(5.0)
        line.arrives("a", 1)

    line.loop.run(play())
    assert line.connection.last_received == began and line.channel.received == 0


def test_a_connection_that_swallows_too_much_is_given_up() -> None:
    line = Line()

    async def play() -> None:
        line.connection.set_conditions(HOLE)
        for seq in range(MAX_HELD_BACK + 1):
            line.arrives("a", seq + 1)

    line.loop.run(play())
    assert line.connection.is_lost


def test_a_late_connection_is_late_both_ways_and_the_round_trip_knows_it() -> None:
    line = Line()

    async def play() -> float | None:
        line.connection.set_conditions(NetworkConditions(delay_seconds=0.4))
        line.connection.ping()
        ping = decode_link(json.loads(str(await line.connection.outgoing())))
        assert isinstance(ping, Ping)
        line.connection.frame_received(json.dumps(encode_link(Pong(ping.t))))
        await asyncio.sleep(0.5)
        return line.connection.round_trip_seconds

    assert line.loop.run(play()) == pytest.approx(0.8, abs=0.01)


def test_a_slow_connection_drops_the_oldest_of_too_much_audio() -> None:
    line = Line()

    async def play() -> list[int]:
        line.connection.set_conditions(NetworkConditions(bytes_per_second=16_000))
        for _ in range(MAX_AUDIO + 20):
            line.connection.send_audio(bytes(640), 0.0)
        return await line.audio(MAX_AUDIO)

    assert line.loop.run(play()) == list(range(21, MAX_AUDIO + 21))


def test_a_goodbye_waits_for_what_is_on_its_way() -> None:
    line = Line()

    async def play() -> float:
        line.connection.set_conditions(NetworkConditions(delay_seconds=0.4))
        began, writer = line.loop.time(), asyncio.create_task(line.carry())
        await line.connection.say_goodbye()
        writer.cancel()
        return line.loop.time() - began

    assert line.loop.run(play()) == pytest.approx(0.4, abs=0.01)


@pytest.mark.parametrize(
    ("room_url", "ours"),
    [
        ("ws://127.0.0.1:8766/rooms/room-1", True),
        ("wss://host/talk/rooms/room-1", True),
        ("wss://convai.livekit.cloud", False),
        ("wss://livekit.example:7880/", False),
    ],
)
def test_a_room_s_url_says_what_it_speaks(room_url: str, ours: bool) -> None:
    assert is_our_room(room_url) is ours


def cloud_server() -> AbstractAsyncContextManager[LiveKitServer]:
    """Return a LiveKit server; skips where it is not installed."""
    from tests.livekit_server import livekit_server

    return livekit_server()


def test_each_room_is_entered_in_its_own_way() -> None:
    async def run() -> None:
        async with service_stage() as stage, cloud_server() as cloud:
            endpoint = WebSocketTransport(stage.url)
            grant = await endpoint.connect(ConnectRequest("counter-1"))
            ours = await endpoint.join(grant, SequencedChannel(grant.room_name))
            grant = cloud.grant(ConnectRequest("counter-1"))
            theirs = await endpoint.join(grant, SequencedChannel(grant.room_name))
            assert isinstance(ours, WebSocketConnection)
            assert isinstance(theirs, LiveKitConnection)
            await endpoint.close()
            assert ours.is_lost and theirs.is_lost

    asyncio.run(run())


def test_the_cloud_is_told_that_a_talk_is_over() -> None:
    told: list[tuple[str, str | None]] = []

    async def run() -> None:
        async def disconnect(request: web.Request) -> web.StreamResponse:
            told.append((request.query["session_id"], request.headers.get("X-API-Key")))
            return web.Response()

        app = web.Application()
        app.router.add_post("/disconnect", disconnect)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        async with cloud_server() as cloud:
            endpoint = WebSocketTransport(url, api_key="k3y")
            grant = cloud.grant(ConnectRequest("counter-1"))
            await endpoint.join(grant, SequencedChannel(grant.room_name))
            await endpoint.close()
        await runner.cleanup()
        assert told == [(grant.session_id, "k3y")]

    asyncio.run(run())
