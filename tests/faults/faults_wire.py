"""Rows 1, 3, 8, 9, 10 and 25: what the wire keeps when connections break and peers misbehave.

The real transport and the real service, joined by the proxy on a loopback socket.
"""

from __future__ import annotations

import asyncio
import os
import resource
import time
from collections.abc import Iterable
from random import Random
from statistics import median

import aiohttp

from characters.protocol.link import SequencedChannel
from characters.protocol.messages import BotReady
from characters.service.pace import TimingConfig
from characters.service.service import ServiceSettings
from characters.transport.websocket import WebSocketTransport
from tests.characters.service.client import Bare
from tests.characters.transport.stages import AT_ONCE, rejoining, service_stage
from tests.faults.proxy import Direction, Faults
from tests.faults.reconnecting import (
    ANSWERS,
    ASK,
    TALK,
    Reconnecting,
    once,
    talk_through,
    through_proxy,
    try_to_rejoin,
)
from tests.faults.row import Row

__all__ = ["rows"]

# Slow enough that each message is a chunk of its own.
ONE_BY_ONE = ServiceSettings(timing=TimingConfig(words_per_second=300.0, think_seconds=0.002))


def rows(quick: bool) -> Iterable[Row]:
    """Return the figures; `quick` tries fewer of each."""
    yield asyncio.run(_resets(12 if quick else 32))
    yield asyncio.run(_weather(2 if quick else 10))
    yield asyncio.run(_window(20 if quick else 100))
    yield asyncio.run(_early_drops(20 if quick else 100))
    yield asyncio.run(_frequent_resets(3 if quick else 10))
    yield asyncio.run(_hostile(300 if quick else 3000))


async def _resets(chunks: int) -> Row:
    """Reset once, after each k-th chunk in each direction."""
    tried = whole = reset = unborn = 0
    for direction in Direction:
        for chunk in range(1, chunks + 1):
            async with service_stage(ONE_BY_ONE) as stage, through_proxy(stage) as proxy:
                proxy.watch = once(direction, chunk)
                client = await talk_through(stage, proxy)
                tried += 1
                whole += client.words == ANSWERS and stage.heard == list(TALK)
                reset += client.reconnects > 0
                # Two sessions: the first one's id never reached the client.
                unborn += len(stage.service.registry) > 1
    resumed = reset - unborn
    figure = (
        f"{tried} talks, {reset} reset: {resumed} resumed, {unborn} before the client had an id,"
        f" {tried - whole} with a turn lost or doubled"
    )
    return Row(1, "reset after every k-th chunk, both directions", figure, whole == tried)


async def _weather(talks: int) -> Row:
    """Measure the time from connect to ready on bad lines."""
    figures, right = [], True
    for name, weather in (
        ("100 ms", Faults(delay=0.1)),
        ("50 ms jitter", Faults(jitter=0.05)),
        ("7-byte slices", Faults(slice_bytes=7)),
        ("1 KB/s", Faults(bytes_per_second=1000, slice_bytes=50)),
    ):
        times = [await _time_to_usable(weather) for _ in range(talks)]
        figures.append(f"{name} {median(times):.2f} / {max(times):.2f} s")
        right = right and max(times) < 10
    return Row(
        3,
        "latency, jitter, slices, 1 KB/s: usable after (median / worst)",
        ", ".join(figures),
        right,
    )


async def _time_to_usable(weather: Faults) -> float:
    async with service_stage() as stage, through_proxy(stage) as proxy:
        proxy.faults = weather
        client = Reconnecting(WebSocketTransport(proxy.url), proxy)
        begun = time.perf_counter()
        while not isinstance(await client.receive(), BotReady):
            pass
        taken = time.perf_counter() - begun
        await client.close()
        return taken


async def _window(times: int) -> Row:
    async with service_stage(ServiceSettings(timing=AT_ONCE, sweep_every=10.0)) as stage:
        tries = [(0.4, "rejoined"), (0.6, "connection.room_gone")]
        rights = []
        for wait, wanted in tries:
            right = 0
            for _ in range(0, times, 5):
                # A few at a time: a crowd would measure the queue before the door.
                tries_now = (try_to_rejoin(stage, 0.5, wait) for _ in range(5))
                right += (await asyncio.gather(*tries_now)).count(wanted)
            rights.append(right)
    figure = f"100 ms early: {rights[0]}/{times} rejoined; 100 ms late: {rights[1]}/{times} refused"
    return Row(8, "rejoin at the edge of the window", figure, rights == [times, times])


async def _early_drops(times: int) -> Row:
    rejoined = 0
    async with service_stage() as stage:
        transport = WebSocketTransport(stage.url)
        for _ in range(times):
            grant = await transport.connect(ASK)
            link = SequencedChannel(grant.room_name)
            (await transport.join(grant, link)).abort()
            again = await transport.connect(rejoining(ASK, grant))
            connection = await transport.join(again, link)
            rejoined += connection.welcome.resumed == "rejoined"
            connection.abort()
        await transport.close()
    return Row(
        9, "drop before the service said anything", f"{rejoined}/{times} resumed", rejoined == times
    )


async def _frequent_resets(talks: int) -> Row:
    wrong = reconnects = 0
    for every in range(4, 4 + talks):
        async with service_stage() as stage, through_proxy(stage) as proxy:
            proxy.watch = lambda way, data, count, every=every: count % every == 0
            client = await talk_through(stage, proxy)
            wrong += client.words != ANSWERS or stage.heard != list(TALK)
            reconnects += client.reconnects
    figure = f"{talks} talks over {reconnects} reconnects: {wrong} with a wrong delivery"
    return Row(10, "replay cut short again and again", figure, wrong == 0)


async def _hostile(frames: int) -> Row:
    """Throw noise at one room while another player talks."""
    chance, crashes = Random(25), 0
    async with service_stage() as stage, aiohttp.ClientSession() as http:
        bare = Bare(stage, http)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        async with bare.room() as (other, _):
            for start in range(0, frames, 30):
                await other.link("ping", t=0.0)  # as every client does: a silent one is dropped
                async with bare.room() as (guest, _grant):
                    for _ in range(30):
                        noise = os.urandom(chance.choice((3, 200, 20_000)))
                        await guest.socket.send_bytes(noise)
                    if start % 3 == 0:
                        await guest.socket.send_str("x" * 70_000)
            await other.say("count 3")
            said = [
                f for f in await other.until("bot-turn-completed") if f["type"] == "bot-llm-text"
            ]
            crashes += len(said) != 3
            crashes += (await bare.health())["status"] != "ok"
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    figure = (
        f"{frames} hostile frames: {crashes} crashes or other talks touched,"
        f" {grown:.0f} MB more at the peak"
    )
    return Row(25, "hostile peer", figure, crashes == 0 and grown < 64)
