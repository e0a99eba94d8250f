"""A human voice from a wheel: hibari-tts, whose weights come with it (Apache-2.0, 14 MB, English).

The model makes a spectrum and a melody for each 12.5 ms; its one voice becomes a cast here. A
character's voice is the melody at another height (`hertz`), the resonances of a larger or smaller
head (`formants`) and another pace. The model's third part, free in its phase, holds rests of the
melody at the old height: below `FREE_ABOVE` its energy joins the harmonics.

A process of its own loads the model and speaks, one sentence after the other: thirty in a second.
"""

from __future__ import annotations

import asyncio
import marshal
import threading
import unicodedata
import zlib
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np

from characters.audio.signal import Floats
from characters.protocol.failures import CharactersError
from characters.speech.espeak import MouthShape, chunks_of
from characters.speech.interfaces import SynthesisError, VoiceChunk, VoiceStyle
from characters.speech.onnx import import_onnxruntime, load_onnx
from characters.speech.process import SpeechProcess
from characters.speech.worker import BoundedPool

__all__ = ["HibariModel", "HibariVoice", "load_hibari", "mouth_shapes_of", "PackedTable",
           "SpectrumModel"]  # fmt: skip

RATE = 24_000
HERTZ = 200.0  # the median of the model's own voice
USUAL_PACE = 165.0  # words a minute of the model's own pace
BIN_HERTZ = 20.0
FREE_ABOVE = 3_000.0
MOST_WAITING = 24  # sentences: a second
PART = 16  # entries that are unpacked together
LOUDNESS, PEAK = 0.09, 0.95  # root mean square of a sentence, and what it may not pass

Spectrum: TypeAlias = tuple[Floats, Floats, Floats, Floats, Floats, Floats]
"""Log amplitudes of harmonics, their phases, log amplitudes of noise and of the free part, its
phases, each [601, frames], and the melody in Hz, [frames], 0 where nothing is voiced."""


class SpectrumModel(Protocol):
    """What is used of the package."""

    def phonemize(self, text: str) -> list[str]:
        """Return the phonemes of each sentence."""

    def spectrum(self, phonemes: str, speed: float) -> Spectrum:
        """Return what the model makes of phonemes."""

    def sound(self, spectrum: Spectrum, seed: int) -> Floats:
        """Return samples, -1 to 1, at 24 kHz."""

    def save_memory(self) -> None:
        """Give back what can be spared, in any thread; takes half a second."""


class PackedTable:
    """A dictionary to look into, in a tenth of its memory: parts of it, unpacked when asked for."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        self._many = len(table) // PART + 1
        parts: list[dict[str, Any]] = [{} for _ in range(self._many)]
        for key, value in table.items():
            parts[hash(key) % self._many][key] = value
        self._parts = [zlib.compress(marshal.dumps(part)) for part in parts]

    def get(self, key: str, otherwise: Any = None) -> Any:
        """Return the value of a key."""
        part = marshal.loads(zlib.decompress(self._parts[hash(key) % self._many]))
        return part.get(key, otherwise)


class _Hibari:
    def __init__(self) -> None:
        import_onnxruntime()
        from hibari import Hibari, dsp

        self._model: Any = Hibari()
        # Its own session keeps the memory of every length of sentence that it has spoken.
        self._model.sess = load_onnx(self._model.model_path, keeps_memory=False)
        self._dsp: Any = dsp
        self._model.g2p  # noqa: B018  # its tables are read now, not with the first sentence

    def phonemize(self, text: str) -> list[str]:
        found: list[str] = self._model.phonemize(text)
        return found

    def spectrum(self, phonemes: str, speed: float) -> Spectrum:
        ids = np.asarray([self._model.ids(phonemes)], np.int64)
        pace = np.asarray([speed], np.float32)
        made = self._model.sess.run(None, {"ids": ids, "speed": pace})
        return tuple(part[0] for part in made)

    def save_memory(self) -> None:
        g2p = self._model.g2p
        for words in (g2p.lexicon.golds, g2p.lexicon.silvers):
            words.d = PackedTable(words.d)
        g2p.tagger.weights = PackedTable(g2p.tagger.weights)

    def sound(self, spectrum: Spectrum, seed: int) -> Floats:
        made: Floats = self._dsp.synth(*spectrum, np.random.default_rng(seed))
        return made


def load_hibari() -> SpectrumModel:
    """Load the model; takes about a second. Raises ImportError where the package is missing."""
    return _Hibari()


@dataclass(frozen=True, slots=True)
class _Cast:
    """One character's voice, in shares of the model's own."""

    height: float
    formants: float
    pace: float


def _cast_of(style: VoiceStyle) -> _Cast:
    """Return the voice of a style; one with espeak-ng's words alone gets a likeness of that."""
    is_man = style.variant.startswith("m")
    hertz = style.hertz or (118.0 if is_man else HERTZ) * 2.0 ** ((style.pitch - 50) / 80.0)
    formants = style.formants or (0.87 if is_man else 1.0)
    pace = min(2.0, max(0.5, style.words_per_minute / USUAL_PACE))
    return _Cast(hertz / HERTZ, formants, pace)


