"""The ears of one room: voice activity, and the recogniser's work around it.

Voice activity and smart turn, pure: frame by frame, when somebody speaks and is done.

How sure one can be of a sentence: what speaks for it, and how much the noise demands.

Voice activity by loudness alone, for machines without a real detector.

What can be asked, as a grammar: sentences in, JSGF and a check of its answers out.
"""

from __future__ import annotations

import asyncio
import logging
import math
import re
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from itertools import takewhile

import numpy as np

from characters.audio.signal import SpeechGate, decibels, volume
from characters.protocol.turn_settings import SmartTurn, VoiceActivityOptions
from characters.speech.interfaces import (
    GIVEN_NAMES,
    SAY_AGAIN,
    Detector,
    Heard,
    Recogniser,
    Rejected,
    SpeechEvent,
    SpeechStarted,
    SpeechStopped,
    Utterance,
)

__all__ = [
    "Activity",
    "CUT_OFF",
    "Evidence",
    "Grammar",
    "Loudness",
    "LoudnessDetector",
    "make_grammar",
    "NullRecognizer",
    "Segment",
    "Sentence",
    "spoken_frames",
    "Transcriber",
    "VoiceActivity",
    "words_of",
    "worst_word",
]


# Recognisers want a little silence after the last word.
AIR_SECONDS = 0.2
TOLERANCE = 1e-6


class Activity(Enum):
    """What a frame changed."""

    NOTHING = auto()
    STARTED = auto()
    STOPPED = auto()  # a turn's worth of silence
    TOO_LONG = auto()


class VoiceActivity:
    """Follows one microphone: speech starts after `start_secs` of it, a turn ends by a pause.

    A pause ends the turn after `stop_secs` of the detector, or of the smart turn if that is longer.
    """

    def __init__(self, options: VoiceActivityOptions, turn: SmartTurn) -> None:
        self._options = options
        self._turn = turn
        self.is_speaking = False
        self._run = 0.0  # seconds of evidence against the present answer
        self.seconds = 0.0  # of the turn so far
        self.voiced_seconds = 0.0

    @property
    def is_voiced(self) -> bool:
        """Whether the last frame of the utterance was speech."""
        return self.is_speaking and self._run == 0.0

    @property
    def is_pausing(self) -> bool:
        """Whether the speaker has paused for longer than is worth recognising."""
        return self.is_speaking and self._run > self._options.stop_secs + AIR_SECONDS + TOLERANCE

    @property
    def may_be_over(self) -> bool:
        """Whether the pause is half of what ends a turn: enough after a whole sentence."""
        return self.is_pausing and self._run >= self._turn.stop_secs / 2.0 - TOLERANCE

    def hear(self, confidence: float, db: float, seconds: float) -> Activity:
        """Take how sure the detector is, 0 to 1, and the loudness of one frame."""
        speech = confidence >= self._options.confidence and volume(db) >= self._options.min_volume
        if not self.is_speaking:
            return self._wait(speech, seconds)
        return self._follow(speech, seconds)

    def stop(self) -> None:
        """End the turn from outside."""
        self.is_speaking = False
        self._run = 0.0

    def _wait(self, speech: bool, seconds: float) -> Activity:
        # A plosive's gap halves the evidence instead of forgetting it, or short words are missed.
        self._run = self._run + seconds if speech else max(0.0, self._run - seconds)
        if self._run < self._options.start_secs - TOLERANCE:
            return Activity.NOTHING
        self.is_speaking = True
        self.seconds = self.voiced_seconds = self._run
        self._run = 0.0
        return Activity.STARTED

    def _follow(self, speech: bool, seconds: float) -> Activity:
        self.seconds += seconds
        self.voiced_seconds += seconds if speech else 0.0
        self._run = 0.0 if speech else self._run + seconds
        pause = max(self._options.stop_secs, self._turn.stop_secs)
        if self._run >= pause - TOLERANCE:
            self.stop()
            return Activity.STOPPED
        if self.seconds >= self._turn.max_duration_secs - TOLERANCE:
            self.stop()
            return Activity.TOO_LONG
        return Activity.NOTHING


