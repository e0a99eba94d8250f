from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncGenerator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from characters.agents.agent import Part, PlayerSaid, Prompt, Say
from characters.protocol.messages import ConnectRequest, RespondMode
from characters.service.pace import TimingConfig
from characters.service.registry import (
    ConflictError,
    Grant,
    Limits,
    RefusalError,
    Registry,
    ServiceSession,
    SpeakingQueue,
    SpeakingQueues,
)
from characters.service.service import ServiceSettings
from tests.characters.service.client import Bare, Guest, serve, words_in
from tests.characters.service.fakes import AgentsOf, ForgetfulAgent

ASK = ConnectRequest("nurse", end_user_id="me", room_rejoin_ttl_seconds=60.0)
DAY = 86400.0


def make(limits: Limits | None = None) -> Registry:
    ids = (f"id{number}" for number in itertools.count())
    return Registry(lambda: next(ids), limits or Limits())


def enter(registry: Registry, ask: ConnectRequest = ASK, now: float = 0.0) -> Grant:
    grant = registry.connect(ask, now)
    registry.enter(grant.room.name, grant.token, now)
    return grant


def resuming(grant: Grant) -> ConnectRequest:
    return replace(ASK, character_session_id=grant.room.session.session_id)


def rejoining(grant: Grant, live_id: str | None = None) -> ConnectRequest:
    return replace(resuming(grant), mode="join", room_name=grant.room.name, live_id=live_id)


def refused(registry: Registry, ask: ConnectRequest, now: float) -> tuple[int, object]:
    with pytest.raises(RefusalError) as caught:
        registry.connect(ask, now)
    return caught.value.status, caught.value.detail


def test_rooms_that_nobody_enters_keep_nobody_out() -> None:
    registry = make(Limits(max_rooms=3))
    guests = [registry.connect(replace(ASK, room_rejoin_ttl_seconds=3600.0), 0.0) for _ in "abc"]
    assert refused(registry, ASK, 1.0)[0] == 429  # somebody may be on the way in
    newcomer = registry.connect(ASK, 4.0)
    assert newcomer.closed == (guests[0].room,)
    assert len(registry.rooms) == 3


def test_a_flood_of_rooms_that_nobody_enters_makes_way_at_once() -> None:
    registry = make(Limits(max_rooms=6, max_unentered=3))
    inside = [enter(registry), enter(registry)]
    flood = [registry.connect(ASK, 0.1 * number) for number in range(4)]
    newcomer = registry.connect(ASK, 0.5)
    assert newcomer.closed == (flood[0].room,)
    assert all(it.room in registry.rooms for it in inside)
    entered = enter(registry, now=0.6)
    assert entered.closed == (flood[1].room,)
    assert refused(registry, ASK, 0.7)[0] == 429  # three: somebody may be on the way in


def test_one_player_is_not_in_all_rooms() -> None:
    limits = Limits(max_rooms=200)
    registry, most = make(limits), limits.of_one_player
    mine = [enter(registry) for _ in range(most)]
    assert most == 100 and refused(registry, ASK, 1.0)[0] == 429
    assert enter(registry, replace(ASK, end_user_id="another"))
    assert enter(registry, replace(ASK, end_user_id=None))
    registry.leave(mine[3].room, mine[3].live_id, 2.0)
    assert enter(registry, now=3.0).closed == (mine[3].room,)  # what he left makes way for himself
    registry.leave(mine[5].room, mine[5].live_id, 4.0)
    assert enter(registry, resuming(mine[5]), 5.0).closed == (mine[5].room,)


def test_from_one_address_strangers_are_not_in_all_rooms() -> None:
    registry = make(Limits(max_rooms=200, max_unentered=0))
    stranger = replace(ASK, end_user_id=None)
    flood = [registry.connect(stranger, 0.0, address="there") for _ in range(150)]
    inside = [registry.connect(stranger, 0.1, address="there") for _ in range(100)]
    for it in inside:
        registry.enter(it.room.name, it.token, 0.2)
    with pytest.raises(RefusalError, match="of one address"):
        registry.connect(stranger, 0.3, address="there")
    assert registry.connect(stranger, 0.3, address="elsewhere").closed == (flood[50].room,)
    registry.leave(inside[0].room, inside[0].live_id, 0.4)
    assert registry.connect(stranger, 0.5, address="there")


