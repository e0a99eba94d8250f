"""What a scripted character remembers of one conversation, and which of its lines comes next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from random import Random
from typing import Any

from characters.agents.persona import Condition, Topic

__all__ = ["ConversationMemory"]


@dataclass(slots=True)
class ConversationMemory:
    """Everything that is kept of one conversation, as JSON values."""

    facts: dict[str, str] = field(default_factory=dict)
    said: dict[str, int] = field(default_factory=dict)
    pinned: dict[str, bool] = field(default_factory=dict)  # facts that only a correction changes
    corrected: dict[str, float] = field(default_factory=dict)  # from outside: when
    flags: dict[str, bool] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)
    question: str | None = None
    visits: int = 0
    seed: int = 0  # of the order in which lines are said
    last: str = ""  # what was said last
    told: str = ""  # the last of it that can be asked for again
    heard: str = ""  # what the player said last
    spoken_of: str = ""  # whom of his own he spoke of last: "sister"
    topic: str | None = None  # what was talked about last
    offered: str | None = None  # the topic that the last line led to
    recalled: str = ""  # the key of the fact of the player's that was talked of last
    name_wanted: int = 0  # so many lines may still be a bare name
    mood: str | None = None
    mood_scale: int = 1

    @classmethod
    def restore(cls, memory: Mapping[str, Any]) -> ConversationMemory:
        """Read back what `dump` returned; a field that does not fit is left empty."""
        state = cls()
        for name, default in state.dump().items():
            kind = str if default is None else type(default)
            if isinstance(value := memory.get(name), kind):
                setattr(state, name, dict(value) if isinstance(value, dict) else value)
        return state

    def dump(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        values = ((item.name, getattr(self, item.name)) for item in fields(self))
        return {k: dict(v) if isinstance(v, dict) else v for k, v in values}

    def allows(self, when: Condition, keys: Mapping[str, Any] | None = None) -> bool:
        """Tell whether a condition holds; `keys` are the template keys of the level."""
        given = keys or {}
        return (
            all(self.flags.get(name) for name in when.needs)
            and not any(self.flags.get(name) for name in when.unless)
            and all(self.counters.get(name, 0) >= count for name, count in when.at_least.items())
            and all(self.counters.get(name, 0) < count for name, count in when.below.items())
            and all(_as_text(given.get(name)) == value for name, value in when.keys.items())
        )

    def times(self, topic: Topic) -> int:
        """Return how often a topic was talked about."""
        return self.said.get(f"topic.{topic.id}", 0)

    def record(self, topic: Topic) -> None:
        """Change what talking about a topic changes."""
        # A digression leaves the question open; an answer closes it.
        if topic.answers is not None or topic.asks is not None:
            self.question = topic.asks
        is_news = not topic.sets or not all(self.flags.get(name) for name in topic.sets)
        self.flags.update(dict.fromkeys(topic.sets, True))
        for name in topic.clears:
            self.flags.pop(name, None)
        for name in topic.resets:
            self.counters.pop(name, None)
        counts = topic.every_time or (is_news and not self.times(topic))
        for name, count in topic.counts.items() if counts else ():
            self.counters[name] = self.counters.get(name, 0) + count

    def next_line(self, key: str, texts: Mapping[int, str], count: int, *, in_order: bool) -> int:
        """Return which of `count` lines comes next, of those that have a text.

        They are said in rounds, each in an order of its own, so that each is heard before one
        comes again; the line that was said last is passed over.
        """
        start = self.said.get(key, 0)
        fresh = [index for index, text in texts.items() if text != self.last] or list(texts)
        for position in range(start, start + 2 * count):
            index = position % count if in_order else self._shuffled(key, position, count)
            if index in fresh:
                self.said[key] = position + 1
                return index
        return fresh[0]

    def _shuffled(self, key: str, position: int, count: int) -> int:
        turn, place = divmod(position, count)
        order = self._order(key, turn, count)
        if turn and count > 1 and order[0] == self._order(key, turn - 1, count)[-1]:
            order[0], order[-1] = order[-1], order[0]
        return order[place]

    def _order(self, key: str, turn: int, count: int) -> list[int]:
        return Random(f"{self.seed}:{key}:{turn}").sample(range(count), count)


def _as_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