log = logging.getLogger(__name__)

CUT_OFF = "The line was lost in the middle of what you said: say it again, or type it."
BUSY = "Too many people speak at once: say it again, or type it."
FRAME_BYTES = 640
FRAME_SECONDS = 0.02
# What the detector's confidence lags behind the voice, and some air before the first consonant:
# the recogniser has to know the room's noise.
CERTAINTY_SECONDS = 0.4
# Less voice than this and no words: a cough, a door. Nobody wants to be asked to say it again.
COUGH_SECONDS = 0.35


class NullRecognizer:
    """The recogniser of a machine that has none: every utterance is rejected with the reason."""

    def __init__(self, advice: str) -> None:
        self._advice = advice

    def prepare(self, phrases: tuple[str, ...]) -> None:
        """Nothing is to be prepared."""

    async def open(self, phrases: tuple[str, ...]) -> NullRecognizer:
        """Begin an utterance."""
        return self

    async def feed(self, pcm: bytes) -> None:
        """Take more of the utterance."""

    async def is_whole(self) -> bool:
        """Nobody knows."""
        return False

    async def finish(self) -> Rejected:
        """Say why nothing is understood."""
        return Rejected(self._advice)

    async def cancel(self) -> None:
        """Drop the utterance."""

    async def close(self) -> None:
        """Nothing is to be given back."""


