"""An agent that answers from its persona alone: topics, facts that it learns, a small story.

What it remembers (`memory`) is one JSON value, so that a conversation that is resumed goes on
where it was: the facts, how often each thing was said, the flags and counters of its story, and
the question that waits for an answer.

A fact is a key and a value: `name`, `profession`, `home`, `age`, `likes`, `dislikes`, or the
noun of "my <noun> is <value>". Learning is a table of patterns over the original text, because
names keep their capital letters.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from operator import itemgetter
from random import Random
from typing import Any

from characters.agents.agent import Arrived, Do, Event, Feel, Part, PlayerSaid, Prompt, Say, Silence
from characters.agents.patterns import away_words, best_lines, fill, normalise
from characters.agents.persona import Condition, Feeling, Persona, PersonaAction, Topic
from characters.protocol.messages import Action

__all__ = ["asked_for", "introduced", "learn", "recite", "ScriptedAgent"]


@dataclass(slots=True)
class ConversationMemory:
    """Everything that is kept of one conversation, as JSON values."""

    facts: dict[str, str] = field(default_factory=dict)
    said: dict[str, int] = field(default_factory=dict)
    flags: dict[str, bool] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)
    question: str | None = None
    visits: int = 0

    @classmethod
    def restore(cls, memory: Mapping[str, Any]) -> ConversationMemory:
        """Read back what `dump` returned; a field that does not fit is left empty."""
        state = cls()
        for name in ("facts", "said", "flags", "counters"):
            value = memory.get(name)
            if isinstance(value, dict):
                setattr(state, name, dict(value))
        question, visits = memory.get("question"), memory.get("visits")
        state.question = question if isinstance(question, str) else None
        state.visits = visits if isinstance(visits, int) else 0
        return state

    def dump(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        return asdict(self)

    def allows(self, when: Condition) -> bool:
        """Tell whether a condition holds."""
        return (
            all(self.flags.get(name) for name in when.needs)
            and not any(self.flags.get(name) for name in when.unless)
            and all(self.counters.get(name, 0) >= count for name, count in when.at_least.items())
            and all(self.counters.get(name, 0) < count for name, count in when.below.items())
        )

    def record(self, topic: Topic, *, is_first: bool) -> None:
        """Change what talking about a topic changes."""
        # A digression leaves the question open; an answer closes it.
        if topic.answers is not None or topic.asks is not None:
            self.question = topic.asks
        self.flags.update(dict.fromkeys(topic.sets, True))
        for name in topic.clears:
            self.flags.pop(name, None)
        for name in topic.resets:
            self.counters.pop(name, None)
        for name, count in topic.counts.items() if is_first or topic.every_time else ():
            self.counters[name] = self.counters.get(name, 0) + count


MAX_FACTS = 24
MAX_VALUE = 60


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that the player told."""

    key: str
    value: str


_END = r"(?=$|[.,;:!?\n]|\s+(?:and|but|so|because|by the way|though|nice)\b)"
_WORDS = r"[^\W_][\w'\u2019-]*(?:\s+[\w'\u2019-]+){0,5}?"
_NAME = r"[A-Za-z\u00c0-\u024f][\w'\u2019-]*(?:\s+[A-Z\u00c0-\u00de][\w'\u2019-]*){0,2}"
_AM = r"\bI(?:\s+am|['\u2019]?m)\s+"

