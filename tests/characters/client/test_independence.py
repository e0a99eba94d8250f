"""What happens to one character never shows in another: all pairs of faults, on virtual time."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any

import pytest

from characters.protocol.messages import BotLlmText
from characters.protocol.network_conditions import NetworkConditions
from characters.session.conversation import SessionState
from characters.session.events import ConnectRequested, DisconnectRequested, ForgetRequested
from characters.session.policy import Persist, ReconnectPolicy, ResumePolicy
from tests.characters.client.fake_service import FakeService
from tests.characters.client.stage import Actor, Stage

PCM = bytes(640)

CAST: dict[str, dict[str, Any]] = {
    "patient": {"policy": ReconnectPolicy(room_rejoin_ttl_seconds=120, max_reconnect_attempts=5)},
    "kiosk": {"policy": ReconnectPolicy.ALWAYS_CREATE_NEW},
    "examiner": {"policy": ReconnectPolicy(resume_policy=ResumePolicy.ALWAYS_RESUME)},
    "porter": {"policy": ReconnectPolicy.PATIENT, "persist": Persist.UNTIL_DISCONNECT},
}

Fault = Callable[[Stage, Actor, FakeService], object]


def fail_handler(stage: Stage, actor: Actor, service: FakeService) -> None:
    """The game's own handler of this session raises from now on."""

    def fail(event: object) -> None:
        raise RuntimeError("a handler of the game")

    actor.session.events.subscribe(fail)
    service.last.tell(BotLlmText("boom"))


def flood(stage: Stage, actor: Actor, service: FakeService) -> None:
    for number in range(500):
        actor.conversation.send_text(str(number))
        service.last.tell(BotLlmText("word "))


def overflow(stage: Stage, actor: Actor, service: FakeService) -> None:
    service.last.overflows = True
    actor.conversation.send_text("too much")


def expire(stage: Stage, actor: Actor, service: FakeService) -> None:
    service.refuse("connection.room_gone")
    service.refuse("session.expired")
    service.last.drop()


def refuse_key(stage: Stage, actor: Actor, service: FakeService) -> None:
    service.refuse("connection.invalid_api_key")
    service.last.drop()


def slow_down(stage: Stage, actor: Actor, service: FakeService) -> None:
    service.connect_seconds = service.join_seconds = 100.0
    service.last.drop()


def never_ready(stage: Stage, actor: Actor, service: FakeService) -> None:
    service.ready_seconds = None
    service.last.drop()


def go_silent(stage: Stage, actor: Actor, service: FakeService) -> None:
    service.is_silent = True


HOLE = NetworkConditions(is_black_hole=True)
FAULTS: dict[str, Fault] = {
    "drop": lambda stage, actor, service: service.last.drop(),
    "kill": lambda stage, actor, service: service.kill(),
    "silence": go_silent,
    "idle time-out": lambda stage, actor, service: service.end("idle-timeout"),
    "drain": lambda stage, actor, service: service.end("drain", 3.0),
    "taken over": lambda stage, actor, service: service.end("taken-over"),
    "expired": expire,
    "wrong key": refuse_key,
    "slow server": slow_down,
    "never ready": never_ready,
    "nonsense": lambda stage, actor, service: service.last.tell(object()),  # type: ignore[arg-type] # meant
    "overflow": overflow,
    "flood": flood,
    "handler fails": fail_handler,
    "black hole": lambda stage, actor, service: actor.runner.simulated_link.set(HOLE),
    "disconnect": lambda stage, actor, service: actor.runner.feed(DisconnectRequested()),
    "forget": lambda stage, actor, service: actor.runner.feed(ForgetRequested()),
}


def play(victim: str | None, *faults: str) -> dict[str, list[str]]:
    """Play the scene; return what each character told, with the times."""
    with Stage() as stage:
        actors = {name: stage.actor(name, **config) for name, config in CAST.items()}
        for name, actor in actors.items():
            stage.services[name] = FakeService(stage.loop.time)
            stage.do(actor.runner.feed, ConnectRequested())
        stage.until(lambda: all(a.state is SessionState.CONNECTED for a in actors.values()))
        for fault in faults if victim else ():
            service = stage.services[victim or ""]
            if service.connections:
                stage.do(FAULTS[fault], stage, actors[victim or ""], service)
            stage.run_for(1.0)
        _talk(stage, actors, victim)
        return {name: told_by(actor) for name, actor in actors.items()}


def told_by(actor: Actor) -> list[str]:
    """Everything with a time that a character told, and what is to be seen of it in the end."""
    told = [event for event in actor.events if hasattr(event, "t")]
    view = actor.session.view
    # The loop adds up its jumps, so that the last digits depend on who else slept.
    return [
        re.sub(r"\d+\.\d+", lambda digits: f"{float(digits[0]):.3f}", str(item))
        for item in (*told, *view.transcript, view.microphone)
    ]


def _talk(stage: Stage, actors: dict[str, Actor], victim: str | None) -> None:
    """Let everybody else say, hear, lose and find again something."""
    stage.loop.run_until_complete(_sleep_until(stage, 1010.0))
    for name, actor in actors.items():
        if name != victim:
            actor.conversation.send_text("Hello")
            actor.conversation.offer_audio(PCM, stage.loop.time())
            stage.services[name].last.tell(BotLlmText("Good day."))
    stage.run_for(1.0)
    for name in actors:
        if name != victim:
            stage.services[name].last.drop()
    stage.run_for(30.0)


async def _sleep_until(stage: Stage, when: float) -> None:
    await asyncio.sleep(when - stage.loop.time())


@pytest.fixture(scope="module")
def undisturbed() -> dict[str, list[str]]:
    return play(None)


def others(told: dict[str, list[str]], victim: str) -> dict[str, list[str]]:
    return {name: log for name, log in told.items() if name != victim}


@pytest.mark.parametrize("victim", CAST)
def test_without_a_fault_every_run_is_the_same(
    victim: str, undisturbed: dict[str, list[str]]
) -> None:
    assert others(play(victim), victim) == others(undisturbed, victim)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_character_shows_in_no_other(
    fault: str, undisturbed: dict[str, list[str]]
) -> None:
    victim = list(CAST)[list(FAULTS).index(fault) % len(CAST)]
    assert others(play(victim, fault), victim) == others(undisturbed, victim)


@pytest.mark.slow
@pytest.mark.parametrize("second", FAULTS)
@pytest.mark.parametrize("first", FAULTS)
def test_two_faults_of_a_character_show_in_no_other(
    first: str, second: str, undisturbed: dict[str, list[str]]
) -> None:
    # The victim turns with the pair of faults, so that each character is it for each fault.
    victim = list(CAST)[(list(FAULTS).index(first) + list(FAULTS).index(second)) % len(CAST)]
    assert others(play(victim, first, second), victim) == others(undisturbed, victim)