class Transcriber:
    """Implements `Listener` over any detector and recogniser."""

    def __init__(
        self,
        phrases: Iterable[str],
        detector: Detector,
        recogniser: Recogniser,
        activity: VoiceActivityOptions,
        turn: SmartTurn,
        patience_seconds: float = 10.0,  # for what was said to be made out
    ) -> None:
        self._detector = detector
        self._recogniser = recogniser
        self._patience_seconds = patience_seconds
        self.set_phrases(phrases)
        self._activity = VoiceActivity(activity, turn)
        lead = activity.start_secs + CERTAINTY_SECONDS + turn.pre_speech_ms / 1000.0
        self._pre_roll_ms = turn.pre_speech_ms
        self._before: deque[bytes] = deque(maxlen=max(1, round(lead / FRAME_SECONDS)))
        self._pause: list[bytes] = []
        self._utterance: Utterance | None = None
        self._was_asked = False
        self._rest = b""
        self._now = 0.0
        self._muted = False
        self._closed = False

    async def feed(self, pcm: bytes, timestamp: float) -> tuple[SpeechEvent, ...]:
        """Take microphone sound of any length; return what it gave rise to, in order."""
        self._now = timestamp
        if self._muted or self._closed:
            return ()
        data = self._rest + pcm
        whole = len(data) - len(data) % FRAME_BYTES
        self._rest = data[whole:]
        events: list[SpeechEvent] = []
        for start in range(0, whole, FRAME_BYTES):
            events += await self._hear(data[start : start + FRAME_BYTES])
        return tuple(events)

    async def force_stop(self) -> tuple[SpeechEvent, ...]:
        """End the utterance now."""
        if not self._activity.is_speaking:
            return ()
        self._activity.stop()
        return await self._finish("forced")

    async def cut_off(self) -> tuple[SpeechEvent, ...]:
        """End the utterance of a player whose frames have stopped coming: his line is lost.

        What was said to its end is answered; what ends within a word could be the beginning
        of anything, and its rest comes later or never.
        """
        was_speaking, within_word = self._activity.is_speaking, self._activity.is_voiced
        self._activity.stop()
        self._rest = b""
        if was_speaking and not within_word:
            return await self._finish("lost")
        await self._drop()
        return (self._stopped("lost"), Rejected(CUT_OFF)) if was_speaking else ()

    async def set_muted(self, muted: bool) -> tuple[SpeechEvent, ...]:
        """Stop or resume listening; an open utterance is dropped."""
        self._muted = muted
        if not muted or not self._activity.is_speaking:
            return ()
        self._activity.stop()
        await self._drop()
        return (self._stopped("muted"),)

    def set_phrases(self, phrases: Iterable[str]) -> None:
        """Change what can be understood, from the next utterance on."""
        self._phrases = tuple(phrases)
        self._recogniser.prepare(self._phrases)

    async def close(self) -> None:
        """Give everything back."""
        self._closed = True
        self._detector.close()
        await self._drop()

    async def _hear(self, frame: bytes) -> list[SpeechEvent]:
        loudness = decibels(np.frombuffer(frame, "<i2"))
        change = self._activity.hear(self._detector.confidence(frame), loudness, FRAME_SECONDS)
        self._before.append(frame)
        if change is Activity.STARTED:
            await self._open()
            return [SpeechStarted(self._now, self._pre_roll_ms)]
        if self._utterance is not None:
            await self._pass_on(frame)
            if await self._is_over(self._utterance):
                self._activity.stop()
                return list(await self._finish("silence"))
        if change is Activity.STOPPED:
            return list(await self._finish("silence"))
        if change is Activity.TOO_LONG:
            return list(await self._finish("maximum"))
        return []

    async def _open(self) -> None:
        self._utterance = await self._recogniser.open(self._phrases)
        if self._utterance is not None:
            await self._utterance.feed(b"".join(self._before))

    async def _pass_on(self, frame: bytes) -> None:
        # A pause is kept back until speech goes on: the noise of a long one at the end of an
        # utterance would count in its score as if it had been said.
        self._pause.append(frame)
        if self._activity.is_pausing or not self._activity.is_speaking:
            return
        sound, utterance = b"".join(self._pause), self._utterance
        self._pause.clear()
        if utterance is not None:
            await utterance.feed(sound)

    async def _is_over(self, utterance: Utterance) -> bool:
        """Ask once in each pause whether the sentence is whole: then no more is waited for."""
        is_first, self._was_asked = not self._was_asked, self._activity.may_be_over
        return is_first and self._was_asked and await utterance.is_whole()

    async def _finish(self, reason: str) -> tuple[SpeechEvent, ...]:
        utterance, self._utterance = self._utterance, None
        self._before.clear()
        self._pause.clear()
        stopped = self._stopped(reason)
        if utterance is None:
            return stopped, Rejected(BUSY)
        verdict = await self._verdict(utterance)
        if isinstance(verdict, Rejected) and self._activity.voiced_seconds < COUGH_SECONDS:
            return (self._stopped("noise"),)
        return stopped, verdict

    async def _verdict(self, utterance: Utterance) -> Heard | Rejected:
        try:
            async with asyncio.timeout(self._patience_seconds):
                return await utterance.finish()
        except Exception as error:  # whatever it is, the player is owed an answer
            log.error("recognition failed: %s", type(error).__name__)
            return Rejected(SAY_AGAIN)

    async def _drop(self) -> None:
        utterance, self._utterance = self._utterance, None
        self._before.clear()
        self._pause.clear()
        if utterance is not None:
            await utterance.cancel()

    def _stopped(self, reason: str) -> SpeechStopped:
        return SpeechStopped(self._now, reason, round(self._activity.seconds * 1000))


FRAME_SAMPLES = 320
# With fewer frames of 10 ms than this the two scores are too close to mean anything.
MIN_FRAMES = 15
# Words that lie under a part of the speech only have been fitted into it: the rest went for noise.
COVERAGE = 0.6
# By how many log steps per 10 ms the phones may be ahead of the sentence, by how far the voice
# stands above the noise (dB). Noise makes all phones alike: there the sentence has to be ahead.
# Found on nine synthetic voices; `python -m tests.audio.corpus` reports on others.
SNR_DB = (14.0, 24.0, 40.0)
LEAD = (-2.0, 0.0, 5.0)
# The same for the word that fits worst: "open the window" is "open the door" but for its end. These
# are the decoder's scores of sound alone, 1024 to a log step, with the words' own share left out.
WORD_LEAD = (90_000.0, 90_000.0, 104_000.0)
# A shorter word is a few frames of anything.
MIN_WORD_FRAMES = 12