def test_of_a_player_with_many_rooms_the_one_he_is_about_to_enter_stays() -> None:
    registry = make(Limits(max_rooms=200))
    mine = [enter(registry) for _ in range(99)]
    coming = registry.connect(ASK, 1.0)
    assert refused(registry, ASK, 1.1)[0] == 429
    registry.leave(mine[7].room, mine[7].live_id, 2.0)
    assert registry.connect(ASK, 2.1).closed == (mine[7].room,)
    assert registry.enter(coming.room.name, coming.token, 2.2)[0] is coming.room


def test_a_level_full_of_characters_is_no_flood_of_its_player() -> None:
    registry = make(Limits(max_rooms=64))
    for _ in range(64):
        enter(registry)
    assert len(registry.rooms) == 64


def test_whoever_is_inside_stays_and_the_longest_empty_room_makes_way() -> None:
    registry = make(Limits(max_rooms=3))
    inside, first, second = (enter(registry) for _ in "abc")
    registry.leave(second.room, second.live_id, 5.0)
    registry.leave(first.room, first.live_id, 6.0)
    assert registry.connect(ASK, 7.0).closed == (second.room,)
    assert inside.room in registry.rooms


def test_a_room_that_nobody_entered_is_kept_for_its_token_alone() -> None:
    registry = make()
    grant = registry.connect(replace(ASK, room_rejoin_ttl_seconds=3600.0), 0.0)
    assert registry.expire(14.0).rooms == ()
    assert registry.expire(16.0).rooms == (grant.room,)


def test_sessions_that_were_never_entered_make_way_first() -> None:
    registry = make(Limits(max_sessions=2, default_room_ttl=0.0))
    talked = enter(registry, replace(ASK, room_rejoin_ttl_seconds=0.0))
    registry.leave(talked.room, talked.live_id, 1.0)
    for at in (2.0, 3.0):
        registry.connect(ASK, at)
    ended = [
        s.session_id for s in (*registry.expire(30.0).sessions, *registry.expire(30.0).sessions)
    ]
    assert len(ended) == 1
    assert talked.room.session.session_id not in ended


def test_a_new_session_starts_fresh() -> None:
    grant = make().connect(ASK, 0.0)
    assert (grant.is_new, grant.room.resumed, grant.room.last_seen_seconds) == (True, "fresh", None)


def test_a_known_session_is_resumed_in_a_new_room_and_knows_how_long_it_was() -> None:
    registry = make()
    first = enter(registry)
    registry.leave(first.room, first.live_id, 10.0)
    second = registry.connect(resuming(first), 25.0)
    assert second.room is not first.room
    assert (second.room.resumed, second.room.last_seen_seconds) == ("resumed", 15.0)
    assert second.closed == (first.room,)


def test_a_room_is_not_rejoined_by_who_asks_for_another_persona() -> None:
    registry = make()
    first = enter(registry)
    registry.leave(first.room, first.live_id, 10.0)
    other = replace(rejoining(first), persona="personas/other.toml")
    assert refused(registry, other, 11.0) == (404, "room not found")
    assert registry.connect(rejoining(first), 11.0).room is first.room


def test_a_room_is_rejoined_within_its_time_and_not_after() -> None:
    for late, granted in ((-0.1, True), (0.1, False)):
        registry = make()
        first = enter(registry)
        registry.leave(first.room, first.live_id, 10.0)
        if granted:
            assert not registry.connect(rejoining(first), 70.0 + late).is_new
        else:
            assert refused(registry, rejoining(first), 70.0 + late) == (404, "room not found")


def test_a_room_lives_as_long_as_somebody_is_inside() -> None:
    registry = make()
    grant = enter(registry)
    assert registry.expire(10_000.0).rooms == ()
    registry.leave(grant.room, grant.live_id, 10_000.0)
    assert registry.expire(10_061.0).rooms == (grant.room,)


def test_a_room_with_no_time_to_live_ends_with_its_last_participant() -> None:
    registry = make()
    ask = replace(ASK, room_rejoin_ttl_seconds=0.0)
    grant = enter(registry, ask)
    registry.leave(grant.room, grant.live_id, 5.0)
    assert refused(registry, rejoining(grant), 5.0) == (404, "room not found")


