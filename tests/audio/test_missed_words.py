"""Speech that the real service does not understand: the player is told within a second."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest

from characters.client.config import SpeechNotUnderstood
from characters.client.runtime import Runtime
from characters.protocol.turn_settings import ListeningMode
from tests.audio.corpus import say
from tests.audio.devices import until
from tests.audio.test_first_words import ward

UNKNOWN = "the quick brown fox jumps over the lazy dog"
KNOCK = (9_000 * np.exp(-np.arange(1_600) / 300) * np.sin(np.arange(1_600) * 0.5)).astype(np.int16)


@pytest.mark.slow
@pytest.mark.parametrize("mode", list(ListeningMode))
def test_what_is_not_understood_is_told_within_a_second_and_a_knock_is_not(
    tmp_path: Path, mode: ListeningMode
) -> None:
    told: list[float] = []
    with ward(tmp_path) as (scene, left, source):
        left.events.subscribe(
            lambda e: told.append(time.monotonic()) if isinstance(e, SpeechNotUnderstood) else None
        )
        runtime = scene.find_service(Runtime)
        assert runtime is not None
        voice_input = runtime.voice_input

        def frames(seconds: float) -> None:
            until_then = time.monotonic() + seconds
            while time.monotonic() < until_then:
                scene.update(1 / 60)
                threading.Event().wait(0.01)

        def hears() -> bool:
            frames(0.05)
            return left.view.microphone.is_open

        def speak(sound: np.ndarray) -> None:
            voice_input.push_to_talk(True)
            frames(0.1)
            source.speak(sound)
            frames(sound.size / 16_000)
            voice_input.push_to_talk(False)

        frames(0.1)
        voice_input.set_mode(mode)
        voice_input.allow()
        until(hears, 60.0, "the character hears the player")
        speak(KNOCK)
        frames(2.5)
        assert told == []
        speak(say("espeak-ng en-us", UNKNOWN, tmp_path))
        ended = time.monotonic()

        def is_told() -> bool:
            frames(0.02)
            return bool(told)

        until(is_told, 20.0, "the player is told")
        pause = voice_input.turns.smart_turn.stop_secs
        assert told[0] - ended < pause + 1.0
