"""The books notice what they are for: here somebody takes something out of the world."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.simulation.client import Client
from tests.simulation.promise import BrokenPromise
from tests.simulation.room import SimulatedRoom
from tests.simulation.runner import SimulationRun


@pytest.fixture
def calm() -> SimulationRun:
    weather = SimulationRun(seed=1, clients=1)
    weather.run(hours=0.5)
    return weather


def chamber_of(client: Client) -> SimulatedRoom:
    assert client.attempts.wire is not None and client.attempts.wire.live_room is not None
    return client.attempts.wire.live_room


def lose_a_line(client: Client) -> None:
    session = chamber_of(client).room.session
    client.service.store.kept[session.session_id].lines.pop()


def lose_an_answer(client: Client) -> None:
    session = chamber_of(client).room.session
    line = next(iter(client.service.store.kept[session.session_id].decided))
    client.service.store.kept[session.session_id].settled.clear()
    client.service.had[client.name, session.session_id].discard(line)


def lose_a_message_of_the_service(client: Client) -> None:
    chamber_of(client).link.number({})


def lose_a_message_of_the_client(client: Client) -> None:
    client.words.link.number({})


@pytest.mark.parametrize(
    ("theft", "sentence"),
    [
        (lose_a_line, "not in the transcript"),
        (lose_an_answer, "An answer never reached the player"),
        (lose_a_message_of_the_service, "A message of the service never arrived"),
        (lose_a_message_of_the_client, "A message of the client never arrived"),
    ],
)
def test_what_is_lost_is_noticed(
    calm: SimulationRun, theft: Callable[[Client], None], sentence: str
) -> None:
    (client,) = calm.clients
    client.words.check()
    theft(client)
    with pytest.raises(BrokenPromise, match=sentence):
        client.words.check()
