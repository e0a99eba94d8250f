"""The memory host's faults, which other tests build on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from characters.protocol.failures import failure
from characters.protocol.link import SequencedChannel
from characters.protocol.messages import BotLlmText, BotReady, ConnectRequest, UserTextMessage
from characters.transport.base import TransportError
from tests.memory_transport import MemoryHost

ASK = ConnectRequest("bo")


def run(play: Callable[[MemoryHost], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(60):
            await play(MemoryHost(lambda message: [BotLlmText("yes")]))

    asyncio.run(bounded())


def test_a_black_hole_swallows_and_closes_nothing() -> None:
    async def play(host: MemoryHost) -> None:
        transport = host.transport()
        grant = await transport.connect(ASK)
        connection = await transport.join(grant, SequencedChannel(grant.room_name))
        assert isinstance(await connection.receive(), BotReady)
        host.black_hole()
        connection.send(UserTextMessage("hello?"))
        connection.ping()
        for waiting in (connection.receive(), transport.connect(ASK)):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(waiting, 0.02)
        assert connection.round_trip_seconds is None
        await transport.close()

    run(play)


def test_a_refusing_host_refuses_until_it_is_healed() -> None:
    async def play(host: MemoryHost) -> None:
        host.refuse = failure("connection.unavailable")
        with pytest.raises(TransportError):
            await host.transport().connect(ASK)
        host.heal()
        assert (await host.transport().connect(ASK)).session_id

    run(play)


def test_a_host_that_lost_its_rooms_still_knows_its_sessions() -> None:
    async def play(host: MemoryHost) -> None:
        transport = host.transport()
        grant = await transport.connect(ASK)
        host.forget_rooms()
        resume = replace(ASK, character_session_id=grant.character_session_id)
        with pytest.raises(TransportError) as caught:
            await transport.connect(replace(resume, mode="join", room_name=grant.room_name))
        assert caught.value.failure.code == "connection.room_gone"
        again = await transport.connect(resume)
        assert again.character_session_id == grant.character_session_id

    run(play)


def test_the_host_keeps_what_it_was_told() -> None:
    async def play(host: MemoryHost) -> None:
        transport = host.transport()
        grant = await transport.connect(ASK)
        connection = await transport.join(grant, SequencedChannel(grant.room_name))
        connection.send(UserTextMessage("hello"))
        connection.send_audio(b"\0\0", 0.1)
        await connection.close()
        room = host.rooms[grant.room_name]
        assert room.received == [UserTextMessage("hello")]
        assert len(room.audio_frames) == 1
        assert [bye.reason for bye in room.goodbyes] == ["disconnect"]

    run(play)
