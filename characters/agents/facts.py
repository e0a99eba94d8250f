"""What a player tells of himself.

A fact is a key and a value: `name`, `age`, `profession`, `work` ("in a bakery"), `home` (where the
player is from), `lives`, `nation`, `likes`, `dislikes`, `fears`, `allergy`, `has`, `was` and
`worked` (before), or the noun of "my <noun> is <value>", and of that one `<noun> is` and
`<noun> lives`. Learning is a table of patterns over the original text, because names keep their
capital letters; a denial ("I am not a nurse") is a fact that is no longer so.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass

from characters.agents.fact_patterns import (
    AGE,
    ANY_JOB,
    ANY_KIN,
    DENIALS,
    END,
    MY_NAME_IS,
    NAME,
    NAMES,
    ONES,
    PROPER,
    RULES,
    TITLE,
    WORDS,
)
from characters.agents.hearing import Speller
from characters.agents.lexicon import (
    BODY,
    COMMON,
    DOES,
    FACT_WORDS,
    GIVEN_NAMES,
    JOBS,
    KIN,
    PEOPLES,
    STATES,
    VOCATIVES,
)  # fmt: skip
from characters.agents.patterns import normalise

__all__ = [
    "all_about", "Fact", "holds", "introduced", "items", "KINDS", "learn", "named_after",
    "nothing_of", "spoken_of", "statements", "update", "with_article",
]  # fmt: skip

MAX_FACTS = 24
MAX_VALUE = 60
MAX_TEXT = 600
MOST_AT_ONCE = 6


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that the player told; with `is_denied`, that it is not so."""

    key: str
    value: str
    is_denied: bool = False


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
_BARE = re.compile(
    r"^(?:(?:hello|hi|hey|oh|well|um|erm)[\s,.!]+)*(?P<am>it['\u2019]?s\s+(?:me,?\s+)?"
    r"|it\s+is\s+|just\s+|i['\u2019]?m\s+|i\s+am\s+"
    rf"|this\s+is\s+|(?:the\s+)?name(?:['\u2019]?s|\s+is)\s+)?(?P<value>{NAME})"
    r"(?:\s+(?:btw|by\s+the\s+way|lol|here|really|actually))?(?:,[\s\w]+)?[.!]*$",
    re.IGNORECASE,
)

# What people say of themselves without telling a fact.
_PASSING = re.compile(
    r"^(?:(?:an?|one)\s+)?(?:here|downstairs|upstairs|outside|inside|waiting|coming|over\s+there|next\s+door|fine|sorry|lost|back|ready|sure|not|just|very|"
    r"so|too|you|it|that|this|these|those|bit|little"
    r"|lot|question|problem|moment|minute|good|bad|idea|feeling|fool|"
    r"fan|the\s+(?:one|same|best|worst|boss)|to|your"
    r"|yours|them|him|her|all|going|dead|dying|ill|sick|broken|gone|missing|"
    r"hurt|hurting|in\s+pain|what|how"
    r"|headache|cold|fever|cough|pain|stomach|sore|appointment|point|"
    r"request|look|go|dream|job|chat|seat|visit"
    r"|hard\s+time|guess|secret|favour|favor|joke|message|clue|hint|theory|"
    r"doubt|plan|stranger|while|few|couple"
    r"|mistake|hurry|when|if|where|why|being|none|nothing|something|anything|"
    r"everything|mess|here\s+to|for\s+(?:one|him|her|them|it))\b",
    re.IGNORECASE,
)
_NOT_KEYS = BODY | {
    "god", "turn", "bad", "fault", "pleasure", "guess", "point", "question", "diagnosis", "answer",
    "opinion", "problem", "name", "names", "goodness", "mistake", "idea", "advice", "life", "time",
    "verdict", "conclusion", "theory", "first answer", "last answer", "final answer", "goal",
    "english", "bad day", "score",
}  # fmt: skip
_NOT_PLACES = frozenset({"here", "there", "work", "school", "home", "outside", "far", "above"})
_NO_NAMES = frozenset(
    [
        "a",
        "an",
        "the",
        "it",
        "ahoy",
        "psst",
        "aye",
        "yikes",
        "oops",
        "none",
        "secret",
        "unknown",
        "nobody",
        "important",
        "mine",
        "yours",
        "his",
        "hers",
        "what",
        "that",
        "this",
        "too",
        "on",
        "in",
        "my",
        "your",
        "and",
        "but",
        "so",
        "because",
    ]
)
_PLACES = frozenset({"home", "lives"})

