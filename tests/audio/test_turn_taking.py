"""The voice of a player over that of a character: what stops it, and where it goes on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from characters.audio.signal import Samples, resample
from characters.audio.sources import ScriptSource
from characters.audio.speaker import ClockVoice
from characters.client.runtime import Runtime, RuntimeBuilder
from characters.client.service_process import ServiceProcess
from characters.components.character import Character
from characters.components.manager import CharacterManager
from characters.components.player import Player
from characters.protocol.turn_settings import ListeningMode, TurnSettings
from engine.objects.scene import Scene
from tests.audio.corpus import BY_GRAMMAR, say
from tests.audio.devices import until

NUMBERS = "one two three four five six seven eight nine ten eleven twelve"
PERSONA = f"""
name = "Tally"
fallback = ["Pardon?"]
[greeting]
first = ["Yes?"]
[[topic]]
id = "count"
ask = ["count for me"]
lines = ["{NUMBERS}."]
"""
COUGH = (9_000 * np.exp(-np.arange(4_800) / 1_500)).astype(np.float32)
COUGH *= np.random.default_rng(1).uniform(-1, 1, COUGH.size).astype(np.float32)


@dataclass
class Talk:
    """A character that counts, a player with headphones, and what the loudspeaker played."""

    scene: Scene
    tally: Character
    microphone: ScriptSource
    played: list[Samples] = field(default_factory=list)

    def frame(self, done: Callable[[], object] = lambda: True) -> bool:
        self.scene.update(1 / 60)
        threading.Event().wait(0.01)
        return bool(done())

    def until(self, done: Callable[[], object], what: str) -> None:
        until(lambda: self.frame(done), 60.0, what)

    @property
    def sound(self) -> Samples:
        """What was played, 16 kHz mono."""
        mixed = np.concatenate(self.played).astype(np.float32).mean(axis=1)
        return resample(mixed.astype(np.int16), 48_000, 16_000)

    @property
    def lines(self) -> list[tuple[str, str, bool]]:
        return [(t.speaker, t.text, t.interrupted) for t in self.tally.view.transcript]

    def play(self, sound: Samples) -> None:
        """Let the character count, and the player's microphone hear something at about "four"."""
        self.until(lambda: self.tally.view.microphone.is_open, "it hears the player")
        self.until(lambda: not self.tally.view.is_speaking, "it has greeted")
        self.tally.session.send_text("count for me")
        self.until(lambda: self.tally.view.is_speaking, "it speaks")
        self.played.clear()
        began = time.monotonic()
        self.until(lambda: time.monotonic() - began > 1.2, "it has said some words")
        self.microphone.speak(sound)
        self.until(lambda: self.tally.view.dialogue == "interrupted", "it falls silent")


@contextmanager
def talking(folder: Path) -> Iterator[Talk]:
    """Yield a level with a character who counts, and hears the player through headphones."""
    personas = folder / "assets" / "personas"
    personas.mkdir(parents=True)
    (personas / "tally.toml").write_text(PERSONA, encoding="utf-8")
    played, source, scene = list[Samples](), ScriptSource(), Scene()
    runtime = (
        RuntimeBuilder()
        .use_clock(scene.clock)
        .use_dispatcher(scene.dispatcher)
        .use_microphone(lambda: source)
        .use_voice(ClockVoice(played=lambda block: played.append(block.copy())))
        .use_service(ServiceProcess(None, personas.parent, arguments=BY_GRAMMAR.arguments()))
        .build()
    )
    runtime.start()
    scene.provide(runtime, Runtime)
    scene.add(CharacterManager(turns=TurnSettings(ListeningMode.HANDS_FREE, headphones=True)))
    scene.create("You").add(Player())
    with closing(runtime), closing(scene):
        talk = Talk(scene, scene.add(Character("tally")), source, played)
        talk.frame()
        runtime.voice_input.allow()
        yield talk


def pauses(sound: Samples) -> list[float]:
    """Return the silences of at least 0.3 s between the first and the last sound, in seconds."""
    level = np.abs(sound.astype(int)).reshape(-1, 160)[: sound.size // 160].max(axis=1)
    loud = np.flatnonzero(level > 100)
    return [gap / 100 for gap in np.diff(loud) if gap >= 30]


@pytest.mark.slow
@pytest.mark.parametrize("what", ["uh huh", "cough"])
def test_an_uh_huh_or_a_cough_ends_no_turn_and_the_words_go_on(tmp_path: Path, what: str) -> None:
    sound = COUGH.astype(np.int16) if what == "cough" else say("espeak-ng en-us", what, tmp_path)
    with talking(tmp_path) as talk:
        talk.play(sound)
        talk.until(lambda: talk.tally.view.dialogue == "speaking", "it goes on")
        talk.until(lambda: not talk.tally.view.is_speaking, "it is done")
        assert talk.lines[-1] == ("character", f"{NUMBERS}.", False)
        assert [line for line in talk.lines if line[0] == "player"] == talk.lines[-2:-1]
        (pause,) = pauses(talk.sound)
        assert pause < 3.0


@pytest.mark.slow
def test_a_line_ends_the_turn_as_it_was_heard_and_is_answered(tmp_path: Path) -> None:
    with talking(tmp_path) as talk:
        talk.play(say("espeak-ng en-us", "count for me", tmp_path))
        before = len(talk.lines)
        talk.until(lambda: len(talk.lines) == before + 2, "it counts anew")
        counted, asked, counting = talk.lines[-3:]
        assert counted == ("character", f"{NUMBERS}.", True)  # all of it was to be read
        assert asked == ("player", "count for me", False) and counting[0] == "character"