class Loudness:
    """How loud an utterance was, 20 ms by 20 ms."""

    def __init__(self) -> None:
        self._levels: list[float] = []

    def feed(self, pcm: bytes) -> None:
        """Take more of the utterance, 16 kHz mono int16."""
        samples = np.frombuffer(pcm, "<i2")
        whole = samples[: samples.size - samples.size % FRAME_SAMPLES]
        self._levels += map(decibels, whole.reshape(-1, FRAME_SAMPLES))

    @property
    def above_noise_db(self) -> float:
        """By how much its loud parts are louder than its quiet ones."""
        if not self._levels:
            return 0.0
        quiet, loud = np.percentile(self._levels, (10, 90))
        return float(loud - quiet)


@dataclass(frozen=True, slots=True)
class Segment:
    """A word or a phone, the frames it lies under (10 ms, both ends within) and its score."""

    name: str
    first: int
    last: int
    score: float

    @property
    def frames(self) -> int:
        """How long it is."""
        return self.last - self.first + 1

    @property
    def is_filler(self) -> bool:
        """Whether it is silence, noise or an end of the sentence."""
        return self.name == "SIL" or self.name[0] in "<[+"


def spoken_frames(segments: Sequence[Segment]) -> int:
    """Return how many frames are taken for speech, not for silence or noise."""
    return sum(segment.frames for segment in segments if not segment.is_filler)


def worst_word(words: Sequence[Segment], phones: Sequence[Segment]) -> float:
    """Return by how much the phones are ahead, for each frame, of the word that fits worst."""
    end = max((segment.last for segment in (*words, *phones)), default=0)
    scores = np.zeros(end + 1)
    for phone in phones:
        scores[phone.first : phone.last + 1] = phone.score / max(1, phone.frames)
    return max(
        (
            (float(scores[word.first : word.last + 1].sum()) - word.score) / word.frames
            for word in words
            if not word.is_filler and word.frames >= MIN_WORD_FRAMES
        ),
        default=0.0,
    )


@dataclass(frozen=True, slots=True)
class Evidence:
    """What two passes over an utterance found: one of words, one of any phones in any order."""

    frames: int  # of 10 ms
    lead: float  # of the phones over the words, in log steps for each frame
    word_lead: float  # the same for the worst of the words, in steps of sound alone
    coverage: float  # the words' share of what the phones take for speech
    above_noise_db: float

    @property
    def _margin(self) -> float:
        return float(np.interp(self.above_noise_db, SNR_DB, LEAD)) - self.lead

    @property
    def is_enough(self) -> bool:
        """Whether the words are to be believed."""
        word_limit = float(np.interp(self.above_noise_db, SNR_DB, WORD_LEAD))
        return (
            self.frames >= MIN_FRAMES
            and self.coverage >= COVERAGE
            and self.word_lead <= word_limit
            and self._margin >= 0.0
        )

    @property
    def confidence(self) -> float:
        """How sure it is, 0.5 where it is just enough."""
        return 1.0 / (1.0 + math.exp(-min(60.0, max(-60.0, self._margin)) / 4.0))


class LoudnessDetector:
    """Implements `Detector`: takes what is clearly louder than the noise before it for speech."""

    def __init__(self) -> None:
        self._gate = SpeechGate()

    def confidence(self, pcm: bytes) -> float:
        """Return 1 for a frame that is loud, and for the short gaps between such frames."""
        self._gate = self._gate.hear(decibels(np.frombuffer(pcm, "<i2")), 0.02)
        return float(self._gate.is_open)

    def close(self) -> None:
        """Nothing is to be given back."""


TOKENS = re.compile(r"<name>|[a-z']+|[()|\[\]]")
NAME = "<name>"
# Said after nearly anything. More such words were tried: each costs right answers.
CLOSER = "please"


@dataclass(frozen=True, slots=True)
class Sentence:
    """A recognised sentence, and whether a given name is a part of it."""

    text: str
    has_name: bool


