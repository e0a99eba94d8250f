"""The persona file: what a scripted character says, feels and does.

The models below are the format; a file is read with every mistake named by line and column. The
header of assets/personas/porter-3e8f.toml explains it to authors.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PrivateAttr, model_validator

from characters.agents.hearing import Speller
from characters.agents.lexicon import COMMON, VOCATIVES
from characters.agents.patterns import Pattern, PatternIndex, normalise
from characters.protocol.model_settings import ModelSettings
from engine.toml.reader import TomlFileError, read_toml

__all__ = [
    "Condition", "Feeling", "Knowledge", "Persona", "PersonaAction", "PersonaFiles",
    "read_small_talk", "SMALL_TALK", "SmallTalk", "Topic",
]  # fmt: skip


def _compiles(source: str) -> str:
    Pattern.compile(source)
    return source


PatternText = Annotated[str, AfterValidator(_compiles)]
Line = Annotated[str, Field(min_length=1, max_length=600)]
Lines = Annotated[tuple[Line, ...], Field(max_length=40)]
Word = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Feeling(_Strict):
    """A mood, from 1 subtle to 3 intense."""

    emotion: Word
    scale: Annotated[int, Field(ge=1, le=3)] = 1


class PersonaAction(_Strict):
    """An action that the game shows, or a function of the game with its arguments."""

    name: Annotated[str, Field(min_length=1, max_length=60)]
    target: str | None = None
    arguments: dict[str, Any] | None = None


class VoiceSettings(_Strict):
    """How the character sounds.

    `hertz` and `formants` are for the human voice of hibari-tts, `variant` and `pitch` for
    espeak-ng (and a likeness of them for the other where its own are not set), `name` is a voice
    at a speech endpoint.
    """

    language: str = "en-us"
    variant: str = ""
    pitch: Annotated[int, Field(ge=0, le=99)] = 50
    words_per_minute: Annotated[int, Field(ge=80, le=350)] = 165
    name: Annotated[str, Field(max_length=80)] = ""
    hertz: Annotated[float, Field(ge=60, le=400)] = 0.0
    formants: Annotated[float, Field(ge=0.7, le=1.4)] = 0.0


class Greeting(_Strict):
    """What is said when the player comes."""

    first: Annotated[Lines, Field(min_length=1)]
    back: Lines = ()
    feel: Feeling | None = None
    do: tuple[PersonaAction, ...] = ()


class Memory(_Strict):
    """How the character words what it learnt.

    With `lasting` it knows the player in a new conversation, too.
    """

    learned: Lines = ("I will remember that.",)
    learned_name: Lines = ("Nice to meet you, {name}.",)
    recall: Lines = ("You told me that {recall}.",)
    unknown: Lines = ("You have not told me that yet.",)
    keys: tuple[str, ...] = ()  # only these are learnt; empty: everything
    lasting: bool = False


class Condition(_Strict):
    """When something may be said: flags that must or must not be set, counters to reach.

    `keys` are template keys of the level and the value that each must have, as text.
    """

    needs: tuple[Word, ...] = ()
    unless: tuple[Word, ...] = ()
    at_least: dict[Word, int] = {}
    below: dict[Word, int] = {}
    keys: dict[str, str] = {}


class Wording(_Strict):
    """What is said to small talk, in a persona's own words; see the same fields of `Topic`."""

    lines: Annotated[Lines, Field(min_length=1)]
    again: Lines = ()
    then: Lines = ()
    why: Lines = ()
    in_order: bool = False
    feel: Feeling | None = None
    do: tuple[PersonaAction, ...] = ()
    sets: tuple[Word, ...] = ()


class Topic(_Strict):
    """Something that can be talked about.

    It is chosen when one of `says` or `ask` fits; a topic that `answers` the open question goes
    before others. `lines` are used the first time (all of them, one by one, with `in_order`),
    `again` afterwards; `then` is added the first time only. `counts` count the first time, if one
    of the flags that it `sets` is new, or `every_time`. A `noticed` topic sets and counts whenever
    it fits, also where another one answers.

    `lead` is what others call it ("the clock"): a line with `{lead}` offers a topic that was not
    told yet. `why` is said to "why?" after it. `goes_on` tells what is open instead of its own
    lines: the topic that was offered, more of the last "topic", the "reason" of the last one.
    A `general` topic fits where nothing else does: a "question" to the character, or a "remark",
    which may also be an answer to his open question.
    """

    id: Word
    says: tuple[PatternText, ...] = ()
    ask: tuple[str, ...] = ()
    when: Condition = Condition()
    answers: Word | None = None
    lines: Annotated[Lines, Field(min_length=1)]
    again: Lines = ()
    then: Lines = ()
    why: Lines = ()
    lead: Annotated[str, Field(max_length=80)] = ""
    in_order: bool = False
    asks: Word | None = None
    feel: Feeling | None = None
    do: tuple[PersonaAction, ...] = ()
    sets: tuple[Word, ...] = ()
    clears: tuple[Word, ...] = ()
    counts: dict[Word, int] = {}
    every_time: bool = False
    resets: tuple[Word, ...] = ()
    noticed: bool = False
    general: Literal["question", "remark"] | None = None
    goes_on: Literal["offer", "topic", "reason"] | None = None

    @property
    def noun(self) -> str:
        """The word that means what is talked about, "" if none of its patterns is one word."""
        return next((source for source in self.says if source.isalpha()), "")


