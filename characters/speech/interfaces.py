"""The protocols of speech: what recognisers, detectors and synthesisers do.

Also what they share: the events of a listener, `dictated` for recognisers without a grammar, and
the given names that a phrase with `<name>` can be spoken with.
"""

from __future__ import annotations

import math
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol, TypeAlias

from characters.english import ENGLISH
from characters.protocol.failures import CharactersError

__all__ = [
    "BUSY", "CollectedUtterance", "Completeness", "Detector", "dictated", "dictated_from",
    "GIVEN_NAMES", "Heard", "HeardSegment", "Recogniser", "Rejected", "SAY_AGAIN",
    "SpeechContinued", "SpeechEvent", "SpeechPaused", "SpeechStarted", "SpeechStopped",
    "Synthesiser", "SynthesisError", "TurnDetector", "Utterance", "VoiceChunk", "VoiceStyle",
]  # fmt: skip


SAY_AGAIN = ENGLISH("speech.say_again")
BUSY = ENGLISH("speech.busy")


class SynthesisError(CharactersError):
    """A synthesiser failed; the message says what to do."""


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """The player began to speak (the wire's `vad-stt-started`)."""

    timestamp: float  # seconds, on the clock of the frames that were fed
    pre_roll_ms: int


@dataclass(frozen=True, slots=True)
class SpeechStopped:
    """The player's utterance is over (the wire's `vad-stt-stopped`)."""

    timestamp: float
    reason: str  # "silence", "maximum", "forced", "muted", "noise" or "lost"
    audio_duration_ms: int


@dataclass(frozen=True, slots=True)
class Heard:
    """What the player said (the wire's `final-user-transcription`)."""

    text: str
    confidence: float = 1.0


@dataclass(frozen=True, slots=True)
class Rejected:
    """Something was said that was not understood; `advice` is a sentence for the player."""

    advice: str


@dataclass(frozen=True, slots=True)
class SpeechPaused:
    """The player is silent, in mid-sentence or at its end; the client is not told."""

    timestamp: float


@dataclass(frozen=True, slots=True)
class SpeechContinued:
    """The player goes on after a pause; the client is not told."""

    timestamp: float


SpeechEvent: TypeAlias = (
    SpeechStarted | SpeechPaused | SpeechContinued | SpeechStopped | Heard | Rejected
)


@dataclass(frozen=True, slots=True)
class VoiceStyle:
    """How one character sounds; a persona may set any of it."""

    language: str = "en-us"
    variant: str = ""  # an espeak-ng variant such as "f2" or "m3"
    pitch: int = 50  # 0 to 99
    words_per_minute: int = 165
    name: str = ""  # a voice at a speech endpoint; "" is the one of the settings
    hertz: float = 0.0  # the height of a voice that can be set to one; 0 follows from `pitch`
    formants: float = 0.0  # its resonances: below 1 a larger head; 0 follows from `variant`


@dataclass(frozen=True, slots=True)
class VoiceChunk:
    """A piece of a character's voice: 16-bit little-endian mono, and the visemes to it."""

    pcm: bytes
    sample_rate: int
    visemes: tuple[float, ...] = ()  # 15 weights in the wire's order, or empty
    words: tuple[int, ...] = ()  # the samples at which words begin, as far as is known

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.pcm) / 2 / self.sample_rate


class Completeness(Enum):
    """What a pause of the player may be the end of."""

    WHOLE = auto()  # a sentence that nothing can follow
    UNKNOWN = auto()
    UNFINISHED = auto()  # half of a sentence: more is to come


class Utterance(Protocol):
    """One utterance being recognised; calls come one at a time and never hold the event loop."""

    async def feed(self, pcm: bytes) -> None:
        """Take more of the utterance, 16 kHz mono int16."""

    async def completeness(self) -> Completeness:
        """Return what it is so far, in a pause."""

    async def finish(self) -> Heard | Rejected:
        """End the utterance and return what it was, within some seconds in every case."""

    async def cancel(self) -> None:
        """Drop the utterance."""


class Recogniser(Protocol):
    """A way to turn utterances into words."""

    def prepare(self, phrases: tuple[str, ...]) -> None:
        """Get ready for phrases that will be expected soon; return at once."""

    async def open(self, phrases: tuple[str, ...]) -> Utterance | None:
        """Begin an utterance in which one of the phrases is expected; None when overloaded."""

    async def close(self) -> None:
        """Release everything."""


