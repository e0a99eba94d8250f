from __future__ import annotations

import asyncio
import os
from contextlib import aclosing
from pathlib import Path

import numpy as np
import pytest

from characters.audio.signal import decibels
from characters.protocol.messages import VISEMES
from characters.speech.espeak import (
    Espeak,
    MouthShape,
    find_espeak,
    mouth_shapes,
    voice_of,
    weights,
    weights_at,
)
from characters.speech.interfaces import SynthesisError, VoiceChunk, VoiceStyle
from tests.audio.devices import require, until


@pytest.fixture
def espeak() -> Espeak:
    require("espeak-ng")
    return Espeak(find_espeak() or "")


def speak(engine: Espeak, text: str, style: VoiceStyle | None = None) -> list[VoiceChunk]:
    async def collect() -> list[VoiceChunk]:
        return [chunk async for chunk in engine.synthesise(text, style or VoiceStyle())]

    return asyncio.run(collect())


def test_the_beginning_of_each_word_is_marked(espeak: Espeak) -> None:
    chunks = speak(espeak, "Where does it hurt?")
    starts, at = list[float](), 0
    for chunk in chunks:
        starts += [(at + word) / chunk.sample_rate for word in chunk.words]
        at += len(chunk.pcm) // 2
    assert len(starts) == 4 and starts[0] == 0.0 and starts == sorted(starts)
    assert 0.1 < starts[1] < starts[3] < at / chunks[0].sample_rate - 0.1


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


def test_a_language_is_known_as_systems_write_it() -> None:
    assert voice_of(VoiceStyle(language="pt_BR")) == "pt-BR"
    assert voice_of(VoiceStyle(language="")) == "en-us"


def started(pid_file: Path) -> str:
    return pid_file.read_text().strip() if pid_file.exists() else ""


@pytest.mark.posix("its program is a shell script")
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


def shapes(phonemes: str) -> list[str]:
    return [mouth.shape for mouth in mouth_shapes(phonemes)]


def test_phonemes_become_mouth_shapes_in_order() -> None:
    assert shapes("w_,e@ d_'V_z I_t h_'3:_t") == [
        "ou", "e", "dd", "aa", "ss", "ih", "dd", "kk", "rr", "dd",
    ]  # fmt: skip


def test_clauses_are_apart_by_a_closed_mouth() -> None:
    assert shapes("h_'aI\nb_'OI") == ["kk", "aa", "sil", "pp", "oh"]


@pytest.mark.parametrize(
    ("phoneme", "shape"), [("tS", "ch"), ("dZ", "ch"), ("T", "th"), ("f", "ff")]
)
def test_the_longest_spelling_wins(phoneme: str, shape: str) -> None:
    assert shapes(phoneme) == [shape]


def test_vowels_last_longer_than_consonants() -> None:
    consonant, vowel = mouth_shapes("t_u:")
    assert vowel.share > consonant.share


def test_the_weights_follow_the_position_and_the_loudness() -> None:
    talk = (MouthShape("pp", 1.0), MouthShape("aa", 1.0))
    assert weights_at(talk, 0.25, 1.0)[VISEMES.index("pp")] == 1.0
    assert weights_at(talk, 0.75, 0.5)[VISEMES.index("aa")] == 0.5
    assert weights_at(talk, 1.0, 0.5)[VISEMES.index("aa")] == 0.5


def test_fifteen_weights_always_sum_to_one() -> None:
    for shape in VISEMES:
        got = weights(shape, 0.3)
        assert len(got) == 15 and sum(got) == pytest.approx(1.0)


def test_without_phonemes_the_mouth_still_moves_with_the_sound() -> None:
    assert weights_at((), 0.5, 0.8)[VISEMES.index("aa")] == 0.8
    assert weights_at((), 0.5, 0.0)[VISEMES.index("sil")] == 1.0
