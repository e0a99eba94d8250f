"""Speech made on the spot by three synthesisers, and how much of it the service understands.

    python -m tests.audio.corpus [--tuning | --cast] [--detector NAME] [--dictation] [--every N]

Each utterance goes through the same listener as a room's microphone: voice activity, grammar,
rejection. The bars of the rejection were found on the voices, sentences and noise of `TUNING`;
what is reported is `HELD_OUT`, which no bar was ever moved for.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import subprocess
import tempfile
import wave
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from functools import cache
from pathlib import Path

import numpy as np

from characters.agents.persona import PersonaFiles
from characters.audio.signal import Samples, resample
from characters.installation import package_assets
from characters.speech.factory import make_speech
from characters.speech.hibari import HibariModel
from characters.speech.interfaces import Heard, Rejected, VoiceStyle
from characters.speech.listener import Transcriber
from characters.speech.settings import SpeechDetector, SpeechSettings
from characters.speech.whisper import packaged_model
from tests.audio.devices import require

PHRASES = (
    "hello", "hi there", "how are you feeling today", "where does it hurt",
    "how long have you had this pain", "do you take any medicine", "are you allergic to anything",
    "what is your name", "tell me about the hospital", "who is the doctor", "what time is it",
    "can i help you", "goodbye", "thank you very much", "yes please", "no thank you",
    "where is the exam room", "what happened to you", "i am a student", "can you open the door",
)  # fmt: skip
GRAMMAR = (*PHRASES, "my name is <name>")
# No grammar is asked about the language, and the model of the extra `dictation` has "en" alone.
BY_GRAMMAR = SpeechSettings(recognition_language="en-us")
NOISES = (None, 20.0, 10.0)  # dB of voice over noise; None is a quiet room


@dataclass(frozen=True)
class Corpus:
    """Who speaks, what cannot be asked, which names are given, and the seed of the noise."""

    voices: tuple[str, ...]
    others: tuple[str, ...]
    names: tuple[str, ...]
    seed: int

    @property
    def texts(self) -> tuple[str, ...]:
        """Everything that each voice says."""
        return (*PHRASES, *self.others, *(f"my name is {name}" for name in self.names))


TUNING = Corpus(
    voices=(
        "espeak-ng en-us", "espeak-ng en-gb+f2", "espeak-ng en-us+m3", "espeak-ng en-us+f3",
        "espeak-ng en-gb+m2", "flite slt", "flite rms", "flite awb", "flite kal16",
    ),
    others=(
        "the weather in paris is lovely this spring", "i would like to buy a new bicycle",
        "football is on television tonight", "please turn the music down a little",
        "seven hundred and forty two", "my dog ate the homework again",
        "did you see the mountain yesterday", "we should paint the kitchen yellow",
        "the train leaves from platform nine", "nobody expected such a big surprise",
        "she sells sea shells on the shore", "computers are very fast these days",
        "i think we need more coffee", "let us go swimming in the lake",
        "the quick brown fox jumps over the lazy dog", "what is the capital of france",
        "can you open the window", "where is the train station", "who is the president",
        "how do you make pancakes", "my name is not important", "what time does the shop close",
        "tell me a story about dragons", "i am a pilot", "do you take credit cards",
    ),
    names=("ada", "elena", "eva", "anna", "hannah", "emma", "peter", "george", "sam", "michael"),
    seed=7,
)  # fmt: skip
# The demo's five, by the voice that they speak with, and what no voice of the others says: names
# that are in no list.
CAST = Corpus(
    voices=(
        "hibari nurse-21c4", "hibari patient-7f3a", "hibari porter-3e8f", "hibari kiosk-90ab",
        "hibari examiner-5d2e",
    ),
    others=(
        "my bicycle has a flat tyre", "the soup needs a bit more salt",
        "have you read the newspaper this morning", "turn left after the bridge",
        "two tickets for the evening show", "what is the price of this jacket",
        "i am going home now", "she plays the piano every sunday", "tell me about the weather",
        "open the box and look inside",
    ),
    names=(
        "lucas", "julia", "otto", "rose", "walter", "molly", "ian", "violet", "hugo", "clara",
        "wanda", "bruno", "naomi", "gustav", "ingrid", "tobias", "selma", "marcus", "dora",
        "felicity",
    ),
    seed=2007,
)  # fmt: skip
HELD_OUT = Corpus(
    voices=(
        "espeak-ng en-us+f4", "espeak-ng en-gb-x-rp+m7", "espeak-ng en-us-nyc+f5",
        "festival ked_diphone",
    ),
    others=(
        "my bicycle has a flat tyre", "the soup needs a bit more salt",
        "have you read the newspaper this morning", "turn left after the bridge",
        "two tickets for the evening show", "what is the price of this jacket",
        "can you close the window", "where did you park the car", "i am going home now",
        "how old is the king of spain", "the cat sleeps under the table",
        "she plays the piano every sunday", "do you like chocolate ice cream",
        "tell me about the weather", "open the box and look inside",
    ),
    names=("lucas", "julia", "otto", "rose", "walter", "molly", "ian", "violet", "hugo", "clara"),
    seed=1007,
)  # fmt: skip


@dataclass
class Tally:
    """What became of the utterances of one voice, or of several, at one noise level."""

    asked: int = 0
    exact: int = 0
    misunderstood: int = 0
    others: int = 0
    rejected: int = 0  # of the others
    names: int = 0
    advised: int = 0  # to type the name, or to say it again
    others_exact: int = 0
    names_exact: int = 0
    words: int = 0
    words_right: int = 0

    def count(self, text: str, results: Sequence[Heard | Rejected]) -> None:
        """Add one utterance and what was made of it."""
        heard = [plain(result.text) for result in results if isinstance(result, Heard)]
        self.words += len(text.split())
        self.words_right += words_right(text, " ".join(heard))
        self.misunderstood += bool(heard) and heard != [text]
        if text in PHRASES:
            self.asked += 1
            self.exact += heard == [text]
        elif text.startswith("my name is "):
            self.names += 1
            self.advised += not heard
            self.names_exact += heard == [text]
        else:
            self.others += 1
            self.rejected += not heard
            self.others_exact += heard == [text]

    def __iadd__(self, other: Tally) -> Tally:
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)
        return self

    @property
    def shares(self) -> tuple[float, float, float]:
        """Exact of what can be asked, misunderstood of all, rejected of the others."""
        everything = max(1, self.asked + self.others + self.names)
        return (
            self.exact / max(1, self.asked),
            self.misunderstood / everything,
            self.rejected / max(1, self.others),
        )


def plain(text: str) -> str:
    """Return a sentence without case and signs; a recogniser may write them."""
    return " ".join(re.findall(r"[a-z']+", text.lower()))


def words_right(said: str, heard: str) -> int:
    """Return how many words of a sentence were heard, in their order."""
    blocks = SequenceMatcher(
        None, said.split(), heard.split(), autojunk=False
    ).get_matching_blocks()
    return sum(block.size for block in blocks)


def say(voice: str, text: str, folder: Path) -> Samples:
    """Speak a text at 16 kHz with one of the voices."""
    program, name = voice.split(" ")
    if program == "hibari":
        return say_as(name, text)
    require("text2wave" if program == "festival" else program)
    file = folder / "said.wav"
    commands = {
        "flite": ["flite", "-voice", name, "-t", text, "-o", str(file)],
        "espeak-ng": ["espeak-ng", "-v", name, "-s", "150", "-w", str(file), text],
        "festival": ["text2wave", "-eval", f"(voice_{name})", "-o", str(file)],
    }
    subprocess.run(commands[program], input=text.encode(), check=True, capture_output=True)
    with wave.open(str(file)) as wav:
        rate = wav.getframerate()
        samples = np.frombuffer(wav.readframes(wav.getnframes()), "<i2").astype(np.int16)
    return resample(samples, rate, 16_000)


@cache
def human_voice() -> HibariModel:
    """Return the voice of the demo's characters, loaded once."""
    return HibariModel()


