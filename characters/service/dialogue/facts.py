"""What a character learns about the player from his own words, and how it puts it.

A fact is a key and a value: `name`, `profession`, `home`, `age`, `likes`, `dislikes`, or the
noun of "my <noun> is <value>". Learning is a table of patterns over the original text, because
names keep their capital letters.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["COMMON_KEYS", "Fact", "asked_for", "introduced", "learn", "phrase", "recite"]

MAX_FACTS = 24
MAX_VALUE = 60


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing learnt."""

    key: str
    value: str


_END = r"(?=$|[.,;:!?\n]|\s+(?:and|but|so|because|by the way|though|nice)\b)"
_WORDS = r"[^\W_][\w'\u2019-]*(?:\s+[\w'\u2019-]+){0,5}?"
_NAME = r"[A-Za-z\u00c0-\u024f][\w'\u2019-]*(?:\s+[A-Z\u00c0-\u00de][\w'\u2019-]*){0,2}"
_AM = r"\bI(?:\s+am|['\u2019]?m)\s+"

# Looked through in order; the first that matches a stretch of text takes it.
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

# Things that are said of oneself without being worth remembering.
_PASSING = re.compile(
    r"^(?:an?\s+)?(?:here|fine|sorry|lost|back|ready|sure|not|just|very|so|you|it|that|this|bit|little|lot"
    r"|question|problem|moment|good|bad|idea|feeling|fool|fan|the|to|your|them|him|her)\b",
    re.IGNORECASE,
)
_NOT_KEYS = frozenset(
    {"god", "turn", "bad", "fault", "pleasure", "guess", "point", "question", "diagnosis", "answer"}
)


def learn(text: str) -> tuple[Fact, ...]:
    """Return what a sentence of the player tells about him, at most four things."""
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
    return tuple(fact for _, fact in sorted(found, key=lambda item: item[0])[:4])


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