def test_a_token_opens_one_connection_and_only_in_its_room() -> None:
    registry = make()
    one, other = registry.connect(ASK, 0.0), registry.connect(ASK, 0.0)
    with pytest.raises(RefusalError, match="token"):
        registry.enter(one.room.name, other.token, 1.0)
    registry.enter(one.room.name, one.token, 1.0)
    with pytest.raises(RefusalError, match="token"):
        registry.enter(one.room.name, one.token, 1.0)


def test_a_token_is_good_for_a_short_time() -> None:
    registry = make(Limits(token_ttl=15.0))
    grant = registry.connect(ASK, 0.0)
    with pytest.raises(RefusalError):
        registry.enter(grant.room.name, grant.token, 15.0)


def test_an_unknown_session_is_not_found() -> None:
    assert refused(make(), replace(ASK, character_session_id="x"), 0.0) == (
        404,
        "session not found",
    )


@pytest.mark.parametrize(
    "stranger", [{"character_id": "porter"}, {"end_user_id": "you"}, {"end_user_id": None}]
)
def test_a_session_of_another_player_or_character_is_not_found_either(
    stranger: dict[str, str | None],
) -> None:
    registry = make()
    grant = enter(registry)
    registry.leave(grant.room, grant.live_id, 1.0)
    for ask in (resuming(grant), rejoining(grant)):
        status, _ = refused(registry, replace(ask, **stranger), 2.0)  # type: ignore[arg-type]  # str fields only
        assert status == 404


def nameless(grant: Grant, live_id: str | None) -> ConnectRequest:
    """Ask for a room again without the session's id, as ALWAYS_FRESH does."""
    return replace(rejoining(grant, live_id), character_session_id=None)


def test_a_connection_proves_its_room_without_the_session_id() -> None:
    registry = make()
    first = enter(registry)
    registry.leave(first.room, first.live_id, 10.0)
    again = registry.connect(nameless(first, first.live_id), 11.0)
    assert (again.room, again.is_new) == (first.room, False)
    # That grant was never used: it proves as much as the connection before it.
    for proof in (again.live_id, first.live_id):
        assert registry.connect(nameless(first, proof), 12.0).room is first.room


@pytest.mark.parametrize("live_id", [None, "", "a guess"])
def test_without_the_session_id_a_wrong_or_no_connection_proves_nothing(
    live_id: str | None,
) -> None:
    registry = make()
    first, other = enter(registry), enter(registry)
    registry.leave(first.room, first.live_id, 10.0)
    for proof in (live_id, other.live_id):
        assert refused(registry, nameless(first, proof), 11.0) == (404, "room not found")


@pytest.mark.parametrize("stranger", [{"character_id": "porter"}, {"end_user_id": "you"}])
def test_a_connection_proves_nothing_to_another_player_or_character(
    stranger: dict[str, str],
) -> None:
    registry = make()
    first = enter(registry)
    ask = replace(nameless(first, first.live_id), **stranger)  # type: ignore[arg-type]  # str fields only
    assert refused(registry, ask, 1.0) == (404, "room not found")


def test_a_wrong_session_id_is_not_made_good_by_the_connection() -> None:
    registry = make()
    first = enter(registry)
    ask = replace(rejoining(first, first.live_id), character_session_id="another")
    assert refused(registry, ask, 1.0) == (404, "room not found")


def test_a_session_expires_when_it_was_not_used() -> None:
    registry = make(Limits(session_ttl=30 * DAY))
    grant = enter(registry)
    registry.leave(grant.room, grant.live_id, 0.0)
    assert registry.expire(29 * DAY).sessions == ()
    assert registry.connect(resuming(grant), 29 * DAY).room.resumed == "resumed"
    assert registry.expire(60 * DAY).rooms
    assert refused(registry, resuming(grant), 61 * DAY) == (404, "session expired")


def test_a_live_session_never_expires() -> None:
    registry = make(Limits(session_ttl=10.0))
    grant = enter(registry)
    assert registry.expire(1000.0).sessions == ()
    assert registry.session(grant.room.session.session_id) is not None