class Detector(Protocol):
    """Tells speech from other sound; one for each microphone."""

    def confidence(self, pcm: bytes) -> float:
        """Return how sure it is, 0 to 1, that a 20 ms frame and those before it are speech."""

    def close(self) -> None:
        """Release everything; idempotent."""


class TurnDetector(Protocol):
    """Tells by how the player sounds whether he is done; asked where the words do not say so."""

    def load(self) -> None:
        """Get ready: somebody may speak soon; return at once."""

    async def completeness(self, pcm: bytes) -> Completeness:
        """Return what an utterance is so far, 16 kHz mono int16 with the pause at its end."""

    async def close(self) -> None:
        """Release everything."""


class Synthesiser(Protocol):
    """A way to turn words into sound."""

    def synthesise(self, text: str, style: VoiceStyle) -> AsyncGenerator[VoiceChunk, None]:
        """Speak a sentence as an async generator of chunks; `aclose()` stops it at once.

        Raises SynthesisError when it cannot, at any point.
        """

    async def close(self) -> None:
        """Release everything."""


# Common ones, and not too many: each more can be mistaken for another.
_NAMES = """
ada adam albert alex alexander alice amanda amy andrea andrew angela ann anna anthony arthur
barbara ben benjamin betty bob brian carlos carol caroline catherine charles charlotte chloe
chris christina christopher claire clara daniel david deborah diana donald dorothy edward
eleanor elena elizabeth ella emily emma eric ethan eva evelyn felix fiona frances frank george
grace grant hannah harold harry helen henry hugo ian irene isabel jack jacob james jane janet
jason jennifer jessica john jonathan joseph joshua judith julia karen katherine kenneth kevin
kimberly laura leo leonard linda lisa louis lucas lucy margaret maria mark martin mary matthew
maya megan melissa michael michelle miguel molly nancy natalie nathan nicholas nicole noah nora
oliver olivia oscar otto pamela patricia patrick paul peter philip rachel raymond rebecca
richard robert roger rosa rose ruth ryan sam samantha samuel sandra sarah scott sebastian sharon
simon sofia sophia stephanie stephen steven susan teresa theodore thomas timothy tom valerie
victor victoria vincent violet virginia walter william zoe
"""

GIVEN_NAMES = tuple(_NAMES.split())


class CollectedUtterance:
    """Implements `Utterance` for a recogniser that takes it whole, when it is over."""

    def __init__(self, transcribe: Callable[[bytes], Awaitable[Heard | Rejected]]) -> None:
        self._transcribe = transcribe
        self._sound = bytearray()

    async def feed(self, pcm: bytes) -> None:
        """Take more of the utterance."""
        self._sound += pcm

    async def completeness(self) -> Completeness:
        """Return UNKNOWN: words are known at the end."""
        return Completeness.UNKNOWN

    async def finish(self) -> Heard | Rejected:
        """Return what the utterance was."""
        return await self._transcribe(bytes(self._sound))

    async def cancel(self) -> None:
        """Drop the utterance."""
        self._sound.clear()


MAX_CHARACTERS = 500
MOST_WRITTEN = 8 * MAX_CHARACTERS  # that is looked at: a service may send a megabyte of brackets
CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")
# Such recognisers describe sounds in brackets: [BLANK_AUDIO], (door closes), *sighs*; a song stands
# between notes. A server may leave the model's own marks in: <|en|>.
DESCRIPTION = re.compile(
    r"\[[^\]]*\]|\([^)]*\)|\*[^*]*\*|[♪♫🎵🎶][^♪♫🎵🎶]*(?:[♪♫🎵🎶]|$)|<\|(?!no)[^|>]*\|>"
)


