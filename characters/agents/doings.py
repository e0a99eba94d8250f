"""What a player tells that he or one of his own did, and the questions that it answers.

"My brother Tom broke his arm" is the fact `brother did`: "broke his arm"; what he did himself is
`did`. It answers "what did my brother break", "who broke his arm" and "what happened to Tom": a
question is answered by what was told of the same one with the same verb.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from characters.agents.fact_patterns import ANY_JOB, ANY_KIN, PROPER
from characters.agents.facts import Fact, items_of
from characters.agents.learning import MAX_TEXT
from characters.agents.lexicon import DOES, KIN, PLAIN, VERBS
from characters.agents.patterns import normalise
from characters.agents.recall import of_ones_own
from characters.agents.rewording import reworded
from characters.agents.telling import spoken_of, statements, with_kin

__all__ = ["answered", "done", "is_loss"]

_ADVERBS = (
    r"(?:(?:just|also|once|recently|always|often|still|even|only|really|then|now|sometimes"
    r"|already|actually|finally|usually)\s+)*"
)
_OF_KIN = (
    rf"my\s+(?:(?:best|little|big|older|younger|elder|poor|old|own|two|three)\s+)*"
    rf"(?P<noun>{ANY_KIN}|{ANY_JOB})(?:,?\s+{PROPER},?)?"
)
_SUBJECT = rf"(?:{_OF_KIN}|(?P<he>he|she|they)|(?P<me>I|we))"
_CLAUSE_END = (
    r"(?=\s*$|\s*[.,;:!?\n]|\s+(?:but|because|so\s+(?:I|he|she|we|they))\b"
    r"|\s+and\s+(?:I|he|she|we|they|it|my|you|what|who|where|how|when|that)\b)"
)
_TOLD = re.compile(
    r"(?:^|\band\s+|\bbut\s+|[,;:.!]\s*|\b(?:yes|no|oh|well|so|because)\s+)"
    rf"{_SUBJECT}\s+(?:who\s+)?{_ADVERBS}"
    rf"(?P<not>(?:(?:did|does|do|has|have)(?:\s+not|n['\u2019]?t)|never)\s+(?:(?:ever|really)\s+)?)?"
    rf"(?P<told>(?:(?:has|have|had|is|was|are|were|got|can|could)\s+{_ADVERBS})?"
    rf"(?P<verb>[a-z]+)\b(?:(?!{_CLAUSE_END}).)*?){_CLAUSE_END}"
    r"(?:,?\s+(?:and\s+)?not\s+(?P<other>[^,.;!?]+))?",
    re.IGNORECASE,
)
_AUXILIARY = frozenset({"has", "have", "had", "is", "was", "are", "were", "got", "can", "could"})
_NO_DOINGS = frozenset(  # what one says in passing, by how its forms begin
    {"be", "think", "know", "mean", "gues", "wonder", "want", "need", "hop", "ask", "say", "tell"}
    | {"see", "hear", "forget", "lik", "lov", "hat", "feel", "understand", "do", "let", "try"}
    | {"agr", "promis"}
)
_IN_FACTS = frozenset({"work", "liv", "come", "mov"})  # that a player tells of himself as facts
_LIKING = frozenset({"lik", "lov", "enjoy"})
_GOING = frozenset({"go", "mov", "leave", "fly", "run", "travel"})
_NO_OBJECT = frozenset(
    {"it", "them", "that", "this", "you", "so", "him", "her", "up", "out", "down", "off", "away"}
    | {"in", "on", "back", "over"}
)
_OTHER_SIDE = {
    "my": "your", "me": "you", "i": "you", "mine": "yours", "myself": "yourself", "am": "are",
    "our": "your", "us": "you", "your": "my", "yours": "mine", "you": "me",
}  # fmt: skip
_GONE = re.compile(r"(?:has |have |was |were )?(?:died|passed away|ran away|run away|killed)\b")
LONGEST = 60
MOST = 4  # doings of one that are kept


def _stem(word: str) -> str:
    """Return what all forms of a verb have in common: "break" of "broke", "stop" of "stopped"."""
    word = VERBS.get(word, word)
    if word in VERBS:
        return word
    word = re.sub(r"(?:ies|ied)$", "y", word) if len(word) > 4 else word
    word = re.sub(r"(?:ing|ed|es|s|e)$", "", word).rstrip("e") if len(word) > 2 else word
    word = VERBS.get(word, VERBS.get(f"{word}e", word))
    return re.sub(r"([^aeiou])\1$", r"\1", word)


def done(
    text: str, known: Mapping[str, str], before: str = "", told: Iterable[Fact] = ()
) -> tuple[Fact, ...]:
    """Return what a line tells that somebody did, beside the facts that it told.

    `before` is of whom the lines before were.
    """
    found: list[Fact] = []
    text = re.sub(r"\bour\b", "my", text[:MAX_TEXT], flags=re.IGNORECASE)
    for said in statements(text):
        sentence = with_kin(reworded(said), known)
        for clause in _TOLD.finditer(sentence):
            noun = (clause["noun"] or "").lower()
            if clause["he"]:
                noun = spoken_of(sentence[: clause.start("he")]) or before
            if noun or clause["me"]:
                found += _facts(noun, clause, known)
    values = [fact.value for fact in told if not fact.is_denied]
    news = (it for it in found if it.is_denied or not any(value in it.value for value in values))
    return tuple(dict.fromkeys(news))


def is_loss(fact: Fact) -> bool:
    """Tell whether a doing is that somebody died or went: nobody notes that with thanks."""
    return _GONE.match(fact.value) is not None


def _facts(noun: str, told: re.Match[str], known: Mapping[str, str]) -> Iterator[Fact]:
    key = f"{noun} did".strip()
    verb, words = _verb(told, noun)
    if not verb:
        return
    if told["not"]:
        yield from _not_so(key, verb, words.split()[1:], known)
        return
    value = _seen_from_here(words)
    if told["other"]:
        yield from _not_so(key, verb, normalise(told["other"]).split(), known)
    if noun and verb in _LIKING:
        liked = value.partition(" ")[2]
        if liked and liked not in _NO_OBJECT:
            yield Fact(f"{noun} likes", liked)
    elif len(value) <= LONGEST:
        yield Fact(key, value)
        if noun and _GONE.match(value):
            having = items_of("has", known.get("has", ""))
            yield from (Fact("has", it, is_denied=True) for it in having if noun in it.split())
        before = [it for it in items_of(key, known.get(key, "")) if it != value]
        yield from (Fact(key, it, is_denied=True) for it in before[: 1 - MOST])


def _verb(told: re.Match[str], noun: str) -> tuple[str, str]:
    """Return the stem of the verb, and the words of what was done; empty if it is no doing."""
    words, first = told["told"].strip(), told["verb"].lower()
    start = words.split()[0].lower()
    if start in _AUXILIARY and start != first:
        is_doing = _is_form(first) or (start in ("can", "could") and bool(noun))
        if not is_doing and start in ("has", "have", "had", "got"):  # "has a bakery"
            return ("have", words) if noun or start == "had" else ("", "")
        return (_stem(first), words) if is_doing and noun else ("", "")
    stem = _stem(first)
    if told["not"]:
        return stem, words
    if noun:
        is_one = _is_form(first) or (first.endswith("s") and first[-2:] not in ("ss", "us", "is"))
        is_many = noun.endswith("s") or noun in ("children", "they")
        is_verb = is_one or first in DOES or (is_many and first in VERBS)
        return (stem, words) if is_verb and first not in ("is", "was", "has") else ("", "")
    is_told = _is_form(first) and first not in VERBS.values() and stem not in _NO_DOINGS
    rest = normalise(words).split()[1:]
    is_told = is_told and bool(rest) and not (rest[0] in _NO_OBJECT and len(rest) == 1)
    return (stem, words) if is_told and stem not in _IN_FACTS else ("", "")


def _is_form(word: str) -> bool:
    is_regular = len(word) > 3 and word.endswith(("ed", "ing")) and not word.endswith("eed")
    return is_regular or word in VERBS


def _not_so(key: str, verb: str, others: list[str], known: Mapping[str, str]) -> Iterator[Fact]:
    """Yield the doings that are denied: of this verb, and about these words."""
    about = frozenset(others) - PLAIN
    for item in items_of(key, known.get(key, "")):
        words = normalise(item).split()
        if verb in map(_stem, words[:3]) and (not about or about & {*words}):
            yield Fact(key, item, is_denied=True)


_OF_YOU = (
    (re.compile(r"\byou\s+were\b"), "I was"),
    (re.compile(r"\byou\s+(?:are|['\u2019]re)\b"), "I am"),
)


def _seen_from_here(words: str) -> str:
    for pattern, turned in _OF_YOU:
        words = pattern.sub(turned.replace("I", "\0"), words)
    turned = " ".join(_OTHER_SIDE.get(word.lower(), word) for word in words.split())
    return turned.replace("\0", "I")


# --- what is asked ------------------------------------------------------------------------------

_WHO = rf"(?:my (?P<noun>{ANY_KIN}|{ANY_JOB})|(?P<me>i|we))"
_ASKED = re.compile(
    r"\b(?:what|who|whom|where|when|how(?: \w+)?|which \w+|why)(?: \w+)? "
    rf"(?:did|does|do|has|have|had|is|was|can) {_WHO} "
    r"(?:(?:say|really|ever|just|now) )?(?:(?:i|my|he|she) )?(?P<verb>\w+) (?P<rest>.*)$"
)
_ORDERED = re.compile(  # "what my brother broke"
    rf"\b(?:what|where|when|how|which \w+) {_WHO} (?P<verb>\w+) (?P<rest>.*)$"
)
_IS_IT = re.compile(
    rf"^(?:and |so |but )?(?:did|does|do|has|have) {_WHO} (?P<verb>\w+) (?P<rest>.*)$"
)
_HAPPENED = re.compile(
    r"\bwhat (?:(?:has |had )?happened (?:to|with)|(?:is|was) (?:wrong|the matter|up) with) "
    rf"{_WHO} "
)
_WHO_DID = re.compile(r"^(?:and |so |but )?(?:who|which of \w+) (?P<verb>\w+) (?P<rest>.*)$")


def answered(normal: str, facts: Mapping[str, str], one: str = "") -> dict[str, str] | None:
    """Return the facts that answer a question about what somebody did (normalised text).

    They are none where it was asked about one of the player's own, and nothing of it was told.
    None if it is no such question. `one` is of whom "he" or "she" speaks.
    """
    normal = _with_nouns(normal, facts, one)
    happened = _HAPPENED.search(normal)
    if happened is not None:
        return _of(happened["noun"], facts)
    for pattern in (_ASKED, _ORDERED, _IS_IT):
        asked = pattern.search(normal)
        if asked is not None:
            noun, verb = asked["noun"] or "", _stem(asked["verb"])
            nearest = _nearest(noun, verb, asked["rest"], facts)
            is_whose = noun and pattern is _ASKED and verb not in ("do", "be", "think")
            return nearest or ({} if is_whose else None)
    who = _WHO_DID.match(normal)
    if who is None:
        return None
    found, (verb, _, rest) = _who_did(who["verb"], who["rest"], facts), who["rest"].partition(" ")
    is_more = found is None and who["verb"] in _AUXILIARY  # "who has broken his arm"
    return _who_did(verb, rest, facts) if is_more else found


def _with_nouns(normal: str, facts: Mapping[str, str], one: str) -> str:
    normal = of_ones_own(normal.replace(" our ", " my "), facts)
    normal = re.sub(r"\bmy (?:best|little|big|older|younger|elder|own) ", "my ", normal)
    normal = re.sub(r"\b(my (\w+)) my \2\b", r"\1", normal)
    if one:
        normal = re.sub(r"\b(?:he|she|him)(?= )", f"my {one}", normal)
    return normal


def _of(noun: str | None, facts: Mapping[str, str]) -> dict[str, str] | None:
    if noun is None:
        return None
    return {key: value for key, value in facts.items() if key == f"{noun} did"}


class _Doing(NamedTuple):
    """What somebody does or did: of whom, the fact, and its words from the verb on."""

    noun: str
    key: str
    value: str
    words: tuple[str, ...]


def _doings(facts: Mapping[str, str]) -> Iterator[_Doing]:
    """Yield what is known that anybody does or did, the last that was told first."""
    for key, value in reversed([*facts.items()]):
        noun, _, kind = key.rpartition(" ")
        for item in items_of(key, value):
            if kind == "did" and (words := normalise(item).split()):
                yield _Doing(noun, key, item, tuple(words))
            elif noun and kind in ("works", "lives", "likes"):
                yield _Doing(noun, key, item, tuple(normalise(f"{kind} {item}").split()))
            elif key in KIN and re.match(r"[a-z]+ing\b", item):
                yield _Doing(key, key, item, tuple(normalise(f"is {item}").split()))


def _nearest(noun: str, verb: str, rest: str, facts: Mapping[str, str]) -> dict[str, str]:
    """Return the doing of a verb whose words are the nearest to the rest of the question."""
    about = {*_seen_from_here(rest).lower().split()} - PLAIN
    verbs = _GOING if verb == "go" else {verb}
    found = [it for it in _doings(facts) if it.noun == noun and verbs & {*_verbs_of(it.words)}]
    best = max(found, key=lambda it: len(about & {*it.words}), default=None)
    return {} if best is None else {best.key: best.value}


def _verbs_of(words: Sequence[str]) -> list[str]:
    if words[0] == "used":  # "used to smoke"
        return [_stem(word) for word in words[:3]]
    return [_stem(word) for word in (words[:2] if words[0] in _AUXILIARY else words[:1])]


def _who_did(done_by: str, rest: str, facts: Mapping[str, str]) -> dict[str, str] | None:
    words = tuple(_seen_from_here(rest).lower().split())
    about = {*words} - PLAIN
    for it in _doings(facts):
        is_all = about <= {*it.words} if about else words == it.words[1:]
        if words and is_all and _stem(done_by) in _verbs_of(it.words):
            named = {it.noun: facts[it.noun]} if it.noun in facts else {}
            return named | {it.key: it.value}
    return None