def test_an_expired_session_is_refused_before_anybody_swept() -> None:
    registry = make(Limits(session_ttl=10.0))
    registry.restore([ServiceSession("old", "nurse", "me", used_at=-11.0)])
    assert refused(registry, replace(ASK, character_session_id="old"), 0.0)[1] == "session expired"


def test_a_live_session_stands_in_the_way_of_a_second_player() -> None:
    registry = make()
    grant = enter(registry)
    for ask in (resuming(grant), rejoining(grant)):
        with pytest.raises(ConflictError) as caught:
            registry.connect(ask, 0.5)
        assert caught.value.room is grant.room


@pytest.mark.parametrize("way", ["live_id", "takeover", "dead", "silent"])
def test_there_are_four_ways_past_a_live_connection(way: str) -> None:
    registry = make(Limits(silent_after=1.4))
    grant = enter(registry)
    ask = rejoining(grant, grant.live_id if way == "live_id" else None)
    ask = replace(ask, takeover=True) if way == "takeover" else ask
    now = 1.5 if way == "silent" else 0.5
    again = registry.connect(ask, now, dead=grant.live_id if way == "dead" else None)
    assert again.room is grant.room


def test_leaving_after_having_been_replaced_changes_nothing() -> None:
    registry = make()
    grant = enter(registry)
    again = registry.connect(rejoining(grant, grant.live_id), 1.0)
    registry.enter(again.room.name, again.token, 1.0)
    registry.leave(grant.room, grant.live_id, 2.0)
    assert grant.room.live_id == again.live_id


def test_a_removed_session_talks_on_but_cannot_come_back() -> None:
    registry = make()
    grant = enter(registry)
    assert registry.remove(grant.room.session.session_id)
    assert registry.room(grant.room.name) is grant.room
    assert refused(registry, rejoining(grant, grant.live_id), 1.0) == (404, "room not found")
    assert refused(registry, resuming(grant), 1.0) == (404, "session expired")


def test_forgetting_a_player_ends_all_his_sessions_and_no_others() -> None:
    registry = make()
    mine, other = enter(registry), enter(registry, replace(ASK, end_user_id="you"))
    sessions, rooms = registry.forget("me")
    assert (sessions, rooms) == ((mine.room.session,), (mine.room,))
    assert registry.room(other.room.name) is other.room


def test_too_many_rooms_are_refused_with_a_time_to_come_back() -> None:
    registry = make(Limits(max_rooms=2))
    enter(registry), enter(registry)
    with pytest.raises(RefusalError) as caught:
        registry.connect(ASK, 0.0)
    assert (caught.value.status, caught.value.retry_after) == (429, 5.0)


def test_too_many_sessions_end_the_ones_that_were_unused_longest() -> None:
    registry = make(Limits(max_sessions=2))
    registry.restore(ServiceSession(f"s{n}", "nurse", None, used_at=float(n)) for n in range(4))
    assert [session.session_id for session in registry.expire(10.0).sessions] == ["s0", "s1"]


def test_of_ended_sessions_no_more_are_known_than_there_may_be() -> None:
    registry = make(Limits(max_sessions=2))
    registry.restore(ServiceSession(f"s{n}", "nurse", None, used_at=float(n)) for n in range(4))
    for number in range(4):
        registry.remove(f"s{number}")

    def answer(session_id: str) -> str:
        with pytest.raises(RefusalError) as refused:
            registry.connect(replace(ASK, character_session_id=session_id), 5.0)
        return str(refused.value.detail)

    expired, unknown = "session expired", "session not found"
    assert [answer(f"s{n}") for n in range(4)] == [unknown, unknown, expired, expired]


def test_a_player_with_many_sessions_costs_nobody_else_one() -> None:
    registry = make(Limits(max_sessions=4))
    players = ["you", *["greedy"] * 5, "me"]
    registry.restore(
        ServiceSession(f"{player}{n}", "nurse", player, used_at=float(n), is_saved=n == 1)
        for n, player in enumerate(players)
    )
    registry.expire(10.0)
    left = {session.session_id for session in registry.sessions}
    assert left == {"you0", "me6", "greedy1", "greedy5"}