# Searched in order; the first that matches a stretch of text takes it.
_RULES: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (key, re.compile(pattern, re.IGNORECASE))
    for key, pattern in (
        ("name", rf"\bmy\s+name(?:\s+is|['\u2019]s)\s+(?-i:(?P<value>{_NAME}))"),
        ("name", r"\b(?:call\s+me|they\s+call\s+me)\s+(?P<value>[A-Za-z][\w'\u2019-]*)"),
        ("age", rf"{_AM}(?P<value>\d{{1,3}})(?:\s+years?\s+old)?{_END}"),
        ("home", rf"(?:{_AM}from|\bI\s+(?:come\s+from|live\s+in))\s+(?P<value>{_WORDS}){_END}"),
        ("profession", rf"\bI\s+work\s+as\s+(?:an?\s+|the\s+)?(?P<value>{_WORDS}){_END}"),
        ("profession", rf"{_AM}an?\s+(?P<value>{_WORDS}){_END}"),
        (
            "dislikes",
            rf"\bI\s+(?:hate|dislike|do\s+not\s+like|don['\u2019]?t\s+like)\s+(?P<value>{_WORDS}){_END}",
        ),
        ("likes", rf"\bI\s+(?:really\s+|do\s+)?(?:like|love|enjoy)\s+(?P<value>{_WORDS}){_END}"),
        (
            "",
            rf"\bmy\s+(?P<key>[a-z]+(?:\s+[a-z]+)?)\s+(?:is\s+called|is\s+named|is|are)\s+(?P<value>{_WORDS}){_END}",
        ),
        ("has", rf"\bI\s+(?:have|own|\x27ve\s+got)\s+(?P<value>an?\s+{_WORDS}){_END}"),
        (
            "name",
            rf"(?-i:\bI(?:\s+am|['\u2019]?m)\s+(?P<value>[A-Z][\w'\u2019-]+(?:\s+[A-Z][\w'\u2019-]+)?)){_END}",
        ),
    )
)

_BARE_NAME = re.compile(
    r"^(?i:it['\u2019]?s\s+|just\s+)?(?P<value>[A-Z\u00c0-\u00de][\w'\u2019-]+(?:\s+[A-Z][\w'\u2019-]+)?)[.!]?$"
)

# What people say of themselves without telling a fact.
_PASSING = re.compile(
    r"^(?:an?\s+)?(?:here|fine|sorry|lost|back|ready|sure|not|just|very|so|you|it|that|this|bit|little|lot"
    r"|question|problem|moment|good|bad|idea|feeling|fool|fan|the|to|your|them|him|her)\b",
    re.IGNORECASE,
)
_NOT_KEYS = frozenset(
    {"god", "turn", "bad", "fault", "pleasure", "guess", "point", "question", "diagnosis", "answer"}
)


def learn(text: str) -> tuple[Fact, ...]:
    """Return what a sentence of the player tells about him, at most four facts."""
    if text.rstrip().endswith("?") and not re.search(r"\bmy\s+name\s+is\b", text, re.IGNORECASE):
        return ()
    found: list[tuple[int, Fact]] = []
    taken: list[range] = []
    for key, pattern in _RULES:
        for match in pattern.finditer(text):
            span = range(*match.span())
            if any(span.start < other.stop and other.start < span.stop for other in taken):
                continue
            fact = _fact(key or match.group("key"), match.group("value"))
            if fact is not None:
                found.append((span.start, fact))
                taken.append(span)
    return tuple(fact for _, fact in sorted(found, key=itemgetter(0))[:4])


def introduced(text: str) -> str:
    """Return a bare "Ada" or "It is Ada" as the sentence it stands for; else the text."""
    match = _BARE_NAME.match(text.strip())
    return f"My name is {match.group('value')}" if match else text


def _fact(key: str, value: str) -> Fact | None:
    key, value = key.lower().strip(), " ".join(value.split())[:MAX_VALUE].strip(" .,'")
    if not value or key in _NOT_KEYS or _PASSING.match(value):
        return None
    if key == "name":
        value = value[0].upper() + value[1:]
    return Fact(key, value)


_QUESTIONS: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"\b(?:what is my name|who am i|know my name|remember my name|my name again)\b"),
        "name",
    ),
    (re.compile(r"\bhow old am i\b"), "age"),
    (re.compile(r"\bwhere (?:am i from|do i (?:live|come from))\b"), "home"),
    (
        re.compile(r"\bwhat (?:do i do|is my (?:job|work|profession)|am i)(?: for a living)? $"),
        "profession",
    ),
    (re.compile(r"\bwhat do i (?:like|love|enjoy)\b"), "likes"),
    (re.compile(r"\bwhat do i (?:hate|dislike|not like)\b"), "dislikes"),
    (re.compile(r"\bwhat (?:is|are) my (?P<key>[a-z]+(?: [a-z]+)?) $"), ""),
)
_EVERYTHING = re.compile(
    r"\b(?:do you (?:still )?(?:remember|know|recall) (?:me|anything about me|who i am|what i)"
    r"|what do you (?:still )?(?:remember|know|recall)|what have i told you)\b"
)


