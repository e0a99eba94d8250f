"""What a line of the player tells about him, and what of the known it corrects or takes back."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from characters.agents.fact_patterns import ANY_KIN, DENIALS, END, NAMES, PROPER, WORDS
from characters.agents.facts import Fact, is_name, is_what, items_of, nothing_of, update
from characters.agents.lexicon import DOES, GIVEN_NAMES
from characters.agents.patterns import normalise
from characters.agents.rewording import reworded
from characters.agents.telling import (
    capital,
    facts_in,
    introduced,
    named_in,
    respelt,
    statements,
    tidy,
    with_kin,
)

__all__ = ["learn", "MAX_TEXT"]

MAX_TEXT = 600
MOST_AT_ONCE = 6

# "not Ada, it is Bob": what follows a denial of a name is one.
_RATHER = re.compile(
    rf"^[\s,;.]*(?:but\s+|no\s+)?(?:it\s+is|it['\u2019]?s|he\s+is|he['\u2019]?s|"
    rf"she\s+is|she['\u2019]?s"
    rf"|they\s+are|they['\u2019]?re|that\s+is|but|rather)\s+(?:called\s+"
    rf"|named\s+)?(?P<value>{NAMES})",
    re.IGNORECASE,
)
_CORRECTED = re.compile(
    rf"^(?:(?:no|jk|sorry|actually|oh|wait|i\s+mean|just\s+kidding|haha|ok|okay)[\s,.!]+)+"
    rf"(?:it['\u2019]?s|it\s+is|i['\u2019]?m|i\s+am|my\s+name\s+is)?\s*(?P<value>{PROPER}|(?-i:[a-z]+))[.!]*$",
    re.IGNORECASE,
)


def learn(text: str, known: Mapping[str, str] | None = None) -> tuple[Fact, ...]:
    """Return what a line of the player tells about him; `known` is what he told before."""
    found: list[Fact] = []
    facts = dict(known or {})
    text = _OUR.sub("my ", text[:MAX_TEXT])
    for said in dict.fromkeys(statements(text)):
        sentence = with_kin(reworded(said), facts)
        first, *rather = _RATHER_SO.split(_HE_IS.sub(r"\1", sentence))
        told = [*_corrections(first, facts), *facts_in(first)]
        if not told and not "".join(rather).strip(" .!"):  # "Two dogs, I mean."
            rather = [first] if rather else []
        told = told or _exchanged(first, facts)
        spelt = respelt(first)
        again = [] if spelt == first else [*_corrections(spelt, facts), *facts_in(spelt)]
        told = again if len(again) > len(told) else told or _exchanged(spelt, facts)
        update(facts, told)
        for words in rather:
            is_sure = bool(told or found) or _MEANT_ONE.match(sentence) is not None
            corrected = _corrected(words, facts, is_sure=is_sure)
            update(facts, corrected)
            told += corrected
        found += told
    found += named_in(text)
    return tuple(dict.fromkeys(found))[:MOST_AT_ONCE]


_OUR = re.compile(r"\bour\s+", re.IGNORECASE)
_COUNTS = "one|two|three|four|five|six|seven|eight|nine|ten"
# "Hull. No, sorry, in Hessle": what follows takes the place of what was told just before.
_RATHER_SO = re.compile(
    r"(?:^|[\s,;.]+)(?:(?:oh|ah|well|er|erm|um|uh|sorry)[\s,]+)*(?:no[\s,]+)?"
    r"(?:i\s+meant?(?!\s+(?:it|that|this|you|well|business)\b)(?:\s+to\s+say)?"
    r"|no[\s,]+wait|wait[\s,]+no|hang\s+on|scratch\s+that|correction|or\s+rather|make\s+that|no[\s,]+sorry|sorry[\s,]+no"
    rf"|sorry(?=[\s,]+(?:\d+|{_COUNTS})\b))\b[\s,.:;]*",
    re.IGNORECASE,
)
_MEANT_ONE = re.compile(
    r"^(?:(?:no|sorry|oh|well)[\s,]+)*i\s+meant\s+(?:an?|in|at)\s+[\w'-]+(?:\s+[\w'-]+)?[\s.!]*$",
    re.IGNORECASE,
)
_OTHER_COUNT = re.compile(
    rf"^(?P<count>\d+|{_COUNTS})\b(?!\s+(?!since|now|of|in)\w)", re.IGNORECASE
)
_NOT_ONE_BUT_ANOTHER = re.compile(
    r"^(?:(?:no|sorry|oh|well|actually|wait|hey)[\s,.!]+)*(?:it['\u2019]?s\s+)?"
    r"not\s+(?P<old>[^,.;!?]{2,40}?)"
    r"(?:\s*[,;.\u2013-]\s*(?:but\s+|it['\u2019]?s\s+)?|\s+but\s+|\s+it['\u2019]?s\s+)(?P<new>[^,.;!?]{2,60})[.!]*$",
    re.IGNORECASE,
)
_EXCHANGES = (
    _NOT_ONE_BUT_ANOTHER,
    re.compile(
        r"^(?:(?:no|sorry|oh|well|actually|wait|hey)[\s,.!]+)*(?:i\s+(?:said|say|meant?|ment|told\s+you)|"
        r"it['\u2019]?s|it\s+is)\s+(?P<new>[^,.;!?]{2,40}?)[\s,;]+(?:and\s+)?not\s+"
        r"(?P<old>[^,.;!?]{2,60})[.!]*$",
        re.IGNORECASE,
    ),
    re.compile(
        r"^(?:(?:no|sorry|oh|well|actually|wait|hey)[\s,.!]+)*i\s+(?:did\s*n['\u2019]?t|did\s+not)\s+(?:say|mean)"
        r"\s+(?P<old>[^,.;!?]{2,40}?)[\s,;.]+(?:but\s+)?i\s+(?:said|meant?)\s+(?P<new>[^,.;!?]{2,60})[.!]*$",
        re.IGNORECASE,
    ),
)
_HE_IS = re.compile(r"(\bmy\s+[a-z]+)\s+(?:he|she|it)(?=\s+(?:is|was|has)\b)", re.IGNORECASE)
_ARTICLE = re.compile(r"^(?:an?|the|from)\s+", re.IGNORECASE)
_SAID_AS: Mapping[str, str] = {
    "name": "my name is {}", "lives": "I live {}", "home": "I am from {}", "age": "I am {}",
    "profession": "I am a {}", "has": "I have {}", "likes": "I like {}", "dislikes": "I hate {}",
    "fears": "I am afraid of {}", "allergy": "I am allergic to {}", "work": "I work {}",
}  # fmt: skip


def _corrected(words: str, known: Mapping[str, str], *, is_sure: bool) -> list[Fact]:
    """Return what a line corrects itself to: another value of what was told last.

    Unless it `is_sure` that something was told in this line, only a whole sentence counts.
    """
    facts = facts_in(words) or _exchanged(words, known)
    last = next(reversed(dict(known)), None)
    if not facts and last is not None and is_sure:
        count = _OTHER_COUNT.match(words)
        if last == "has" and count:
            words = f"{count['count']} {known[last].rpartition(', ')[2].partition(' ')[2]}"
        facts = [fact for fact in facts_in(_said_as(last, words)) if fact.key == last]
    elif not facts and last == "name":  # in a line of its own: "no wait, its davey"
        facts = facts_in(introduced(words.partition(",")[0]))
    old = [Fact(f.key, known[f.key], is_denied=True) for f in facts if f.key == last in known]
    return [*old, *facts]


def _said_as(key: str, value: str) -> str:
    if key == "has":
        value = value[:1].lower() + value[1:]
    elif key == "name":
        value = re.split(r"\s+with\b", value)[0]
    shape = f"I {key} {{}}" if key in DOES else f"my {key} is {{}}"
    return _SAID_AS.get(key, shape).format(_ARTICLE.sub("", value.strip()))


def _exchanged(sentence: str, known: Mapping[str, str]) -> list[Fact]:
    """Return what "not a fireman, a firefighter" changes of what is known."""
    said = next(filter(None, (one.match(sentence.strip()) for one in _EXCHANGES)), None)
    if said is None:
        return []
    old, new = (_ARTICLE.sub("", said[name]).lower() for name in ("old", "new"))
    values = {_ARTICLE.sub("", value).lower(): key for key, value in known.items()}
    key = values.get(old, values.get(new))
    if key is None:
        return []
    facts = [fact for fact in facts_in(_said_as(key, said["new"])) if fact.key == key]
    return [Fact(key, known[key], is_denied=True), *facts] if facts else []


_KIN_IS_NOT = re.compile(
    rf"\bmy\s+(?P<key>{ANY_KIN})(?:\s+{PROPER})?\s+(?:is|was)(?:\s+not|n['\u2019]?t)\s+an?\s+{WORDS}"
    rf"(?:{END}|(?=,))(?:.*?\b(?:he|she)(?:['\u2019]s|\s+)(?P<new>(?:is\s+|was\s+)?an?\s+{WORDS}){END})?",
    re.IGNORECASE,
)


def _corrections(sentence: str, known: Mapping[str, str]) -> Iterator[Fact]:
    kin = _KIN_IS_NOT.search(sentence)
    for key in (kin["key"].lower(), f"{kin['key'].lower()} is") if kin else ():
        if is_what(known.get(key, "")):
            yield Fact(key, known[key], is_denied=True)
    if kin and kin["new"]:
        yield Fact(kin["key"].lower(), tidy(kin["new"]))
    for key, pattern in DENIALS:
        for match in pattern.finditer(sentence):
            if key == "has":
                for noun in match["value"].lower().split():
                    yield from nothing_of(noun, known)
                continue
            name = (key or match.group("key")).lower()
            rather = _RATHER.match(sentence[match.end() :])
            if key or rather or name in known:
                yield Fact(name, _as_known(name, tidy(match.group("value")), known), is_denied=True)
            if rather and (key == "name" or not key):
                yield Fact(name, tidy(rather.group("value")))
            instead = _IS_INSTEAD.match(sentence[match.end() :]) if not key else None
            if instead and not rather and name in known:
                yield Fact(name, tidy(instead["value"]))
    yield from _negated(sentence, known)
    yield from _given_up(sentence, known)
    yield from _other_than(sentence, known)
    job, not_one = known.get("profession", ""), _NOT_ONE.match(sentence)
    if not_one and not_one["value"].lower() == job.lower() and not _exchanged(sentence, known):
        yield Fact("profession", job, is_denied=True)
    said = _CORRECTED.match(sentence.strip())
    if said and said["value"].islower() and said["value"] not in GIVEN_NAMES:
        said = None
    if said and "name" in known and is_name(said.group("value")):
        yield Fact("name", known["name"], is_denied=True)
        yield Fact("name", capital(said.group("value")))
    swapped = re.match(
        rf"^(?P<a>{PROPER}),?\s+not\s+(?P<b>{PROPER})\W*$", introduced(sentence, strict=True)
    )
    if swapped and known.get("name", "").lower() == swapped.group("b").lower():
        yield Fact("name", known["name"], is_denied=True)
        yield Fact("name", swapped.group("a"))


_IS_INSTEAD = re.compile(
    rf"^[\s,;.]+(?:but\s+)?(?:it|he|she)(?:['\u2019]?s|\s+is)\s+(?P<value>{WORDS}){END}", re.I
)


def _as_known(key: str, value: str, known: Mapping[str, str]) -> str:
    """Return the known value of which the words are a part: "law student" for "student"."""
    before = known.get(key, "")
    is_part = {*value.lower().split()} <= {*before.lower().split()}
    return before if is_part else value


_GIVEN_UP = re.compile(
    r"\b(?:I|we)\s+(?:have\s+|just\s+)?(?:left|quit|gave\s+up|given\s+up|dropped\s+out\s+of|dropped|sold"
    rf"|got\s+rid\s+of|gave(?=[\w\s]+away)|moved\s+(?:away\s+|out\s+)?(?:from|of))\s+(?P<what>{WORDS})"
    rf"(?:{END}|(?=\s+(?:away|to|for|last|in)\b))",
    re.IGNORECASE,
)
_STOPPED = re.compile(
    r"\b(?:I|we)\s+(?:do\s+not|don['\u2019]?t)\s+(?P<verb>[a-z]+)(?:\s+there)?\s*(?:[.,;!]|$)",
    re.IGNORECASE,
)
_NOT_DOING = re.compile(
    rf"\b(?:I|we)\s+(?:do\s+not|don['\u2019]?t)\s+(?:{'|'.join(sorted(DOES))}|play)\s+"
    rf"(?P<what>{WORDS}){END}",
    re.IGNORECASE,
)
_NO_MORE = re.compile(
    rf"\bI(?:\s+am|['\u2019]?m)\s+(?:not|no\s+longer)\s+an?\s+(?P<what>{WORDS}){END}", re.IGNORECASE
)
_RETIRED = re.compile(
    r"\bI(?:\s+am|['\u2019]?m|\s+have|['\u2019]?ve)?\s+(?:already\s+)?retired\b(?!\s+to\b)",
    re.IGNORECASE,
)
_LEFT = frozenset({"lives", "work", "study", "play", "profession", "has", *DOES})  # can be given up


def _given_up(sentence: str, known: Mapping[str, str]) -> Iterator[Fact]:
    """Yield what is known and was left, given up or sold: "I left Bristol", "I don't teach"."""
    gone = _GIVEN_UP.search(sentence)
    words = {*normalise(gone["what"]).split()} - _LITTLE if gone else set()
    for key in _LEFT & {*known} if words else ():
        for item in items_of(key, known[key]):
            if words <= {*normalise(item).split()}:
                yield Fact(key, item, is_denied=True)
    job = {*known.get("profession", "").lower().split()}
    for instead in _NOT_DOING.finditer(sentence):
        if {*normalise(instead["what"]).split()} - _LITTLE <= job:
            yield Fact("profession", known["profession"], is_denied=True)
    stopped = _STOPPED.search(sentence)
    verb = stopped["verb"].lower() if stopped else ""
    if verb in _LEFT & {*known}:
        yield Fact(verb, known[verb], is_denied=True)
    if len(verb) > 2 and any(word.startswith(verb.removesuffix("e")) for word in job):
        yield Fact("profession", known["profession"], is_denied=True)  # "I quit nursing"
    no_more = _NO_MORE.search(sentence)
    for verb in {"play", *DOES} & {*known} if no_more else ():
        if no_more and any(it.startswith(verb) for it in no_more["what"].lower().split()):
            yield Fact(verb, known[verb], is_denied=True)  # who is no teacher teaches nothing
    if "profession" in known and _RETIRED.search(sentence):
        yield Fact("profession", known["profession"], is_denied=True)
        yield Fact("was", known["profession"])


_LITTLE = frozenset(
    {"a", "an", "the", "my", "our", "in", "at", "on", "to", "of", "from", "for", "with", "job"}
)
_BUT_NOT = re.compile(r"[\s,;]+(?:and\s+)?not\s+(?P<old>[^,.;!?]{2,40})[\s.!]*$", re.IGNORECASE)
_NOT_BUT = re.compile(
    r"\s+but\s+(?:(?:to|of|in|at|from|with|as)\s+)?(?P<new>[^,.;!?]{2,40})[\s.!]*$"
)
_FROM_TO = re.compile(
    rf"\b(?:I|we|my\s+(?P<noun>{ANY_KIN}))\s+(?:have\s+|has\s+|just\s+)?(?:moved|switched|changed|went|transferred)"
    rf"\s+(?:\w+\s+){{0,2}}?from\s+(?P<old>{WORDS})\s+to\s+(?P<new>{WORDS}){END}",
    re.IGNORECASE,
)


def _other_than(sentence: str, known: Mapping[str, str]) -> Iterator[Fact]:
    """Yield what is said in the place of the known: "tea, not coffee", "from law to art"."""
    but = _BUT_NOT.search(sentence)
    for fact in facts_in(sentence[: but.start()]) if but else ():
        old = {*normalise(but["old"]).split()} - _LITTLE if but else set()
        for item in items_of(fact.key, known.get(fact.key, "")):
            if old and old <= {*normalise(item).split()}:
                yield Fact(fact.key, item, is_denied=True)
    rather = _NOT_BUT.search(sentence)
    for fact in _negated(sentence[: rather.start()], known) if rather else ():
        if rather and fact.is_denied:
            yield Fact(fact.key, tidy(rather["new"]))
    moved = _FROM_TO.search(sentence)
    if moved:
        noun, old_place = (moved["noun"] or "").lower(), moved["old"].lower()
        for key, value in known.items():
            is_whose = key.startswith(f"{noun} ") if noun else key in _LEFT
            if is_whose and re.search(rf"\b{re.escape(old_place)}\b", value.lower()):
                yield Fact(key, value, is_denied=True)
                yield Fact(key, re.sub(re.escape(old_place), moved["new"], value, flags=re.I))


_NOT_ONE = re.compile(
    r"^(?:(?:no|well|sorry|actually|oh)[\s,.]+)*not\s+(?:really\s+)?an?\s+(?P<value>[\w\s]+?)"
    r"(?:\s+myself|\s+exactly)?\s*(?:[,.;!]|$)",
    re.IGNORECASE,
)


_NOT_SO = re.compile(
    r"\b(?P<who>I|we|my\s+[a-z]+)\s*(?:(?P<am>\s(?:am|are|is)|['\u2019]?m|['\u2019]re)(?:\s+not|n['\u2019]?t)"
    r"|\s(?:do|does|did)(?:\s+not|n['\u2019]?t)|\s(?:never|no\s+longer))\s+",
    re.IGNORECASE,
)


def _negated(sentence: str, known: Mapping[str, str]) -> Iterator[Fact]:
    """Yield what is known and not so: what the sentence would tell without its "not"."""
    affirmed = _NOT_SO.sub(lambda it: f"{it['who']}{it['am'] or ''} ", sentence)
    for fact in facts_in(affirmed) if affirmed != sentence else ():
        for item in items_of(fact.key, known.get(fact.key, "")):
            if fact.value.lower() in item.lower() and fact.key not in _ASSERTED:
                yield Fact(fact.key, item, is_denied=True)


_ASSERTED = frozenset({"name", "likes", "profession", "lives", "home"})  # have rules
