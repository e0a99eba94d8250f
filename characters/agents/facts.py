"""The facts that a character keeps of a player: how one replaces, joins or strikes out another.

A fact is a key and a value: `name`, `age`, `profession`, `work` ("in a bakery"), `home` (where the
player is from), `lives`, `nation`, `likes`, `dislikes`, `fears`, `allergy`, `has`, `was` and
`worked` (before), or the noun of "my <noun> is <value>", and of that one `<noun> is`,
`<noun> lives` and the like; `did` and `<noun> did` are what `doings` finds. One that is denied ("I
am not a nurse") is no longer so.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass

from characters.agents.fact_patterns import ONES, TITLE
from characters.agents.lexicon import COMMON, GIVEN_NAMES, JOBS, KIN, PEOPLES, STATES, VOCATIVES
from characters.agents.patterns import normalise

__all__ = [
    "all_about", "Fact", "holds", "is_name", "is_what", "items_of", "KINDS", "MAX_VALUE",
    "NO_NAMES", "nothing_of", "update", "with_article",
]  # fmt: skip

MAX_FACTS = 24
MAX_VALUE = 60


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that the player told; with `is_denied`, that it is not so."""

    key: str
    value: str
    is_denied: bool = False


def update(facts: dict[str, str], told: Iterable[Fact], pinned: Container[str] = ()) -> None:
    """Put what was told into the facts; what contradicts it goes.

    What is `pinned` goes only when it is denied, which is a correction.
    """
    denied = set()
    for fact in told:
        if fact.is_denied:
            _deny(facts, fact)
            denied.add(fact.key)
        elif fact.key not in pinned or fact.key not in facts or fact.key in denied:
            _tell(facts, fact, pinned)
    while len(facts) > MAX_FACTS:
        dropped = next((key for key in facts if key != "name" and key not in pinned), None)
        if dropped is None:
            return
        del facts[dropped]


def _tell(facts: dict[str, str], fact: Fact, pinned: Container[str]) -> None:
    opposite = {"likes": "dislikes", "dislikes": "likes"}.get(fact.key)
    if opposite is not None and opposite not in pinned:
        _deny(facts, Fact(opposite, fact.value))
    if fact.key == "was" and facts.get("profession", "").lower() == fact.value.lower():
        del facts["profession"]
    before, key = facts.get(fact.key, ""), fact.key
    if before and _is_somebody(key, facts) and is_what(before) != is_what(fact.value):
        if is_what(fact.value):  # what somebody is, whose name is known, or the other way round
            key = f"{key} is"
        else:
            facts[f"{key} is"] = before
    facts.pop(key, None)
    facts[key] = _joined(key, before, fact.value) if _is_list(key) else fact.value


def _is_somebody(key: str, facts: Mapping[str, str]) -> bool:
    """Tell whether a key is one of the player's own, who has a name and is something."""
    last = key.rpartition(" ")[2]
    return (
        last in KIN or last in JOBS or _one(last) in map(_one, facts.get("has", "").lower().split())
    )


def holds(facts: Mapping[str, str], fact: Fact) -> bool:
    """Tell whether a fact is among the known ones."""
    known = f"{facts.get(fact.key, '')} {facts.get(f'{fact.key} is', '')}".lower()
    return all(
        part.lower() in known
        for part in (parts(fact.value) if fact.key in _LISTS else [fact.value])
    )


def is_what(value: str) -> bool:
    """Tell whether a value says what somebody is, "a nurse", rather than how he is called."""
    is_one = value.startswith(("a ", "an ", "was ", "is "))
    return is_one or (value[:1].islower() and not is_name(value))


_AND = re.compile(r",?\s+and\s+|,\s+", re.IGNORECASE)
_LISTS = frozenset({"likes", "dislikes", "has", "fears", "allergy"})


def _is_list(key: str) -> bool:
    return key in _LISTS or _is_doing(key)


def _is_doing(key: str) -> bool:
    return key.rpartition(" ")[2] == "did"


