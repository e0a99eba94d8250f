"""First words that are said while the real service still gets the character ready."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from characters.audio.sources import ScriptSource
from characters.client.runtime import Runtime
from characters.components.character import Character
from characters.components.manager import CharacterManager
from characters.components.parts import make_parts
from characters.components.player import Player
from characters.protocol.messages import FinalUserTranscription
from characters.protocol.turn_settings import ListeningMode, TurnSettings
from characters.session.policy import ReconnectPolicy
from engine.objects.scene import Scene
from engine.prefs.prefs import PlayerPrefs
from tests.audio.corpus import BY_GRAMMAR, say
from tests.audio.devices import until
from tests.audio.game import QUESTION, write_personas

DELAY = 1.5


@contextmanager
def ward(folder: Path) -> Iterator[tuple[Scene, Character, ScriptSource]]:
    """Yield a level with a character who is not connected yet, and the player's microphone."""
    source, scene = ScriptSource(), Scene()
    with PlayerPrefs.open(folder / "prefs.msgpack") as prefs:
        parts = make_parts(
            folder,
            write_personas(folder),
            prefs,
            clock=scene.clock,
            dispatcher=scene.dispatcher,
            sound=False,
            microphone=lambda: source,
            speech=BY_GRAMMAR,
        )
        scene.provide(parts.runtime, Runtime)
        turns = TurnSettings(ListeningMode.HANDS_FREE, pre_roll_seconds=4.0)
        scene.add(CharacterManager(turns=turns))
        scene.create("You").add(Player())
        policy = ReconnectPolicy(auto_mic_start_delay_seconds=DELAY)
        with closing(parts), closing(scene):
            yield scene, scene.add(Character("left", reconnect_policy=policy)), source


def test_first_words_are_understood_by_a_character_that_was_not_ready_yet(tmp_path: Path) -> None:
    heard: list[str] = []
    with ward(tmp_path) as (scene, left, source):
        left.events.subscribe(
            lambda e: heard.append(e.text) if isinstance(e, FinalUserTranscription) else None
        )

        def is_understood() -> bool:
            scene.update(1 / 60)
            threading.Event().wait(0.01)
            return bool(heard)

        is_understood()
        runtime = scene.find_service(Runtime)
        assert runtime is not None and not left.is_connected
        runtime.voice_input.allow()
        source.speak(say("espeak-ng en-us", QUESTION, tmp_path))
        until(is_understood, 60.0, "the character understands")
        assert heard == [QUESTION]
        assert left.view.microphone.frames_before_open == 0
