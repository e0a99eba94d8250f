"""The real game with eight characters in two levels, without a window, for a long run."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from characters.audio.sources import ScriptSource
from characters.client.handle import SessionHandle
from characters.components.character import Character, LevelPolicy
from characters.components.manager import CharacterManager
from characters.components.parts import make_parts
from characters.components.player import Player
from characters.protocol.messages import VadSttStarted, VadSttStopped
from characters.protocol.turn_settings import ListeningMode, TurnSettings
from characters.session.conversation import DialogueState, SessionState
from characters.session.policy import ReconnectPolicy
from engine.app.application import Application
from engine.objects.scene import Scene
from tests.soak.vitals import Sample, body_of, children_of, is_kept, tidy

__all__ = ["LEVELS", "TrackedSession", "SoakHarness"]

ASSETS = Path(__file__).resolve().parents[2] / "assets"
LEVELS = ("north", "south")
PERSONAS = ("nurse-21c4", "patient-7f3a", "porter-3e8f", "kiosk-90ab", "examiner-5d2e")
LEVEL_POLICIES = (LevelPolicy.CARRY, LevelPolicy.SUSPEND, LevelPolicy.CARRY, LevelPolicy.DROP)
PEOPLE = 8
# The service thinks for longer than this: what comes sooner is the end of a greeting.
THOUGHT_SECONDS = 0.2


class TrackedSession:
    """A session and how often it emitted each kind of event."""

    def __init__(self, handle: SessionHandle) -> None:
        self.handle = handle
        self.begun = 0  # utterances that began here
        self.heard = 0  # ... and that came to their end, understood or honestly not
        self.told: Counter[str] = Counter()
        handle.events.subscribe(self._note)

    @property
    def key(self) -> str:
        return self.handle.key

    @property
    def state(self) -> SessionState:
        return self.handle.view.state

    @property
    def is_listening(self) -> bool:
        return self.handle.view.dialogue is DialogueState.LISTENING

    def _note(self, event: object) -> None:
        self.told[type(event).__name__] += 1
        self.begun += isinstance(event, VadSttStarted)
        self.heard += isinstance(event, VadSttStopped)

    def is_answered(self, since: float) -> bool:
        """Tell whether the last line that the player said after then got an answer."""
        turns = self.handle.view.transcript[-8:]
        said = [turn.t for turn in turns if turn.speaker == "player" and turn.t >= since]
        return bool(said) and any(
            turn.speaker == "character" and turn.final and turn.t >= said[-1] + THOUGHT_SECONDS
            for turn in turns
        )


class SoakHarness:
    """Runtime, service process, scenes and the player's microphone; use it in a `with`."""

    def __init__(self, folder: Path) -> None:
        self.app = Application(data_dir=folder, headless=True, open_scene=self._open)
        self.microphone = ScriptSource(now=self.app.clock.now)
        self.generation = 1
        self._began = self.app.clock.now()

    def __enter__(self) -> Self:
        app = self.app
        self.parts = make_parts(
            app.persistent_data_path,
            ASSETS,
            app.prefs,
            clock=app.clock,
            dispatcher=app.dispatcher,
            microphone=lambda: self.microphone,
            sound=False,
        )
        self.ears = self.parts.runtime.voice_input
        self.faults = self.parts.faults
        app.provide(self.parts.runtime)
        self.enter(LEVELS[0])
        self.sessions = [TrackedSession(handle) for handle in self.parts.runtime.sessions.values()]
        self.ears.allow()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.app.scenes.close()
        self.parts.close()
        self.app.close()

    @property
    def seconds(self) -> float:
        """How long it has run."""
        return self.app.clock.now() - self._began

    def enter(self, level: str) -> None:
        """Go to a level; the characters keep or leave their sessions, each by its policy."""
        load = self.app.scenes.load(level)
        self.wait_for(lambda: load.scene is not None and load.scene.time.frame > 1, 10.0)

    def wait_for(self, condition: Callable[[], bool], within: float) -> bool:
        """Run frames until the condition holds; return whether it did in time."""
        until = self.app.clock.now() + within
        held = False

        def is_over() -> bool:
            nonlocal held
            held = condition()
            return held or self.app.clock.now() >= until

        self.app.run(is_over)
        return held

    def turn_to(self, session: TrackedSession) -> None:
        """Let the player's voice go to a session."""
        scene = self.app.scenes.active
        manager = scene.find_component(CharacterManager) if scene else None
        if manager is not None:
            manager.talk_to(next(c for c in manager.characters if c.key == session.key))

    def sample(self) -> Sample:
        """Measure both processes; call it when nothing goes on."""
        tidy()
        pid = self.parts.runtime.service.pid if self.parts.runtime.service else None
        assert pid is not None  # somebody is connected, so it runs
        counting: Any = self.parts.runtime.network.submit(_count_tasks())
        models = list(filter(is_kept, children_of(pid)))
        service, tasks = body_of(pid, *models), counting.result(5.0)
        game, lives = body_of(os.getpid()), self.generation
        return Sample(self.seconds, game, service, tasks, lives, len(models))

    def is_silent(self) -> bool:
        """Tell whether nobody is to be heard, and nobody makes anything to be heard."""
        voice = self.parts.runtime.voice
        return not any(voice.is_playing(it.key) for it in self.sessions) and not self._is_busy()

    def _is_busy(self) -> bool:
        """Tell whether the service has child processes that speak a sentence and end with it."""
        pid = self.parts.runtime.service.pid if self.parts.runtime.service else None
        return pid is not None and any(not is_kept(child) for child in children_of(pid))

    def _open(self, name: str) -> Scene:
        scene = self.app.new_scene(name)
        scene.add(CharacterManager(turns=TurnSettings(mode=ListeningMode.HANDS_FREE)))
        scene.create("You", position=(480, 300)).add(Player(name="Vera"))
        for number in range(PEOPLE):
            policy = ReconnectPolicy.DEFAULT if number == PEOPLE - 1 else ReconnectPolicy.PATIENT
            scene.create(f"Person {number}", position=(410 + 20 * number, 250)).add(
                Character(
                    f"villager-{number}",
                    persona=f"personas/{PERSONAS[number % len(PERSONAS)]}.toml",
                    reconnect_policy=policy,
                    level_policy=LEVEL_POLICIES[number % len(LEVEL_POLICIES)],
                )
            )
        return scene


async def _count_tasks() -> int:
    # Without the one that counts.
    return len(asyncio.all_tasks()) - 1
