"""What can be said, as a grammar, and whether what was recognised in it is to be believed. Pure.

A grammar alone turns any noise into one of its sentences, so the sound is matched a second time
with any phones in any order (`Evidence`): where those explain it much better, it was something
else. How much better depends on how far the voice stands above the noise (`Loudness`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import quantiles
from typing import TypeAlias

import numpy as np

from characters.audio.signal import decibels
from characters.speech.interfaces import GIVEN_NAMES, Completeness

__all__ = [
    "Evidence", "Grammar", "Loudness", "make_grammar", "Segment", "Sentence", "spoken_frames",
    "words_of", "worst_word",
]  # fmt: skip


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
    phrases: tuple[Phrase, ...] = ()
    left_out: tuple[str, ...] = ()  # phrases with words that have no pronunciation

    @property
    def is_empty(self) -> bool:
        """Whether nothing can be understood."""
        return not self.patterns

    def read(self, words: str) -> Sentence | None:
        """Return a recognised sentence, None if it is not of this grammar."""
        for pattern in self.patterns:
            match = pattern.fullmatch(words)
            if match is not None:
                has_name = any(name for key, name in match.groupdict().items() if key != "said")
                return Sentence(match["said"].strip(), has_name)
        return None

    def completeness(self, words: str) -> Completeness:
        """Return whether words are a sentence that no longer one begins with, or half of one."""
        said = tuple(words.split())
        found = [_follow(phrase, said, 0) for phrase in self.phrases] if said else []
        is_sentence = any(len(said) in ends for ends, _ in found)
        goes_on = any(more for _, more in found)
        if is_sentence == goes_on:
            return Completeness.UNKNOWN
        return Completeness.WHOLE if is_sentence else Completeness.UNFINISHED


@dataclass(frozen=True, slots=True)
class Alternatives:
    """One of several ways to go on in a phrase, or none of them if it is optional."""

    ways: tuple[Phrase, ...]
    is_optional: bool


Phrase: TypeAlias = tuple["str | Alternatives", ...]
"""The words of a phrase, in order."""


def _follow(phrase: Phrase, said: tuple[str, ...], at: int) -> tuple[set[int], bool]:
    """Return up to which words a phrase may have been said from one on; whether it may go on."""
    ends, goes_on = {at}, False
    for part in phrase:
        before, ends = ends, set()
        for begin in before:
            if isinstance(part, Alternatives):
                ends |= {begin} if part.is_optional else set()
                for way in part.ways:
                    way_ends, way_goes_on = _follow(way, said, begin)
                    ends, goes_on = ends | way_ends, goes_on or way_goes_on
            elif begin == len(said):
                goes_on = True
            elif said[begin] == part or (part == NAME and said[begin] in GIVEN_NAMES):
                ends.add(begin + 1)
    return ends, goes_on


def _parse(tokens: Iterator[str]) -> tuple[Phrase, ...]:
    """Return the alternatives up to the closing bracket, or to the end."""
    ways: list[list[str | Alternatives]] = [[]]
    for token in tokens:
        if token in (")", "]"):
            break
        if token == "|":
            ways.append([])
        elif token in ("(", "["):
            ways[-1].append(Alternatives(_parse(tokens), token == "["))
        else:
            ways[-1].append(token)
    return tuple(map(tuple, ways))


def words_of(phrase: str) -> frozenset[str]:
    """Return the words of a phrase, without its signs and slots."""
    return frozenset(token for token in _tokens_of(phrase) if token[0] not in "<()|[]")


def make_grammar(phrases: Iterable[str], knows: Callable[[str], bool]) -> Grammar:
    """Build the grammar of those phrases whose words the dictionary knows."""
    usable: dict[str, None] = {}
    left_out: list[str] = []
    for phrase in phrases:
        tokens = _tokens_of(phrase)
        if not tokens:
            continue
        if _is_balanced(tokens) and all(map(knows, words_of(phrase))):
            usable[" ".join(tokens)] = None
        else:
            left_out.append(phrase)
    names = tuple(name for name in GIVEN_NAMES if knows(name))
    rules = " | ".join(f"( {phrase} )" for phrase in usable)
    closer = f"[ {CLOSER} ]" if knows(CLOSER) else ""
    jsgf = (
        "#JSGF V1.0; grammar troupe; "
        f"<name> = {' | '.join(names) or '<VOID>'}; <phrase> = {rules or '<VOID>'}; "
        f"public <said> = <phrase> {closer};"
    )
    patterns = tuple(_pattern_of(phrase.split(" "), names) for phrase in usable)
    accepted = tuple(way for phrase in usable for way in _parse(iter(phrase.split(" "))))
    return Grammar(jsgf, patterns, accepted, tuple(left_out))


def _tokens_of(phrase: str) -> list[str]:
    """Cut a phrase into lower-case words, signs and slots; other punctuation is dropped."""
    plain = phrase.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").replace("-", " ")
    return TOKENS.findall(plain)


def _is_balanced(tokens: list[str]) -> bool:
    """Return whether every bracket is closed, in order."""
    open_brackets: list[str] = []
    for token in tokens:
        if token in ("(", "["):
            open_brackets.append(")" if token == "(" else "]")
        elif token in (")", "]") and (not open_brackets or open_brackets.pop() != token):
            return False
    return not open_brackets


def _pattern_of(tokens: list[str], names: tuple[str, ...]) -> re.Pattern[str]:
    """Return what matches the words of a phrase; every word is followed by a blank."""
    slot = f"(?P<name{{}}>{'|'.join(names) or '(?!)'}) "
    signs = {"(": "(?:", ")": ")", "|": "|", "[": "(?:", "]": ")?"}
    parts: list[str] = []
    for number, token in enumerate(tokens):
        if token == NAME:
            parts.append(slot.format(number))
        else:
            parts.append(signs.get(token) or re.escape(token) + " ")
    return re.compile(f"(?P<said>{''.join(parts)})(?:{CLOSER} )?")


FRAME_SAMPLES = 320
# With fewer frames of 10 ms than this the two scores are too close to mean anything.
MIN_FRAMES = 15
# Words that cover only a part of the speech were fitted into it: the rest was taken for noise.
COVERAGE = 0.6
# By how many log steps per 10 ms the phones may be ahead of the sentence, by how far the voice
# stands above the noise (dB). In noise all phones look alike: there the sentence has to be ahead.
# Found on nine synthetic voices; `python -m tests.audio.corpus` reports on others.
SNR_DB = (14.0, 24.0, 40.0)
LEAD = (-2.0, 0.0, 5.0)
# The same for the word that fits worst: "open the window" is "open the door" but for its end. These
# are the decoder's scores of sound alone, 1024 to a log step, with the words' own share left out.
WORD_LEAD = (90_000.0, 90_000.0, 104_000.0)
# A shorter word could be a few frames of anything.
MIN_WORD_FRAMES = 12


class Loudness:
    """The loudness of an utterance, 20 ms by 20 ms."""

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
        if len(self._levels) < 2:
            return 0.0
        # numpy's percentiles bring its masked arrays along: 10 MB in each process.
        tenths = quantiles(self._levels, n=10, method="inclusive")
        return tenths[-1] - tenths[0]


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
        """How sure it is, 0 to 1; 0.5 where it is just enough."""
        return 1.0 / (1.0 + math.exp(-min(60.0, max(-60.0, self._margin)) / 4.0))