class Knowledge(_Strict):
    """Something that the character knows; a language model is given it when it is talked about.

    `about` are patterns, as a topic's `says`; the words of the text itself count too.
    """

    text: Annotated[str, Field(min_length=1, max_length=1200)]
    about: tuple[PatternText, ...] = ()
    when: Condition = Condition()

    @cached_property
    def patterns(self) -> tuple[Pattern, ...]:
        """What a talk about it is matched with; compiled once."""
        return tuple(map(Pattern.compile, self.about))


class LevelEvent(_Strict):
    """What is said when the game reports an event."""

    name: str
    lines: Annotated[Lines, Field(min_length=1)]
    feel: Feeling | None = None
    do: tuple[PersonaAction, ...] = ()


class _WithTopics(_Strict):
    if TYPE_CHECKING:
        topic: tuple[Topic, ...]

    @cached_property
    def patterns(self) -> tuple[tuple[str, Pattern], ...]:
        """What a player's line is matched with, each with its topic's id; compiled once."""
        return tuple(
            (topic.id, Pattern.compile(source))
            for topic in self.topic
            for source in (*topic.says, *topic.ask)
        )

    @cached_property
    def index(self) -> PatternIndex:
        """The patterns by their words, without those of a pack."""
        return PatternIndex(self.patterns)


class SmallTalk(_WithTopics):
    """Topics that all personas share; a persona words them in its own way, or is without some."""

    topic: tuple[Topic, ...] = ()

    def worded(self, persona: Persona) -> tuple[Topic, ...]:
        """Return the topics in a persona's words, without those that it has of its own."""
        own, wording = {topic.id for topic in persona.topic}, persona.small_talk
        return tuple(
            _in_words(topic, wording.get(topic.id, True))
            for topic in self.topic
            if topic.id not in own and wording.get(topic.id) is not False
        )


def _in_words(topic: Topic, wording: tuple[str, ...] | Wording | bool) -> Topic:
    if isinstance(wording, bool):
        return topic
    said = wording if isinstance(wording, Wording) else Wording(lines=wording)
    return topic.model_copy(update=dict(said))


