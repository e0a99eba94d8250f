"""Which topic of a persona a line of the player fits.

It is found in this order: a real answer to the open question, the persona's own topics, the small
talk of all personas, `general` questions, an answer that takes anything, and `general` remarks. The
one with the closest pattern wins among its like. Only when nothing special fits is the line read
again with its typing mistakes corrected.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from characters.agents.conversation_memory import ConversationMemory
from characters.agents.facts import Fact
from characters.agents.hearing import HeardText, in_order
from characters.agents.patterns import Pattern, fill, normalise
from characters.agents.persona import Condition, Persona, Topic
from characters.agents.recall import asked_for
from characters.agents.telling import statements

__all__ = ["ANSWER", "captured", "Match", "OWN", "REMARK", "SHARED", "TopicMatcher"]


class Match(NamedTuple):
    """A topic that fits a line: in which order it comes, how close it is, what its blanks are.

    One that `is_beside` the line is about what is asked, but asked was something else about it.
    Of a topic that is only spoken of in passing it is the one `line` that does.
    """

    order: int
    weight: float
    topic: Topic
    blanks: Mapping[str, str]
    is_beside: bool = False
    line: str = ""


_ONE_THING = re.compile(
    r"^(?:(?:and|so|but) )?"
    r"(?:(?:what|how) about |tell me about |(?:who|what) (?:is|are|was|were) |and )"
    r"(?:the |your |that |an? )?(?P<thing>\w+) $"
)
_OF_THE_WORLD = frozenset({"likes", "dislikes", "fears"})
ANSWER, OWN, SHARED, QUESTION, ANYTHING, REMARK, NO_ANSWER = range(5, -2, -1)


class TopicMatcher:
    """Finds the topics of a persona, and what fills the blanks of their lines, in one talk."""

    def __init__(self, persona: Persona, memory: ConversationMemory) -> None:
        self._persona, self._memory = persona, memory
        self.topics = {topic.id: topic for topic in (*persona.shared, *persona.topic)}

    def find(
        self, heard: HeardText, facts: Sequence[Fact], context: Mapping[str, Any]
    ) -> Match | None:
        """Return the topic that fits a line best."""
        fitting = self._fitting(heard, facts)
        for found in fitting:
            if found.topic.noticed and self.allows(found.topic, context):
                self._memory.record(found.topic)
        allowed = [found for found in fitting if self.allows(found.topic, context)]
        allowed.sort(key=lambda found: found[:2], reverse=True)
        return next((found for found in allowed if self._can_say(found, heard, context)), None)

    def respelt(
        self, heard: HeardText, match: Match | None, context: Mapping[str, Any]
    ) -> tuple[HeardText, Match | None]:
        """Return the line without its mistakes and what it fits then, if that is more."""
        normal = self._persona.speller.correct(heard.normal)
        is_question = heard.text.rstrip().endswith("?")
        spelt = replace(heard, normal=in_order(normal, is_question=is_question))
        if spelt.normal == heard.normal:
            return heard, match
        second = self.find(spelt, (), context)
        if second is None or (match is not None and second[:2] <= match[:2]):
            return (spelt if asked_for(spelt.normal) else heard), match
        return spelt, second

    def answer_respelt(
        self, heard: HeardText, match: Match | None, context: Mapping[str, Any]
    ) -> tuple[HeardText, Match | None]:
        """Return the line without its mistakes where it answers the open question then."""
        spelt = replace(heard, normal=self._persona.speller.correct(heard.normal))
        second = self.find(spelt, (), context) if spelt.normal != heard.normal else None
        is_answer = second is not None and second.order == ANSWER
        return (spelt, second) if is_answer else (heard, match)

    def followed(self, heard: HeardText, context: Mapping[str, Any]) -> Match | None:
        """Return what was talked about last, if the line asks on about "her" or a word of it."""
        memory, topic = self._memory, self.topics.get(self._memory.topic or "")
        if topic is None or not heard.is_question or memory.recalled or memory.question:
            return None
        if topic.id not in self._persona.shared_ids and heard.asks_on_about(normalise(memory.told)):
            found = self.topics.get("pardon")
            return None if found is None else Match(SHARED, 0.0, found, {})
        told = frozenset(normalise(" ".join((*topic.lines, *topic.again))).split())
        normal = heard.named(topic.noun, told)
        match = self.find(replace(heard, normal=normal), (), context) if normal else None
        is_own = match is not None and match.topic.id not in self._persona.shared_ids
        return match._replace(is_beside=True) if match is not None and is_own else None

    def mentioned(self, heard: HeardText, context: Mapping[str, Any]) -> Match | None:
        """Return the topic of the persona's that speaks of what is asked about: "the gull?"."""
        called = self.topics.get("are_you_there")
        if called and heard.words and heard.words <= self._persona.names:  # "Dr. Varga?"
            return Match(SHARED, 0.0, called, {})
        asked = _ONE_THING.match(heard.normal)
        if asked is None or self._memory.question:
            return None
        id_, line = self._persona.mentions.get(asked["thing"].removesuffix("s"), ("", ""))
        topic = self.topics.get(id_)
        is_sayable = fill(line, self.values(context, None)) is not None
        if topic is None or not is_sayable or not self.allows(topic, context):
            return None
        return Match(SHARED, 0.0, topic, {}, is_beside=True, line=line)

    def allows(self, topic: Topic, context: Mapping[str, Any]) -> bool:
        """Tell whether a topic may be talked about now."""
        is_open = topic.answers in (None, self._memory.question)
        return is_open and self._memory.allows(topic.when, context.get("keys"))

    def _fitting(self, heard: HeardText, facts: Sequence[Fact]) -> list[Match]:
        """Return all topics that fit, the shared ones last, whether they may be said or not.

        Words that the player says of himself count only where he is meant.
        """
        about_others = heard.without(fact.value for fact in facts if fact.key not in _OF_THE_WORLD)
        names = self._persona.names
        bare, bare_of_others = heard.bare(heard.normal, names), heard.bare(about_others, names)
        best: dict[str, tuple[Pattern, Mapping[str, str]]] = {}
        for topic_id, pattern in self._persona.near(sorted(heard.words)):
            topic = self.topics.get(topic_id)
            known = best.get(topic_id)
            if topic is None or (known is not None and pattern.weight <= known[0].weight):
                continue
            if pattern.is_kind:
                text = heard.marks
            elif topic.answers is not None or pattern.is_of_the_player:
                text = heard.normal
            else:
                text = bare if topic.general else about_others
            found = pattern.match(text)
            if found is None and topic_id in self._persona.shared_ids:
                found = pattern.match(bare)
            elif found is None and pattern.is_whole:
                found = pattern.match(bare_of_others)
            if found is not None:
                best[topic_id] = pattern, found.groupdict()
        # Of equals the first in the file answers, one that is noticed anyway after the others.
        found_in_order = [topic for topic in self.topics.values() if topic.id in best]
        found_in_order.sort(key=lambda topic: topic.noticed)
        # Of "My name is Ada. Where does it hurt?" only the second half asks.
        told = normalise(" ".join(statements(heard.text))).split()
        aside = frozenset({*told, *names})
        return [self._ranked(topic, *best[topic.id], heard, aside) for topic in found_in_order]

    def _ranked(
        self,
        topic: Topic,
        pattern: Pattern,
        blanks: Mapping[str, str],
        heard: HeardText,
        aside: frozenset[str],
    ) -> Match:
        """Return how a topic fits; `aside` are words that are no part of what is asked."""
        weight = pattern.weight
        is_own = weight >= 1 and topic.answers is None and topic.id not in self._persona.shared_ids
        is_told = is_own and not (topic.sets or topic.counts or topic.do or topic.asks)
        is_beside = is_told and heard.asks_beyond(pattern.words, aside)
        if topic.answers is not None and weight >= 1:
            order = ANSWER
        elif weight < 1:
            order = NO_ANSWER if heard.asks_back else ANYTHING
        elif is_beside and not self.has_lines_left(topic):
            order = REMARK  # the same again would not be nearer to what is asked
        elif is_own:
            order = SHARED if is_beside else OWN
        elif topic.general is None:
            is_aside = weight < 2 and heard.asks_beyond(pattern.words, aside)
            order = QUESTION if is_aside else SHARED  # "does anybody ever thank you" is no thanks
        else:
            order = QUESTION if topic.general == "question" and heard.is_question else REMARK
        # A topic with a condition fits the moment better than one without.
        closeness = weight + 0.5 * (topic.when != Condition()) + 2 * is_beside
        return Match(order, closeness, topic, blanks, is_beside)

    def _can_say(self, match: Match, heard: HeardText, context: Mapping[str, Any]) -> bool:
        """Tell whether a line of the topic would have all its blanks filled."""
        topic = match.topic
        question = topic.asks if topic.asks or topic.answers else self._memory.question
        values = self.values(context, question) | captured(match, heard)
        return any(fill(line, values) is not None for line in topic.lines)

    def has_lines_left(self, topic: Topic) -> bool:
        """Tell whether a topic has a line that was not said."""
        told = len(topic.lines) if topic.in_order else 1
        return self._memory.times(topic) < told + len(topic.again)

    def values(self, context: Mapping[str, Any], question: str | None) -> dict[str, str]:
        """Return what fills the blanks of a line, while a question is open."""
        memory = self._memory
        keys = {name: str(value) for name, value in dict(context.get("keys") or {}).items()}
        counters = {name: str(count) for name, count in memory.counters.items()}
        facts = {name.replace(" ", "_"): value for name, value in memory.facts.items()}
        text = self._persona.questions.get(question or "")
        more = {"visits": str(memory.visits), "told": memory.told, "heard": memory.heard}
        known = more | ({} if text is None else {"question": text})
        return keys | counters | facts | {name: value for name, value in known.items() if value}


def captured(match: Match, heard: HeardText) -> dict[str, str]:
    """Return what the player's line fills the blanks of a topic with."""
    language = {"language": heard.language} if heard.language else {}
    found = {name: heard.original(words) for name, words in match.blanks.items() if words}
    return language | found