def asked_for(normal: str) -> str | None:
    """Return the key that is asked for, "*" for everything, None for neither (normalised text)."""
    for pattern, key in _QUESTIONS:
        match = pattern.search(normal)
        if match is not None:
            return key or match.group("key")
    return "*" if _EVERYTHING.search(normal) else None


COMMON_KEYS = frozenset({"*", "name", "profession", "home", "age", "likes", "dislikes"})
"""What a question can only mean the player by; "what is my result" may mean something else."""

_SHAPES: Mapping[str, str] = {
    "name": "your name is {}",
    "profession": "you are {}",
    "home": "you are from {}",
    "age": "you are {} years old",
    "likes": "you like {}",
    "dislikes": "you can't stand {}",
    "has": "you have {}",
}


def phrase(key: str, value: str) -> str:
    """Put one fact into words that follow "you told me that"."""
    if key == "profession":
        article = "an" if value[:1].lower() in "aeiou" else "a"
        return f"you are {article} {value}"
    return _SHAPES.get(key, f"your {key} is {{}}").format(value)


def recite(facts: Mapping[str, str], keys: Sequence[str] = ()) -> str:
    """Put facts into one phrase: "your name is Ada, you like tea and your dog is Rex"."""
    chosen = [key for key in keys or facts if key in facts]
    chosen.sort(key=lambda key: key != "name")
    parts = [phrase(key, facts[key]) for key in chosen]
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