_CUT = re.compile(
    r"\s+(?:now|too|as well|these days|at the moment|anymore|actually|"
    r"please|then|instead|after all|today|yesterday|lol|haha|sir|madam"
    r"|though|nowadays|by the way|since .*|if .*|when .*)$",
    re.IGNORECASE,
)
_SENTENCES = re.compile(
    r"(?<!\bDr\.)(?<!\bMr\.)(?<!\bMs\.)(?<!\bSt\.)(?<!\bMrs\.)(?<!\bProf\.)(?<=[.!?\n;])\s+"
)
_AND_YOU = re.compile(
    r"[\s,]+(?:(?:and\s+)?(?:you|yours|yourself)|(?:what|how)\s+about\s+"
    r"you|(?:and\s+)?who\s+are\s+you)\s*\?\s*$",
    re.IGNORECASE,
)
_MY_NAME = re.compile(r"\bmy\s+name\s+is\b", re.IGNORECASE)
_ASKING = re.compile(
    r"^\W*(?:please\s+)?(?:forget|erase|delete|remove)\b(?!\s+(?:it|that|this)\s*[,.;!-])"
    r"|^\W*(?:and\s+|but\s+|so\s+|then\s+)?(?:repeat\s+after|say|pretend|who|what|where|when|why|"
    r"how|which|is|are|am|was|do|does|did|can|could|will"
    r"|would|should|shall|may|have|has|guess|if)\b",
    re.IGNORECASE,
)
_REFLECTED = {
    "my": "your", "me": "you", "i": "you", "am": "are", "mine": "yours", "myself": "yourself",
    "your": "my", "yours": "mine", "our": "your", "i'm": "you're", "us": "you",
}  # fmt: skip