def say_as(persona: str, text: str) -> Samples:
    """Speak a text at 16 kHz as one of the demo's characters."""
    voice = PersonaFiles().read(package_assets() / "personas" / f"{persona}.toml").voice
    chunks = human_voice().speak(f"{text}.", VoiceStyle(**voice.model_dump()))
    sound = np.frombuffer(b"".join(chunk.pcm for chunk in chunks), "<i2").astype(np.int16)
    return resample(sound, chunks[0].sample_rate, 16_000)


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


async def listen(listener: Transcriber, pcm: bytes) -> list[Heard | Rejected]:
    """Feed an utterance frame by frame."""
    results: list[Heard | Rejected] = []
    for at in range(0, len(pcm), 640):
        events = await listener.feed(pcm[at : at + 640], at / 32_000)
        results += [event for event in events if isinstance(event, (Heard, Rejected))]
    return results


def utterances(corpus: Corpus, every: int) -> Iterator[tuple[str, str, Samples]]:
    """Yield voices, texts and how they sound, as players come one after the other."""
    with tempfile.TemporaryDirectory() as folder:
        for voice in corpus.voices:
            for text in corpus.texts[:: every or 1]:
                yield voice, text, say(voice, text, Path(folder))


@dataclass
class Report:
    """Tallies by noise level and voice."""

    rows: dict[tuple[float | None, str], Tally] = field(default_factory=dict)

    def of(self, noise: float | None) -> Tally:
        """Return the tally of all voices at one noise level."""
        total = Tally()
        for (level, _), tally in self.rows.items():
            if level == noise:
                total += tally
        return total


