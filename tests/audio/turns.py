"""Is the player done? False cut-offs and delays, in the terms of the field's end-of-turn benches.

    python -m tests.audio.turns [--every N] [--recordings FOLDER]

Each sentence is one turn with a pause of 0.2 to 1.2 s somewhere in it. A *false cut-off* is a turn
that would have been ended in that pause; the *delay* is the time from the last sound to the end of
the turn. Both follow from `smart_turn.stop_secs`, which is swept: what is told is the share of
false cut-offs where the mean delay is 300 ms, and the mean delay where 5 % are cut off.

Voices are made on the spot; their pauses are cut into whole sentences, so that no half ends like a
whole one. A folder takes the place of them: each NAME.wav in it is one turn of a human speaker,
with the pauses that he made; NAME.txt beside it, if there is one, holds the words, which are then
among those that can be recognised. Seconds are those of the sound: what recognition costs is the
bench's matter.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from types import MappingProxyType
from typing import TypeAlias

import numpy as np

from characters.audio.signal import Samples, resample
from characters.audio.sources import read_wav
from characters.protocol.turn_settings import SmartTurn, VoiceActivityOptions
from characters.speech.espeak import Espeak, find_espeak
from characters.speech.hibari import HibariVoice
from characters.speech.interfaces import (
    Completeness,
    Recogniser,
    SpeechContinued,
    SpeechPaused,
    Synthesiser,
    TurnDetector,
    Utterance,
    VoiceStyle,
)
from characters.speech.listener import AIR_SECONDS, FRAME_SECONDS, PAUSE_SHARES, Transcriber
from characters.speech.onnx import (
    SileroDetector,
    SmartTurnDetector,
    SmartTurnModel,
    find_silero,
    find_smart_turn,
    load_silero,
)
from characters.speech.sphinx import SphinxRecogniser, pronounce_with_espeak
from characters.speech.worker import InWorker
from tests.audio.corpus import GRAMMAR, HELD_OUT, PHRASES, in_a_room

__all__ = ["cut_off", "delay", "JudgedPause", "JudgedTurn", "Point", "points", "SpokenTurn"]

BEFORE_SECONDS = 0.5  # of room, as `in_a_room` puts it there
SHORTEST, LONGEST = 0.2, 1.2  # seconds of the pauses that are put into sentences
STOPS = np.arange(0.05, 4.0, 0.01)
USUAL_STOP = SmartTurn().stop_secs
LEAST_PAUSE = VoiceActivityOptions().stop_secs + AIR_SECONDS + FRAME_SECONDS

VOICES: Mapping[str, VoiceStyle] = MappingProxyType(
    {
        "hibari": VoiceStyle(),
        "hibari 112 Hz": VoiceStyle(hertz=112.0, formants=0.85),
        "hibari 235 Hz, slow": VoiceStyle(hertz=235.0, formants=1.1, words_per_minute=125),
        "hibari 150 Hz, quick": VoiceStyle(hertz=150.0, formants=0.9, words_per_minute=215),
        "espeak-ng f4": VoiceStyle(variant="f4", words_per_minute=150),
        "espeak-ng m7, quick": VoiceStyle("en-gb", "m7", words_per_minute=200),
    }
)


@dataclass(frozen=True)
class SpokenTurn:
    """A turn as it sounds, 16 kHz mono, from its first to its last voice."""

    text: str
    sound: Samples


@dataclass(frozen=True)
class JudgedPause:
    """How long the listener heard nothing, and what words and sound said meanwhile."""

    seconds: float
    by_words: Completeness
    by_sound: Completeness


@dataclass(frozen=True)
class JudgedTurn:
    """The pauses within a turn, and its end: how much later than the last sound that was heard."""

    pauses: tuple[JudgedPause, ...]
    end: JudgedPause
    lag: float


Policy: TypeAlias = tuple[bool, bool]
"""Whether words, and whether the sound, may shorten and prolong the pause that ends a turn."""

POLICIES: Mapping[str, Policy] = MappingProxyType(
    {
        "the pause alone": (False, False),
        "words": (True, False),
        "sound": (False, True),
        "words, then sound": (True, True),
    }
)


def needed(pause: JudgedPause, policy: Policy, stop: float) -> float:
    """Return how long a pause has to be to end the turn."""
    words, sound = policy
    found = pause.by_words if words else Completeness.UNKNOWN
    if found is Completeness.UNKNOWN and sound:
        found = pause.by_sound
    return stop * PAUSE_SHARES[found]


def cut_off(turn: JudgedTurn, policy: Policy, stop: float, least: float = 0.0) -> bool:
    """Tell whether a turn is ended before it is over."""
    return any(max(least, needed(it, policy, stop)) < it.seconds for it in turn.pauses)


def delay(turn: JudgedTurn, policy: Policy, stop: float, least: float = 0.0) -> float:
    """Return the seconds from the last sound to the end of the turn."""
    return turn.lag + max(least, needed(turn.end, policy, stop))


@dataclass(frozen=True)
class Point:
    """How a policy does with one pause: the share of turns that are cut, and the mean delay."""

    cut: float
    delay: float


def points(turns: Sequence[JudgedTurn], policy: Policy, least: float = 0.0) -> list[Point]:
    """Return a point for each of `STOPS`."""
    return [
        Point(
            float(np.mean([cut_off(turn, policy, stop, least) for turn in turns])),
            float(np.mean([delay(turn, policy, stop, least) for turn in turns])),
        )
        for stop in STOPS
    ]


# --- turns that are made --------------------------------------------------------------------------


async def say(voice: Synthesiser, style: VoiceStyle, text: str) -> tuple[Samples, int, list[int]]:
    """Return how a text sounds, its rate, and where its words begin."""
    sound, words, rate = b"", list[int](), 0
    async for chunk in voice.synthesise(text, style):
        words += [len(sound) // 2 + word for word in chunk.words]
        sound, rate = sound + chunk.pcm, chunk.sample_rate
    return np.frombuffer(sound, "<i2").astype(np.int16), rate, words


def with_pause(
    sound: Samples, rate: int, words: Sequence[int], chance: np.random.Generator
) -> Samples:
    """Return a sentence at 16 kHz with a pause before one of its words but the first."""
    at = int(chance.choice(words[1:]))
    near = np.arange(at - rate // 16, at + rate // 16, rate // 100).clip(0, sound.size)
    quiet = [np.abs(sound[i : i + rate // 100].astype(int)).sum() for i in near]
    cut = int(near[int(np.argmin(quiet))])
    pause = np.zeros(round(rate * chance.uniform(SHORTEST, LONGEST)), np.int16)
    joined = np.concatenate((sound[:cut], pause, sound[cut:]))
    return without_silence(resample(joined, rate, 16_000))


def without_silence(sound: Samples) -> Samples:
    """Return a sound from its first to its last voice; a room's noise is 30 dB below that."""
    level = np.abs(sound.astype(np.int32))
    loud = np.flatnonzero(level > max(200, int(level.max(initial=0)) // 32))
    return sound[loud[0] : loud[-1] + 1] if loud.size else sound


async def made(name: str, texts: Sequence[str], seed: int) -> AsyncIterator[SpokenTurn]:
    """Yield texts of several words as one of the voices says them."""
    program = find_espeak() or "espeak-ng"
    voice: Synthesiser = HibariVoice() if name.startswith("hibari") else Espeak(program)
    chance = np.random.default_rng(seed)
    for text in texts:
        sound, rate, words = await say(voice, VOICES[name], text)
        if len(words) > 1:
            yield SpokenTurn(text, with_pause(sound, rate, words, chance))
    await voice.close()


def recorded(folder: Path) -> Iterator[SpokenTurn]:
    """Yield the recordings of a folder. Raises ValueError where one cannot be read or none is."""
    paths = [path for path in folder.glob("*") if path.suffix.lower() == ".wav"]
    if not paths:
        raise ValueError(f"{folder} holds no recording: each is a NAME.wav")
    for path in sorted(paths):
        words = path.with_suffix(".txt")
        text = words.read_text(encoding="utf-8").strip() if words.is_file() else ""
        yield SpokenTurn(text, without_silence(read_wav(path)))


# --- how they are heard ---------------------------------------------------------------------------


class Notes:
    """What words and sound said of the last pause; neither decides anything."""

    def __init__(self, recogniser: Recogniser, detector: TurnDetector | None) -> None:
        self._recogniser = recogniser
        self._detector = detector
        self.by_words = self.by_sound = Completeness.UNKNOWN

    def prepare(self, phrases: tuple[str, ...]) -> None:
        """Prepare the recogniser."""
        self._recogniser.prepare(phrases)

    def load(self) -> None:
        """Load the detector of turns."""
        if self._detector is not None:
            self._detector.load()

    async def open(self, phrases: tuple[str, ...]) -> NotedUtterance | None:
        """Begin an utterance."""
        utterance = await self._recogniser.open(phrases)
        return None if utterance is None else NotedUtterance(utterance, self)

    async def completeness(self, pcm: bytes) -> Completeness:
        """Note what the sound says."""
        if self._detector is not None:
            self.by_sound = await self._detector.completeness(pcm)
        return Completeness.UNKNOWN

    async def close(self) -> None:
        """Close what is listened with."""
        await self._recogniser.close()
        if self._detector is not None:
            await self._detector.close()


class NotedUtterance:
    """An utterance whose words are noted in each pause."""

    def __init__(self, utterance: Utterance, notes: Notes) -> None:
        self._notes = notes
        self._utterance = utterance
        self.feed, self.finish, self.cancel = utterance.feed, utterance.finish, utterance.cancel

    async def completeness(self) -> Completeness:
        """Note what the words say."""
        self._notes.by_words = await self._utterance.completeness()
        return Completeness.UNKNOWN


class Judge:
    """Hears turns as the service does, and notes of each pause what it may be the end of."""

    def __init__(self, phrases: Sequence[str]) -> None:
        program, model, silero = find_espeak(), find_smart_turn(), find_silero()
        assert silero is not None, "the extra `silero` is needed"
        pronounce = partial(pronounce_with_espeak, program) if program else lambda word: None
        detector = None if model is None else SmartTurnDetector(partial(SmartTurnModel, model))
        self._notes = Notes(InWorker(SphinxRecogniser(pronounce)), detector)
        self._listener = Transcriber(
            phrases,
            SileroDetector(cache(partial(load_silero, silero))),
            self._notes,
            # Nothing ends a turn: each pause is heard to its end, from its first fifth of a second.
            VoiceActivityOptions(stop_secs=0.0),
            SmartTurn(stop_secs=10.0, max_duration_secs=60.0),
            self._notes,
        )
        self._chance = np.random.default_rng(3)

    async def judge(self, turn: SpokenTurn) -> JudgedTurn | None:
        """Return what was heard of a turn, None where it was not taken for speech."""
        found: list[tuple[float, JudgedPause]] = []
        pcm = in_a_room(turn.sound, None, self._chance)
        for at in range(0, len(pcm), 640):
            for event in await self._listener.feed(pcm[at : at + 640], (at + 640) / 32_000):
                if isinstance(event, SpeechPaused):
                    begin = event.timestamp - AIR_SECONDS - FRAME_SECONDS
                    notes = self._notes
                    found.append((begin, JudgedPause(np.inf, notes.by_words, notes.by_sound)))
                elif isinstance(event, SpeechContinued):
                    begin, pause = found[-1]
                    found[-1] = (begin, replace(pause, seconds=event.timestamp - begin))
        await self._listener.force_stop()
        if not found or found[-1][1].seconds < np.inf:
            return None
        over = BEFORE_SECONDS + turn.sound.size / 16_000
        return JudgedTurn(tuple(it for _, it in found[:-1]), found[-1][1], found[-1][0] - over)

    async def close(self) -> None:
        """Close the listener, and what it listens with."""
        await self._listener.close()
        await self._notes.close()


def row(name: str, turns: Sequence[JudgedTurn], policy: Policy) -> str:
    """Return a line of the table."""
    found = points(turns, policy)
    at_300 = [point.cut for point in found if point.delay <= 0.3]
    at_5 = [point.delay for point in found if point.cut <= 0.05]
    usual = int(np.argmin(np.abs(STOPS - USUAL_STOP)))
    shipped = points(turns, policy, LEAST_PAUSE)[usual]
    early = f"{at_300[-1]:.0%}" if at_300 else "-"
    late = f"{at_5[0] * 1000:.0f} ms" if at_5 else "-"
    return (
        f"| {name} | {len(turns)} | {early} | {late} | {shipped.cut:.0%} "
        f"| {shipped.delay * 1000:.0f} ms |"
    )


async def judged(every: int, recordings: Path | None) -> dict[str, list[JudgedTurn]]:
    """Return the turns of each voice or folder as they were heard."""
    kinds = {"known": [p for p in PHRASES if " " in p][::every], "other": HELD_OUT.others[::every]}
    found = dict[str, list[JudgedTurn]]()
    spoken = list(recorded(recordings)) if recordings is not None else []
    judge = Judge((*GRAMMAR, *(turn.text for turn in spoken if turn.text)))

    async def take(name: str, turn: SpokenTurn) -> None:
        heard = await judge.judge(turn)
        if heard is not None:
            found.setdefault(name, []).append(heard)

    for turn in spoken:
        await take("recordings", turn)
    for name in () if spoken else VOICES:
        for kind, texts in kinds.items():
            async for turn in made(name, texts, seed=len(found)):
                await take(f"{name}, {kind}", turn)
    await judge.close()
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--every", type=int, default=1, help="take every Nth text only")
    parser.add_argument("--recordings", type=Path, help="a folder of human turns")
    asked = parser.parse_args()
    try:
        heard = asyncio.run(judged(asked.every, asked.recordings))
    except ValueError as error:  # of a recording
        parser.error(str(error))
    print("| who, and what ends a turn | turns | cut at 300 ms | delay at 5 % | cut | delay |")
    print("|---|---|---|---|---|---|")
    for name, turns in heard.items():
        print(row(f"{name}: words", turns, POLICIES["words"]))
    for kind in dict.fromkeys(name.rpartition(", ")[2] for name in heard):
        turns = [turn for name in heard if name.endswith(kind) for turn in heard[name]]
        for policy in POLICIES if find_smart_turn() else ("the pause alone", "words"):
            print(row(f"**all, {kind}**: {policy}", turns, POLICIES[policy]))


if __name__ == "__main__":
    main()