def learn(text: str, known: Mapping[str, str] | None = None) -> tuple[Fact, ...]:
    """Return what a line of the player tells about him; `known` is what he told before."""
    found: list[Fact] = []
    facts = dict(known or {})
    text = _OUR.sub("my ", text[:MAX_TEXT])
    for sentence in dict.fromkeys(statements(text)):
        first, *rather = _RATHER_SO.split(_HE_IS.sub(r"\1", sentence))
        told = [*_corrections(first, facts), *_told(first)]
        if not told and not "".join(rather).strip(" .!"):  # "Two dogs, I mean."
            rather = [first] if rather else []
        told = told or _exchanged(first, facts)
        spelt = _respelt(first)
        again = [] if spelt == first else [*_corrections(spelt, facts), *_told(spelt)]
        told = again if len(again) > len(told) else told or _exchanged(spelt, facts)
        update(facts, told)
        for words in rather:
            corrected = _corrected(words, facts, is_sure=bool(told or found))
            update(facts, corrected)
            told += corrected
        found += told
    found += _named_in(text)
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
_OTHER_COUNT = re.compile(
    rf"^(?P<count>\d+|{_COUNTS})\b(?!\s+(?!since|now|of|in)\w)", re.IGNORECASE
)
_NOT_ONE_BUT_ANOTHER = re.compile(
    r"^(?:(?:no|sorry|oh|well|actually|wait|hey)[\s,.!]+)*(?:it['\u2019]?s\s+)?"
    r"not\s+(?P<old>[^,.;!?]{2,40}?)"
    r"(?:\s*[,;.\u2013-]\s*(?:but\s+)?|\s+but\s+)(?P<new>[^,.;!?]{2,60})[.!]*$",
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
    facts = _told(words) or _exchanged(words, known)
    last = next(reversed(dict(known)), None)
    if not facts and last is not None and is_sure:
        count = _OTHER_COUNT.match(words)
        if last == "has" and count:
            words = f"{count['count']} {known[last].rpartition(', ')[2].partition(' ')[2]}"
        facts = [fact for fact in _told(_said_as(last, words)) if fact.key == last]
    elif not facts and last == "name":  # in a line of its own: "no wait, its davey"
        facts = _told(introduced(words.partition(",")[0]))
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
    facts = [fact for fact in _told(_said_as(key, said["new"])) if fact.key == key]
    return [Fact(key, known[key], is_denied=True), *facts] if facts else []


# How people who type as they speak write the words by which facts are told.
_MISSPELT = {"mi": "my", "nam": "name", "lik": "like", "n": "and", "hav": "have", "bro": "brother",
             "sis": "sister", "iam": "I am", "luv": "love", "liv": "live", "calld": "called",
             "ment": "meant", "anymor": "anymore", "hait": "hate", "wrk": "work"}  # fmt: skip
_SPELLER = Speller(KIN | FACT_WORDS)


def _respelt(sentence: str) -> str:
    """Return a sentence with the words corrected by which facts are told, its last one as it is."""
    head, _, last = sentence.strip().rpartition(" ")

    def right(word: re.Match[str]) -> str:
        if word[0] in _MISSPELT:
            return _MISSPELT[word[0]]
        return _SPELLER.correct(word[0]).strip() if len(word[0]) > 4 else word[0]

    ending = _MISSPELT.get(last, last)
    return f"{re.sub(r'(?<![^ ])[a-z]+(?![^ ,])', right, head)} {ending}".strip()


_MY_ONE = re.compile(
    rf"\b(?:my|our) (?:best |little |big |older |younger )?({ANY_KIN})\b"
    rf"|\b(?:have|got) (?:an?|one) ([a-z]+)\b",
    re.IGNORECASE,
)
_ITS_NAME = re.compile(
    r"\b(?:(?:her|his|its|their)\s+names?(?:\s+is|\s+was|['\u2019]s|\s+are|(?=\s+(?-i:[A-Z])))|"
    r"(?:she|he|it)(?:\s+is|\s+was|['\u2019]?s)\s+(?:called|named))"
    rf"\s+(?P<value>{NAMES}){END}",
    re.IGNORECASE,
)
_HOW_OLD = re.compile(
    rf"\b(?:she|he|it)(?:\s+(?:is|has|have)|['\u2019]?s)\s+(?P<value>{AGE})(?:\s+years?(?:\s+old)?)?{END}",
    re.IGNORECASE,
)
_WHAT_HE_IS = re.compile(
    rf"\b(?:she|he)(?:\s+is|['\u2019]s)\s+(?:an?\s+)?(?P<value>{ANY_JOB})"
    rf"(?:{END}|(?=\s+(?:in|at|from|here|there|upstairs|downstairs|for|now)\b))",
    re.IGNORECASE,
)
_PLACE = rf"(?P<value>(?:in|near|at|on|by|outside|for)\s+{WORDS}){END}"
_OF_HIM = (  # what is told of one of the player's own as "he" or "she", by the kind of the key
    ("", _ITS_NAME),
    ("age", _HOW_OLD),
    ("is", _WHAT_HE_IS),
    *(
        (kind, re.compile(rf"\b(?:she|he|they)\s+(?:now\s+|really\s+)?{verb}", re.IGNORECASE))
        for kind, verb in (
            ("lives", rf"lives?\s+{_PLACE}"),
            ("works", rf"works?\s+{_PLACE}"),
            (
                "likes",
                rf"(?:likes?|loves?)\s+(?P<value>(?!me\b|you\b|him\b|her\b|it\b){WORDS}){END}",
            ),
        )
    ),
)
_OPENING = re.compile(r"^\W*(?:and\s+|but\s+|oh\s+)?", re.IGNORECASE)


def _named_in(text: str, before: str = "") -> Iterator[Fact]:
    """Yield what is told of whom as "my sister is a gossip, her name is Meera".

    `before` is of whom the lines before were.
    """
    for key, pattern in _OF_HIM:
        for told in pattern.finditer(text):
            one = spoken_of(text[: told.start()]) or before
            if one:
                value = _tidy(told["value"])
                yield Fact(f"{one} {key}".strip(), with_article(value) if key == "is" else value)


def with_article(noun: str) -> str:
    """Return "a driver", "an engineer"."""
    return f"an {noun}" if noun[:1].lower() in "aeiou" else f"a {noun}"


def spoken_of(text: str) -> str:
    """Return of whom a line speaks last: "grandma" for "my grandma", "" for nobody."""
    ones = _MY_ONE.findall(text)
    return "".join(ones[-1]).lower() if ones else ""


def named_after(text: str, one: str) -> tuple[Fact, ...]:
    """Return what a line tells as "her name is Edna" or "she's nine", after lines about one."""
    said = _OPENING.sub("", text)
    is_told = one and any(pattern.match(said) for _, pattern in _OF_HIM)
    return tuple(_named_in(said, one)) if is_told else ()


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
    if before and key not in _OF_HIMSELF and _is_what(before) != _is_what(fact.value):
        if _is_what(fact.value):  # what somebody is, whose name is known, or the other way round
            key = f"{key} is"
        else:
            facts[f"{key} is"] = before
    facts.pop(key, None)
    facts[key] = _joined(before, fact.value) if key in _LISTS else fact.value


_OF_HIMSELF = frozenset({*(key for key, _ in RULES if key), *DOES})


def holds(facts: Mapping[str, str], fact: Fact) -> bool:
    """Tell whether a fact is among the known ones."""
    known = f"{facts.get(fact.key, '')} {facts.get(f'{fact.key} is', '')}".lower()
    return all(
        part.lower() in known
        for part in (parts(fact.value) if fact.key in _LISTS else [fact.value])
    )


def _is_what(value: str) -> bool:
    """Tell whether a value says what somebody is, "a nurse", rather than how he is called."""
    is_one = value.startswith(("a ", "an ", "was ", "is "))
    return is_one or (value[:1].islower() and not _is_name(value))


_AND = re.compile(r",?\s+and\s+|,\s+", re.IGNORECASE)
_LISTS = frozenset({"likes", "dislikes", "has", "fears", "allergy"})


def _deny(facts: dict[str, str], fact: Fact) -> None:
    gone = items(fact.value.lower())
    left = [item for item in items(facts.get(fact.key, "")) if item.lower() not in gone]
    if left:
        facts[fact.key] = ", ".join(left)
    else:
        facts.pop(fact.key, None)


def parts(value: str) -> list[str]:
    """Return "tea" and "cake" of "tea and cake", but "two cats and a dog" as it is."""
    return [value] if re.search(rf"\b(?:an?|\d+|{ONES})\s", value) else _AND.split(value)


_ITEMS = re.compile(rf", | and (?=(?:an?|\d+|{ONES}) )")


def items(value: str) -> list[str]:
    """Return the parts of a value that lists several: "two cats" and "a dog"."""
    return [item for item in _ITEMS.split(value) if item]


KINDS = (" is", " works", " lives", " likes", " age")  # what is known of one of the player's own


def all_about(key: str, facts: Mapping[str, str]) -> list[str]:
    """Return the keys of all that is known of the one of a key: his name, and what he is."""
    return [it for it in (key, *(f"{key}{kind}" for kind in KINDS)) if it in facts]


def nothing_of(noun: str, facts: Mapping[str, str]) -> list[Fact]:
    """Return that all that is known of a "brother" is not so: his name, his age, that he is had."""
    one = _one(noun)
    keys = [key for known in facts if _one(known) == one for key in all_about(known, facts)]
    keys = keys or all_about(noun, facts)
    gone = [Fact(key, facts[key], is_denied=True) for key in keys]
    having = [it for it in items(facts.get("has", "")) if one in map(_one, it.lower().split())]
    return gone + [Fact("has", it, is_denied=True) for it in having]


def _one(noun: str) -> str:
    return "child" if noun == "children" else noun.removesuffix("s")


def _joined(before: str, value: str) -> str:
    new = parts(value)
    old = [it for it in items(before) if it.lower() not in {part.lower() for part in new}]
    joined = ", ".join([*old, *new])
    return joined if len(joined) <= 2 * MAX_VALUE else value


def statements(text: str) -> Iterator[str]:
    """Yield the sentences that are no questions; of "I am Ada, and you?" the first part."""
    for part in _SENTENCES.split(text):
        sentence = _AND_YOU.sub("", part)
        if _ASKING.match(sentence):
            continue
        is_said = not sentence.rstrip().endswith("?") or _MY_NAME.search(sentence)
        yield sentence if is_said else sentence.rpartition(",")[0]


_KIN_IS_NOT = re.compile(
    rf"\bmy\s+(?P<key>{ANY_KIN})(?:\s+{PROPER})?\s+(?:is|was)(?:\s+not|n['\u2019]?t)\s+an?\s+{WORDS}"
    rf"(?:{END}|(?=,))(?:.*?\b(?:he|she)(?:['\u2019]s|\s+)(?P<new>(?:is\s+|was\s+)?an?\s+{WORDS}){END})?",
    re.IGNORECASE,
)


def _corrections(sentence: str, known: Mapping[str, str]) -> Iterator[Fact]:
    kin = _KIN_IS_NOT.search(sentence)
    for key in (kin["key"].lower(), f"{kin['key'].lower()} is") if kin else ():
        if _is_what(known.get(key, "")):
            yield Fact(key, known[key], is_denied=True)
    if kin and kin["new"]:
        yield Fact(kin["key"].lower(), _tidy(kin["new"]))
    for key, pattern in DENIALS:
        for match in pattern.finditer(sentence):
            if key == "has":
                for noun in match["value"].lower().split():
                    yield from nothing_of(noun, known)
                continue
            name = (key or match.group("key")).lower()
            rather = _RATHER.match(sentence[match.end() :])
            if key or rather or name in known:
                yield Fact(name, _tidy(match.group("value")), is_denied=True)
            if rather and (key == "name" or not key):
                yield Fact(name, _tidy(rather.group("value")))
    yield from _negated(sentence, known)
    job, not_one = known.get("profession", ""), _NOT_ONE.match(sentence)
    if not_one and not_one["value"].lower() == job.lower() and not _exchanged(sentence, known):
        yield Fact("profession", job, is_denied=True)
    said = _CORRECTED.match(sentence.strip())
    if said and said["value"].islower() and said["value"] not in GIVEN_NAMES:
        said = None
    if said and "name" in known and _is_name(said.group("value")):
        yield Fact("name", known["name"], is_denied=True)
        yield Fact("name", _capital(said.group("value")))
    swapped = re.match(
        rf"^(?P<a>{PROPER}),?\s+not\s+(?P<b>{PROPER})\W*$", introduced(sentence, strict=True)
    )
    if swapped and known.get("name", "").lower() == swapped.group("b").lower():
        yield Fact("name", known["name"], is_denied=True)
        yield Fact("name", swapped.group("a"))


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
    for fact in _told(affirmed) if affirmed != sentence else ():
        for item in items(known.get(fact.key, "")):
            if fact.value.lower() in item.lower() and fact.key not in _ASSERTED:
                yield Fact(fact.key, item, is_denied=True)


_ASSERTED = frozenset({"name", "likes", "dislikes", "profession", "lives", "home"})  # have rules


def _told(sentence: str) -> list[Fact]:
    found: list[tuple[int, Fact]] = []
    taken: list[range] = [
        range(*m.span()) for _, pattern in DENIALS for m in pattern.finditer(sentence)
    ]
    for key, pattern in RULES:
        for match in pattern.finditer(sentence):
            span = range(*match.span("value"))
            if any(span.start < other.stop and other.start < span.stop for other in taken):
                continue
            fact = _fact(key, match)
            if fact is not None:
                found.append((span.start, fact))
                taken.append(span)
    return [fact for _, fact in sorted(found, key=lambda item: item[0])]


def introduced(text: str, *, strict: bool = False, is_asked: bool = True) -> str:
    """Return a bare "Ada", "ada" or "it's Ada" as the sentence it stands for; else the text.

    With `strict` only what follows "it is" and the like is taken off. Unless it `is_asked` for, a
    name has to follow "I am", and to look like none of the states that one is in.
    """
    match = _BARE.match(text.strip())
    if strict:
        return re.sub(
            r"^\W*(?:no\W+)?(?:it['\u2019]?s|it\s+is)\s+", "", text.strip(), flags=re.IGNORECASE
        )
    if match is None or not _is_name(match.group("value")):
        return text
    if not is_asked and (
        not (match["am"] or "").lower().startswith(("i'm", "i\u2019m", "im", "i am"))
        or re.search(r"[a-z]{3}(?:ed|ish|y)$", match["value"])
    ):
        return text
    return f"My name is {_capital(match.group('value'))}"


def _is_name(value: str) -> bool:
    """Tell whether a word may be a name: it is no common word, no people and no state."""
    words = re.sub(rf"^{TITLE}", "", value).lower().replace("\u2019", "'").split()
    if not words or len(value) > 40:
        return False
    first = normalise(words[0]).strip() or words[0]
    if first in GIVEN_NAMES:
        return True
    if first in STATES or first in PEOPLES or first in _NO_NAMES or value.lower() in VOCATIVES:
        return False
    if len(words) > 1 and words[-1] not in COMMON and value[0].isupper():
        return True
    return not (first in COMMON or first in JOBS or len(first) < 2 or _is_participle(first))


def _is_participle(word: str) -> bool:
    return len(word) > 5 and word.endswith(
        ("ing", "ful", "less", "ous", "able", "ested", "ated", "ened")
    )


def _capital(name: str) -> str:
    return name.title() if name.islower() and " " in name else name[:1].upper() + name[1:]


def _tidy(value: str) -> str:
    return _CUT.sub("", " ".join(value.split())[:MAX_VALUE]).strip(" .,'")


_OF = {"lives of": "lives", "works of": "works", "is of": "is"}


def _fact(rule: str, match: re.Match[str]) -> Fact | None:
    key, value = rule or match.group("key").lower(), _tidy(match.group("value"))
    if not value:
        return None
    if rule == "kin":
        value = re.sub(r"['\u2019]s$", "", value)  # "my lad Shane's starting"
        return Fact(match["key"].lower(), _capital(value)) if _is_name(value) else None
    if rule in _OF:
        return Fact(f"{match['key'].lower()} {_OF[rule]}", value)
    if rule == "name":
        return _name(value, is_plain=match.re.pattern == MY_NAME_IS)
    if not rule:
        key = _known_key(key)
        if key == "name":
            return _name(value, is_plain=True)
        if not _is_key(match.group("key")):
            return None
    if _PASSING.match(value) or (rule in _PLACES and value.lower().split()[-1] in _NOT_PLACES):
        return None
    if rule == "nation":
        value = _capital(value)
    return Fact(key, " ".join(_REFLECTED.get(word.lower(), word) for word in value.split()))


_KEYS = Speller(("name", *KIN))


def _known_key(key: str) -> str:
    """Return a key without a typing mistake: "nmae" is the name."""
    return _KEYS.correct(key).strip() or key


def _is_key(noun: str) -> bool:
    *_, last = noun.split()
    is_named = last[0].isupper() and not noun.isupper()  # "my sister Lucy is ...": that is the name
    return not (is_named or noun.lower() in _NOT_KEYS or last.lower() in _NOT_KEYS or len(noun) < 2)


def _name(value: str, *, is_plain: bool) -> Fact | None:
    """Return a name; after "my name is" nearly anything is one."""
    first = value.lower().split()[0]
    is_one = _is_name(value) if not is_plain else first not in STATES and first not in _NO_NAMES
    return Fact("name", _capital(value)) if is_one else None