class Persona(_WithTopics):
    """One character; `questions` puts open questions into words, for `{question}`.

    `broken_off` is said when a language model falls silent in mid-sentence.
    `small_talk` words the topics that all personas share: lines for each, or false to be without.
    `keys` names the blanks that the level's template keys, or facts such as "dog", fill.
    """

    name: Annotated[str, Field(min_length=1, max_length=60)]
    about: str = ""
    mood: Feeling = Feeling(emotion="calm")
    voice: VoiceSettings = VoiceSettings()
    greeting: Greeting
    memory: Memory = Memory()
    fallback: Annotated[Lines, Field(min_length=1)]
    idle: Lines = ()
    topic: Annotated[tuple[Topic, ...], Field(min_length=1)]
    event: tuple[LevelEvent, ...] = ()
    questions: dict[Word, Line] = {}
    knowledge: tuple[Knowledge, ...] = ()
    broken_off: Annotated[Lines, Field(min_length=1)] = ("I have lost my thread.",)
    model: ModelSettings | None = None
    small_talk: dict[Word, Lines | Wording | Literal[False]] = {}
    keys: tuple[str, ...] = ()
    _pack: SmallTalk = PrivateAttr(default=SmallTalk())

    @cached_property
    def shared(self) -> tuple[Topic, ...]:
        """The small talk of all personas, in this one's words."""
        return self._pack.worded(self)

    @cached_property
    def names(self) -> frozenset[str]:
        """The words by which the character may be called."""
        return frozenset(normalise(self.name).split()) | VOCATIVES

    @cached_property
    def shared_ids(self) -> frozenset[str]:
        """The ids of the topics that are shared."""
        return frozenset(topic.id for topic in self.shared)

    def compile(self) -> None:
        """Make ready all that the first line of a talk needs; other threads may go on meanwhile."""
        for _, pattern in (*self.patterns, *self._pack.patterns):
            _ = pattern.regex
        _ = self.index, self._pack.index, self.shared_ids, self.speller, self.mentions

    def near(self, words: Collection[str]) -> Iterator[tuple[str, Pattern]]:
        """Yield the patterns that a text of these words may match, with their topics' ids."""
        yield from self.index.near(words)
        yield from self._pack.index.near(words)

    @cached_property
    def mentions(self) -> Mapping[str, tuple[str, str]]:
        """By each uncommon word the first topic that speaks of it, and the line that does."""
        found: dict[str, tuple[str, str]] = {}
        about_itself = (topic for topic in self.shared if topic.id.startswith("your_"))
        for topic in (*self.topic, *about_itself):
            changes = topic.sets or topic.counts or topic.asks or topic.answers or topic.do
            for line in () if changes else (*topic.lines, *topic.again):
                for word in normalise(line).split():
                    found.setdefault(word.removesuffix("s"), (topic.id, line))
        return {word: it for word, it in found.items() if len(word) > 3 and word not in COMMON}

    @cached_property
    def speller(self) -> Speller:
        """What corrects typing mistakes towards the words of the patterns."""
        patterns = (*self.patterns, *self._pack.patterns)
        return Speller(w for id_, it in patterns if id_ not in NEVER_MEANT for w in it.words)

    def with_small_talk(self, pack: SmallTalk) -> Persona:
        """Return the persona with the small talk of a pack beside its own topics."""
        persona = self.model_copy()
        persona._pack = pack
        return persona

    @model_validator(mode="after")
    def _is_consistent(self) -> Persona:
        ids = [topic.id for topic in self.topic]
        twice = sorted({name for name in ids if ids.count(name) > 1})
        asked = {topic.asks for topic in self.topic if topic.asks}
        heard = {topic.answers for topic in self.topic if topic.answers}
        if twice:
            raise ValueError(f"topic must have an id of its own: {', '.join(twice)} is there twice")
        if asked ^ heard:
            raise ValueError(f"asked without answers, or answered unasked: {sorted(asked ^ heard)}")
        return self


def read_small_talk(path: Path) -> SmallTalk:
    """Read the small talk of all personas. Raises TomlFileError with every mistake in it."""
    return read_toml(path, SmallTalk)


NEVER_MEANT = frozenset({"swearing", "flirt_no"})  # no typing mistake makes a word one of theirs
SMALL_TALK = "personas/shared/small-talk.toml"  # below a folder of assets
M = TypeVar("M", Persona, SmallTalk)


Stamp: TypeAlias = tuple[int, int, int, int]


class PersonaFiles:
    """Reads persona files, each once for as long as it stays as it is: its talks share one."""

    def __init__(self) -> None:
        self._read: dict[tuple[Path, type[BaseModel]], tuple[Stamp, BaseModel | TomlFileError]] = {}
        self._joined: dict[Path, tuple[Persona, SmallTalk, Persona]] = {}

    def read(self, path: Path, small_talk: Path | None = None) -> Persona:
        """Return the persona in a file as it is now, with the small talk of another.

        Raises TomlFileError, OSError.
        """
        persona = self._file(path, Persona)
        if small_talk is None:
            return persona
        pack = self._file(small_talk, SmallTalk)
        known = self._joined.get(path)
        if known is None or known[0] is not persona or known[1] is not pack:
            known = self._joined[path] = persona, pack, persona.with_small_talk(pack)
        return known[2]

    def _file(self, path: Path, model: type[M]) -> M:
        stamp = _stamp(path)
        known = self._read.get((path, model))
        if known is None or known[0] != stamp:
            # Mistakes are kept, too: who asks for such a file costs the work of reading it once.
            known = self._read[path, model] = stamp, _read_or_error(path, model)
        if isinstance(known[1], TomlFileError):
            raise known[1].with_traceback(None)
        assert isinstance(known[1], model)
        return known[1]


def _stamp(path: Path) -> Stamp:
    stat = path.stat()
    return stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size, stat.st_ino


def _read_or_error(path: Path, model: type[M]) -> M | TomlFileError:
    try:
        return read_toml(path, model)
    except TomlFileError as error:
        return error
