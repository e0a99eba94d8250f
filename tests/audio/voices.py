"""The demo's five voices as WAV files, their heights, and how many of their words are understood.

    python -m tests.audio.voices FOLDER

Whisper listens, of the extra `dictation`; without it the words are not counted.
"""

from __future__ import annotations

import argparse
import wave
from pathlib import Path

import numpy as np

from characters.agents.persona import PersonaFiles
from characters.audio.signal import Samples, resample
from characters.installation import package_assets
from characters.speech.hibari import RATE, HibariModel
from characters.speech.interfaces import Heard, VoiceStyle
from characters.speech.whisper import WhisperTranscriber, packaged_model
from tests.audio.corpus import plain, words_right
from tests.audio.hearing import fundamental

SENTENCES = (
    "Good morning, and welcome to the clinic. Please take a seat by the window.",
    "The doctor will see you in about ten minutes, after the old man with the blue hat.",
    "It hurts when I bend my knee, and it has done so for nearly two weeks.",
    "Could you tell me where the kitchen is? I have not had any breakfast.",
    "Nobody has seen the grey cat since last night. She likes to sleep under the stairs.",
    "Walk down the long hall, turn left at the lamp, and knock three times.",
)


def spoken(model: HibariModel, style: VoiceStyle) -> list[Samples]:
    """Return how each sentence sounds."""
    return [
        np.frombuffer(b"".join(chunk.pcm for chunk in model.speak(text, style)), "<i2")
        for text in SENTENCES
    ]


def words_understood(listener: WhisperTranscriber, sounds: list[Samples]) -> str:
    """Return how many of the words a recogniser understands."""
    right = total = 0
    for text, sound in zip(SENTENCES, sounds, strict=True):
        heard = listener.transcribe(resample(sound.astype(np.int16), RATE, 16_000).tobytes())
        words = plain(text)
        total += len(words.split())
        right += words_right(words, plain(heard.text) if isinstance(heard, Heard) else "")
    return f"{right} of {total}, {right / total:.1%}"


def main() -> None:
    """Write the files, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    model, whisper = HibariModel(), packaged_model()
    listener = None if whisper is None else WhisperTranscriber(whisper, "en")
    print("| persona | `hertz` | measured | words understood |", "|---|---|---|---|", sep="\n")
    for path in sorted((package_assets() / "personas").glob("*.toml")):
        style = VoiceStyle(**PersonaFiles().read(path).voice.model_dump())
        sounds = spoken(model, style)
        whole = np.concatenate(sounds)
        with wave.open(str(folder / f"{path.stem}.wav"), "wb") as file:
            file.setparams((1, 2, RATE, whole.size, "NONE", ""))
            file.writeframes(whole.tobytes())
        words = "" if listener is None else words_understood(listener, sounds)
        print(f"| {path.stem} | {style.hertz:g} | {fundamental(whole, RATE):.0f} Hz | {words} |")


if __name__ == "__main__":
    main()
