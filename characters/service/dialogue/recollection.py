"""What a scripted mind remembers: facts, what was said how often, and where its story stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from characters.service.dialogue.persona import Condition, Topic

__all__ = ["Recollection"]


@dataclass(slots=True)
class Recollection:
    """Everything that is kept of one conversation, as JSON values."""

    facts: dict[str, str] = field(default_factory=dict)
    said: dict[str, int] = field(default_factory=dict)
    flags: dict[str, bool] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)
    question: str | None = None
    visits: int = 0

    @classmethod
    def restore(cls, memory: Mapping[str, Any]) -> Recollection:
        """Read back what `dump` gave; whatever does not fit is forgotten, field by field."""
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

    def tell(self, topic: Topic, *, is_first: bool) -> None:
        """Take over what talking about a topic changes."""
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