class ScriptedAgent:
    """One persona in one conversation; `chance` decides where lists of lines begin."""

    def __init__(self, persona: Persona, memory: Mapping[str, Any], chance: Random) -> None:
        self._persona = persona
        self._memory = ConversationMemory.restore(memory)
        self._chance = chance
        self._mood = persona.mood

    def memory(self) -> dict[str, Any]:
        """Return everything to keep, as JSON values."""
        return self._memory.dump()

    def phrases(self) -> Iterable[str]:
        """Return what a player can be expected to say."""
        asked = (phrase for topic in self._persona.topic for phrase in topic.ask)
        return (*asked, *_COMMON_PHRASES)

    def note(self, text: str) -> None:
        """Learn from what the player says, without an answer."""
        self._learn(text)

    # --- what a language model is given, and takes over from ---

    @property
    def facts(self) -> Mapping[str, str]:
        """What is known of the player."""
        return self._memory.facts

    @property
    def mood(self) -> Feel:
        """How the character feels."""
        return Feel(self._mood.emotion, self._mood.scale)

    def allows(self, when: Condition, context: Mapping[str, Any]) -> bool:
        """Tell whether a condition holds."""
        return self._memory.allows(when)

    def close_question(self) -> None:
        """Ask nothing any more: somebody else has answered since."""
        self._memory.question = None
        self._memory.flags.pop(_ASKED_NAME, None)

    def closing(self, context: Mapping[str, Any]) -> str:
        """Return the line after an answer that was broken off."""
        return self._line("broken_off", self._persona.broken_off, context)

    async def reply(self, prompt: Prompt, context: Mapping[str, Any]) -> AsyncGenerator[Part, None]:
        """Answer a prompt; see `Agent`."""
        for part in self._ANSWERS[type(prompt)](self, prompt, context):
            yield part

    def _remark(self, prompt: Silence, context: Mapping[str, Any]) -> Iterator[Part]:
        if self._persona.idle:
            yield Say(self._line("idle", self._persona.idle, context))

    # --- greeting ------------------------------------------------------------------------

    def _greet(self, prompt: Arrived, context: Mapping[str, Any]) -> Iterator[Part]:
        greeting, memory = self._persona.greeting, self._memory
        memory.visits += 1
        yield from self._feel(greeting.feel or self._persona.mood, always=True)
        yield from _do(greeting.do, context)
        if prompt.away_seconds is None or memory.visits == 1 or not greeting.back:
            memory.flags[_ASKED_NAME] = "name" not in memory.facts
            yield Say(self._line("first", greeting.first, context))
            return
        away = {"away": away_words(prompt.away_seconds)}
        line = self._line("back", greeting.back, context, away)
        recalled = self._recalled_on_return(line)
        if recalled:
            more = {"recall": recalled}
            line = f"{line} {self._line('recall', self._persona.memory.recall, context, more)}"
        yield Say(line)

    def _recalled_on_return(self, line: str) -> str:
        """Return the last facts that the line does not mention already."""
        facts = self._memory.facts
        keys = [key for key in facts if facts[key] not in line]
        return recite(facts, keys[-3:]) if keys else ""

    # --- what the player says --------------------------------------------------------------

    def _respond(self, prompt: PlayerSaid, context: Mapping[str, Any]) -> Iterator[Part]:
        text, normal = prompt.text, normalise(prompt.text)
        topic, weight = self._topic(normal, context)
        asked_name = self._memory.flags.pop(_ASKED_NAME, False)
        learnt = self._learn(text if topic or not asked_name else introduced(text))
        key = asked_for(normal)
        is_answer = topic is not None and topic.answers is not None and weight >= 1
        is_sure = key in COMMON_KEYS or key in self._memory.facts or topic is None
        if key is not None and is_sure and not is_answer:
            yield Say(self._recall(key, context))
        elif topic is not None:
            opening = f"{self._thanks(learnt, context)} " if learnt and not topic.answers else ""
            yield from self._discuss(topic, opening, context)
        elif learnt:
            yield Say(self._thanks(learnt, context))
        else:
            yield Say(self._line("fallback", self._persona.fallback, context))

    def _learn(self, text: str) -> tuple[Fact, ...]:
        keys = self._persona.memory.keys
        found = tuple(fact for fact in learn(text) if not keys or fact.key in keys)
        for fact in found:
            self._memory.facts.pop(fact.key, None)
            self._memory.facts[fact.key] = fact.value
        while len(self._memory.facts) > MAX_FACTS:
            oldest = next(key for key in self._memory.facts if key != "name")
            del self._memory.facts[oldest]
        return found

    def _thanks(self, learnt: tuple[Fact, ...], context: Mapping[str, Any]) -> str:
        wording = self._persona.memory
        recalled = {"recall": recite({fact.key: fact.value for fact in learnt})}
        if any(fact.key == "name" for fact in learnt):
            others = recite({fact.key: fact.value for fact in learnt if fact.key != "name"})
            line = self._line("learned_name", wording.learned_name, context, recalled)
            return f"{line} And {others}: noted." if others else line
        return self._line("learned", wording.learned, context, recalled)

    def _recall(self, key: str, context: Mapping[str, Any]) -> str:
        facts, wording = self._memory.facts, self._persona.memory
        if key == "*" and facts:
            recalled = recite(facts)
        elif key in facts:
            recalled = phrase(key, facts[key])
        else:
            return self._line("unknown", wording.unknown, context)
        return self._line("recall", wording.recall, context, {"recall": recalled})

    # --- topics ----------------------------------------------------------------------------

    def _topic(self, normal: str, context: Mapping[str, Any]) -> tuple[Topic | None, float]:
        """Return the topic that fits best, and how well.

        A real answer to the open question goes first; one that takes anything goes last.
        """
        best: tuple[bool, float] = (False, 0.0)
        chosen = None
        for topic in self._persona.topic:
            if topic.answers not in (None, self._memory.question) or not self._memory.allows(
                topic.when
            ):
                continue
            weight = self._weight(topic, normal)
            rank = (topic.answers is not None and weight >= 1, weight)
            if rank > best and self._can_say(topic, context):
                best, chosen = rank, topic
        return chosen, best[1]

    def _weight(self, topic: Topic, normal: str) -> float:
        fits = (item.weight for item in self._persona.patterns[topic.id] if item.matches(normal))
        # A topic with a condition fits the moment better than one without.
        bonus = 0.5 if topic.when != Condition() else 0.0
        weight = max(fits, default=0.0)
        return weight + bonus if weight else 0.0

    def _can_say(self, topic: Topic, context: Mapping[str, Any]) -> bool:
        """Tell whether a line of the topic would have all its blanks filled."""
        question = topic.asks if topic.asks or topic.answers else self._memory.question
        values = self._values(context, question)
        return any(fill(line, values) is not None for line in topic.lines)

    def _discuss(self, topic: Topic, opening: str, context: Mapping[str, Any]) -> Iterator[Part]:
        memory = self._memory
        times = memory.said.get(f"topic.{topic.id}", 0)
        is_repeated = times >= (len(topic.lines) if topic.in_order else 1)
        lines = topic.again if is_repeated and topic.again else topic.lines
        memory.record(topic, is_first=not times)
        yield from self._feel(topic.feel)
        yield from _do(topic.do, context)
        kind = "again" if lines is topic.again else "lines"
        start = 0 if topic.in_order else None
        text = self._line(f"{topic.id}.{kind}", lines, context, start=start)
        if topic.then and not times:
            text = f"{text} {self._line(f'{topic.id}.then', topic.then, context)}"
        memory.said[f"topic.{topic.id}"] = times + 1
        yield Say(opening + text)

    def _react(self, event: Event, context: Mapping[str, Any]) -> Iterator[Part]:
        for item in self._persona.event:
            if item.name == event.name:
                yield from self._feel(item.feel)
                yield from _do(item.do, context)
                yield Say(
                    self._line(f"event.{item.name}", item.lines, context, {"event": event.text})
                )
                return

    _ANSWERS: Mapping[type, Callable[[Any, Any, Mapping[str, Any]], Iterator[Part]]] = {
        Arrived: _greet,
        PlayerSaid: _respond,
        Event: _react,
        Silence: _remark,
    }

    # --- words and moods -------------------------------------------------------------------

    def _feel(self, feeling: Feeling | None, *, always: bool = False) -> Iterator[Part]:
        if feeling is not None and (always or feeling != self._mood):
            self._mood = feeling
            yield Feel(feeling.emotion, feeling.scale)

    def _line(
        self,
        key: str,
        lines: tuple[str, ...],
        context: Mapping[str, Any],
        more: Mapping[str, str] | None = None,
        start: int | None = None,
    ) -> str:
        """Return the next of several lines; each is said once before one is repeated."""
        values = self._values(context, self._memory.question) | dict(more or {})
        filled = best_lines(lines, values)
        if not filled:
            return "..."
        first = self._chance.randrange(len(filled)) if start is None else start
        count = self._memory.said.setdefault(key, first)
        self._memory.said[key] = count + 1
        return filled[count % len(filled)]

    def _values(self, context: Mapping[str, Any], question: str | None) -> dict[str, str]:
        memory = self._memory
        keys = {name: str(value) for name, value in dict(context.get("keys") or {}).items()}
        counters = {name: str(count) for name, count in memory.counters.items()}
        facts = {name.replace(" ", "_"): value for name, value in memory.facts.items()}
        text = self._persona.questions.get(question or "")
        open_question = {} if text is None else {"question": text}
        return keys | counters | facts | open_question | {"visits": str(memory.visits)}


_ASKED_NAME = "asked_name"  # the greeting asks; a bare "Ada" is then an answer
_COMMON_PHRASES = (
    "hello",
    "good bye",
    "thank you",
    "yes",
    "no",
    "my name is <name>",
    "what is my name",
    "do you remember me",
    "what do you remember about me",
)


def _do(actions: tuple[PersonaAction, ...], context: Mapping[str, Any]) -> Iterator[Part]:
    allowed = context.get("actions")
    known = tuple(
        Action(action.name, action.target)
        for action in actions
        if allowed is None or action.name in allowed
    )
    if known:
        yield Do(known)
