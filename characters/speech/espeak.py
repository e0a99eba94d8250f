"""Synthesis by the espeak-ng program, a child process for each sentence.

The program is under the GPL, so it is never linked in; a child can also be stopped at once.

Its phonemes become visemes: 15 weights of mouth shapes for each slice of time. A voice without
phonemes gets them from its sound (`weights_of_sound`).
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from characters.audio.signal import Samples, decibels, meter
from characters.protocol.messages import VISEMES
from characters.speech.interfaces import SynthesisError, VoiceChunk, VoiceStyle
from engine.core.processes import NO_WINDOW, system_environment

__all__ = [
    "chunks_of", "Espeak", "find_espeak", "mouth_shapes", "MouthShape", "weights", "weights_at",
    "weights_of_sound",
]  # fmt: skip


# Longest spelling first; the beginning of a phoneme's name decides its shape.
SHAPES: tuple[tuple[str, str], ...] = (
    ("tS", "ch"), ("dZ", "ch"), ("aI", "aa"), ("aU", "aa"), ("OI", "oh"), ("oU", "oh"),
    ("eI", "e"), ("3:", "rr"), ("e@", "e"), ("i@", "ih"), ("U@", "ou"), ("p", "pp"),
    ("b", "pp"), ("m", "pp"), ("f", "ff"), ("v", "ff"), ("T", "th"), ("D", "th"), ("t", "dd"),
    ("d", "dd"), ("k", "kk"), ("g", "kk"), ("h", "kk"), ("S", "ch"), ("Z", "ch"), ("s", "ss"),
    ("z", "ss"), ("n", "nn"), ("N", "nn"), ("l", "nn"), ("r", "rr"), ("3", "rr"), ("j", "ih"),
    ("w", "ou"), ("a", "aa"), ("A", "aa"), ("V", "aa"), ("@", "e"), ("e", "e"), ("E", "e"),
    ("i", "ih"), ("I", "ih"), ("o", "oh"), ("O", "oh", ), ("0", "oh"), ("u", "ou"), ("U", "ou"),
)  # fmt: skip
# A voice at this meter level has its mouth wide open.
OPEN_LEVEL = 0.85
# Up to which centre of its spectrum a sound gets which shape: dark vowels are round, bright
# ones wide, and what hisses lies above all vowels.
CENTRES = ((350.0, "ou"), (600.0, "oh"), (1000.0, "aa"), (1500.0, "e"), (2500.0, "ih"))
VOWELS = frozenset(("aa", "e", "ih", "oh", "ou", "rr"))
STRESS = re.compile(r"[',%=_|]")


@dataclass(frozen=True, slots=True)
class MouthShape:
    """One shape of the mouth, its share of the time, and whether a word begins with it."""

    shape: str
    share: float
    begins_word: bool = False


def mouth_shapes(phonemes: str) -> tuple[MouthShape, ...]:
    """Read `espeak-ng -x --sep=_` output: phonemes by `_`, words by blanks, clauses by lines."""
    shapes: list[MouthShape] = []
    for line in phonemes.splitlines():
        for word in line.split():
            is_first = True
            for name in word.split("_"):
                shape = shape_of(STRESS.sub("", name))
                if shape is not None:
                    long = shape in VOWELS or name.endswith(":")
                    shapes.append(MouthShape(shape, 1.6 if long else 1.0, is_first))
                    is_first = False
        shapes.append(MouthShape("sil", 2.0))
    return tuple(shapes[:-1])


def shape_of(phoneme: str) -> str | None:
    """Return the mouth shape of a phoneme, None for one that has none."""
    return next((shape for start, shape in SHAPES if phoneme.startswith(start)), None)


def weights_at(shapes: Sequence[MouthShape], position: float, openness: float) -> tuple[float, ...]:
    """Return the 15 weights at a position 0..1 of the sound, as open as it is loud (0..1)."""
    if not shapes:
        return weights("aa" if openness > 0.1 else "sil", openness)
    at = position * sum(mouth.share for mouth in shapes)
    for mouth in shapes:
        at -= mouth.share
        if at < 0.0:
            return weights(mouth.shape, openness)
    return weights(shapes[-1].shape, openness)


def weights(shape: str, openness: float) -> tuple[float, ...]:
    """Return one shape as open as given, the rest of it closed."""
    openness = min(1.0, max(0.0, openness))
    if shape == "sil":
        openness = 0.0
    values = dict.fromkeys(VISEMES, 0.0)
    values[shape] = openness
    values["sil"] = 1.0 - openness
    return tuple(round(value, 3) for value in values.values())


def weights_of_sound(samples: Samples, rate: int) -> tuple[float, ...]:
    """Return the 15 weights of a voice without phonemes, by its loudness and brightness."""
    openness = meter(decibels(samples)) / OPEN_LEVEL
    if openness < 0.1:
        return weights("sil", 0.0)
    power = np.abs(np.fft.rfft(samples * np.hanning(samples.size))) ** 2
    hertz = np.fft.rfftfreq(samples.size, 1.0 / rate)
    centre = float((power * hertz).sum() / max(1.0, float(power.sum())))
    shape = next((shape for limit, shape in CENTRES if centre < limit), "ss")
    return weights(shape, openness)


CHUNK_SECONDS = 0.05
TIMEOUT_SECONDS = 10.0
HEADER_BYTES = 44
SAFE_NAME = re.compile(r"[A-Za-z0-9-]+")


def find_espeak() -> str | None:
    """Return the program's path, None when it is not installed."""
    # The installer for Windows leaves the search path alone.
    folder = Path(os.environ.get("PROGRAMFILES", "/nowhere"), "eSpeak NG")
    return shutil.which("espeak-ng") or shutil.which("espeak-ng", path=folder)