async def measure(
    corpus: Corpus,
    every: int = 1,
    noises: Sequence[float | None] = NOISES,
    detector: SpeechDetector = SpeechDetector.POCKETSPHINX,
    *,
    with_dictation: bool = False,
) -> Report:
    """Listen to a corpus at each noise level."""
    folder = packaged_model() if with_dictation else None
    if with_dictation and folder is None:
        raise SystemExit("the extra `dictation` is not installed")
    settings = SpeechSettings(whisper_folder=str(folder)) if with_dictation else BY_GRAMMAR
    speech = make_speech(replace(settings, detector=detector), speak=False)
    chance, report = np.random.default_rng(corpus.seed), Report()
    said = list(utterances(corpus, every))
    for noise in noises:
        listener = speech.listen(GRAMMAR)
        listener._finish_within = 120.0  # a slow machine understands as much
        for voice, text, sound in said:
            heard = await listen(listener, in_a_room(sound, noise, chance))
            report.rows.setdefault((noise, voice), Tally()).count(text, heard)
        await listener.close()
    await speech.close()
    return report


def row(noise: float | None, voice: str, tally: Tally) -> str:
    """Return a line of the table."""
    exact, wrong, rejected = tally.shares
    name = "quiet" if noise is None else f"{noise:g} dB"
    return (
        f"| {name} | {voice} | {tally.asked} | {exact:.0%} | {tally.others} | {rejected:.0%} "
        f"| {tally.names} | {tally.advised} | {tally.misunderstood} | {wrong:.1%} |"
    )


def dictation_row(noise: float | None, voice: str, tally: Tally) -> str:
    """Return a line of the table of a recogniser that understands anything."""
    name = "quiet" if noise is None else f"{noise:g} dB"
    asked, others = tally.exact / max(1, tally.asked), tally.others_exact / max(1, tally.others)
    return (
        f"| {name} | {voice} | {tally.asked} | {asked:.0%} | {tally.others} | {others:.0%} "
        f"| {tally.names_exact} of {tally.names} | {tally.words_right / tally.words:.1%} |"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tuning", action="store_true", help="the voices the bars were found on")
    parser.add_argument("--cast", action="store_true", help="the demo's five")
    parser.add_argument(
        "--dictation", action="store_true", help="by Whisper, and the grammar where it is not sure"
    )
    parser.add_argument("--detector", type=SpeechDetector, default=SpeechDetector.POCKETSPHINX)
    parser.add_argument("--every", type=int, default=1, help="take every Nth text only")
    asked = parser.parse_args()
    corpus = TUNING if asked.tuning else CAST if asked.cast else HELD_OUT
    report = asyncio.run(
        measure(corpus, asked.every, detector=asked.detector, with_dictation=asked.dictation)
    )
    line, rest = row, "rejected | names | not taken | misunderstood | of all |"
    if asked.dictation:
        line, rest = dictation_row, "exact | names right | words right |"
    head = f"| voice over noise | voice | asked | exact | others | {rest}"
    print(head, "|" + "---|" * (head.count("|") - 1), sep="\n")
    for (noise, voice), tally in report.rows.items():
        print(line(noise, voice, tally))
    for noise in dict.fromkeys(noise for noise, _ in report.rows):
        print(line(noise, "**all**", report.of(noise)))


if __name__ == "__main__":
    main()
