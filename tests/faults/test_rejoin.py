"""Connections that break anywhere in a talk: nothing lost, nothing twice (rows 1, 8, 9, 10)."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from characters.protocol.link import SequencedChannel
from characters.protocol.messages import BotReady
from characters.service.service import ServiceSettings
from characters.transport.base import TransportError
from characters.transport.websocket import WebSocketTransport
from tests.characters.transport.stages import AT_ONCE, rejoining, service_stage
from tests.faults.proxy import Direction, Faults
from tests.faults.reconnecting import (
    ANSWERS,
    ASK,
    TALK,
    once,
    talk_through,
    through_proxy,
    try_to_rejoin,
)


@pytest.mark.parametrize("direction", list(Direction))
@pytest.mark.parametrize("chunk", range(1, 16))
def test_a_reset_at_any_point_loses_and_repeats_nothing(direction: Direction, chunk: int) -> None:
    async def run() -> None:
        async with service_stage() as stage, through_proxy(stage) as proxy:
            proxy.watch = once(direction, chunk)
            client = await talk_through(stage, proxy)
            assert client.words == ANSWERS
            assert stage.heard == list(TALK)

    asyncio.run(run())


def test_a_reset_at_every_fifth_chunk_still_gets_through() -> None:
    async def run() -> None:
        async with service_stage() as stage, through_proxy(stage) as proxy:
            proxy.watch = lambda way, data, count: count % 5 == 0
            client = await talk_through(stage, proxy)
            assert client.words == ANSWERS
            assert stage.heard == list(TALK)
            assert client.reconnects > 0

    asyncio.run(run())


@pytest.mark.parametrize(
    "weather",
    [
        Faults(slice_bytes=1),
        Faults(slice_bytes=7, jitter=0.002),
        Faults(delay=0.02),
        Faults(bytes_per_second=20_000, slice_bytes=200),
    ],
    ids=["bytewise", "jitter", "slow", "throttled"],
)
def test_bad_weather_changes_nothing_that_is_said(weather: Faults) -> None:
    async def run() -> None:
        async with service_stage() as stage, through_proxy(stage) as proxy:
            proxy.faults = weather
            client = await talk_through(stage, proxy)
            assert client.words == ANSWERS
            assert client.reconnects == 0

    asyncio.run(run())


def test_a_drop_before_the_service_said_anything_is_rejoined() -> None:
    async def run() -> None:
        async with service_stage() as stage:
            transport = WebSocketTransport(stage.url)
            for _ in range(20):
                grant = await transport.connect(ASK)
                link = SequencedChannel(grant.room_name)
                (await transport.join(grant, link)).abort()
                again = await transport.connect(rejoining(ASK, grant))
                connection = await transport.join(again, link)
                while not isinstance(await connection.receive(), BotReady):
                    pass
                assert connection.welcome.resumed == "rejoined"
            await transport.close()

    asyncio.run(run())


def test_the_window_to_rejoin_is_kept_on_both_sides() -> None:
    async def run() -> None:
        async with service_stage(ServiceSettings(timing=AT_ONCE, sweep_every=10.0)) as stage:
            early = await asyncio.gather(*(try_to_rejoin(stage, 0.6, 0.3) for _ in range(5)))
            late = await asyncio.gather(*(try_to_rejoin(stage, 0.6, 0.65) for _ in range(5)))
            assert set(early) == {"rejoined"}
            assert set(late) == {"connection.room_gone"}

    asyncio.run(run())


@pytest.mark.parametrize(("knows", "wanted"), [(True, "rejoined"), (False, "connection.room_gone")])
def test_who_sends_no_session_id_rejoins_by_the_connection_it_had(knows: bool, wanted: str) -> None:
    async def run() -> str:
        async with service_stage() as stage:
            transport = WebSocketTransport(stage.url)
            grant = await transport.connect(ASK)
            link = SequencedChannel(grant.room_name)
            (await transport.join(grant, link)).abort()
            live_id = grant.session_id if knows else None
            again = replace(ASK, mode="join", room_name=grant.room_name, live_id=live_id)
            try:
                connection = await transport.join(await transport.connect(again), link)
                return connection.welcome.resumed
            except TransportError as error:
                return error.failure.code
            finally:
                await transport.close()

    assert asyncio.run(run()) == wanted