# What models that were trained on films' subtitles write for silence and noise.
INVENTED = re.compile(
    r"thanks?( you)?( so much| very much)?( all| guys| everyone)? for (watching|listening|viewing)"
    r"( this video| until the end)?"
    r"|(please |don't forget to )?(like and )?subscribe( to (my|the|our) channel)?"
    r"|if you (enjoyed|liked) (this|the|my) video"
    r"|(i'll |we'll )?see you( all| guys)? (in the next (video|one|episode)|next time)"
    r"|we'll be right back|blank[ _]audio|applause|(upbeat |soft )?music( playing)?"
    r"|(the )?following (is|was) .*(audio|video).*",
    re.IGNORECASE,
)
# Such words stand beside them, and mean something alone.
BESIDE = frozenset({"bye", "bye bye", "goodbye", "like", "comment", "share", "so", "please"})
# ruff: noqa: RUF001  # letters of other languages look like Latin ones
# Who wrote them, and what is said at the end in other languages: nobody says that to a character.
CREDITS = re.compile(
    r"amara\.org|www\.|otter\.ai|castingwords|dimatorzok|<\|no(speech|captions)\|>"
    r"|^(subtitles|captions|translated|translation|transcribed|transcription|transcript) by\b"
    r"|^(©|copyright) .*\d{4}|^untertitel(ung)? |^sous-titr|^subtítulos (por|realizados)"
    r"|^sottotitoli |^legendas (por|pela)|^ondertiteld door|^napisy stworzone|^altyazı"
    r"|^субтитры |^продолжение следует|^字幕|请不吝点赞|^mbc 뉴스"
    r"|(für'?s|fürs) zuschauen|merci d'avoir regardé|gracias por ver (el|este) v[ií]deo"
    r"|grazie per (la visione|aver guardato)|obrigad[oa] por assistir|bedankt voor het kijken"
    r"|спасибо за просмотр|ご視聴ありがとう|(谢谢|感谢)(观看|收看)|시청해\s?주셔서 감사"
    r"|zlediğiniz için teşekkür",
    re.IGNORECASE,
)
SENTENCES = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？])\s*")
CLAUSES = re.compile(r"[,;:]\s*(?:and\s+)?|\s+and\s+")
LEAST_REPEATED = 3  # words: "no, no" is said twice
SIGNS = " .!?,♪…。！？\"'"


def dictated(text: str, confidence: float = 1.0) -> Heard | Rejected:
    """Return what was said, or a rejection when no word was, or only invented ones."""
    words = " ".join(DESCRIPTION.sub(" ", CONTROLS.sub(" ", text[:MOST_WRITTEN])).split())[
        :MAX_CHARACTERS
    ]
    sentences = SENTENCES.split(words)
    said = [sentence for sentence in sentences if not _is_invented(sentence)]
    if len(said) < len(sentences):  # beside such a one a "bye" is none either
        said = [sentence for sentence in said if _plain(sentence) not in BESIDE]
    if not any(letter.isalnum() for sentence in said for letter in sentence):
        return Rejected(SAY_AGAIN)
    return Heard(_once(" ".join(said)), confidence)


def _once(text: str) -> str:
    """Return a line that a model has written several times over as it was said: once."""
    words = text.split()
    plain = [_plain(word) for word in words]
    for length in range(LEAST_REPEATED, len(words) // 2 + 1):
        if plain == plain[:length] * (len(words) // length):
            return " ".join(words[:length]).rstrip(" ,;:")
    return text


def _plain(text: str) -> str:
    return text.strip(SIGNS).lower().replace("\u2019", "'")


def _is_invented(sentence: str) -> bool:
    plain = _plain(sentence)
    if INVENTED.fullmatch(plain) or CREDITS.search(plain):
        return True
    clauses = [clause for clause in CLAUSES.split(plain) if clause not in BESIDE]
    return bool(clauses) and all(INVENTED.fullmatch(clause) for clause in clauses)


class HeardSegment(Protocol):
    """A piece of an utterance, as Whisper tells it: how sure it is, and of what."""

    @property
    def text(self) -> str:
        """Its words."""

    @property
    def avg_logprob(self) -> float:
        """How sure the model is of them, 0 or below."""

    @property
    def no_speech_prob(self) -> float:
        """How sure it is that nobody spoke, 0 to 1."""

    @property
    def compression_ratio(self) -> float:
        """How often the same stands in it."""


# The bounds that the model's makers use: for silence, for words that are guessed, and for words
# that are written again and again.
NO_SPEECH = 0.6
UNLIKELY = -1.0
REPEATED = 2.4


def dictated_from(segments: Iterable[HeardSegment]) -> Heard | Rejected:
    """Return what was said, of all that a model has written for an utterance."""
    likely = [
        segment
        for segment in segments
        if segment.no_speech_prob < NO_SPEECH
        and segment.avg_logprob > UNLIKELY
        and segment.compression_ratio < REPEATED
    ]
    certainty = min((segment.avg_logprob for segment in likely), default=0.0)
    return dictated(" ".join(segment.text for segment in likely), math.exp(certainty))