def _deny(facts: dict[str, str], fact: Fact) -> None:
    gone = [fact.value.lower()] if _is_doing(fact.key) else _items(fact.value.lower())
    known = items_of(fact.key, facts.get(fact.key, ""))
    left = [item for item in known if item.lower() not in gone]
    if left:
        facts[fact.key] = _between(fact.key).join(left)
    else:
        facts.pop(fact.key, None)


def parts(value: str) -> list[str]:
    """Return "tea" and "cake" of "tea and cake", but "two cats and a dog" as it is."""
    return [value] if re.search(rf"\b(?:an?|\d+|{ONES})\s", value) else _AND.split(value)


_ITEMS = re.compile(rf", | and (?=(?:an?|\d+|{ONES}) )")


def items_of(key: str, value: str) -> list[str]:
    """Return the parts of a key's value that lists several: "two cats" and "a dog"."""
    return [it for it in value.split("; ") if it] if _is_doing(key) else _items(value)


def _items(value: str) -> list[str]:
    return [item for item in _ITEMS.split(value) if item]


def _between(key: str) -> str:
    return "; " if _is_doing(key) else ", "


KINDS = (
    " is",
    " works",
    " lives",
    " likes",
    " age",
    " did",
)  # what is known of one of the player's own


def all_about(key: str, facts: Mapping[str, str]) -> list[str]:
    """Return the keys of all that is known of the one of a key: his name, and what he is."""
    return [it for it in (key, *(f"{key}{kind}" for kind in KINDS)) if it in facts]


def nothing_of(noun: str, facts: Mapping[str, str]) -> list[Fact]:
    """Return that all that is known of a "brother" is not so: his name, his age, that he is had."""
    one = _one(noun)
    keys = [key for known in facts if _one(known) == one for key in all_about(known, facts)]
    keys = keys or all_about(noun, facts)
    gone = [Fact(key, facts[key], is_denied=True) for key in keys]
    having = [it for it in _items(facts.get("has", "")) if one in map(_one, it.lower().split())]
    return gone + [Fact("has", it, is_denied=True) for it in having]


def _one(noun: str) -> str:
    return "child" if noun == "children" else noun.removesuffix("s")


def _joined(key: str, before: str, value: str) -> str:
    new = [value] if _is_doing(key) else parts(value)
    again = {part.lower() for part in new}
    counted = {_one(part.split()[-1]) for part in again} if key == "has" else set()
    old = [
        it
        for it in items_of(key, before)
        if it.lower() not in again and _one(it.lower().split()[-1]) not in counted
    ]
    joined = _between(key).join([*old, *new])
    return joined if len(joined) <= 2 * MAX_VALUE else value


def with_article(noun: str) -> str:
    """Return "a driver", "an engineer"."""
    return f"an {noun}" if noun[:1].lower() in "aeiou" else f"a {noun}"


NO_NAMES = frozenset(
    {"a", "an", "the", "it", "ahoy", "psst", "aye", "yikes", "oops", "none", "secret", "unknown"}
    | {"nobody", "important", "mine", "yours", "his", "hers", "what", "that", "this", "too", "on"}
    | {"in", "my", "your", "and", "but", "so", "because", "spelled", "spelt", "written", "hard"}
    | {"pronounced", "misspelled", "mispronounced", "difficult", "private", "long", "short"}
)


def is_name(value: str) -> bool:
    """Tell whether a word may be a name: it is no common word, no people and no state."""
    words = re.sub(rf"^{TITLE}", "", value).lower().replace("\u2019", "'").split()
    if not words or len(value) > 40:
        return False
    first = normalise(words[0]).strip() or words[0]
    if first in GIVEN_NAMES:
        return True
    if first in STATES or first in PEOPLES or first in NO_NAMES or value.lower() in VOCATIVES:
        return False
    if len(words) > 1 and words[-1] not in COMMON and value[0].isupper():
        return True
    return not (first in COMMON or first in JOBS or len(first) < 2 or _is_participle(first))


def _is_participle(word: str) -> bool:
    return len(word) > 5 and word.endswith(
        ("ing", "ful", "less", "ous", "able", "ested", "ated", "ened")
    )
