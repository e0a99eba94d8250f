"""Recognition by pocketsphinx: a grammar of what can be said, and an all-phone pass beside it.

Its open dictation is not usable, and a grammar alone turns any noise into one of its sentences.
So the same sound goes through two decoders: one that knows only the grammar, one that may put any
phones in any order. Where the phones explain the sound much better, it was something else.

espeak-ng pronounces words that the dictionary lacks (`pronounce_with_espeak`).
"""

from __future__ import annotations

import math
import re
import subprocess
from collections import OrderedDict, deque
from collections.abc import Callable
from functools import cache, partial
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any

import numpy as np
import pocketsphinx

from characters.audio.signal import Samples
from characters.english import ENGLISH
from characters.speech.grammar import (
    Evidence,
    Grammar,
    Loudness,
    Segment,
    make_grammar,
    spoken_frames,
    worst_word,
)
from characters.speech.interfaces import SAY_AGAIN, Completeness, Heard, Rejected
from characters.speech.worker import RecogniserHost
from engine.core.processes import NO_WINDOW, system_environment

__all__ = ["make_sphinx", "pronounce_with_espeak", "phones_of", "SphinxDetector",
           "SphinxRecogniser", "TYPE_NAMES"]  # fmt: skip


# Among two hundred names every third is taken for another, in a quiet room; "Nice to meet you,
# Elena" is worse than being asked to type "Ada".
TYPE_NAMES = ENGLISH("speech.type_names")
PHONES = "phones"
MAX_GRAMMARS = 3  # 3 MB each, and 50 ms to make
MAX_PAIRS = 4  # 10 MB each, and a tenth of a second to make
MAX_OPEN = 5
# Every sound gets a whisper of noise, 76 dB below full scale: where a microphone gives digital
# silence the models of silence win against any word.
WHISPER = np.random.default_rng(0).normal(0.0, 5.0, 16_000).astype(np.int32)
# Without silence at the end the all-phone pass has no good last phone, and the scores are off.
CLOSING_SILENCE = bytes(6_400)
# Where the running mean of the spectrum starts: between that of the model's makers and that of
# seven synthetic voices. The library's own start costs the first utterance.
USUAL_MEAN = "42.0,-4.0,0.0,10.0,-1.0,-3.0,-1.0,-5.0,-3.5,-3.0,-2.0,-0.6,-0.6"
SEARCH = {
    "beam": 1e-60,
    "wbeam": 1e-40,
    "pbeam": 1e-60,
    # Measured with and without: a third as many sentences that were not said.
    "remove_noise": True,
    "compallsen": True,  # in both decoders, or their scores would not be on one scale
    "cmninit": USUAL_MEAN,
}
LOG_BASE = math.log(1.0001)
ALTERNATE = re.compile(r"\(\d+\)")


# The detector says yes or no for 20 ms; the share of yes in this many frames is its confidence.
CONFIDENCE_FRAMES = 5


class SphinxDetector:
    """Tells speech from other sound, one 20 ms frame at a time."""

    def __init__(self) -> None:
        self._vad = pocketsphinx.Vad(pocketsphinx.Vad.STRICT, 16_000, 0.02)
        self._recent: deque[bool] = deque(maxlen=CONFIDENCE_FRAMES)
        self.frame_bytes: int = self._vad.frame_bytes

    def confidence(self, pcm: bytes) -> float:
        """Return the share of speech in the last frames, this one among them."""
        self._recent.append(self.is_speech(pcm))
        return sum(self._recent) / CONFIDENCE_FRAMES

    def close(self) -> None:
        """Do nothing."""

    def is_speech(self, pcm: bytes) -> bool:
        """Return whether a frame of `frame_bytes` is speech."""
        return len(pcm) == self.frame_bytes and bool(self._vad.is_speech(pcm))


