from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from characters.speech.interfaces import SAY_AGAIN, Heard, Rejected
from characters.speech.whisper import WhisperModel, WhisperRecogniser, whisper_problem
from engine.core.errors import install_command

SOUND = np.full(1_600, 16_384, "<i2").tobytes()


@dataclass
class Segment:
    text: str
    avg_logprob: float = -0.2
    no_speech_prob: float = 0.0


class FakeModel:
    """Stands for `faster_whisper.WhisperModel`."""

    def __init__(self, *segments: Segment) -> None:
        self.segments = segments
        self.audio: list[Any] = []
        self.options: dict[str, Any] = {}

    def transcribe(self, audio: Any, **options: Any) -> tuple[Iterable[Any], Any]:
        self.audio.append(audio)
        self.options = options
        return iter(self.segments), None


def hear(*segments: Segment) -> Heard | Rejected:
    recogniser = WhisperRecogniser(Path("model"), "en", lambda _: FakeModel(*segments))
    utterance = recogniser.open(())
    utterance.feed(SOUND)
    return utterance.finish()


def test_segments_become_one_sentence() -> None:
    heard = hear(Segment(" Where does"), Segment(" it hurt?"))
    assert isinstance(heard, Heard) and heard.text == "Where does it hurt?"
    assert 0.8 < heard.confidence < 0.85


@pytest.mark.parametrize(
    "segment",
    [
        Segment("Thank you.", no_speech_prob=0.9),
        Segment("Uh the of", avg_logprob=-1.4),
        Segment(" [BLANK_AUDIO]"),
        Segment(""),
        Segment("Thank you for watching!"),
        Segment(" Thanks for watching. "),
        Segment("Please subscribe to my channel."),
        Segment("Subtitles by the Amara.org community"),
        Segment("♪ ♪"),
    ],
)
def test_what_is_guessed_or_no_word_is_rejected(segment: Segment) -> None:
    assert hear(segment) == Rejected(SAY_AGAIN)


@pytest.mark.parametrize("text", ["Thank you.", "See you.", "Thank you for the tea.", "I like it."])
def test_what_people_say_to_each_other_is_no_invention(text: str) -> None:
    assert isinstance(hear(Segment(text)), Heard)


def test_the_model_gets_the_whole_utterance_between_minus_one_and_one() -> None:
    model = FakeModel(Segment("Hi."))
    utterance = WhisperRecogniser(Path("model"), "de", lambda _: model).open(())
    utterance.feed(SOUND)
    utterance.feed(SOUND)
    utterance.finish()
    assert model.audio[-1].size == 3_200 and model.audio[-1][0] == 0.5
    assert model.options["language"] == "de"


def test_a_model_is_loaded_once() -> None:
    loaded: list[Path] = []

    def load(folder: Path) -> WhisperModel:
        loaded.append(folder)
        return FakeModel()

    recogniser = WhisperRecogniser(Path("model"), "", load)
    recogniser.prepare(())
    recogniser.open(()).cancel()
    assert loaded == [Path("model")]


def test_a_damaged_model_is_told_once_and_every_utterance_answered(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def load(folder: Path) -> WhisperModel:
        raise RuntimeError("File model.bin is incomplete")

    recogniser = WhisperRecogniser(Path("model"), "", load)
    with caplog.at_level(logging.ERROR):
        assert [recogniser.open(()).finish() for _ in range(2)] == [Rejected(SAY_AGAIN)] * 2
    assert len(caplog.records) == 1 and "incomplete" in caplog.records[0].getMessage()


def test_a_folder_without_a_model_is_named_in_one_sentence(tmp_path: Path) -> None:
    problem = whisper_problem(tmp_path / "nowhere")
    assert problem is not None and "nowhere is no model for faster-whisper" in problem


def test_a_model_without_its_package_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "model.bin").touch()
    monkeypatch.setitem(__import__("sys").modules, "faster_whisper", None)
    problem = whisper_problem(tmp_path)
    assert problem is not None and install_command("whisper") in problem