def test_the_time_to_live_that_a_client_asks_for_is_bounded() -> None:
    registry = make(Limits(max_room_ttl=100.0))
    assert registry.connect(replace(ASK, room_rejoin_ttl_seconds=1e6), 0.0).room.ttl == 100.0


def test_an_agent_that_was_not_asked_for_comes_with_the_rejoin_that_asks() -> None:
    registry = make()
    grant = enter(registry, replace(ASK, spawn_agent=False))
    assert not grant.room.agent
    registry.leave(grant.room, grant.live_id, 1.0)
    assert registry.connect(rejoining(grant), 2.0).room.agent


def test_an_agent_stays_for_a_moment_in_a_room_without_its_player() -> None:
    registry = make(Limits(agent_linger=10.0))
    for left_for, stays in ((9.9, True), (10.0, False)):
        grant = enter(registry, ASK)
        registry.leave(grant.room, grant.live_id, 1.0)
        back = replace(rejoining(grant), spawn_agent=False)
        assert registry.connect(back, 1.0 + left_for).room.agent is stays
        assert registry.connect(rejoining(grant), 1.0 + left_for).room.agent


class PoliteAgent(ForgetfulAgent):
    """Greets in eight words, and answers in one."""

    async def reply(self, prompt: Prompt, context: Mapping[str, Any]) -> AsyncGenerator[Part, None]:
        yield Say(
            "Yes." if isinstance(prompt, PlayerSaid) else "Good day to you, it is a pleasure."
        )


class SilentGreeting(ForgetfulAgent):
    """Answers, and greets nobody."""

    async def reply(self, prompt: Prompt, context: Mapping[str, Any]) -> AsyncGenerator[Part, None]:
        if isinstance(prompt, PlayerSaid):
            yield Say("Yes, of course.")


MANUAL = dict(RespondMode.MANUAL.lanes)
AUDIBLE = ServiceSettings(timing=TimingConfig(words_per_second=20.0, think_seconds=0.0))


def test_one_begins_and_the_others_wait_for_their_turn() -> None:
    queue, begun = SpeakingQueue(), list[str]()
    for who in ("a", "b", "c"):
        queue.request(who, lambda who=who: begun.append(who))  # type: ignore[misc]  # the default binds the loop's value
    assert begun == ["a"]
    queue.release("a")
    assert begun == ["a", "b"]


def test_who_left_or_had_enough_of_waiting_is_passed_over() -> None:
    queue, begun = SpeakingQueue(), list[str]()
    for who in ("a", "b", "c"):
        queue.request(who, lambda who=who: begun.append(who))  # type: ignore[misc]  # as above
    queue.release("b")
    queue.release("a")
    assert begun == ["a", "c"]
    queue.release("c")
    assert queue.is_free


def test_who_is_done_at_once_passes_the_word_on() -> None:
    queue, begun = SpeakingQueue(), list[str]()

    def greet(who: str) -> None:
        begun.append(who)
        queue.release(who)

    for who in ("a", "b"):
        queue.request(who, lambda who=who: greet(who))  # type: ignore[misc]  # as above
    assert (begun, queue.is_free) == (["a", "b"], True)


def test_each_player_has_a_queue_and_who_has_no_name_has_one_alone() -> None:
    queues = SpeakingQueues()
    queues.of("ada").request("nurse", lambda: None)
    assert not queues.of("ada").is_free
    assert queues.of("bob").is_free
    assert queues.of(None).is_free


async def entered(bare: Bare, guest: Guest) -> None:
    await guest.link("hello", received=0)
    await guest.until("bot-ready")


def test_two_characters_greet_the_same_player_one_after_the_other() -> None:
    async def play(bare: Bare) -> None:
        grants = [await bare.connect(end_user_id="ada") for _ in range(2)]
        async with bare.enter(grants[0]) as first, bare.enter(grants[1]) as second:
            await entered(bare, first)
            await entered(bare, second)
            waits = asyncio.ensure_future(second.until("bot-llm-text"))
            for _ in range(5):
                await first.until("bot-llm-text")
            assert not waits.done()
            assert words_in(await waits) != ""

    serve(play, AUDIBLE, agents=AgentsOf(PoliteAgent))