class SphinxRecogniser:
    """Hands out pairs of decoders for utterances; loads the first when made. One thread uses it.

    One pair is for those that found none: an utterance is decoded along with the voice, or all at
    once at its end, a ninth of its length later.

    `pronounce` finds the phones of words that the dictionary lacks, or None for a word.
    """

    def __init__(self, pronounce: Callable[[str], str | None] = lambda word: None) -> None:
        self._model = Path(str(pocketsphinx.get_model_path())) / "en-us"
        with (self._model / "cmudict-en-us.dict").open("rb") as file:  # 3 MB, for all processes
            self._dictionary = mmap(file.fileno(), 0, access=ACCESS_READ)
        self._pronounce = pronounce
        self._ways = cache(self._pronunciations)
        self._idle = [self._load()]
        self._lent = self._open = 0

    def _load(self) -> DecoderPair:
        return DecoderPair(self._model, self._ways)

    def _pronunciations(self, word: str) -> list[str]:
        """Return the phones of a word, in each way it is spoken; none of a word that is unknown."""
        found: list[str] = []
        at = self._dictionary.find(f"\n{word} ".encode()) + 1
        while at:
            end = self._dictionary.find(b"\n", at)
            found.append(self._dictionary[at:end].decode().partition(" ")[2])
            # The other ways follow at once: word(2), word(3).
            other = f"{word}(".encode()
            at = end + 1 if self._dictionary[end + 1 : end + 1 + len(other)] == other else 0
        return found or [it for it in [self._pronounce(word)] if it is not None]

    def prepare(self, phrases: tuple[str, ...]) -> None:
        """Build the grammar of phrases that will be expected soon."""
        if self._idle:
            self._idle[-1].grammar(phrases)

    def open(self, phrases: tuple[str, ...]) -> SphinxUtterance | None:
        """Begin an utterance; None when too many are open already."""
        if self._open == MAX_OPEN:
            return None
        self._open += 1
        return SphinxUtterance(self, phrases)

    def lend(self, leave: int) -> DecoderPair | None:
        """Lend a pair, unless so many would not be left."""
        if self._lent + leave >= MAX_PAIRS:
            return None
        self._lent += 1
        return self._idle.pop() if self._idle else self._load()

    def take_back(self, pair: DecoderPair | None) -> None:
        """End an utterance, and take back the pair that it had."""
        self._open -= 1
        if pair is not None:
            self._lent -= 1
            self._idle.append(pair)

    def close(self) -> None:
        """Do nothing."""


def make_sphinx(espeak: str | None) -> RecogniserHost:
    """Return what serves in a process; `espeak` is the program that pronounces, if there is one."""
    if espeak is None:
        return RecogniserHost(SphinxRecogniser())
    return RecogniserHost(SphinxRecogniser(partial(pronounce_with_espeak, espeak)))


class DecoderPair:
    """Two decoders that listen to the same utterance."""

    def __init__(self, model: Path, pronunciations: Callable[[str], list[str]]) -> None:
        self._pronunciations = pronunciations
        self.words: Any = load_decoder(model)
        self.phones: Any = load_decoder(model)
        self.phones.add_allphone_file(PHONES, str(model / "en-us-phone.lm.bin"))
        self.phones.activate_search(PHONES)
        self._grammars: OrderedDict[tuple[str, ...], tuple[str, Grammar]] = OrderedDict()
        self._made = 0

    def knows(self, word: str) -> bool:
        """Return whether the decoder has a word, after a try to add its pronunciations."""
        if self.words.lookup_word(word) is not None:
            return True
        spoken = self._pronunciations(word)
        for number, phones in enumerate(spoken, 1):
            # Whatever search needs the word is made after this.
            self.words.add_word(word if number == 1 else f"{word}({number})", phones, False)
        return bool(spoken)

    def prepare(self, phrases: tuple[str, ...]) -> Grammar:
        """Make these phrases the ones that are expected."""
        name, grammar = self.grammar(phrases)
        if not grammar.is_empty:
            self.words.activate_search(name)
        return grammar

    def grammar(self, phrases: tuple[str, ...]) -> tuple[str, Grammar]:
        """Return the grammar of some phrases and its name, made when it is new."""
        named = self._grammars.get(phrases) or self._add(phrases)
        self._grammars.move_to_end(phrases)
        return named

    def _add(self, phrases: tuple[str, ...]) -> tuple[str, Grammar]:
        grammar = make_grammar(phrases, self.knows)
        self._made += 1
        name = f"grammar {self._made}"
        if not grammar.is_empty:
            self.words.add_jsgf_string(name, grammar.jsgf)
        self._grammars[phrases] = name, grammar
        if len(self._grammars) > MAX_GRAMMARS:
            _, (old, forgotten) = self._grammars.popitem(last=False)
            if not forgotten.is_empty:
                self.words.remove_search(old)
        return name, grammar


