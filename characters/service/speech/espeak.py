"""Synthesis by the espeak-ng program, a child process for each sentence.

It is under the GPL and so is never linked in; a child is also what can be stopped at once.
"""

from __future__ import annotations

import asyncio
import re
import shutil
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncGenerator

import numpy as np

from characters.core.levels import decibels, meter
from characters.service.speech.protocols import SynthesisError, VoiceChunk, VoiceStyle
from characters.service.speech.visemes import OPEN_LEVEL, Mouth, mouths, weights_at

__all__ = ["Espeak", "find_espeak"]

CHUNK_SECONDS = 0.05
TIMEOUT_SECONDS = 10.0
HEADER_BYTES = 44
SAFE_NAME = re.compile(r"[A-Za-z0-9-]+")


def find_espeak() -> str | None:
    """Return the program's path, None when it is not installed."""
    return shutil.which("espeak-ng")


class Espeak:
    """Implements `Synthesiser` with a program that speaks its input to its output."""

    def __init__(self, program: str) -> None:
        self._program = program

    async def synthesise(self, text: str, style: VoiceStyle) -> AsyncGenerator[VoiceChunk, None]:
        """Speak a sentence. Raises SynthesisError when the program fails."""
        try:
            wav, phonemes = await asyncio.gather(
                self._run(text, style, "--stdout"),
                self._run(text, style, "-q", "-x", "--sep=_"),
            )
        except OSError as error:
            raise SynthesisError(f"espeak-ng could not be started: {error.strerror}") from error
        if len(wav) <= HEADER_BYTES:
            raise SynthesisError(
                f"espeak-ng made no sound with the voice {voice_of(style)!r}: "
                "see `espeak-ng --voices`"
            )
        for chunk in chunks_of(wav, mouths(phonemes.decode("utf-8", "replace"))):
            yield chunk

    async def close(self) -> None:
        """Nothing is to be given back: a child ends with its sentence."""

    async def _run(self, text: str, style: VoiceStyle, *arguments: str) -> bytes:
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
        )
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                output, _ = await process.communicate(text.encode())
        except TimeoutError as error:
            raise SynthesisError("espeak-ng took too long; it was stopped") from error
        finally:
            # Also when the caller was cancelled: nothing may go on speaking behind its back.
            if process.returncode is None:
                process.kill()
                await asyncio.shield(process.wait())
        return output


def voice_of(style: VoiceStyle) -> str:
    """Return a voice's name as espeak-ng takes it; odd characters of a persona are not passed."""
    language = "".join(SAFE_NAME.findall(style.language)) or "en-us"
    variant = "".join(SAFE_NAME.findall(style.variant))
    return f"{language}+{variant}" if variant else language


def chunks_of(wav: bytes, shapes: tuple[Mouth, ...]) -> list[VoiceChunk]:
    """Cut a WAV stream into chunks with the mouth that fits each."""
    rate = int.from_bytes(wav[24:28], "little")
    pcm = wav[HEADER_BYTES : len(wav) - len(wav) % 2]
    size = 2 * round(rate * CHUNK_SECONDS)
    voiced = voiced_bytes(pcm)
    chunks = []
    for start in range(0, len(pcm), size):
        piece = pcm[start : start + size]
        level = meter(decibels(np.frombuffer(piece, "<i2"))) / OPEN_LEVEL
        position = (start + len(piece) / 2) / max(1, voiced)
        chunks.append(VoiceChunk(piece, rate, weights_at(shapes, min(1.0, position), level)))
    return chunks


def voiced_bytes(pcm: bytes) -> int:
    """Return the length without the silence at the end, over which the phonemes are spread."""
    sound = np.flatnonzero(np.abs(np.frombuffer(pcm, "<i2").astype(np.int32)) > 64)
    return 2 * int(sound[-1]) if sound.size else len(pcm)
