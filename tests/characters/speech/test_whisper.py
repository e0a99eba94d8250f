from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import exp
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from characters.speech.interfaces import BUSY, SAY_AGAIN, Heard, Rejected
from characters.speech.process import SpeechProcessError
from characters.speech.whisper import (
    MOST_WAITING,
    NAMES,
    WhisperModel,
    WhisperRecogniser,
    WhisperTranscriber,
    _encode_shortened,
    model_folder,
    whisper_problem,
)
from engine.core.errors import install_command

SOUND = np.full(1_600, 16_384, "<i2").tobytes()


@dataclass
class Segment:
    text: str
    avg_logprob: float = -0.2
    no_speech_prob: float = 0.0
    compression_ratio: float = 1.1


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
    return listen_with(FakeModel(*segments)).transcribe(SOUND)


def listen_with(model: FakeModel, language: str = "en") -> WhisperTranscriber:
    return WhisperTranscriber(Path("model"), language, load=lambda *_: model)


def load_fake(folder: Path, threads: int) -> WhisperModel:
    return FakeModel(Segment(f"{folder.name} {threads}"))


def load_damaged(folder: Path, threads: int) -> WhisperModel:
    raise RuntimeError("File model.bin is incomplete")


def hear_beside(*sounds: bytes, load: Callable[[Path, int], WhisperModel]) -> list[object]:
    """Let a process hear several at once, as the service does."""

    async def one(recogniser: WhisperRecogniser, sound: bytes) -> object:
        utterance = await recogniser.open(())
        await utterance.feed(sound)
        try:
            return await utterance.finish()
        except SpeechProcessError as error:
            return error

    async def run() -> list[object]:
        recogniser = WhisperRecogniser(Path("model"), "en", 4, load)
        recogniser.prepare(())
        try:
            async with asyncio.timeout(60.0):
                return await asyncio.gather(*(one(recogniser, sound) for sound in sounds))
        finally:
            await recogniser.close()

    return asyncio.run(run())


def test_segments_become_one_sentence() -> None:
    heard = hear(Segment(" Where does"), Segment(" it hurt?"))
    assert isinstance(heard, Heard) and heard.text == "Where does it hurt?"
    assert 0.8 < heard.confidence < 0.85


@pytest.mark.parametrize(
    "segment",
    [
        Segment("Thank you.", no_speech_prob=0.9),
        Segment("Uh the of", avg_logprob=-1.4),
        Segment("No no no no no no no no no no no", compression_ratio=3.0),
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
    listen_with(model, "de").transcribe(SOUND + SOUND)
    assert model.audio[-1].size == 3_200 and model.audio[-1][0] == 0.5
    assert model.options["language"] == "de"


def test_a_process_of_its_own_listens_with_half_of_the_cores() -> None:
    assert hear_beside(SOUND, load=load_fake) == [Heard("model 2", exp(-0.2))]


def test_names_are_listened_for_where_one_may_be_said() -> None:
    model = FakeModel(Segment("Hi."))
    listen_with(model).transcribe(SOUND, NAMES)
    assert "Anna, Anthony" in model.options["hotwords"]
    listen_with(model).transcribe(SOUND)
    assert model.options["hotwords"] is None


def test_whoever_would_wait_too_long_is_told_so() -> None:
    heard = hear_beside(*[SOUND] * (1 + MOST_WAITING + 2), load=load_fake)
    assert heard.count(Rejected(BUSY)) == 2


def test_a_damaged_model_is_told_once_and_every_utterance_ends(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.ERROR):
        heard = hear_beside(SOUND, SOUND, load=load_damaged)
    assert all(isinstance(it, SpeechProcessError) for it in heard)
    assert len(caplog.records) == 1 and "incomplete" in caplog.records[0].getMessage()


def test_a_folder_without_a_model_is_named_in_one_sentence(tmp_path: Path) -> None:
    problem = whisper_problem(tmp_path / "nowhere")
    assert problem is not None and "nowhere is no model for faster-whisper" in problem


def test_the_folder_of_a_setting_may_stand_in_the_users_own() -> None:
    assert model_folder("~/models/small") == Path.home() / "models" / "small"
    # Whose slash was forgotten: Windows takes it for another user's folder, which is not there.
    assert model_folder("~models/small").parts[-2:] in {("~models", "small"), ("models", "small")}


@pytest.mark.parametrize("missing", ["model.bin", "tokenizer.json"])
@pytest.mark.parametrize("is_empty", [True, False])
def test_a_folder_for_which_something_would_be_downloaded_is_none(
    tmp_path: Path, missing: str, is_empty: bool
) -> None:
    for name in ("model.bin", "tokenizer.json"):
        (tmp_path / name).write_text("{}")
    (tmp_path / missing).unlink()
    if is_empty:
        (tmp_path / missing).touch()
    problem = whisper_problem(tmp_path)
    assert problem is not None and f"it holds no {missing}" in problem


def test_a_model_without_its_package_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("model.bin", "tokenizer.json"):
        (tmp_path / name).write_text("{}")
    monkeypatch.setitem(__import__("sys").modules, "faster_whisper", None)
    problem = whisper_problem(tmp_path)
    assert problem is not None and install_command("whisper") in problem


@pytest.mark.parametrize(
    ("sounding", "encoded"), [(0, 2_000), (300, 2_000), (2_400, 2_500), (2_999, 3_000)]
)
def test_what_fills_a_sentence_up_is_encoded_in_part(sounding: int, encoded: int) -> None:
    spectrum = np.zeros((80, 3_000), np.float32)
    spectrum[3, :sounding] = 1.0
    shortened = _encode_shortened(lambda it: it, spectrum)
    assert shortened.shape == (80, encoded)
    assert np.count_nonzero(shortened) == sounding