class SphinxUtterance:
    """One utterance; it waits for a pair of decoders, and gives it back at its end."""

    def __init__(self, recogniser: SphinxRecogniser, phrases: tuple[str, ...]) -> None:
        self._recogniser = recogniser
        self._phrases = phrases
        self._decoding: _Decoding | None = None
        self._is_open = True
        self._waiting = bytearray()
        self._loudness = Loudness()

    def feed(self, pcm: bytes) -> None:
        """Take more of the utterance."""
        self._loudness.feed(pcm)
        self._waiting += pcm
        self._decode(leave=1)

    def _decode(self, leave: int) -> _Decoding | None:
        """Decode what waits, once there is a pair for it."""
        if self._decoding is None:
            pair = self._recogniser.lend(leave)
            self._decoding = None if pair is None else _Decoding(pair, self._phrases)
        if self._decoding is not None:
            self._decoding.feed(bytes(self._waiting))
            self._waiting.clear()
        return self._decoding

    def completeness(self) -> Completeness:
        """Return whether what was heard so far is a sentence, or half of one."""
        if self._decoding is None:
            return Completeness.UNKNOWN
        return self._decoding.completeness()

    def finish(self) -> Heard | Rejected:
        """End the utterance and say what it was."""
        try:
            decoding = self._decode(leave=0)
            if decoding is None:
                return Rejected(SAY_AGAIN)
            return decoding.verdict(self._loudness.above_noise_db)
        finally:
            self.cancel()

    def cancel(self) -> None:
        """Drop the utterance."""
        if not self._is_open:
            return
        self._is_open = False
        if self._decoding is not None:
            self._decoding.end()
        self._recogniser.take_back(None if self._decoding is None else self._decoding.pair)


class _Decoding:
    """An utterance on its way through a pair of decoders."""

    def __init__(self, pair: DecoderPair, phrases: tuple[str, ...]) -> None:
        self.pair = pair
        self._grammar = pair.prepare(phrases)
        self._running = () if self._grammar.is_empty else (pair.words, pair.phones)
        self._fed = 0
        for decoder in self._running:
            decoder.start_utt()

    def feed(self, pcm: bytes) -> None:
        sound = self._with_whisper(np.frombuffer(pcm, "<i2"))
        for decoder in self._running if sound else ():
            decoder.process_raw(sound, False, False)

    def _with_whisper(self, samples: Samples) -> bytes:
        positions = np.arange(self._fed, self._fed + samples.size) % WHISPER.size
        self._fed += samples.size
        mixed: Samples = np.clip(samples + WHISPER[positions], -32_768, 32_767).astype(np.int16)
        return mixed.tobytes()

    def completeness(self) -> Completeness:
        said = self.pair.words.hyp() if self._running else None
        return self._grammar.completeness(ALTERNATE.sub("", said.hypstr) if said else "")

    def verdict(self, above_noise_db: float) -> Heard | Rejected:
        """Return what the utterance was, and end it."""
        if not self._running:
            return Rejected(SAY_AGAIN)
        self.feed(CLOSING_SILENCE)
        self.end()
        words, phones = self.pair.words, self.pair.phones
        said, frames = words.hyp(), words.n_frames()
        score, rival = score_of(words), score_of(phones)
        if said is None or score is None or rival is None:
            return Rejected(SAY_AGAIN)
        word_path, phone_path = segments_of(words), segments_of(phones)
        evidence = Evidence(
            frames,
            (rival - score) / max(1, frames),
            worst_word(word_path, phone_path),
            spoken_frames(word_path) / max(1, spoken_frames(phone_path)),
            above_noise_db,
        )
        sentence = self._grammar.read(ALTERNATE.sub("", said.hypstr) + " ")
        if sentence is None or not evidence.is_enough:
            return Rejected(SAY_AGAIN)
        if sentence.has_name:
            return Rejected(TYPE_NAMES)
        return Heard(sentence.text, evidence.confidence)

    def end(self) -> None:
        for decoder in self._running:
            decoder.end_utt()
        self._running = ()


