"""Who hears what, over many connections on virtual time, with the real voice input and sessions."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from characters.audio.signal import Samples
from characters.audio.sources import FRAME_SECONDS, FrameSink
from characters.client.voice_input import VoiceInput
from characters.protocol.turn_settings import ListeningMode, TurnSettings
from characters.session.events import ConnectRequested
from characters.session.policy import ReconnectPolicy
from tests.characters.client.fake_service import FakeConnection
from tests.characters.client.stage import Actor, Stage

CONNECTIONS = [100, pytest.param(1_000, marks=pytest.mark.slow)]
DELAYS = (0.0, 0.1, 0.5, 1.3)


def sound_for(name: int, *, speaks: bool) -> Samples:
    """Return a frame whose first sample tells for whom it is."""
    sound = np.full(320, 6_000 if speaks else 0, np.int16)
    sound[0] = name
    return sound


class Pushed:
    """A microphone that hears what it is told."""

    device, problem = "pushed", None

    def __init__(self) -> None:
        self.sink: FrameSink | None = None

    def choose(self, device: str | None) -> None: ...

    def start(self, sink: FrameSink) -> None:
        self.sink = sink

    def stop(self) -> None:
        self.sink = None


class Crowd:
    """Four characters, each with a delay of its own, and a player who does things by chance."""

    def __init__(self, stage: Stage, seed: int, pre_roll: float = 0.0) -> None:
        self.stage = stage
        self.chance = Random(seed)
        self.actors = {f"person-{n}": self._actor(n) for n in range(len(DELAYS))}
        self.source = Pushed()
        self.ears = VoiceInput(lambda: self.source, stage.loop.time)
        self.ears.set_turns(TurnSettings(mode=ListeningMode.HANDS_FREE, pre_roll_seconds=pre_roll))
        self.ears.allow()
        self.targets = {key: actor.conversation for key, actor in self.actors.items()}
        self.muted_at: float | None = None
        self.frames = self.early = self.while_muted = self.to_another = 0
        self.opened_late: list[float] = []

    def _actor(self, number: int) -> Actor:
        policy = ReconnectPolicy(
            auto_mic_start_delay_seconds=DELAYS[number], max_reconnect_attempts=None
        )
        actor = self.stage.actor(f"person-{number}", policy=policy)
        self.stage.do(actor.runner.feed, ConnectRequested())
        return actor

    def act(self) -> None:
        """Do something, and hear for a while."""
        match self.chance.randrange(6):
            case 0:
                self._mute(self.muted_at is None)
            case 1 | 2:
                self.ears.set_target(self.chance.choice(list(self.actors)))
            case 3 | 4:
                live = self.stage.service.live
                if live:
                    self.chance.choice(live).drop()
            case 5:
                self.stage.service.ready_seconds = self.chance.random() * 0.2
        speaks = self.chance.random() < 0.6
        for _ in range(self.chance.randrange(1, 25)):
            self._hear(speaks=speaks)

    def _mute(self, muted: bool) -> None:
        self.ears.set_muted(muted)
        self.muted_at = self.stage.loop.time() if muted else None

    def _hear(self, *, speaks: bool) -> None:
        self.stage.run_for(FRAME_SECONDS)
        self.ears.step(self.targets.get)  # the wishes, before anything is heard
        before = {id(it): len(it.audio) for it in self.stage.service.live}
        # What is said carries the name of whoever it is said to.
        target = self.ears.status.target
        name = 0 if target is None else 1 + list(self.actors).index(target)
        if self.source.sink is not None:
            self.source.sink(sound_for(name, speaks=speaks), self.stage.loop.time())
        self.ears.step(self.targets.get)
        for connection in self.stage.service.live:
            for pcm, _ in connection.audio[before[id(connection)] :]:
                self._check(connection, int(np.frombuffer(pcm, np.int16)[0]))

    def _check(self, connection: FakeConnection, name: int) -> None:
        ready_at = connection.ready_at
        owner = connection.request.character_id
        begins = self.stage.loop.time() - FRAME_SECONDS
        policy = self.actors[owner].session.machine.policy
        opens = (ready_at or 1e9) + policy.auto_mic_start_delay_seconds
        self.frames += 1
        self.early += begins < opens - 1e-6
        self.while_muted += self.muted_at is not None
        self.to_another += list(self.actors).index(owner) + 1 != name
        if len(connection.audio) == 1:
            self.opened_late.append(begins - opens)


@pytest.mark.parametrize("connections", CONNECTIONS)
def test_of_many_connections_none_hears_early_muted_or_what_is_for_another(
    connections: int,
) -> None:
    with Stage() as stage:
        crowd = Crowd(stage, 16)
        while len(stage.service.connections) < connections:
            crowd.act()
        assert crowd.frames > 5 * connections and len(crowd.opened_late) > connections // 10
        assert (crowd.early, crowd.while_muted, crowd.to_another) == (0, 0, 0)
        assert min(crowd.opened_late) < FRAME_SECONDS


@pytest.mark.parametrize("connections", CONNECTIONS)
def test_words_kept_for_one_who_gets_ready_reach_him_and_no_other(connections: int) -> None:
    with Stage() as stage:
        crowd = Crowd(stage, 17, pre_roll=2.0)
        while len(stage.service.connections) < connections // 4:
            crowd.act()
        assert crowd.early > 0  # they were said before the opening
        assert (crowd.while_muted, crowd.to_another) == (0, 0)
