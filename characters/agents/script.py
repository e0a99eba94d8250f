"""An agent that answers from its persona alone: topics, facts that it learns, a small story.

What it remembers (`memory`) is one JSON value, so that a conversation that is resumed goes on
where it was: the facts, how often each thing was said, the flags and counters of its story, the
question that waits for an answer, what was said last and what was offered.
"""

from __future__ import annotations

import logging
import re
from collections.abc import (
    AsyncGenerator,
    Callable,
    Generator,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from random import Random
from typing import Any

from characters.agents.agent import (
    Arrived,
    Do,
    Event,
    Feel,
    Part,
    PlayerSaid,
    Prompt,
    Refused,
    Say,
    Silence,
    let_others_go_on,
)
from characters.agents.conversation_memory import ConversationMemory
from characters.agents.doings import answered, done, is_loss
from characters.agents.facts import Fact, all_about, holds, update
from characters.agents.hearing import HeardText, hear, questions_in, without_deeds
from characters.agents.learning import learn
from characters.agents.matching import ANSWER, OWN, REMARK, SHARED, Match, TopicMatcher, captured
from characters.agents.patterns import away_words, blanks, fill, sayable
from characters.agents.persona import Condition, Feeling, Persona, PersonaAction, Topic
from characters.agents.recall import (
    asked_for,
    asked_further,
    is_common_key,
    is_of_kin,
    known_as,
    of_ones_own,
    recite,
    taken_back,
)
from characters.agents.rewording import with_noun
from characters.agents.telling import introduced, named_after, spoken_of
from characters.protocol.messages import Action

__all__ = ["HAPPENED", "ScriptedAgent"]

log = logging.getLogger(__name__)

# Said about what happens where neither the persona nor the small talk has a line for it.
HAPPENED = ("Oh! Did you see that?", "Well, what was that?", "I noticed that, too.")
MOST_ANSWERS = 2  # to the questions of one line
LONGEST_KEPT = 300  # letters of a line that is kept to be repeated


_WHY = re.compile(r"^(?:and |but |so )?why (?!is |are |was |were )")
_NAME_LINES = 4  # so many lines after it was asked for, a bare "Ada" is a name
_ASKED_NAME = "asked_name"  # a topic that asks for the name sets it


class ScriptedAgent:
    """One persona in one conversation; `chance` decides the order of lines of a new one."""

    def __init__(self, persona: Persona, memory: Mapping[str, Any], chance: Random) -> None:
        self._persona = persona
        self._memory = ConversationMemory.restore(memory)
        self._memory.seed = self._memory.seed or chance.randrange(1, 2**31)
        if self._memory.mood is None:
            self.feel(Feel(persona.mood.emotion, persona.mood.scale))
        self._matcher = TopicMatcher(persona, self._memory)

    @property
    def player_name(self) -> str:
        """The name by which the character knows the player, "" before it was told."""
        return self._memory.facts.get("name", "")

    def memory(self) -> dict[str, Any]:
        """Return everything to keep, as JSON values."""
        return self._memory.dump()

    def phrases(self) -> Iterable[str]:
        """Return what a player can be expected to say."""
        topics = (*self._persona.topic, *self._persona.shared)
        return (*(phrase for topic in topics for phrase in topic.ask), *_COMMON_PHRASES)

    def note(self, text: str) -> None:
        """Learn from what the player says, without an answer."""
        facts = self._memory.facts
        told = learn(text, facts)
        self._learn([*told, *done(text, facts, "", told), *taken_back(text, "", facts)])

    # --- what a language model is given, and takes over from ---

    @property
    def facts(self) -> Mapping[str, str]:
        """What is known of the player."""
        return self._memory.facts

    @property
    def mood(self) -> Feel:
        """How the character feels."""
        return Feel(self._memory.mood or "", self._memory.mood_scale)

    def feel(self, feeling: Feel) -> None:
        """Feel so from now on."""
        self._memory.mood, self._memory.mood_scale = feeling.emotion, feeling.scale

    def allows(self, when: Condition, context: Mapping[str, Any]) -> bool:
        """Tell whether a condition holds."""
        return self._memory.allows(when, context.get("keys"))

    def close_question(self) -> None:
        """Ask nothing any more: somebody else has answered since."""
        self._memory.question = self._memory.offered = self._memory.topic = None
        self._memory.flags.pop(_ASKED_NAME, None)
        self._memory.name_wanted = 0

    def closing(self, context: Mapping[str, Any]) -> str:
        """Return the line after an answer that was broken off."""
        return self._line("broken_off", self._persona.broken_off, context)

    async def reply(self, prompt: Prompt, context: Mapping[str, Any]) -> AsyncGenerator[Part, None]:
        """Answer a prompt; see `Agent`."""
        for part in self._ANSWERS[type(prompt)](self, prompt, context):
            if part is None:
                await let_others_go_on()
                continue
            if isinstance(part, Say):
                if part.text == self._memory.last:  # never the very words of the answer before
                    part = Say(self._as_said(part.text, {}))
                self._memory.last = part.text
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
        seconds = prompt.away_seconds
        away = {} if seconds is None else {"away": away_words(seconds)}
        is_known = memory.visits == 1 and bool(memory.facts)  # from another conversation
        is_back = is_known or (seconds is not None and memory.visits > 1)
        can_say = sayable(greeting.back, self._matcher.values(context, memory.question) | away)
        if not is_back or not (can_say or is_known):
            memory.name_wanted = 0 if "name" in memory.facts else _NAME_LINES
            yield Say(self._line("first", greeting.first, context))
            return
        lines = ("back", greeting.back) if can_say else ("first", greeting.first)
        line = self._line(*lines, context, away)
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

    def _respond(self, prompt: PlayerSaid, context: Mapping[str, Any]) -> Iterator[Part | None]:
        """Yield the parts of an answer; None between two pieces of work of some milliseconds."""
        memory = self._memory
        if memory.flags.pop(_ASKED_NAME, False):
            memory.name_wanted = _NAME_LINES
        heard = hear(without_deeds(prompt.text))
        yield None
        facts = learn(prompt.text, memory.facts) or self._told_of_one(prompt.text)
        yield None
        doings = done(prompt.text, memory.facts, memory.spoken_of, facts)
        yield None
        memory.spoken_of = spoken_of(prompt.text) or memory.spoken_of
        match = self._matcher.find(heard, facts, context)
        yield None
        if not facts and "name" not in memory.facts and (match is None or match.order < SHARED):
            facts = learn(introduced(prompt.text, is_asked=memory.name_wanted > 0))
        if not facts and (match is None or match.order < SHARED):
            heard, match = self._matcher.respelt(heard, match, context)
        if not facts and (match is None or match.order < SHARED):
            match = self._matcher.followed(heard, context) or match
        if not facts and memory.question and (match is None or match.order < ANSWER):
            heard, match = self._matcher.answer_respelt(heard, match, context)
        if not facts and (match is None or match.order < SHARED):
            match = self._matcher.mentioned(heard, context) or match
        yield None
        memory.name_wanted = max(0, memory.name_wanted - 1)
        several: list[tuple[HeardText, Match | None]] = []
        if not facts and not memory.question:
            several = yield from self._several(prompt.text, context)
        if several:
            yield from self._answer_several(several, context)
        else:
            yield from self._answer(heard, facts, match, context, doings)
        memory.heard = prompt.text.strip()[:LONGEST_KEPT]

    def _several(
        self, text: str, context: Mapping[str, Any]
    ) -> Generator[None, None, list[tuple[HeardText, Match | None]]]:
        """Return the questions of a line that asks several, where each but one has an answer."""
        found: dict[str, tuple[HeardText, Match | None]] = {}
        for part in questions_in(without_deeds(text)):
            yield
            heard = hear(part)
            heard, match = self._matcher.respelt(
                heard, self._matcher.find(heard, (), context), context
            )
            key = self._asked(heard.normal, ())
            if key is not None and self._knows(key):
                found[key] = heard, match
            elif match is not None and match.order >= SHARED:
                found[match.topic.id] = heard, match
        return [*found.values()][:MOST_ANSWERS]

    def _answer_several(
        self, asked: Sequence[tuple[HeardText, Match | None]], context: Mapping[str, Any]
    ) -> Iterator[Part]:
        said: list[str] = []
        for heard, match in asked:
            for part in self._answer(heard, (), match, context):
                if isinstance(part, Say):
                    said.append(part.text)
                else:
                    yield part
        yield Say(" ".join(said))

    def _told_of_one(self, text: str) -> tuple[Fact, ...]:
        """Return what a line tells of whom the lines before were about: "her name is Edna"."""
        one, facts = self._memory.spoken_of, self._memory.facts
        denied = learn(with_noun(text, one), facts) if one else ()
        is_denial = any(fact.is_denied for fact in denied)
        return denied if is_denial else named_after(text, one)

    def _answer(
        self,
        heard: HeardText,
        facts: Sequence[Fact],
        match: Match | None,
        context: Mapping[str, Any],
        doings: Sequence[Fact] = (),
    ) -> Iterator[Part]:
        learnt, did = self._learn(facts), self._learn(doings)
        found = self._answered(heard.normal)
        held = next((fact.key for fact in facts if fact.key in self._memory.pinned), None)
        key = self._asked(heard.normal, learnt) or (None if learnt else held)
        is_answer = match is not None and match.order == ANSWER
        is_sure = key is not None and (
            is_common_key(key) or known_as(key, self._memory.facts) or match is None
            or is_of_kin(key, heard.normal)
            or match.order < SHARED
        )  # fmt: skip
        is_sure_told = any(fact.key == "name" or fact.is_denied for fact in learnt)
        is_told = bool(learnt) or any(fact.is_denied for fact in did)
        least = OWN if is_sure_told else SHARED if is_told else REMARK
        is_worth_it = match is not None and match.order >= least
        last, self._memory.recalled = self._memory.recalled, learnt[-1].key if learnt else ""
        gone = [] if learnt or is_answer else taken_back(heard.text, last, self._memory.facts)
        if did and not learnt:
            self._memory.recalled = did[-1].key
        if self._learn(gone):
            yield Say(self._shared_line("corrected", ("Then I had that wrong.",), context))
        elif found is not None and not is_answer and (key is None or not self._knows(key)):
            self._memory.recalled = next(iter(found), "")
            yield Say(self._recited(found, context))
        elif key is not None and is_sure and not is_answer:
            self._memory.recalled = key
            yield Say(self._recall(key, context))
        elif match is not None and is_worth_it:
            opens = learnt and match.topic.answers is None and match.order != SHARED
            opening = f"{self._thanks(learnt, context)} " if opens else ""
            yield from self._talk(match, heard, opening, context)
        elif learnt or (did and not any(map(is_loss, did))):
            yield Say(self._thanks(learnt or did, context))
        else:
            yield Say(self._fallback(context))

    def _asked(self, normal: str, learnt: Sequence[Fact]) -> str | None:
        """Return the key of the fact of the player's that is asked for."""
        memory = self._memory
        one = memory.spoken_of if memory.recalled else ""
        key = asked_for(normal, one) or asked_for(of_ones_own(normal, memory.facts), one)
        is_open = bool(memory.recalled) or normal.startswith("and my ")
        is_further = key is None and is_open and not learnt
        return asked_further(normal, memory.facts) if is_further else key

    def _answered(self, normal: str) -> dict[str, str] | None:
        """Return what answers a question about what somebody did; see `answered`."""
        one = self._memory.spoken_of if self._memory.recalled else ""
        return answered(normal, self._memory.facts, one)

    def _knows(self, key: str) -> bool:
        return known_as(key, self._memory.facts) is not None

    def _learn(self, facts: Iterable[Fact]) -> tuple[Fact, ...]:
        """Take facts in; return those that hold: what is pinned is not changed by the way."""
        keys, memory = self._persona.memory.keys, self._memory
        found = tuple(fact for fact in facts if not keys or _is_wanted(fact, keys))
        before = dict(memory.facts)
        update(memory.facts, found, memory.pinned)
        for key in before:
            if memory.facts.get(key) != before[key]:
                memory.corrected.pop(key, None)
        if "name" in memory.facts:
            memory.name_wanted = 0
        return tuple(
            fact for fact in found if holds(before if fact.is_denied else memory.facts, fact)
        )

    def _thanks(self, learnt: tuple[Fact, ...], context: Mapping[str, Any]) -> str:
        wording = self._persona.memory
        told: dict[str, str] = {}
        update(told, [fact for fact in learnt if not fact.is_denied])
        if not told:
            return self._shared_line("corrected", ("Then I had that wrong.",), context)
        recalled = {"recall": recite(told)}
        if "name" in told:
            others = recite({key: value for key, value in told.items() if key != "name"})
            line = self._line("learned_name", wording.learned_name, context, recalled)
            return f"{line} And {others}: noted." if others else line
        return self._line("learned", wording.learned, context, recalled)

    def _recall(self, key: str, context: Mapping[str, Any]) -> str:
        facts = self._memory.facts
        known = known_as(key, facts)
        keys = facts if key == "*" else all_about(known, facts) if known else ()
        return self._recited({name: facts[name] for name in keys}, context)

    def _recited(self, facts: Mapping[str, str], context: Mapping[str, Any]) -> str:
        """Return the line that says some facts back, or that nothing was told."""
        wording = self._persona.memory
        if not facts:
            return self._line("unknown", wording.unknown, context)
        return self._line("recall", wording.recall, context, {"recall": recite(facts)})

    def _fallback(self, context: Mapping[str, Any]) -> str:
        line = self._line("fallback", self._persona.fallback, context)
        if line != self._memory.last:
            return line
        return self._shared_line("fallback", (line,), context)

    # --- topics ----------------------------------------------------------------------------

    def _talk(
        self, match: Match, heard: HeardText, opening: str, context: Mapping[str, Any]
    ) -> Iterator[Part]:
        """Talk about a topic, or about what it goes on with."""
        memory, topic = self._memory, match.topic
        current = self._matcher.topics.get(memory.topic or "")
        offered = self._matcher.topics.get(memory.offered or "")
        if match.line:
            memory.topic, values = topic.id, self._matcher.values(context, None)
            memory.said[f"mention.{topic.id}"] = memory.said.get(f"mention.{topic.id}", 0) + 1
            filled = fill(match.line, values)
            yield Say(f"{opening}{self._shared_line('beside', (), context)} {filled and filled[0]}")
        elif (
            topic.goes_on in ("offer", "topic")
            and offered
            and self._matcher.allows(offered, context)
        ):
            yield from self._discuss(offered, opening, context)
        elif topic.goes_on == "topic" and current and self._has_more(current, context):
            yield from self._discuss(current, opening, context)
        elif topic.goes_on == "reason" and current and not memory.said.get(f"{current.id}.why"):
            reasons = current.why or topic.lines
            key = f"{current.id}.why" if current.why else f"{topic.id}.lines"
            yield Say(opening + self._line(key, reasons, context))
        elif match.is_beside and self._tells_why(topic, heard):
            yield Say(opening + self._line(f"{topic.id}.why", topic.why, context))
        else:
            found = captured(match, heard)
            yield from self._discuss(topic, opening, context, found, match.is_beside)

    def _tells_why(self, topic: Topic, heard: HeardText) -> bool:
        """Tell whether it is asked why something is so that was told, and not said yet why."""
        is_asked = _WHY.match(heard.normal) is not None
        is_told = self._memory.times(topic) > 0
        return (
            is_asked and is_told and bool(topic.why) and f"{topic.id}.why" not in self._memory.said
        )

    def _has_more(self, topic: Topic, context: Mapping[str, Any]) -> bool:
        return self._matcher.allows(topic, context) and self._matcher.has_lines_left(topic)

    def _discuss(
        self,
        topic: Topic,
        opening: str,
        context: Mapping[str, Any],
        more: Mapping[str, str] | None = None,
        is_beside: bool = False,
    ) -> Iterator[Part]:
        memory, times = self._memory, self._memory.times(topic)
        is_repeated = times >= (len(topic.lines) if topic.in_order else 1)
        is_repeated = is_repeated or all(_is_unwanted(line, context) for line in topic.lines)
        kind = "again" if is_repeated and topic.again else "lines"
        lines = topic.again if kind == "again" else topic.lines
        memory.offered = None
        memory.record(topic)
        yield from self._feel(topic.feel)
        yield from _do(topic.do, context)
        in_order = topic.in_order and kind == "lines"
        text = self._line(f"{topic.id}.{kind}", lines, context, more, in_order=in_order)
        if not any("{told" in line for line in lines):
            memory.told = text[:LONGEST_KEPT]
        if memory.last.endswith(text):
            text = self._as_said(text, context, whole="{question" in "".join(lines))
        elif is_beside and "beside" in self._matcher.topics:
            opening += f"{self._shared_line('beside', (), context)} "
        elif topic.then and not times:
            text = f"{text} {self._line(f'{topic.id}.then', topic.then, context)}"
        memory.said[f"topic.{topic.id}"] = times + 1
        if topic.goes_on is None:
            memory.topic = topic.id
        yield Say(opening + text)

    def _react(self, event: Event, context: Mapping[str, Any]) -> Iterator[Part]:
        if event.speech:
            yield Say(event.speech)
            return
        for item in self._persona.event:
            if item.name == event.name:
                yield from self._feel(item.feel)
                yield from _do(item.do, context)
                blanks = {"event": event.text}
                yield Say(self._line(f"event.{item.name}", item.lines, context, blanks))
                return
        if event.text:
            yield from self._remark_on(event, context)

    def _remark_on(self, event: Event, context: Mapping[str, Any]) -> Iterator[Part]:
        """Talk about what happened: about the persona's topic that it fits, or in few words."""
        heard = hear(event.text)
        match = self._matcher.find(heard, (), context)
        if match is not None and match.order == OWN:
            yield from self._discuss(match.topic, "", context, captured(match, heard))
        elif event.name == "context":  # the game asks for words about it; nothing has happened
            yield from self._remark(Silence(), context)
        else:
            yield Say(self._shared_line("happened", HAPPENED, context))

    _ANSWERS: Mapping[type, Callable[[Any, Any, Mapping[str, Any]], Iterator[Part | None]]] = {
        Arrived: _greet,
        PlayerSaid: _respond,
        Event: _react,
        Silence: _remark,
    }

    # --- words and moods -------------------------------------------------------------------

    def _feel(self, feeling: Feeling | None, *, always: bool = False) -> Iterator[Part]:
        felt = None if feeling is None else Feel(feeling.emotion, feeling.scale)
        if felt is not None and (always or felt != self.mood):
            self.feel(felt)
            yield felt

    def _line(
        self,
        key: str,
        lines: Sequence[str],
        context: Mapping[str, Any],
        more: Mapping[str, str] | None = None,
        *,
        in_order: bool = False,
    ) -> str:
        """Return the next of several lines; each is said once before one is repeated."""
        lead = self._lead(context) if any("{lead" in line for line in lines) else None
        values = self._matcher.values(context, self._memory.question) | dict(more or {})
        texts = sayable(lines, values | ({"lead": lead.lead} if lead else {}), _PASSING)
        texts = {n: text for n, text in texts.items() if not _is_unwanted(text, context)} or texts
        if not texts:
            return "..."
        index = self._memory.next_line(key, texts, len(lines), in_order=in_order)
        if lead and "lead" in (name for name, _ in blanks(lines[index])):
            self._memory.offered = lead.id
        return texts[index]

    def _lead(self, context: Mapping[str, Any]) -> Topic | None:
        """Return a topic that was not told yet, each time another one."""
        memory = self._memory
        untold = [
            topic
            for topic in self._persona.topic
            if topic.lead and not memory.times(topic) and self._matcher.allows(topic, context)
        ]
        if not untold:
            return None
        untold.sort(key=lambda topic: Random(f"{memory.seed}:{topic.id}").random())
        turn = memory.said["lead"] = memory.said.get("lead", 0) + 1
        return untold[turn % len(untold)]

    def _shared_line(self, id_: str, default: tuple[str, ...], context: Mapping[str, Any]) -> str:
        topic = self._matcher.topics.get(id_)
        return self._line(f"{id_}.lines", topic.lines if topic else default, context)

    def _as_said(self, text: str, context: Mapping[str, Any], *, whole: bool = True) -> str:
        """Return a line that was just said, as one that was."""
        topic = self._matcher.topics.get("as_said")
        lines = topic.lines if topic else ("As I said: {line}", "Once more: {line}")
        short = text if whole else _first_sentence(text)
        return self._line("as_said.lines", lines, context, {"line": short})


_PASSING = frozenset({"thing", "language"})  # what the player just said: no line is better for it
_COMMON_PHRASES = (
    "hello",
    "good bye",
    "thank you",
    "yes",
    "no",
    "uh huh",
    "mhm",
    "yeah",
    "okay",
    "right",
    "i see",
    "my name is <name>",
    "what is my name",
    "do you remember me",
    "what do you remember about me",
)


def _is_unwanted(text: str, context: Mapping[str, Any]) -> bool:
    """Tell whether a line was in an answer that the player took back."""
    return any(text in answer for answer in context.get("unwanted") or ())


def _is_wanted(fact: Fact, keys: Sequence[str]) -> bool:
    return fact.key in keys or (fact.key == "lives" and "home" in keys)


def _first_sentence(text: str) -> str:
    end = next((at for at in range(20, len(text)) if text[at] in ".!?"), len(text) - 1)
    return text[: end + 1]


def _do(actions: tuple[PersonaAction, ...], context: Mapping[str, Any]) -> Iterator[Part]:
    allowed = context.get("actions")
    known = [item for item in actions if allowed is None or item.name in allowed]
    if known:
        yield Do(tuple(Action(item.name, item.target, item.arguments) for item in known))
    for item in actions:
        if item not in known:
            log.warning("the persona's action %.40r is none of the level's", item.name)
            yield Refused(
                item.name, "it is no action here: the persona names it, the level does not"
            )