def load_decoder(model: Path) -> pocketsphinx.Decoder:
    """Load the acoustic model, quietly; words are added as grammars need them.

    With the whole dictionary a decoder takes eight times the memory, and four times the time.
    """
    return pocketsphinx.Decoder(
        hmm=str(model / "en-us"),
        dict=None,
        lm=None,
        **SEARCH,
        loglevel="FATAL",
    )


def score_of(decoder: pocketsphinx.Decoder) -> float | None:
    """Return the logarithmic score of a decoder's best path, in its own steps."""
    hypothesis = decoder.hyp()
    if hypothesis is None or hypothesis.score <= 0.0:
        return None
    return math.log(hypothesis.score) / LOG_BASE


def segments_of(decoder: Any) -> list[Segment]:
    """Return the words or phones of a decoder's best path."""
    return [
        Segment(s.word, s.start_frame, s.end_frame, math.log(s.ascore) / LOG_BASE)
        for s in decoder.seg() or ()
        if s.ascore > 0.0 and s.end_frame >= s.start_frame
    ]


TIMEOUT_SECONDS = 2.0
STRESS = re.compile(r"[',%=|]")
WORD = re.compile(r"[a-z']+")

# espeak-ng's names for American English beside those of the CMU dictionary.
ESPEAK_PHONES = {
    "a": "AE", "aa": "AE", "a#": "AH", "A:": "AA", "A@": "AA R", "A#": "AA", "0": "AA",
    "aI": "AY", "aI@": "AY ER", "aI3": "AY ER", "aU": "AW", "aU@": "AW ER",
    "O": "AO", "O:": "AO", "O2": "AO", "O@": "AO R", "o@": "AO R", "oU": "OW", "oU#": "OW",
    "OI": "OY", "E": "EH", "E2": "EH", "e": "EH", "e@": "EH R", "eI": "EY", "3": "ER",
    "3:": "ER", "@": "AH", "@2": "AH", "@5": "AH", "@L": "AH L", "@r": "ER", "V": "AH",
    "I": "IH", "I2": "IH", "I#": "IH", "i": "IY", "i:": "IY", "i@": "IY AH", "i@3": "IH R",
    "U": "UH", "u": "UW", "u:": "UW", "U@": "UH R",
    "p": "P", "b": "B", "t": "T", "t#": "T", "t2": "T", "d": "D", "d#": "D", "k": "K", "g": "G",
    "f": "F", "v": "V", "T": "TH", "D": "DH", "s": "S", "z": "Z", "S": "SH", "Z": "ZH",
    "tS": "CH", "dZ": "JH", "h": "HH", "m": "M", "n": "N", "n-": "AH N", "N": "NG", "l": "L",
    "r": "R", "r-": "R", "w": "W", "j": "Y", "*": "T", "x": "K",
}  # fmt: skip


def phones_of(phonemes: str) -> str | None:
    """Turn `espeak-ng -x --sep=_` output for one word into the dictionary's phones.

    Returns None where a phoneme is not known: a guess would be heard as another word.
    """
    names = [STRESS.sub("", name) for name in re.split(r"[_\s]+", phonemes.strip())]
    phones = [ESPEAK_PHONES.get(name) for name in names if name]
    if not phones or None in phones:
        return None
    return " ".join(phone for phone in phones if phone is not None)


def pronounce_with_espeak(program: str, word: str) -> str | None:
    """Return the phones of a word, None when the program does not help (worker thread)."""
    if not WORD.fullmatch(word):
        return None
    try:
        done = subprocess.run(
            [program, "-v", "en-us", "-q", "-x", "--sep=_", "--stdin"],
            input=word.encode(),
            capture_output=True,
            timeout=TIMEOUT_SECONDS,
            check=True,
            env=system_environment(),
            creationflags=NO_WINDOW,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return phones_of(done.stdout.decode("utf-8", "replace"))