@dataclass(frozen=True, slots=True)
class Grammar:
    """Everything that can be understood at one moment; equal phrases make equal grammars."""

    jsgf: str
    patterns: tuple[re.Pattern[str], ...]
    phrases: tuple[tuple[str, ...], ...] = ()  # as words and signs
    left_out: tuple[str, ...] = ()  # phrases with words that nobody knows how to pronounce

    @property
    def is_empty(self) -> bool:
        """Whether nothing can be understood."""
        return not self.patterns

    def read(self, words: str) -> Sentence | None:
        """Return a recognised sentence, None if it is not ours."""
        for pattern in self.patterns:
            match = pattern.fullmatch(words)
            if match is not None:
                has_name = any(name for key, name in match.groupdict().items() if key != "said")
                return Sentence(match["said"].strip(), has_name)
        return None

    def is_whole(self, words: str) -> bool:
        """Return whether words are one of the sentences and none is longer that begins so."""
        said = tuple(words.split())
        if not said or self.read(words.strip() + " ") is None:
            return False
        return not any(may_go_on(phrase, said) for phrase in self.phrases)


def may_go_on(phrase: tuple[str, ...], said: tuple[str, ...]) -> bool:
    """Return whether a phrase begins with what was said; one with signs or slots may."""
    plain = tuple(takewhile(lambda token: token[0] not in "<()|[]", phrase))
    size = min(len(plain), len(said))
    is_longer = len(plain) > len(said) or len(plain) < len(phrase)
    return is_longer and plain[:size] == said[:size]


def words_of(phrase: str) -> frozenset[str]:
    """Return the words of a phrase, without its signs and slots."""
    return frozenset(token for token in tokens_of(phrase) if token[0] not in "<()|[]")


def make_grammar(phrases: Iterable[str], knows: Callable[[str], bool]) -> Grammar:
    """Build the grammar of those phrases whose words the dictionary knows."""
    usable: dict[str, None] = {}
    left_out: list[str] = []
    for phrase in phrases:
        tokens = tokens_of(phrase)
        if not tokens:
            continue
        if is_balanced(tokens) and all(map(knows, words_of(phrase))):
            usable[" ".join(tokens)] = None
        else:
            left_out.append(phrase)
    names = tuple(name for name in GIVEN_NAMES if knows(name))
    rules = " | ".join(f"( {phrase} )" for phrase in usable)
    jsgf = (
        "#JSGF V1.0; grammar troupe; "
        f"<name> = {' | '.join(names) or '<VOID>'}; <phrase> = {rules or '<VOID>'}; "
        f"public <said> = <phrase> [ {CLOSER} ];"
    )
    patterns = tuple(pattern_of(phrase.split(" "), names) for phrase in usable)
    accepted = tuple(tuple(phrase.split(" ")) for phrase in usable)
    return Grammar(jsgf, patterns, accepted, tuple(left_out))


def tokens_of(phrase: str) -> list[str]:
    """Cut a phrase into lower-case words, signs and slots; other punctuation is dropped."""
    plain = phrase.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").replace("-", " ")
    return TOKENS.findall(plain)


def is_balanced(tokens: list[str]) -> bool:
    """Return whether every bracket is closed, in order."""
    waiting: list[str] = []
    for token in tokens:
        if token in ("(", "["):
            waiting.append(")" if token == "(" else "]")
        elif token in (")", "]") and (not waiting or waiting.pop() != token):
            return False
    return not waiting


def pattern_of(tokens: list[str], names: tuple[str, ...]) -> re.Pattern[str]:
    """Return what matches the words of a phrase; every word takes its own blank along."""
    slot = f"(?P<name{{}}>{'|'.join(names) or '(?!)'}) "
    signs = {"(": "(?:", ")": ")", "|": "|", "[": "(?:", "]": ")?"}
    parts: list[str] = []
    for number, token in enumerate(tokens):
        if token == NAME:
            parts.append(slot.format(number))
        else:
            parts.append(signs.get(token) or re.escape(token) + " ")
    return re.compile(f"(?P<said>{''.join(parts)})(?:{CLOSER} )?")
