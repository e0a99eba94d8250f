"""The persona file: what a scripted character says, feels and does.

The models below are the format; a file is read with every mistake named by line and column. The
header of assets/personas/porter-3e8f.toml explains it to authors.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from characters.agents.patterns import Pattern
from characters.protocol.model_settings import ModelSettings
from engine.toml.reader import read_toml

__all__ = [
    "Condition", "Feeling", "Knowledge", "Persona", "PersonaAction", "PersonaFiles",
    "read_persona", "Topic",
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
    """An action that the game shows."""

    name: Annotated[str, Field(min_length=1, max_length=60)]
    target: str | None = None


class VoiceSettings(_Strict):
    """How the character sounds: espeak-ng's words, and a voice's `name` at a speech endpoint."""

    language: str = "en-us"
    variant: str = ""
    pitch: Annotated[int, Field(ge=0, le=99)] = 50
    words_per_minute: Annotated[int, Field(ge=80, le=350)] = 165
    name: Annotated[str, Field(max_length=80)] = ""


class Greeting(_Strict):
    """What is said when the player comes."""

    first: Annotated[Lines, Field(min_length=1)]
    back: Lines = ()
    feel: Feeling | None = None
    do: tuple[PersonaAction, ...] = ()


class Memory(_Strict):
    """How the character words what it learnt."""

    learned: Lines = ("I will remember that.",)
    learned_name: Lines = ("Nice to meet you, {name}.",)
    recall: Lines = ("You told me that {recall}.",)
    unknown: Lines = ("You have not told me that yet.",)
    keys: tuple[str, ...] = ()  # only these are learnt; empty: everything


class Condition(_Strict):
    """When something may be said: flags that must or must not be set, counters to reach."""

    needs: tuple[Word, ...] = ()
    unless: tuple[Word, ...] = ()
    at_least: dict[Word, int] = {}
    below: dict[Word, int] = {}


class Topic(_Strict):
    """Something that can be talked about.

    It is chosen when one of `says` or `ask` fits; a topic that `answers` the open question goes
    before others. `lines` are used the first time (all of them, one by one, with `in_order`),
    `again` afterwards; `then` is added, and `counts` count, the first time only, unless it is
    `every_time` that they count.
    """

    id: Word
    says: tuple[PatternText, ...] = ()
    ask: tuple[str, ...] = ()
    when: Condition = Condition()
    answers: Word | None = None
    lines: Annotated[Lines, Field(min_length=1)]
    again: Lines = ()
    then: Lines = ()
    in_order: bool = False
    asks: Word | None = None
    feel: Feeling | None = None
    do: tuple[PersonaAction, ...] = ()
    sets: tuple[Word, ...] = ()
    clears: tuple[Word, ...] = ()
    counts: dict[Word, int] = {}
    every_time: bool = False
    resets: tuple[Word, ...] = ()


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


class Persona(_Strict):
    """One character; `questions` puts open questions into words, for `{question}`.

    `broken_off` is said when a language model falls silent in mid-sentence.
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

    @cached_property
    def patterns(self) -> Mapping[str, tuple[Pattern, ...]]:
        """What a player's line is matched with, for each topic's id; compiled once."""
        return {
            topic.id: tuple(map(Pattern.compile, (*topic.says, *topic.ask))) for topic in self.topic
        }

    @model_validator(mode="after")
    def _is_consistent(self) -> Persona:
        ids = [topic.id for topic in self.topic]
        twice = sorted({name for name in ids if ids.count(name) > 1})
        asked = {topic.asks for topic in self.topic if topic.asks}
        heard = {topic.answers for topic in self.topic if topic.answers}
        if twice:
            raise ValueError(f"two topics share the id {', '.join(twice)}")
        if asked ^ heard:
            raise ValueError(f"asked without answers, or answered unasked: {sorted(asked ^ heard)}")
        return self


def read_persona(path: Path) -> Persona:
    """Read a persona file. Raises engine.toml.reader.TomlFileError with every mistake in it."""
    return read_toml(path, Persona)


class PersonaFiles:
    """Reads persona files, each once for as long as it stays as it is: its talks share one."""

    def __init__(self) -> None:
        self._read: dict[Path, tuple[tuple[int, int, int], Persona]] = {}

    def read(self, path: Path) -> Persona:
        """Return the persona in a file as it is now. Raises TomlFileError, OSError."""
        stat = path.stat()
        stamp = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        known = self._read.get(path)
        if known is not None and known[0] == stamp:
            return known[1]
        persona = read_persona(path)
        self._read[path] = stamp, persona
        return persona
