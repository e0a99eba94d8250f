"""How late the loop is, and when memory is given back."""

from __future__ import annotations

import asyncio
import gc
import sys
import time
import weakref
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from characters.service.agent_factory import PersonaAgentFactory
from characters.service.loop_watch import LoopWatch
from characters.service.metrics import ServiceMetrics
from characters.service.room import LiveRoom
from tests.characters.service.client import Bare, serve
from tests.imports import ROOT
from tests.programs import run_program


def test_a_loop_that_stood_still_is_noticed() -> None:
    metrics = ServiceMetrics()

    async def run() -> None:
        watch = asyncio.create_task(LoopWatch(time.monotonic, metrics, lambda: False).run())
        await asyncio.sleep(0.05)
        time.sleep(0.3)  # noqa: ASYNC251 - that is what it is to notice
        async with asyncio.timeout(30):
            while latest() < 0.2:  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.01)
        watch.cancel()

    def latest() -> float:
        return metrics.lags.quantile(1.0, time.monotonic()) or 0.0

    asyncio.run(run())
    assert metrics.lag.count > 0


COLLECTED = """
import gc, time, weakref
from characters.service.loop_watch import LoopWatch
from characters.service.metrics import ServiceMetrics

class Knot:
    def __init__(self):
        self.itself = self

quiet = False
watch = LoopWatch(time.monotonic, ServiceMetrics(), lambda: quiet)
old = Knot()
watch.take_collector()
kept = [[n] for n in range(100_000)]
assert gc.get_count()[1:] == (0, 0), gc.get_count()
assert gc.get_freeze_count() > 80_000, gc.get_freeze_count()
gc.collect(0)  # or the next collection may fall between two halves of the next line
young = weakref.ref(Knot())
more = [[n] for n in range(100_000)]
assert young() is None, "what never survived is collected while others are here"
gc.collect(0)
for n in range(len(kept)):
    kept[n] = [n]
assert len(gc.get_objects(generation=0)) > 80_000, "one went for each that came"
watch.look(time.monotonic() + 1.0)
assert len(gc.get_objects(generation=0)) < 1_000
gone = weakref.ref(old)
del old
watch._collected_at -= 3600
watch.look(time.monotonic())
assert gone() is not None, "the whole is not walked while somebody is here"
quiet = True
watch.look(time.monotonic())
assert gone() is None, "it is when nobody is"
"""


def test_the_whole_is_walked_only_when_nobody_is_here() -> None:
    ran = run_program(ROOT, sys.executable, "-c", COLLECTED)
    assert ran.returncode == 0, ran.stderr


@pytest.fixture
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def test_a_room_that_ended_gives_its_memory_back_without_the_collector(no_collector: None) -> None:
    rooms: list[weakref.ref[LiveRoom]] = []

    async def play(bare: Bare) -> None:
        body: dict[str, Any] = {"character_id": "porter-3e8f", "room_rejoin_ttl_seconds": 0}
        status, grant = await bare.post("/connect", **body, end_user_id="ada")
        assert status == 200
        async with bare.enter(grant) as guest:
            await guest.link("hello", received=0)
            await guest.until("bot-turn-completed")
            await guest.say("Who are you?")
            await guest.until("bot-turn-completed")
            rooms.extend(map(weakref.ref, bare.stage.service.live_rooms))
            await guest.link("bye", reason="disconnect")
        async with asyncio.timeout(30):
            while any(room() is not None for room in rooms):  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.02)

    serve(play, agents=PersonaAgentFactory([Path(ROOT / "assets")], Random))
    assert len(rooms) == 1
