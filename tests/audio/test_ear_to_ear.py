"""From the microphone's device through the real game and the real service to the loudspeakers."""

from __future__ import annotations

from pathlib import Path

import pytest

from characters.audio.signal import Samples, equal_power
from tests.audio.child import Child, Report, child
from tests.audio.corpus import say
from tests.audio.devices import PrivatePulse, Recording, private_pulseaudio, until
from tests.audio.game import ANSWERS, QUESTION
from tests.audio.hearing import energy_ratio, mono, seconds_of, share_of_speech, words_in

HEARD = "FinalUserTranscription"
TRIES = 3  # on a machine that has other things to do, sound has gaps
SIDES = {"left": -0.5, "right": 0.5}
OTHER = {"left": "right", "right": "left"}


def turn_to(game: Child, who: str) -> None:
    """Turn to somebody else: nothing is told of whom the player has turned to already."""
    game.do(f"look {who}")
    game.wait_for("ears", 60.0, target=who, is_open=True)


def let_greet(game: Child) -> None:
    """Wait until both have greeted: on a busy machine the voice is loaded late."""
    for _ in ANSWERS:
        game.wait_for("BotStoppedSpeaking", 60.0)


def ask(pulse: PrivatePulse, game: Child, who: str, question: Samples) -> tuple[float, float]:
    """Ask aloud, again if it was not caught; return when the answer began and was over."""
    heard: list[Report] = []
    while len(heard) < TRIES and (not heard or heard[-1]["event"] != HEARD):
        pulse.speak(question).wait(60.0)
        heard += game.collect(5.0, lambda r: r["event"] == HEARD)[-1:]
    assert (heard[-1]["who"], heard[-1]["text"]) == (who, QUESTION)
    began = game.wait_for("BotStartedSpeaking", 60.0, who=who)
    ended = game.wait_for("rests", 60.0, who=who)
    return began["t"], ended["t"]


def frames(game: Child) -> dict[str, int]:
    game.do("show")
    report = game.wait_for("view", 60.0)
    assert set(report["early"].values()) == {0}
    found: dict[str, int] = report["frames"]
    return found


def check_answer(sound: Recording, who: str, began: float, ended: float) -> None:
    """Check that what was heard is the answer, said in full, from the right side."""
    until(lambda: sound.now > ended + 0.3, 60.0, "the recording is there")
    span = sound.sounds(began, ended + 0.3)
    assert span is not None
    heard = sound.between(*span)
    voice = mono(heard)
    left, right = equal_power(1.0, SIDES[who])
    assert energy_ratio(heard) == pytest.approx((right / left) ** 2, rel=0.1)
    assert span[1] - span[0] == pytest.approx(seconds_of(ANSWERS[who]), abs=0.3)
    assert share_of_speech(voice) > 0.6
    words = {name: text.strip(".").lower() for name, text in ANSWERS.items()}
    assert words_in(voice, words.values()) == [words[who]]


@pytest.mark.parametrize(
    "sides", [("right",), pytest.param(("right", "left"), marks=pytest.mark.slow)]
)
def test_only_the_character_spoken_to_hears_it_and_its_answer_comes_from_its_side(
    tmp_path: Path, sides: tuple[str, ...]
) -> None:
    question = say("espeak-ng en-us", QUESTION, tmp_path)
    with (
        private_pulseaudio() as pulse,
        pulse.recording() as sound,
        child(pulse.environment, str(tmp_path), module="tests.audio.game") as game,
    ):
        game.wait_for("ears", 60.0, is_open=True)
        let_greet(game)
        for who in sides:
            other = OTHER[who]
            turn_to(game, who)
            before = frames(game)
            span = ask(pulse, game, who, question)
            check_answer(sound, who, *span)
            after = frames(game)
            assert after[who] > before[who] and after[other] == before[other]
        game.end()
