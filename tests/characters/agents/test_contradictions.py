"""After a fact was corrected or denied, no later answer uses its old value, whatever the fact.

In contradictions.txt stands what was told, what is asked later, which words no answer may hold
then, which ones (expressions) each must, and below the lines that correct or deny it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.characters.agents.acting import Actor, persona_of

EVERYTHING = "what do you know about me?"
# What was so once may be said of the past.
PAST = re.compile(
    r"you (?:used to \w+|left|gave up|dropped out of|worked) [\w ]+?(?=,| and you|\.|$)"
)


def rows() -> Iterator[tuple[str, list[str], str, str, str]]:
    row: dict[str, str] = {}
    path = Path(__file__).parent / "contradictions.txt"
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("  "):
            yield row["told"], row["asked"].split(" / "), row["old"], row["new"], line.strip()
        else:
            name, _, value = line.partition(":")
            row[name] = value.strip()


@pytest.mark.parametrize(("told", "asked", "old", "new", "change"), list(rows()))
def test_no_answer_uses_what_was_taken_back(
    told: str, asked: list[str], old: str, new: str, change: str
) -> None:
    actor = Actor(persona_of("porter-3e8f"), seed=3)
    actor.greet()
    actor.say(told)
    actor.say(change)
    for question in asked:
        answer = actor.say(question)
        assert not re.search(rf"\b{old}\b", PAST.sub("", answer))
        assert re.search(new, answer)
    assert not re.search(rf"\b{old}\b", PAST.sub("", actor.say(EVERYTHING)))
