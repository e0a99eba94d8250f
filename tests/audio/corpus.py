"""Speech made on the spot by two synthesisers, and how much of it the service understands.

    python -m tests.audio.corpus [--every N]

Each utterance goes through the same listener as a room's microphone: voice activity, grammar,
rejection. Reported are, for each noise level: exact, rejected and misunderstood of what can be
asked, and rejected of what cannot.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import subprocess
import tempfile
import wave
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from characters.core.levels import Samples
from characters.core.resampler import resample
from characters.service.speech import Heard, Listener, Rejected, make_speech
from tests.audio.devices import require

PHRASES = (
    "hello", "hi there", "how are you feeling today", "where does it hurt",
    "how long have you had this pain", "do you take any medicine", "are you allergic to anything",
    "what is your name", "my name is peter", "my name is george", "tell me about the hospital",
    "who is the doctor", "what time is it", "can i help you", "goodbye", "thank you very much",
    "yes please", "no thank you", "where is the exam room", "what happened to you",
    "i am a student", "can you open the door",
)  # fmt: skip
OTHERS = (
    "the weather in paris is lovely this spring", "i would like to buy a new bicycle",
    "football is on television tonight", "please turn the music down a little",
    "seven hundred and forty two", "my dog ate the homework again",
    "did you see the mountain yesterday", "we should paint the kitchen yellow",
    "the train leaves from platform nine", "nobody expected such a big surprise",
    "she sells sea shells on the shore", "computers are very fast these days",
    "i think we need more coffee", "let us go swimming in the lake",
    "the quick brown fox jumps over the lazy dog",
)  # fmt: skip
GRAMMAR = (*(p for p in PHRASES if "my name" not in p), "my name is <name>")
VOICES = ("espeak-ng en-us", "espeak-ng en-gb+f2", "espeak-ng en-us+m3", "flite slt",
          "flite rms", "flite awb", "flite kal16")  # fmt: skip
NOISES = (None, 20.0, 10.0)  # dB of voice over noise; None is a quiet room


@dataclass
class Tally:
    """What became of the utterances of one noise level."""

    asked: int = 0
    exact: int = 0
    misunderstood: int = 0
    others: int = 0
    rejected: int = 0

    def count(self, text: str, results: Sequence[Heard | Rejected]) -> None:
        """Add one utterance and what was made of it."""
        heard = [result.text.lower() for result in results if isinstance(result, Heard)]
        if text in PHRASES:
            self.asked += 1
            self.exact += heard == [text]
            self.misunderstood += bool(heard) and heard != [text]
        else:
            self.others += 1
            self.rejected += not heard
            self.misunderstood += bool(heard)

    @property
    def shares(self) -> tuple[float, float, float]:
        """Exact of what can be asked, misunderstood of all, rejected of the others."""
        everything = max(1, self.asked + self.others)
        return (
            self.exact / max(1, self.asked),
            self.misunderstood / everything,
            self.rejected / max(1, self.others),
        )


def say(voice: str, text: str, folder: Path) -> Samples:
    """Speak a text at 16 kHz with one of the voices."""
    program, name = voice.split(" ")
    require(program)
    file = folder / "said.wav"
    if program == "flite":
        command = ["flite", "-voice", name, "-t", text, "-o", str(file)]
    else:
        command = ["espeak-ng", "-v", name, "-s", "150", "-w", str(file), text]
    subprocess.run(command, check=True, capture_output=True)
    with wave.open(io.BytesIO(file.read_bytes())) as wav:
        rate = wav.getframerate()
        samples = np.frombuffer(wav.readframes(wav.getnframes()), "<i2").astype(np.int16)
    return resample(samples, rate, 16_000)


def in_a_room(voice: Samples, noise_db: float | None, chance: np.random.Generator) -> bytes:
    """Return an utterance with the room before and after it."""
    level = 10.0
    quiet = voice.astype(np.float64) * 0.5
    if noise_db is not None:
        level = float(np.sqrt((quiet**2).mean())) * 10 ** (-noise_db / 20)
    sound = np.concatenate((np.zeros(8_000), quiet, np.zeros(16_000)))
    sound += chance.standard_normal(sound.size) * level
    mixed: Samples = np.clip(sound, -32_768, 32_767).astype(np.int16)
    return mixed.tobytes()


async def listen(listener: Listener, pcm: bytes) -> list[Heard | Rejected]:
    """Feed an utterance frame by frame."""
    results: list[Heard | Rejected] = []
    for at in range(0, len(pcm), 640):
        events = await listener.feed(pcm[at : at + 640], at / 32_000)
        results += [event for event in events if isinstance(event, (Heard, Rejected))]
    return results


def utterances(every: int) -> Iterator[tuple[str, Samples]]:
    """Yield texts and how they sound, voice after voice, as players come one after the other."""
    with tempfile.TemporaryDirectory() as folder:
        for voice in VOICES:
            for text in (*PHRASES, *OTHERS)[:: every or 1]:
                yield text, say(voice, text, Path(folder))


async def measure(every: int, noises: Sequence[float | None] = NOISES) -> dict[float | None, Tally]:
    """Listen to the corpus at each noise level."""
    speech = make_speech(speak=False)
    chance = np.random.default_rng(7)
    said = list(utterances(every))
    tallies: dict[float | None, Tally] = {}
    for noise in noises:
        listener, tally = speech.listen(GRAMMAR), Tally()
        for text, voice in said:
            tally.count(text, await listen(listener, in_a_room(voice, noise, chance)))
        listener.close()
        tallies[noise] = tally
    await speech.close()
    return tallies


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="take every Nth text only")
    tallies = asyncio.run(measure(parser.parse_args().every))
    print("| voice over noise | asked | exact | misunderstood | others | rejected |")
    print("|---|---|---|---|---|---|")
    for noise, tally in tallies.items():
        exact, wrong, rejected = tally.shares
        name = "quiet" if noise is None else f"{noise:g} dB"
        print(
            f"| {name} | {tally.asked} | {exact:.0%} | {wrong:.1%} | {tally.others} "
            f"| {rejected:.0%} |"
        )


if __name__ == "__main__":
    main()
