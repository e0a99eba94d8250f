from __future__ import annotations

import asyncio
import os
from contextlib import aclosing
from pathlib import Path

import numpy as np
import pytest

from characters.core.levels import decibels
from characters.core.messages import VISEMES
from characters.service.speech.espeak import (
    Espeak,
    find_espeak,
    voice_of,
)
from characters.service.speech.protocols import SynthesisError, VoiceChunk, VoiceStyle
from tests.audio.devices import require, until


@pytest.fixture
def espeak() -> Espeak:
    require("espeak-ng")
    return Espeak(find_espeak() or "")


def speak(engine: Espeak, text: str, style: VoiceStyle | None = None) -> list[VoiceChunk]:
    async def collect() -> list[VoiceChunk]:
        return [chunk async for chunk in engine.synthesise(text, style or VoiceStyle())]

    return asyncio.run(collect())


def test_a_sentence_becomes_sound_in_short_chunks(espeak: Espeak) -> None:
    chunks = speak(espeak, "Where does it hurt?")
    sound = np.frombuffer(b"".join(chunk.pcm for chunk in chunks), np.int16)
    assert 0.6 < sound.size / chunks[0].sample_rate < 3.0 and decibels(sound) > -30.0
    assert all(len(chunk.pcm) <= 0.1 * 2 * chunk.sample_rate for chunk in chunks)


def test_the_mouth_opens_while_it_speaks_and_closes_at_the_end(espeak: Espeak) -> None:
    chunks = speak(espeak, "Mama.")
    shapes = [VISEMES[int(np.argmax(chunk.visemes))] for chunk in chunks]
    assert "pp" in shapes and "aa" in shapes and shapes[-1] == "sil"


def test_voices_and_speeds_differ(espeak: Espeak) -> None:
    plain = speak(espeak, "Good morning.")
    high = speak(espeak, "Good morning.", VoiceStyle(variant="f2", pitch=80))
    slow = speak(espeak, "Good morning.", VoiceStyle(words_per_minute=90))
    assert plain[2].pcm != high[2].pcm and len(slow) > len(plain)


def test_an_unknown_voice_says_where_to_look(espeak: Espeak) -> None:
    with pytest.raises(SynthesisError, match="espeak-ng --voices"):
        speak(espeak, "Hello.", VoiceStyle(language="xx"))


def test_a_persona_cannot_pass_options_to_the_program() -> None:
    assert voice_of(VoiceStyle(language="en -w /x", variant="f2;rm")) == "en-wx+f2rm"


def started(pid_file: Path) -> str:
    return pid_file.read_text().strip() if pid_file.exists() else ""


def test_stopping_in_the_middle_leaves_no_child_behind(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    program = tmp_path / "slow"
    program.write_text(f"#!/bin/sh\necho $$ > {pid_file}\nexec sleep 60\n")
    program.chmod(0o755)

    async def begin_and_cancel() -> int:
        async def talk() -> None:
            async with aclosing(Espeak(str(program)).synthesise("Hi.", VoiceStyle())) as chunks:
                async for _ in chunks:
                    pass

        task = asyncio.create_task(talk())
        await asyncio.to_thread(until, lambda: bool(started(pid_file)), 5.0, "the child runs")
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return int(started(pid_file))

    pid = asyncio.run(begin_and_cancel())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