def test_who_waits_to_greet_does_so_at_once_when_the_player_turns_to_him() -> None:
    async def play(bare: Bare) -> None:
        grants = [await bare.connect(end_user_id="ada") for _ in range(2)]
        async with bare.enter(grants[0]) as first, bare.enter(grants[1]) as second:
            await entered(bare, first)
            await entered(bare, second)
            busy = asyncio.ensure_future(first.until("bot-turn-completed"))
            await second.say("hello", seq=1)
            assert not busy.done()
            greeting = await second.until("bot-turn-completed")
            answer = await second.until("bot-turn-completed")
            assert "pleasure" in words_in(greeting) and "Yes" in words_in(answer)
            await busy

    serve(play, AUDIBLE, agents=AgentsOf(PoliteAgent))


def test_players_do_not_wait_for_each_other() -> None:
    async def play(bare: Bare) -> None:
        grants = [await bare.connect(end_user_id=name) for name in ("ada", "bob")]
        async with bare.enter(grants[0]) as first, bare.enter(grants[1]) as second:
            await entered(bare, first)
            busy = asyncio.ensure_future(first.until("bot-turn-completed"))
            await entered(bare, second)
            await second.until("bot-llm-text")
            assert not busy.done()
            await busy

    serve(play, AUDIBLE, agents=AgentsOf(PoliteAgent))


def test_the_next_one_greets_when_the_first_is_gone() -> None:
    async def play(bare: Bare) -> None:
        grants = [await bare.connect(end_user_id="ada") for _ in range(2)]
        async with bare.enter(grants[1]) as second:
            async with bare.enter(grants[0]) as first:
                await entered(bare, first)
                await entered(bare, second)
                await first.link("bye", reason="disconnect")
            await second.until("bot-turn-completed")

    serve(play, AUDIBLE, agents=AgentsOf(PoliteAgent))


def test_who_is_asked_for_an_answer_to_an_earlier_line_does_not_wait_for_the_greetings(
    tmp_path: Path,
) -> None:
    path, ask = tmp_path / "sessions.sqlite3", {"end_user_id": "ada", "respond_modes": MANUAL}
    sessions = list[str]()

    async def type_it(bare: Bare) -> None:
        async with bare.room(**ask) as (guest, grant):
            sessions.append(grant["character_session_id"])
            await guest.type_line("hello", "m1")
            await guest.until("server-response")

    async def come_back(bare: Bare) -> None:
        grants = [
            await bare.connect(end_user_id="ada"),
            await bare.connect(**ask, character_session_id=sessions[0]),
        ]
        async with bare.enter(grants[0]) as first, bare.enter(grants[1]) as second:
            await entered(bare, first)
            await entered(bare, second)
            await second.ask_to_respond(message_id="m1")
            await second.until("bot-turn-completed")
            assert "Yes" in words_in(await second.until("bot-turn-completed"))

    serve(type_it, agents=AgentsOf(PoliteAgent), path=path)
    serve(come_back, AUDIBLE, agents=AgentsOf(PoliteAgent), path=path)


def test_who_was_cut_in_an_answer_goes_on_without_waiting_for_the_greetings(tmp_path: Path) -> None:
    path, sessions = tmp_path / "sessions.sqlite3", list[str]()

    async def ask(bare: Bare) -> None:
        async with bare.room(end_user_id="ada") as (guest, grant):
            sessions.append(grant["character_session_id"])
            await guest.type_line("hello", "m1")
            await guest.until("server-response")

    async def come_back(bare: Bare) -> None:
        grants = [
            await bare.connect(end_user_id="ada"),
            await bare.connect(end_user_id="ada", character_session_id=sessions[0]),
        ]
        async with bare.enter(grants[0]) as first, bare.enter(grants[1]) as second:
            await entered(bare, first)
            busy = asyncio.ensure_future(first.until("bot-turn-completed"))
            await entered(bare, second)
            await second.until("bot-llm-text")
            assert not busy.done()
            await busy

    serve(
        ask,
        ServiceSettings(timing=TimingConfig(words_per_second=0.5, think_seconds=0.0)),
        agents=AgentsOf(SilentGreeting),
        path=path,
    )
    serve(come_back, AUDIBLE, agents=AgentsOf(PoliteAgent), path=path)
