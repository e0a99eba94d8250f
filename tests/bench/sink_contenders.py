"""The whole game on a private sound daemon: how late a voice falls silent, and is heard."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.audio.child import Child, Report, child
from tests.audio.corpus import say
from tests.audio.devices import PrivatePulse, Recording, private_pulseaudio, until
from tests.audio.game import QUESTION

__all__: list[str] = []

STAGES = ("FinalUserTranscription", "BotLlmText", "BotStartedSpeaking")


@contextmanager
def at_the_sink(folder: Path) -> Iterator[tuple[PrivatePulse, Recording, Child]]:
    """Run the game with somebody on the right who hears the player."""
    with (
        private_pulseaudio() as pulse,
        pulse.recording() as sound,
        child(pulse.environment, str(folder), module="tests.audio.game") as game,
    ):
        game.wait_for("ears", 30.0, is_open=True)
        game.do("look right")
        game.wait_for("ears", 10.0, target="right", is_open=True)
        game.wait_for("rests", 10.0, who="right")
        yield pulse, sound, game


def first_sound(sound: Recording, since: float) -> float:
    """Wait for a sound at the sink, and return when it was."""
    until(lambda: sound.sounds(since, sound.now) is not None, 5.0, "something is heard")
    found = sound.sounds(since, sound.now)
    assert found is not None
    return found[0]


def first(event: str, reports: list[Report]) -> float:
    """Return when something happened first."""
    return float(next(report["t"] for report in reports if report["event"] == event))


def interruption(folder: Path) -> Iterator[list[list[float]]]:
    """Yield the seconds of a voice to the sink, and of its last sample after interrupt()."""
    with at_the_sink(folder) as (_, sound, game):
        while True:
            game.do(f"say right {QUESTION}")
            started = game.wait_for("BotStartedSpeaking", 10.0, who="right")["t"]
            heard_after = first_sound(sound, started) - started
            until(lambda since=started: sound.now > since + 0.7, 5.0, "it speaks")  # type: ignore[misc] # its value now
            game.do("interrupt right")
            at = game.wait_for("interrupting", 5.0)["t"]
            until(lambda since=at: sound.now > since + 0.6, 5.0, "it is silent")  # type: ignore[misc] # its value now
            heard = sound.sounds(at, at + 0.6)
            yield [[heard_after], [0.0 if heard is None else heard[1] - at]]
            game.collect(1.0, lambda report: report["event"] == "rests")


def spoken_turn(folder: Path) -> Iterator[list[list[float]]]:
    """Yield the seconds of each stage of a turn that is asked aloud."""
    question = say("espeak-ng en-us", QUESTION, folder)
    with (
        at_the_sink(folder) as (pulse, sound, game),
        pulse.recording("microphone") as microphone,
    ):
        while True:
            began = microphone.now
            pulse.speak(question).wait(10.0)
            stopped = game.wait_for("VadSttStopped", 10.0, who="right")["t"]
            reports = game.collect(15.0, lambda report: report["event"] == "BotTurnCompleted")
            words, text, voice = (first(stage, reports) for stage in STAGES)
            said = microphone.sounds(began, stopped)
            assert said is not None
            heard = first_sound(sound, stopped)
            steps = (stopped - said[1], words - stopped, text - words, voice - words)
            yield [[step] for step in (*steps, heard - voice, heard - stopped)]
            game.collect(0.3, lambda report: False)