class HibariModel:
    """What runs beside the service: the same text and style make the same sound."""

    def __init__(self, load: Callable[[], SpectrumModel] = load_hibari) -> None:
        self._model = load()
        # Beside a first sentence, which need not wait for it.
        threading.Thread(target=self._model.save_memory, daemon=True).start()

    def speak(self, text: str, style: VoiceStyle) -> list[VoiceChunk]:
        """Return a text as it sounds."""
        chunks, others = self.begin(text, style)
        for phonemes in others:
            chunks += self.say(phonemes, style, seed_of(text))
        return chunks

    def begin(self, text: str, style: VoiceStyle) -> tuple[list[VoiceChunk], list[str]]:
        """Return a text's first sentence as it sounds, and the phonemes of the others."""
        sentences = self._model.phonemize(text)
        chunks = self.say(sentences[0], style, seed_of(text)) if sentences else []
        return chunks, sentences[1:]

    def say(self, phonemes: str, style: VoiceStyle, seed: int) -> list[VoiceChunk]:
        """Return a sentence as it sounds."""
        model, cast = self._model, _cast_of(style)
        spectrum = _in_cast(model.spectrum(phonemes, cast.pace), cast)
        pcm = _to_pcm(model.sound(spectrum, seed))
        return chunks_of(pcm, RATE, mouth_shapes_of(phonemes))


def seed_of(text: str) -> int:
    """Return the seed of a text's noise: it always sounds the same."""
    return zlib.crc32(text.encode())


class HibariVoice:
    """Implements `Synthesiser` with the model."""

    def __init__(
        self, make: Callable[[], HibariModel] = HibariModel, what: str = "The voice"
    ) -> None:
        self._process = SpeechProcess(make, what)
        self._pool = BoundedPool(1, MOST_WAITING, "voice")

    def prepare(self) -> None:
        """Load the model, beside whatever else is done: the first sentence need not wait for it."""
        self._pool.submit(self._process.start)

    async def synthesise(self, text: str, style: VoiceStyle) -> AsyncGenerator[VoiceChunk, None]:
        """Speak a text; each sentence of it is made while the one before is played.

        Raises SynthesisError for another language or other letters, a model that fails, or too many
        who wait.
        """
        if not (style.language or "en").lower().startswith("en"):
            raise SynthesisError(f"this voice speaks English, not {style.language!r}")
        if _is_foreign(text):
            raise SynthesisError("this voice knows Latin letters alone")
        chunks, others = await self._call("begin", text, style)
        made: asyncio.Task[list[VoiceChunk]] | None = None
        try:
            for phonemes in others:
                made = asyncio.create_task(self._call("say", phonemes, style, seed_of(text)))
                for chunk in chunks:
                    yield chunk
                chunks = await made
            for chunk in chunks:
                yield chunk
        finally:
            if made is not None:
                made.cancel()
                await asyncio.gather(made, return_exceptions=True)

    async def _call(self, method: str, *arguments: Any) -> Any:
        try:
            return await self._pool.run(lambda: self._process.call(method, *arguments))
        except CharactersError as error:
            raise SynthesisError(str(error)) from error
        except Exception as error:  # whatever the model raises, the next voice speaks
            raise SynthesisError(f"hibari-tts failed: {type(error).__name__}") from error

    async def close(self) -> None:
        """End the process."""
        self._process.close()
        await self._pool.close()


