"""What can be asked, as a grammar: sentences in, JSGF and a check of its answers out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import takewhile

from characters.service.speech.names import GIVEN_NAMES

__all__ = ["Grammar", "Sentence", "make_grammar", "words_of"]

TOKENS = re.compile(r"<name>|[a-z']+|[()|\[\]]")
NAME = "<name>"
# Said after nearly anything. More such words were tried: each costs right answers.
CLOSER = "please"


@dataclass(frozen=True, slots=True)
class Sentence:
    """A recognised sentence, and whether a given name is a part of it."""

    text: str
    has_name: bool


@dataclass(frozen=True, slots=True)
class Grammar:
    """Everything that can be understood at one moment; equal phrases make equal grammars."""

    jsgf: str
    patterns: tuple[re.Pattern[str], ...]
    phrases: tuple[tuple[str, ...], ...] = ()  # as words and signs
    left_out: tuple[str, ...] = ()  # phrases with words that nobody knows how to pronounce

    @property
    def is_empty(self) -> bool:
        """Whether nothing can be understood."""
        return not self.patterns

    def read(self, words: str) -> Sentence | None:
        """Return a recognised sentence, None if it is not ours."""
        for pattern in self.patterns:
            match = pattern.fullmatch(words)
            if match is not None:
                has_name = any(name for key, name in match.groupdict().items() if key != "said")
                return Sentence(match["said"].strip(), has_name)
        return None

    def is_whole(self, words: str) -> bool:
        """Return whether words are one of the sentences and none is longer that begins so."""
        said = tuple(words.split())
        if not said or self.read(words.strip() + " ") is None:
            return False
        return not any(may_go_on(phrase, said) for phrase in self.phrases)


def may_go_on(phrase: tuple[str, ...], said: tuple[str, ...]) -> bool:
    """Return whether a phrase begins with what was said; one with signs or slots may."""
    plain = tuple(takewhile(lambda token: token[0] not in "<()|[]", phrase))
    size = min(len(plain), len(said))
    is_longer = len(plain) > len(said) or len(plain) < len(phrase)
    return is_longer and plain[:size] == said[:size]


def words_of(phrase: str) -> frozenset[str]:
    """Return the words of a phrase, without its signs and slots."""
    return frozenset(token for token in tokens_of(phrase) if token[0] not in "<()|[]")


def make_grammar(phrases: Iterable[str], knows: Callable[[str], bool]) -> Grammar:
    """Build the grammar of those phrases whose words the dictionary knows."""
    usable: dict[str, None] = {}
    left_out: list[str] = []
    for phrase in phrases:
        tokens = tokens_of(phrase)
        if not tokens:
            continue
        if is_balanced(tokens) and all(map(knows, words_of(phrase))):
            usable[" ".join(tokens)] = None
        else:
            left_out.append(phrase)
    names = tuple(name for name in GIVEN_NAMES if knows(name))
    rules = " | ".join(f"( {phrase} )" for phrase in usable)
    jsgf = (
        "#JSGF V1.0; grammar troupe; "
        f"<name> = {' | '.join(names) or '<VOID>'}; <phrase> = {rules or '<VOID>'}; "
        f"public <said> = <phrase> [ {CLOSER} ];"
    )
    patterns = tuple(pattern_of(phrase.split(" "), names) for phrase in usable)
    accepted = tuple(tuple(phrase.split(" ")) for phrase in usable)
    return Grammar(jsgf, patterns, accepted, tuple(left_out))


def tokens_of(phrase: str) -> list[str]:
    """Cut a phrase into lower-case words, signs and slots; other punctuation is dropped."""
    plain = phrase.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").replace("-", " ")
    return TOKENS.findall(plain)


def is_balanced(tokens: list[str]) -> bool:
    """Return whether every bracket is closed, in order."""
    waiting: list[str] = []
    for token in tokens:
        if token in ("(", "["):
            waiting.append(")" if token == "(" else "]")
        elif token in (")", "]") and (not waiting or waiting.pop() != token):
            return False
    return not waiting


def pattern_of(tokens: list[str], names: tuple[str, ...]) -> re.Pattern[str]:
    """Return what matches the words of a phrase; every word takes its own blank along."""
    slot = f"(?P<name{{}}>{'|'.join(names) or '(?!)'}) "
    signs = {"(": "(?:", ")": ")", "|": "|", "[": "(?:", "]": ")?"}
    parts: list[str] = []
    for number, token in enumerate(tokens):
        if token == NAME:
            parts.append(slot.format(number))
        else:
            parts.append(signs.get(token) or re.escape(token) + " ")
    return re.compile(f"(?P<said>{''.join(parts)})(?:{CLOSER} )?")