class Espeak:
    """Implements `Synthesiser` with a program that speaks its input to its output."""

    def __init__(self, program: str) -> None:
        self._program = program

    async def synthesise(self, text: str, style: VoiceStyle) -> AsyncGenerator[VoiceChunk, None]:
        """Speak a sentence. Raises SynthesisError when the program fails."""
        try:
            async with asyncio.TaskGroup() as group:  # where one fails, the other is stopped too
                sound = group.create_task(self._run(text, style, "--stdout"))
                words = group.create_task(self._run(text, style, "-q", "-x", "--sep=_"))
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None
        wav, phonemes = sound.result(), words.result()
        if len(wav) <= HEADER_BYTES:
            raise SynthesisError(
                f"espeak-ng made no sound with the voice {voice_of(style)!r}: "
                "see `espeak-ng --voices`"
            )
        rate = int.from_bytes(wav[24:28], "little")
        shapes = mouth_shapes(phonemes.decode("utf-8", "replace"))
        for chunk in chunks_of(wav[HEADER_BYTES : len(wav) - len(wav) % 2], rate, shapes):
            yield chunk

    async def close(self) -> None:
        """Do nothing: a child ends with its sentence."""

    async def _run(self, text: str, style: VoiceStyle, *arguments: str) -> bytes:
        try:
            process = await asyncio.create_subprocess_exec(
                self._program,
                *("-v", voice_of(style)),
                *("-p", str(min(99, max(0, style.pitch)))),
                *("-s", str(min(450, max(80, style.words_per_minute)))),
                *arguments,
                "--stdin",
                stdin=PIPE,
                stdout=PIPE,
                stderr=DEVNULL,
                env=system_environment(),
                creationflags=NO_WINDOW,
            )
        except OSError as error:
            raise SynthesisError(f"espeak-ng could not be started: {error.strerror}") from error
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                output, _ = await process.communicate(text.encode())
        except TimeoutError as error:
            raise SynthesisError("espeak-ng took too long; it was stopped") from error
        finally:
            # Also when the caller was cancelled: no child may go on.
            if process.returncode is None:
                process.kill()
                await asyncio.shield(process.wait())
        return output


def voice_of(style: VoiceStyle) -> str:
    """Return a voice's name as espeak-ng takes it; odd characters of a persona are not passed."""
    language = "".join(SAFE_NAME.findall(style.language.replace("_", "-"))) or "en-us"
    variant = "".join(SAFE_NAME.findall(style.variant))
    return f"{language}+{variant}" if variant else language


def chunks_of(pcm: bytes, rate: int, shapes: tuple[MouthShape, ...]) -> list[VoiceChunk]:
    """Cut 16-bit mono sound into chunks with the visemes that fit each."""
    size = 2 * round(rate * CHUNK_SECONDS)
    voiced = voiced_bytes(pcm)
    words = word_starts(shapes, voiced // 2)
    chunks = []
    for start in range(0, len(pcm), size):
        piece = pcm[start : start + size]
        level = meter(decibels(np.frombuffer(piece, "<i2"))) / OPEN_LEVEL
        position = (start + len(piece) / 2) / max(1, voiced)
        visemes = weights_at(shapes, min(1.0, position), level)
        begin, end = start // 2, (start + len(piece)) // 2
        begun = tuple(word - begin for word in words if begin <= word < end)
        chunks.append(VoiceChunk(piece, rate, visemes, begun))
    return chunks


def word_starts(shapes: Sequence[MouthShape], samples: int) -> tuple[int, ...]:
    """Return at about which of so many samples each word begins."""
    whole, at, found = sum(mouth.share for mouth in shapes), 0.0, list[int]()
    for mouth in shapes:
        if mouth.begins_word:
            found.append(round(samples * at / whole))
        at += mouth.share
    return tuple(found)


def voiced_bytes(pcm: bytes) -> int:
    """Return the length without the silence at the end, over which the phonemes are spread."""
    sound = np.flatnonzero(np.abs(np.frombuffer(pcm, "<i2").astype(np.int32)) > 64)
    return 2 * int(sound[-1]) if sound.size else len(pcm)