def _is_foreign(text: str) -> bool:
    """Tell whether most letters are such as the model would spell as if they were Latin ones."""
    letters = [letter for letter in unicodedata.normalize("NFKC", text) if letter.isalpha()]
    latin = sum("LATIN" in unicodedata.name(letter, "") for letter in letters)
    return 2 * latin < len(letters)


def _in_cast(spectrum: Spectrum, cast: _Cast) -> Spectrum:
    """Return a spectrum at a character's height, with its formants."""
    harmonics, phases, noise, free, free_phases, melody = spectrum
    if cast.height != 1.0:
        hertz = np.arange(harmonics.shape[0], dtype=np.float32) * BIN_HERTZ
        is_low = 1.0 / (1.0 + np.exp((hertz - FREE_ABOVE) / 300.0))
        moved: Floats = (is_low[:, None] * (melody > 0.0)).astype(np.float32)
        moved_energy = moved * np.exp(2.0 * np.minimum(free, 7.0))
        joined = np.exp(2.0 * np.minimum(harmonics, 7.0)) + moved_energy
        # Twice the height has half the harmonics: each is as much stronger.
        harmonics = 0.5 * np.log(joined * cast.height + 1e-12)
        free = free + np.log(np.maximum(1.0 - moved, 1e-4))
    parts = (_stretched(part, cast.formants) for part in (harmonics, phases, noise, free))
    return (*parts, free_phases, (melody * cast.height).astype(np.float32))  # type: ignore[return-value]  # four parts


def _stretched(part: Floats, formants: float) -> Floats:
    """Return amplitudes with their frequencies multiplied, [bins, frames]."""
    if formants == 1.0:
        return part.astype(np.float32)
    at = np.minimum(np.arange(part.shape[0]) / formants, part.shape[0] - 1.001)
    low = at.astype(int)
    share = (at - low).astype(np.float32)[:, None]
    found: Floats = (part[low] * (1.0 - share) + part[low + 1] * share).astype(np.float32)
    return found


def _to_pcm(sound: Floats) -> bytes:
    """Return 16-bit samples, every sentence as loud as the others."""
    if not sound.size:
        return b""
    loudness = float(np.sqrt(np.mean(np.square(sound)))) or 1.0
    peak = float(np.max(np.abs(sound))) or 1.0
    gain = min(LOUDNESS / loudness, PEAK / peak)
    return (sound * (gain * 32767.0)).astype("<i2").tobytes()


# The model's alphabet is IPA, with a capital for each diphthong.
# ruff: noqa: RUF001  # its letters look like Latin ones
_SHAPES = {
    **dict.fromkeys("pbm", "pp"), **dict.fromkeys("fv", "ff"), **dict.fromkeys("θð", "th"),
    **dict.fromkeys("tdɾT", "dd"), **dict.fromkeys("kɡhŋx", "kk"), **dict.fromkeys("ʃʒʧʤ", "ch"),
    **dict.fromkeys("sz", "ss"), **dict.fromkeys("nl", "nn"), **dict.fromkeys("ɹɜɚ", "rr"),
    **dict.fromkeys("aɑæʌɐIW", "aa"), **dict.fromkeys("eɛəAᵊ", "e"), **dict.fromkeys("iɪjᵻ", "ih"),
    **dict.fromkeys("oɔɒOQY", "oh"), **dict.fromkeys("uʊw", "ou"),
    **dict.fromkeys(".,;:!?…—", "sil"),
}  # fmt: skip
_LONG = frozenset("AIOQWYaɑæʌɐeɛəiɪoɔɒuʊɜɚ")


def mouth_shapes_of(phonemes: str) -> tuple[MouthShape, ...]:
    """Return the shapes of the mouth for phonemes of the model's alphabet, with their shares."""
    found: list[MouthShape] = []
    for word in phonemes.rstrip(".,;:!?… ").split(" "):
        signs = [sign for sign in word if sign in _SHAPES]
        for number, sign in enumerate(signs):
            shape = _SHAPES[sign]
            share = 1.6 if sign in _LONG else 2.0 if shape == "sil" else 1.0
            found.append(MouthShape(shape, share, number == 0 and shape != "sil"))
    return tuple(found)
