from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from functools import partial
from itertools import pairwise

import numpy as np
import pytest

from characters.agents.persona import PersonaFiles
from characters.audio.signal import Floats
from characters.installation import package_assets
from characters.protocol.messages import VISEMES
from characters.speech.hibari import (
    RATE,
    HibariModel,
    HibariVoice,
    PackedTable,
    SpectrumModel,
    load_hibari,
    mouth_shapes_of,
)
from characters.speech.interfaces import SynthesisError, VoiceChunk, VoiceStyle
from tests.audio.hearing import fundamental

DEADLINE = 60.0


class FakeModel:
    """A melody of 200 Hz for half a second, as sine waves; it notes what it was given."""

    def __init__(self) -> None:
        self.paces: list[float] = []
        self.melodies: list[float] = []
        self.seeds: list[int] = []
        self.is_small = threading.Event()

    def phonemize(self, text: str) -> list[str]:
        return [text] if text != "fail" else [""]

    def spectrum(self, phonemes: str, speed: float) -> tuple[Floats, ...]:
        if not phonemes:
            raise RuntimeError("no phonemes")
        self.paces.append(speed)
        flat = np.zeros((601, 40), np.float32)
        return flat, flat, flat, flat, flat, np.full(40, 200.0, np.float32)

    def save_memory(self) -> None:
        self.is_small.set()

    def sound(self, spectrum: tuple[Floats, ...], seed: int) -> Floats:
        self.seeds.append(seed)
        self.melodies.append(float(spectrum[5][0]))
        time = np.arange(RATE // 2, dtype=np.float32) / RATE
        return np.sin(2 * np.pi * float(spectrum[5][0]) * time).astype(np.float32) * 3


def speak(
    text: str, style: VoiceStyle | None = None, model: SpectrumModel | None = None
) -> list[VoiceChunk]:
    it = HibariModel(load_hibari if model is None else lambda: model)
    return it.speak(text, style or VoiceStyle())


def speak_beside(text: str, style: VoiceStyle, make: Callable[[], HibariModel]) -> list[VoiceChunk]:
    """Speak by a process, as the service does."""

    async def run() -> list[VoiceChunk]:
        voice = HibariVoice(make=make)
        try:
            async with asyncio.timeout(DEADLINE):
                return [it async for it in voice.synthesise(text, style)]
        finally:
            await voice.close()

    return asyncio.run(run())


def load_fake() -> SpectrumModel:
    return FakeModel()  # type: ignore[return-value]  # a tuple of any length


class HaltingModel(FakeModel):
    """Waits at one sentence for longer than anybody else would."""

    def phonemize(self, text: str) -> list[str]:
        return text.split()

    def spectrum(self, phonemes: str, speed: float) -> tuple[Floats, ...]:
        if phonemes == "Wait.":
            time.sleep(2.0 * DEADLINE)
        return super().spectrum(phonemes, speed)


def load_halting() -> SpectrumModel:
    return HaltingModel()  # type: ignore[return-value]  # a tuple of any length


def load_nothing() -> SpectrumModel:
    raise ImportError("no hibari")


def height(chunks: list[VoiceChunk]) -> float:
    return fundamental(np.frombuffer(b"".join(chunk.pcm for chunk in chunks), "<i2"), RATE)


def test_a_style_sets_height_and_pace_and_a_text_always_sounds_the_same() -> None:
    model = FakeModel()
    style = VoiceStyle(hertz=100.0, words_per_minute=330)
    chunks = speak("abc", style, model)  # type: ignore[arg-type]  # a tuple of any length
    assert (model.melodies, model.paces) == ([100.0], [2.0])
    assert chunks == speak("abc", style, FakeModel())  # type: ignore[arg-type]


@pytest.mark.parametrize(("variant", "man"), [("m3", True), ("f2", False), ("", False)])
def test_a_persona_with_the_other_voices_words_alone_gets_a_likeness(
    variant: str, man: bool
) -> None:
    model = FakeModel()
    speak("abc", VoiceStyle(variant=variant), model)  # type: ignore[arg-type]
    assert (model.melodies[0] < 150.0) is man


def test_memory_is_saved_beside_the_talk() -> None:
    model = FakeModel()
    HibariModel(lambda: model)  # type: ignore[arg-type,return-value]
    assert model.is_small.wait(DEADLINE)


def test_no_sentence_is_louder_than_the_device_can_play() -> None:
    chunks = speak("abc", model=FakeModel())  # type: ignore[arg-type]
    sound = np.frombuffer(b"".join(chunk.pcm for chunk in chunks), "<i2")
    assert 1_000 < np.abs(sound).max() <= 32_000
    assert max(len(chunk.pcm) for chunk in chunks) <= RATE // 10 * 2


FOREIGN = ("Привет, друг.", "Γεια σου", "שלום", "日本語 OK")  # noqa: RUF001  # no Latin letters


@pytest.mark.parametrize("text", ["Grüß Gott, Ñandú", "ＡＢＣ", "𝓗ello 友", "Việt Nam", "42", "¿?"])  # noqa: RUF001  # odd Latin ones
def test_latin_letters_are_spoken_whatever_they_look_like(text: str) -> None:
    style = VoiceStyle(language="" if text == "42" else "en_GB")
    assert speak_beside(text, style, partial(HibariModel, load_fake))


@pytest.mark.parametrize(
    ("text", "language"),
    [("abc", "de"), ("fail", "en-us"), *((text, "en-us") for text in FOREIGN)],
)
def test_what_it_cannot_speak_is_left_to_the_next_voice(text: str, language: str) -> None:
    with pytest.raises(SynthesisError):
        speak_beside(text, VoiceStyle(language=language), partial(HibariModel, load_fake))


def test_a_package_that_is_missing_is_left_to_the_next_voice() -> None:
    with pytest.raises(SynthesisError, match="no hibari"):
        speak_beside("Hello.", VoiceStyle(), partial(HibariModel, load_nothing))


def test_a_process_of_its_own_speaks_just_as_this_one() -> None:
    style = VoiceStyle(hertz=100.0)
    spoken = speak_beside("abc", style, partial(HibariModel, load_fake))
    assert spoken == speak("abc", style, load_fake())


def test_a_packed_table_holds_what_the_dictionary_held() -> None:
    table = {f"word {number}": {"NN": number, "VB": "h\u0259"} for number in range(1_000)}
    packed = PackedTable(table)
    assert all(packed.get(key) == value for key, value in table.items())
    assert packed.get("no word") is None and packed.get("no word", 1) == 1
    assert PackedTable({}).get("word") is None


def test_the_first_sentence_is_heard_before_the_next_is_made() -> None:
    async def run() -> tuple[VoiceChunk, list[VoiceChunk]]:
        voice = HibariVoice(make=partial(HibariModel, load_halting))
        try:
            async with asyncio.timeout(DEADLINE):
                chunks = voice.synthesise("Ah. Wait.", VoiceStyle())
                first = await anext(chunks)
                await chunks.aclose()
                return first, [it async for it in voice.synthesise("Ah. Oh.", VoiceStyle())]
        finally:
            await voice.close()

    first, chunks = asyncio.run(run())
    assert first == chunks[0]
    assert chunks == speak("Ah. Oh.", model=load_halting())


def test_phonemes_move_the_mouth() -> None:
    shapes = [it.shape for it in mouth_shapes_of("h\u0259l\u02c8O, m\u02c8i.")]
    assert shapes == ["kk", "e", "nn", "oh", "sil", "pp", "ih"]
    begins = [it.shape for it in mouth_shapes_of("h\u0259l\u02c8O, m\u02c8i.") if it.begins_word]
    assert begins == ["kk", "pp"]


def test_every_shape_is_one_of_the_wire() -> None:
    assert {it.shape for it in mouth_shapes_of("pf\u03b8tk\u0283sn\u0279ae\u026aou,a")} <= set(
        VISEMES
    )


def test_the_five_of_the_demo_are_told_apart_by_ear() -> None:
    pytest.importorskip("hibari", reason="the extra `voice` is not installed")
    folder = package_assets() / "personas"
    heights = []
    for path in sorted(folder.glob("*.toml")):
        style = VoiceStyle(**PersonaFiles().read(path).voice.model_dump())
        heights.append(height(speak("Come closer, and tell me who you are.", style)))
    heights.sort()
    assert len(heights) == 5
    assert all(high / low >= 1.15 for low, high in pairwise(heights)), heights
