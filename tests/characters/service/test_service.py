"""The service as a whole, on clocks and a store of the test's own."""

from __future__ import annotations

import asyncio
import itertools
import os
import sqlite3
import threading
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from characters.agents.persona import Persona
from characters.protocol.messages import ConnectRequest
from characters.service.agent_factory import LOOK_SECONDS, MOST_PREPARED, PersonaAgentFactory
from characters.service.registry import Limits, RefusalError
from characters.service.service import Service, ServiceSettings
from characters.service.store import SessionStore
from tests.characters.transport.stages import AT_ONCE, CountingAgents

ASK = ConnectRequest("counter", end_user_id="me")
DAY = 86400.0


class Clock:
    def __init__(self, now: float = 0.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Disk(SessionStore):
    """A store that refuses to write while it is full, and whose reading may be held up."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.is_full = False
        self.may_read = threading.Event()
        self.may_read.set()

    def memory(self, session_id: str) -> dict[str, Any]:
        assert self.may_read.wait(5.0)
        return super().memory(session_id)

    def save(self, *what: Any) -> None:
        if self.is_full:
            raise OSError("the disk is full")
        super().save(*what)

    def remove(self, session_ids: Iterable[str], ended_at: float) -> None:
        if self.is_full:
            raise OSError("the disk is full")
        super().remove(session_ids, ended_at)

    def forget(self, *what: Any) -> None:
        if self.is_full:
            raise OSError("the disk is full")
        super().forget(*what)


class World:
    """One disk and two clocks, under several lives of a service."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "sessions.sqlite3"
        self.monotonic, self.wall = Clock(), Clock(1_000_000.0)
        self._ids = itertools.count()

    async def service(self) -> Service:
        self.store = Disk(self.path)
        service = Service(
            CountingAgents([]),
            self.store,
            now=self.monotonic,
            wall=self.wall,
            new_id=lambda: f"id{next(self._ids)}",
            settings=ServiceSettings(
                limits=Limits(session_ttl=30 * DAY), timing=AT_ONCE, sweep_every=0.001
            ),
        )
        await service.start()
        return service


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def run(play: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(60):
            await play()

    asyncio.run(bounded())


def resuming(session_id: str) -> ConnectRequest:
    return ConnectRequest("counter", end_user_id="me", character_session_id=session_id)


async def a_session(world: World) -> str:
    service = await world.service()
    grant = await service.connect(ASK)
    await service.close()
    return grant.room.session.session_id


async def outcome(world: World, session_id: str) -> str:
    service = await world.service()
    try:
        return (await service.connect(resuming(session_id))).room.resumed
    except RefusalError as refusal:
        return str(refusal.detail)
    finally:
        await service.close()


def test_a_session_survives_a_restart_of_the_service(world: World) -> None:
    async def play() -> None:
        assert await outcome(world, await a_session(world)) == "resumed"

    run(play)


def test_a_session_is_on_disk_before_its_id_is_given_away(world: World) -> None:
    async def play() -> None:
        service = await world.service()
        grant = await service.connect(ASK)
        kept = SessionStore(world.path).load().sessions
        assert [session.session_id for session in kept] == [grant.room.session.session_id]
        await service.close()

    run(play)


async def a_life(world: World, seconds: float = 0.0) -> None:
    """Let a service run for so long, without anybody."""
    service = await world.service()
    world.monotonic.now += seconds
    world.wall.now += seconds
    await service.close()


@pytest.mark.parametrize(("days", "answer"), [(29, "resumed"), (30, "session expired")])
def test_a_session_expires_over_many_lives_too(world: World, days: int, answer: str) -> None:
    async def play() -> None:
        session_id = await a_session(world)
        for _ in range(days):
            world.wall.now += DAY
            await a_life(world)
        assert await outcome(world, session_id) == answer

    run(play)


def test_the_time_that_a_service_ran_counts_in_the_next_life(world: World) -> None:
    async def play() -> None:
        session_id = await a_session(world)
        await a_life(world, 20 * DAY)
        await a_life(world, 9 * DAY)
        assert await outcome(world, session_id) == "resumed"  # which is a use
        await a_life(world, 20 * DAY)
        await a_life(world, 10 * DAY)
        assert await outcome(world, session_id) == "session expired"

    run(play)


@pytest.mark.parametrize("jump", [-50 * 365 * DAY, -DAY, DAY, 50 * 365 * DAY, 1e300])
def test_whatever_the_wall_clock_says_between_two_lives_no_session_is_lost(
    world: World, jump: float
) -> None:
    async def play() -> None:
        right, session_id = world.wall.now, await a_session(world)
        for wall in (right + jump, right, right + jump, right + DAY):
            world.wall.now = wall
            await a_life(world)
        assert await outcome(world, session_id) == "resumed"

    run(play)


def test_a_player_is_told_the_time_that_he_was_away_by_the_wall_clock(world: World) -> None:
    async def play() -> None:
        session_id = await a_session(world)
        world.wall.now += 200 * DAY
        service = await world.service()
        room = (await service.connect(resuming(session_id))).room
        assert room.last_seen_seconds == pytest.approx(200 * DAY)
        again = await service.connect(resuming(session_id))
        assert again.room.last_seen_seconds == 0.0
        await service.close()

    run(play)


def test_a_disk_that_does_not_take_the_age_of_sessions_stops_no_start(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(store: Disk, seconds: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    async def play() -> None:
        session_id = await a_session(world)
        monkeypatch.setattr(Disk, "count_unused", refuse)
        assert await outcome(world, session_id) == "resumed"

    run(play)


@pytest.mark.parametrize("jump", [-3600.0, 3600.0, -365 * DAY, 365 * DAY])
def test_a_jump_of_the_wall_clock_expires_nobody_who_lives(world: World, jump: float) -> None:
    async def play() -> None:
        service = await world.service()
        grant = await service.connect(ASK)
        service.registry.enter(grant.room.name, grant.token, world.monotonic.now)
        world.wall.now += jump
        world.monotonic.now += 60.0
        assert service.registry.expire(world.monotonic.now).sessions == ()
        service.registry.leave(grant.room, grant.live_id, world.monotonic.now)
        again = await service.connect(resuming(grant.room.session.session_id))
        assert again.room.last_seen_seconds == 0.0
        await service.close()

    run(play)


def test_a_wall_clock_that_was_set_back_makes_nobody_younger_than_now(world: World) -> None:
    async def play() -> None:
        session_id = await a_session(world)
        world.wall.now -= 3600.0
        assert await outcome(world, session_id) == "resumed"

    run(play)


def test_a_deleted_session_stays_deleted_over_a_restart(world: World) -> None:
    async def play() -> None:
        service = await world.service()
        grant = await service.connect(ASK)
        session_id = grant.room.session.session_id
        assert await service.remove(session_id)
        await service.close()
        assert await outcome(world, session_id) == "session expired"

    run(play)


def test_a_session_that_a_full_disk_kept_is_deleted_with_the_next_write(world: World) -> None:
    async def play() -> None:
        service = await world.service()
        session_id = (await service.connect(ASK)).room.session.session_id
        world.store.is_full = True
        with pytest.raises(OSError):
            await service.remove(session_id)
        world.store.is_full = False
        await service.connect(ASK)
        assert [item.session_id for item in world.store.load().sessions] != [session_id]
        await service.close()
        assert await outcome(world, session_id) == "session expired"

    run(play)


def test_a_full_disk_does_not_end_the_sweep(world: World) -> None:
    async def play() -> None:
        service = await world.service()
        await service.connect(ASK)
        world.store.is_full = True
        world.monotonic.now += 31 * DAY
        while len(service.registry):  # noqa: ASYNC110  # the sweep announces nothing
            await asyncio.sleep(0.001)
        world.store.is_full = False
        await service.connect(ASK)
        world.monotonic.now += 3600.0
        while service.registry.rooms:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        await service.close()

    run(play)


def test_a_room_that_another_request_closed_while_the_disk_was_slow_is_no_more(
    world: World,
) -> None:
    async def play() -> None:
        service = await world.service()
        session_id = (await service.connect(ASK)).room.session.session_id
        world.store.may_read.clear()
        slow = asyncio.create_task(service.connect(resuming(session_id)))
        await asyncio.sleep(0)
        (overtaken,) = service.registry.rooms
        fast = asyncio.create_task(service.connect(resuming(session_id)))
        await asyncio.sleep(0)
        world.store.may_read.set()
        with pytest.raises(RefusalError, match="another request"):
            await slow
        assert service.live_room(overtaken) is None
        assert service.live_room((await fast).room) is not None
        await service.close()

    run(play)


def test_a_room_that_nobody_entered_is_swept_away_and_its_session_stays(world: World) -> None:
    async def play() -> None:
        service = await world.service()
        grant = await service.connect(ASK)
        world.monotonic.now += 3600.0
        while service.registry.rooms:  # noqa: ASYNC110  # the sweep announces nothing
            await asyncio.sleep(0.001)
        assert service.live_room(grant.room) is None
        assert len(service.registry) == 1
        await service.close()

    run(play)


def test_closing_leaves_no_task_behind(world: World) -> None:
    async def play() -> None:
        service = await world.service()
        for _ in range(3):
            await service.connect(ASK)
        await service.close()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run(play)


def test_an_unknown_character_leaves_no_trace(world: World) -> None:
    async def play() -> None:
        service = await world.service()
        with pytest.raises(RefusalError):
            await service.connect(ConnectRequest("nobody"))
        assert (len(service.registry), service.registry.rooms) == (0, ())
        await service.close()

    run(play)


def test_a_context_that_is_too_long_is_refused_and_leaves_no_room(world: World) -> None:
    async def play() -> None:
        service = await world.service()
        ask = ConnectRequest("counter", dynamic_info={"text": "x" * 100_000})
        with pytest.raises(RefusalError) as caught:
            await service.connect(ask)
        assert caught.value.status == 422
        assert service.registry.rooms == ()
        await service.close()

    run(play)


BO = """name = "Bo"
fallback = ["Pardon?"]
voice = { variant = "m3", pitch = 30 }
[greeting]
first = ["Hello."]
[[topic]]
id = "a"
says = ["cat"]
ask = ["tell me about the cat"]
lines = ["A cat."]
"""


@pytest.fixture
def agents(tmp_path: Path) -> PersonaAgentFactory:
    (tmp_path / "assets" / "personas").mkdir(parents=True)
    (tmp_path / "assets" / "personas" / "bo-1.toml").write_text(BO)
    (tmp_path / "assets" / "personas" / "broken.toml").write_text("name = 5")
    (tmp_path / "outside.toml").write_text(BO)
    return PersonaAgentFactory([tmp_path / "assets"], lambda: Random(1))


def refused(agents: PersonaAgentFactory, ask: ConnectRequest) -> int:
    with pytest.raises(RefusalError) as caught:
        agents.agent(ask, {})
    return caught.value.status


def test_a_character_is_found_by_its_id(agents: PersonaAgentFactory) -> None:
    agent = agents.agent(ConnectRequest("bo-1"), {})
    assert "tell me about the cat" in tuple(agent.phrases())


def test_a_character_is_found_by_the_persona_that_is_asked_for(agents: PersonaAgentFactory) -> None:
    voice = agents.voice(ConnectRequest("other", persona="personas/bo-1.toml"))
    assert voice is not None
    assert (voice.variant, voice.pitch) == ("m3", 30)


def test_the_first_folder_that_has_the_file_counts(tmp_path: Path) -> None:
    for folder, name in (("own", "Own"), ("package", "Other")):
        (tmp_path / folder / "personas").mkdir(parents=True)
        voice = BO.replace('"m3"', f'"{name}"')
        (tmp_path / folder / "personas" / "bo-1.toml").write_text(voice)
    (tmp_path / "package" / "personas" / "bo-2.toml").write_text(BO)
    agents = PersonaAgentFactory([tmp_path / "own", tmp_path / "package"], lambda: Random(1))
    own, other = agents.voice(ConnectRequest("bo-1")), agents.voice(ConnectRequest("bo-2"))
    assert own is not None and own.variant == "Own"
    assert other is not None and other.variant == "m3"


def test_the_file_that_is_missing_is_named(tmp_path: Path) -> None:
    assets = tmp_path / "assets"
    missing = assets.resolve() / "personas" / "inga.toml"
    for is_ours, named in ((True, str(missing)), (False, "inga.toml")):
        agents = PersonaAgentFactory([assets], lambda: Random(1), tells_folders=is_ours)
        with pytest.raises(RefusalError) as caught:
            agents.agent(ConnectRequest("x", persona="personas/inga.toml"), {})
        assert caught.value.detail == f"no persona file {named}"


def test_a_strange_client_is_not_told_where_a_file_with_a_mistake_lies(tmp_path: Path) -> None:
    (tmp_path / "personas").mkdir()
    (tmp_path / "personas" / "bo-1.toml").write_text("nam = 1")
    with pytest.raises(RefusalError) as caught:
        PersonaAgentFactory([tmp_path], lambda: Random(1)).agent(ConnectRequest("bo-1"), {})
    assert "bo-1.toml:1:1" in str(caught.value.detail)
    assert str(tmp_path) not in str(caught.value.detail)


def test_a_persona_is_read_and_compiled_off_the_event_loop(
    agents: PersonaAgentFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads, is_compiled = list[str](), threading.Event()

    def noted(persona: Persona) -> None:
        threads.append(threading.current_thread().name)
        compiled(persona)
        is_compiled.set()

    async def run() -> None:
        for _ in range(3):
            await agents.prepare(ConnectRequest("bo-1"))
        await asyncio.to_thread(is_compiled.wait, 60)
        await agents.close()

    compiled = Persona.compile
    monkeypatch.setattr(Persona, "compile", noted)
    asyncio.run(run())
    assert threads == ["patterns_0"]


def test_the_event_loop_never_waits_for_the_disk_of_a_persona_that_is_prepared(
    agents: PersonaAgentFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = set[str]()

    def noted(path: Path, **given: Any) -> os.stat_result:
        threads.add(threading.current_thread().name)
        return stat(path, **given)

    async def run() -> None:
        for _ in range(2):
            await agents.prepare(ConnectRequest("bo-1"))
            agents.agent(ConnectRequest("bo-1"), {})
            agents.voice(ConnectRequest("bo-1"))
            agents.is_lasting(ConnectRequest("bo-1"))
            with pytest.raises(RefusalError):
                await agents.prepare(ConnectRequest("nobody"))
        await agents.close()

    stat = Path.stat
    monkeypatch.setattr(Path, "stat", noted)
    asyncio.run(run())
    assert threads == {"personas_0"}


def test_an_edited_persona_counts_from_the_next_talk_on(
    agents: PersonaAgentFactory, tmp_path: Path
) -> None:
    clock = iter([0.0, LOOK_SECONDS / 2, LOOK_SECONDS, LOOK_SECONDS])
    agents = PersonaAgentFactory([tmp_path / "assets"], lambda: Random(1), now=lambda: next(clock))

    async def run() -> list[str]:
        told, path = list[str](), tmp_path / "assets" / "personas" / "bo-1.toml"
        for variant in ("m3", "too soon", "f2"):
            path.write_text(BO.replace('"m3"', f'"{variant}"'))
            await agents.prepare(ConnectRequest("bo-1"))
            voice = agents.voice(ConnectRequest("bo-1"))
            assert voice is not None
            told.append(voice.variant)
        await agents.close()
        return told

    assert asyncio.run(run()) == ["m3", "m3", "f2"]


def test_a_persona_that_is_none_is_refused_again_without_another_look(tmp_path: Path) -> None:
    agents = PersonaAgentFactory([tmp_path], lambda: Random(1), now=lambda: 0.0)

    async def run() -> None:
        for _ in range(2):
            with pytest.raises(RefusalError) as caught:
                await agents.prepare(ConnectRequest("bo-1"))
            assert caught.value.status == 404
            (tmp_path / "personas").mkdir(exist_ok=True)
            (tmp_path / "personas" / "bo-1.toml").write_text(BO)
        await agents.close()

    asyncio.run(run())


def test_of_many_names_for_a_persona_few_are_kept(agents: PersonaAgentFactory) -> None:
    async def run() -> None:
        for number in range(MOST_PREPARED + 5):
            name = f"personas/{'./' * number}bo-1.toml"
            await agents.prepare(ConnectRequest("x", persona=name))
        await agents.close()

    asyncio.run(run())
    assert len(agents._prepared) == MOST_PREPARED


def test_who_has_no_file_is_not_found(agents: PersonaAgentFactory) -> None:
    assert refused(agents, ConnectRequest("nobody")) == 404
    assert refused(agents, ConnectRequest("x", persona="personas/nobody.toml")) == 404


@pytest.mark.parametrize(
    "path", ["../outside.toml", "/etc/passwd", "personas/../../outside.toml", "personas", "x.txt"]
)
def test_nothing_outside_the_assets_is_read(agents: PersonaAgentFactory, path: str) -> None:
    assert refused(agents, ConnectRequest("x", persona=path)) == 422


@pytest.mark.parametrize("character_id", ["../../outside", "/etc/passwd", "..", "../personas/bo-1"])
def test_an_id_is_no_path(agents: PersonaAgentFactory, character_id: str) -> None:
    with pytest.raises(RefusalError):
        agents.agent(ConnectRequest(character_id), {})


def test_a_broken_persona_is_refused_with_its_mistakes(agents: PersonaAgentFactory) -> None:
    with pytest.raises(RefusalError) as caught:
        agents.agent(ConnectRequest("broken"), {})
    assert caught.value.status == 422
    assert "broken.toml:1" in str(caught.value.detail)
