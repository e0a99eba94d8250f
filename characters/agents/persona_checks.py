"""What `lint` finds in a persona beside its format: blanks that nothing fills, lines never said.

A blank is `{name}` or `{name|stranger}`. What it may stand for depends on the place: `{away}` on
the greeting of somebody who comes back, `{event}` on an event, what a pattern captures on its
topic. A template key of the level, or a fact such as "dog", is made known by `keys = ["dog"]`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

from characters.agents.patterns import blanks, misspelt_blanks
from characters.agents.persona import Condition, Persona, SmallTalk, Topic
from engine.toml.diagnostics import Mistake, similar_names, unknown_name, validate
from engine.toml.positions import KeyPath
from engine.toml.reader import TomlFileError, read_source

__all__ = ["check_persona", "check_small_talk"]

FACTS = frozenset({
    "name", "age", "profession", "work", "home", "lives", "nation", "likes", "dislikes", "fears",
    "allergy", "has",
})  # fmt: skip
ANYWHERE = FACTS | {"visits", "told", "heard", "others", "lead"}
FOREIGN_WORDS = {"user": "{name|stranger}", "player": "{name|stranger}"}  # of other formats


def check_persona(path: Path, small_talk: SmallTalk | None = None) -> Persona:
    """Read a persona file. Raises TomlFileError with every mistake, those in its lines too.

    `small_talk` is what the persona's own may be about.
    """
    source = read_source(path)
    persona, mistakes = validate(Persona, source.data)
    if persona is not None:
        mistakes = list(_persona_mistakes(persona, small_talk or SmallTalk()))
    if persona is None or mistakes:
        raise TomlFileError(source.problem(mistake) for mistake in mistakes)
    return persona


def check_small_talk(path: Path) -> SmallTalk:
    """Read the small talk of all personas. Raises TomlFileError with every mistake in it."""
    source = read_source(path)
    pack, mistakes = validate(SmallTalk, source.data)
    if pack is not None:
        mistakes = [m for topic in _topics(pack.topic, ANYWHERE) for m in topic]
    if pack is None or mistakes:
        raise TomlFileError(source.problem(mistake) for mistake in mistakes)
    return pack


def _persona_mistakes(persona: Persona, pack: SmallTalk) -> Iterator[Mistake]:
    known = ANYWHERE | _named(persona)
    yield from _greeting(persona, known)
    yield from _said(("fallback",), persona.fallback, known, ())
    yield from _said(("idle",), persona.idle, known, ())
    yield from _said(("broken_off",), persona.broken_off, known, ())
    for topic in _topics(persona.topic, known):
        yield from topic
    yield from _unreachable(persona, pack)
    for number, event in enumerate(persona.event):
        yield from _said(("event", number, "lines"), event.lines, known, ("event",))
    yield from _small_talk(persona, pack, known)


def _named(persona: Persona) -> set[str]:
    """Return the blanks that the persona itself names."""
    conditions = [topic.when for topic in persona.topic]
    conditions += [entry.when for entry in persona.knowledge]
    counted = {name for topic in persona.topic for name in (*topic.counts, *topic.resets)}
    asked = {"question"} if persona.questions else set()
    return {*persona.keys, *persona.memory.keys, *counted, *asked, *_keys(conditions)}


def _keys(conditions: Iterable[Condition]) -> Iterator[str]:
    for when in conditions:
        yield from (*when.at_least, *when.below, *when.keys)


def _greeting(persona: Persona, known: Collection[str]) -> Iterator[Mistake]:
    greeting, memory = persona.greeting, persona.memory
    yield from _said(("greeting", "first"), greeting.first, known, ("visits",))
    yield from _said(("greeting", "back"), greeting.back, known, ("visits", "away"))
    yield from _said(("memory", "learned"), memory.learned, known, ("recall",))
    yield from _said(("memory", "learned_name"), memory.learned_name, known, ("name", "recall"))
    yield from _said(("memory", "recall"), memory.recall, known, ("recall",))
    yield from _said(("memory", "unknown"), memory.unknown, known, ())


def _unreachable(persona: Persona, pack: SmallTalk) -> Iterator[Mistake]:
    """Yield a mistake for each topic that no line of a player's can choose."""
    shared = {topic.id for topic in pack.topic}
    for number, topic in enumerate(persona.topic):
        if not (topic.says or topic.ask or topic.lead or topic.id in shared):
            message = "has neither says nor ask, so it is never talked about"
            yield Mistake(("topic", number), message, hint='says = ["..."]')


def _topics(topics: Iterable[Topic], known: Collection[str]) -> Iterator[Iterator[Mistake]]:
    for number, topic in enumerate(topics):
        yield _topic(("topic", number), topic, {*known, *_captured(topic)})


def _topic(path: KeyPath, topic: Topic, known: Collection[str]) -> Iterator[Mistake]:
    for name in ("lines", "again", "then", "why"):
        yield from _blanks((*path, name), getattr(topic, name), known)


def _captured(topic: Topic) -> set[str]:
    found = {name for source in topic.says for name in re.findall(r"<([a-z][a-z0-9_]*)>", source)}
    spoken = {"language"} if "#foreign" in topic.says else set()
    return found | spoken | ({"line"} if topic.id == "as_said" else set())


def _small_talk(persona: Persona, pack: SmallTalk, known: Collection[str]) -> Iterator[Mistake]:
    shared: Mapping[str, Topic] = {topic.id: topic for topic in pack.topic}
    for name, wording in persona.small_talk.items():
        if shared and name not in shared:
            found = unknown_name(("small_talk", name), "is no small talk", name, shared)
            yield Mistake(found.path, found.message, hint=found.hint, at="key")
        elif wording is not False and name in shared:
            captured = {*known, *_captured(shared[name])}
            path: KeyPath = ("small_talk", name)
            if isinstance(wording, tuple):
                yield from _blanks(path, wording, captured)
            else:
                yield from _topic(path, shared[name].model_copy(update=dict(wording)), captured)


def _said(
    path: KeyPath, lines: tuple[str, ...], known: Collection[str], sure: Collection[str]
) -> Iterator[Mistake]:
    """Check lines of which one must be ready at any time; `sure` blanks always have a value."""
    yield from _blanks(path, lines, {*known, *sure})
    wanting = [
        [name for name, default in blanks(line) if not default and name not in sure]
        for line in lines
    ]
    if lines and all(wanting) and wanting[0][0] in known:
        name = wanting[0][0]
        message = f"nothing can be said where {{{name}}} is not known"
        yield Mistake(path, message, hint=f"a line without it, or {{{name}|another word}}")


def _blanks(path: KeyPath, lines: tuple[str, ...], known: Collection[str]) -> Iterator[Mistake]:
    for number, line in enumerate(lines):
        for wrong in misspelt_blanks(line):
            hint = _meant(re.sub(r"\W", "", wrong).lower(), known)
            yield Mistake((*path, number), f"{wrong} is no blank", line, hint)
        for name, _ in blanks(line):
            if name not in known:
                message = f"nothing fills the blank {{{name}}}"
                yield Mistake((*path, number), message, line, _meant(name, known))


def _meant(name: str, known: Collection[str]) -> str:
    if name in FOREIGN_WORDS:
        return FOREIGN_WORDS[name]
    close, _ = similar_names(name, sorted(known), 0.75)
    if not name or name in known:
        return f"{{{name or 'name'}}}"
    declared = f'keys = ["{name}"] if the level or a fact gives it'
    return " or ".join([*(f"{{{word}}}" for word in close), declared])
