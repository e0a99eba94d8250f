"""What a player tells of himself, how it is asked for, and how it is said back.

A fact is a key and a value: `name`, `age`, `profession`, `work` ("in a bakery"), `home` (where the
player is from), `lives`, `nation`, `likes`, `dislikes`, `fears`, `allergy`, `has`, or the noun of
"my <noun> is <value>". Learning is a table of patterns over the original text, because names keep
their capital letters; a denial ("I am not a nurse") is a fact that is no longer so.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from characters.agents.hearing import Speller
from characters.agents.lexicon import (
    BODY,
    COMMON,
    GIVEN_NAMES,
    JOBS,
    KIN,
    NUMBERS,
    PEOPLES,
    STATES,
    VOCATIVES,
)  # fmt: skip
from characters.agents.patterns import Pattern, normalise

__all__ = [
    "asked_for", "Fact", "introduced", "is_common_key", "known_as", "learn", "named_after",
    "phrase", "recite", "spoken_of", "update",
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


_STOP = r"[.,;:!?\n]"
_NEXT = r"(?:I|I['\u2019]m|im|my|we|you|it|he|she|they|the|what|who|where|that|is|have|has)\b"
_AGAIN = (
    r"(?:she|he|they|we|i|it|and|but|so|because|by the way|btw|though|nice|who|im|called|named)\b"
)
_END = rf"(?=\s*$|\s*{_STOP}|\s+{_AGAIN})"
_PLACE_END = rf"(?:{_END}|(?=\s+(?:to|for|with|where|when)\b))"
_LIST_END = rf"(?=\s*$|\s*{_STOP}|\s+(?:but|so|because|by the way|though)\b|\s+and\s+{_NEXT})"
_WORD = r"[^\W_][\w'\u2019-]*"
_WORDS = rf"{_WORD}(?:\s+[\w'\u2019-]+){{0,5}}?"
_JOB = rf"{_WORD}(?:\s+(?!from\b|in\b|at\b|of\b)[\w'\u2019-]+){{0,3}}?(?:\s+of\s+[\w'\u2019-]+)?"
_CAPITAL = r"[A-Z\u00c0-\u00de\u0100-\u024f][\w'\u2019-]*"
_TITLE = r"(?:(?:Dr|Mr|Mrs|Ms|Prof|St)\.?\s+|(?:Miss|Sir|Lady|Captain|Doctor|Professor|Nurse)\s+)?"
_NAME = rf"(?-i:{_TITLE}[A-Za-z\u00c0-\u024f][\w'\u2019-]*(?:\s+{_CAPITAL}){{0,2}})"
_PROPER = rf"(?-i:{_TITLE}{_CAPITAL}(?:\s+{_CAPITAL}){{0,2}})"
_NAMES = rf"(?-i:{_CAPITAL}(?:(?:\s*,\s*|\s+and\s+|\s*&\s*|\s+){_CAPITAL}){{0,4}})"
_AM = r"\b(?:I(?:\s+am|['\u2019]?m)|i\s+m)\s+"
_HAVE = r"\b(?:I|We)(?:\s+have(?:\s+got)?|['\u2019]ve(?:\s+got)?|\s+own|\s+got)\s+"
_ONE = r"(?:an?|my|one|two|three|four|five|six|\d+|some)\s+"
_CALLED = r"(?:\s+(?:whose\s+name\s+is|is\s+called|are\s+called|called|named|is\s+named)\s+)"
_AGE = rf"\d{{1,3}}|{'|'.join(sorted(NUMBERS))}"

_MY_NAME_IS = (
    r"\bmy\s+(?:real\s+|full\s+|first\s+)?names?(?:(?:\s+is|['\u2019]?s|\s+are)\s+|\s+(?-i:(?=[A-Z])))"
    rf"(?P<value>{_NAME})"
)
# Searched in order; the first that matches a stretch of text takes it.
_RULES: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (key, re.compile(pattern, re.IGNORECASE))
    for key, pattern in (
        ("name", _MY_NAME_IS),
        ("name",
            rf"\b(?<!don't )(?<!not )(?:you\s+(?:can|may)\s+)?call\s+me\s+(?P<value>{_NAME})"
            rf"{_END}"),
        ("name", rf"{_AM}(?:called|named)\s+(?P<value>{_NAME})"),
        ("name", rf"^\W*(?:the\s+name|name|mine)(?:['\u2019]s|\s+is)\s+(?P<value>{_PROPER}){_END}"),
        ("name",
            r"^\W*(?:you\s+(?:can|may)\s+)?call\s+me\s+(?P<value>[a-z]\w+\s+(?!please|when|if|back|by)"
            r"[a-z]\w+)(?:\s+(?:please|lol|haha))?[\s.!]*$"),
        ("name",
            rf"\b(?:they|people|friends|everybody|everyone)\s+calls?\s+me\s+(?P<value>{_NAME})"),
        ("age",
            rf"{_AM}(?P<value>{_AGE})(?:\s+and\s+a\s+half)?(?:\s+years?(?:\s+old)"
            rf"?)?(?:\s+now)?{_END}"),
        ("home",
            rf"(?:{_AM}(?:originally\s+|an?\s+{_JOB}\s+|(?:{'|'.join(sorted(JOBS))})\s+"
            rf"(?:of\s+\w+\s+)?|{_PROPER}\s+)?from|my\s+"
            rf"name\s+is\s+{_NAME},?\s+from)\s+(?P<value>{_WORDS}){_PLACE_END}"),
        ("home",
            r"\bI\s+(?:do\s+|have\s+)?(?:come\s+from|came\s+from|grew\s+up\s+"
            rf"in|was\s+born\s+in)\s+(?P<value>{_WORDS}){_PLACE_END}"),
        ("lives",
            r"\bI\s+(?:do\s+|now\s+)?live\s+(?:(?:alone|now|together|by\s+myself)"
            r"[\s,]+)*(?P<value>(?:in|near|at|on|by|outside|"
            rf"behind|above)\s+{_WORDS}){_PLACE_END}"),
        ("lives", rf"\bI\s+(?:have\s+)?(?:just\s+)?moved\s+to\s+(?P<value>{_WORDS}){_PLACE_END}"),
        ("profession",
            rf"\bI\s+work(?:ed)?\s+(?:here\s+)?as\s+(?:an?\s+|the\s+)?(?P<value>{_JOB})"
            rf"{_END}"),
        ("profession",
            rf"\bI\s+work(?:ed)?\s+as\s+(?:an?\s+|the\s+)?(?P<value>{_JOB})(?=\s+"
            r"(?:from|in|at)\b)"),
        ("teach", rf"\bI\s+teach\s+(?P<value>{_WORDS}){_LIST_END}"),
        ("study", rf"\bI(?:\s+am|['\u2019]?m)?\s+study(?:ing)?\s+(?P<value>{_WORDS}){_LIST_END}"),
        ("play", rf"\bI\s+play\s+(?P<value>the\s+{_WORDS}){_LIST_END}"),
        ("married",
            r"\bI(?:\s+am|['\u2019]?m)\s+(?:happily\s+|newly\s+)?"
            rf"(?P<value>married|divorced|engaged|widowed){_END}"),
        ("work",
            rf"\bI\s+work\s+(?P<value>(?:in|at|for|on)\s+{_WORDS}"
            rf"(?:\s+(?:and|&)\s+(?-i:{_CAPITAL}))?){_END}"),
        ("profession",
            rf"{_AM}(?:just\s+|only\s+|also\s+)?(?:an?|the\s+new)\s+(?P<value>{_JOB})(?:{_END}|"
            r"(?=\s+(?:from|in|at)\b))"),
        ("profession",
            rf"{_AM}(?P<value>(?:{'|'.join(sorted(JOBS))})(?:\s+of\s+\w+)?)(?:{_END}|"
            r"(?=\s+(?:from|in|at)\b))"),
        ("nation", rf"{_AM}(?P<value>{'|'.join(sorted(PEOPLES))}){_END}"),
        ("allergy", rf"{_AM}(?:very\s+)?allergic\s+to\s+(?P<value>{_WORDS}){_LIST_END}"),
        ("fears",
            rf"{_AM}(?:so\s+|very\s+|really\s+)?(?:afraid|scared|terrified|frightened)"
            rf"\s+of\s+(?P<value>{_WORDS}){_LIST_END}"),
        ("dislikes",
            r"\bI\s+(?:really\s+)?(?:hate|dislike|do\s+not\s+like|don['\u2019]?t\s+"
            rf"like|can['\u2019]?t\s+stand|cannot\s+stand)\s+(?P<value>{_WORDS})"
            rf"{_LIST_END}"),
        ("likes",
            rf"\bI\s+(?:really\s+|do\s+|also\s+)?(?:like|love|enjoy)\s+(?P<value>{_WORDS})"
            rf"{_LIST_END}"),
        ("",
            rf"\bthe\s+name\s+of\s+my\s+(?P<key>[a-z]+(?:\s+[a-z]+)?)\s+is\s+(?P<value>{_NAMES}"
            rf"){_END}"),
        ("",
            rf"\bmy\s+(?P<key>[a-z]+(?:\s+[a-z]+)?)['\u2019]?s\s+name\s+is\s+(?P<value>{_NAMES}"
            rf"){_END}"),
        ("",
            r"\bmy\s+(?P<key>[a-z]+(?:\s+[a-z]+)?)(?:['\u2019]s\s+called|\s+is\s+"
            r"called|\s+are\s+called|\s+is\s+named|\s+are\s+named|\s+are|\s+is)"
            rf"\s+(?P<value>{_NAMES}){_END}"),
        ("",
            rf"\bmy\s+(?P<key>{'|'.join(sorted(KIN))})\s+(?P<value>(?-i:{_CAPITAL})"
            rf")(?:{_END}|(?=\s+(?:is|was|has|likes|loves|works|lives|said|says)\b))"),
        ("",
            rf"{_HAVE}{_ONE}(?:[a-z]+\s+)?(?P<key>[a-z]+){_CALLED}(?P<value>{_NAMES}|"
            rf"{_WORD}){_END}"),
        ("", rf"{_HAVE}{_ONE}(?P<key>[a-z]+)\s*,\s*(?P<value>{_NAMES}){_END}"),
        ("", rf"(?:\band|,)\s+{_ONE}(?P<key>[a-z]+){_CALLED}(?P<value>{_NAMES}){_END}"),
        ("",
            r"\bmy\s+(?P<key>[a-z]+(?:\s+[a-z]+)?)\s+(?:is\s+called|is\s+named|"
            rf"is|are)\s+(?P<value>{_WORDS}){_LIST_END}"),
        ("",
            rf"\bmy\s+(?P<key>{'|'.join(sorted(KIN))})['\u2019]s\s+(?P<value>an?\s+{_WORDS})"
            rf"{_LIST_END}"),
        ("", rf"\bmy\s+(?P<key>[a-z]+)\s+(?P<value>was\s+an?\s+{_WORDS}){_END}"),
        ("has",
            rf"{_HAVE}(?P<value>(?:an?|one|two|three|four|five|six|seven|eight|nine|"
            rf"ten|\d+)\s+{_WORDS})(?:{_LIST_END}|(?=\s+for\b))"),
        ("name", rf"{_AM}(?P<value>{_PROPER})(?:{_END}|(?=\s+from\b))"),
    )
)  # fmt: skip

_DENIALS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (key, re.compile(pattern, re.IGNORECASE))
    for key, pattern in (
        ("name",
            r"\bmy\s+name(?:\s+is\s+not|\s+isn['\u2019]?t|['\u2019]s\s+not)\s+"
            rf"(?P<value>{_NAME})"),
        ("name", rf"{_AM}not\s+(?P<value>{_PROPER}){_END}"),
        ("profession",
            rf"{_AM}(?:not|no)\s+(?:an?\s+)?(?P<value>(?-i:[a-z]){_JOB})(?:\s+"
            rf"anymore)?{_END}"),
        ("lives",
            rf"\bI\s+(?:do\s+not|don['\u2019]?t)\s+live\s+(?P<value>in\s+{_WORDS})"
            rf"{_PLACE_END}"),
        ("home", rf"{_AM}not\s+from\s+(?P<value>{_WORDS}){_PLACE_END}"),
        ("has", rf"\bI\s+(?:do\s+not|don['\u2019]?t)\s+have\s+(?P<value>an?\s+{_WORDS}){_END}"),
        ("",
            r"\bmy\s+(?P<key>[a-z]+)\s+(?:is|are)(?:\s+not|n['\u2019]?t)\s+(?:called\s+"
            rf"|named\s+)?(?P<value>{_WORDS}){_END}"),
    )
)  # fmt: skip

# "not Ada, it is Bob": what follows a denial of a name is one.
_RATHER = re.compile(
    rf"^[\s,;.]*(?:but\s+|no\s+)?(?:it\s+is|it['\u2019]?s|he\s+is|he['\u2019]?s|"
    rf"she\s+is|she['\u2019]?s"
    rf"|they\s+are|they['\u2019]?re|that\s+is|but|rather)\s+(?:called\s+"
    rf"|named\s+)?(?P<value>{_NAMES})",
    re.IGNORECASE,
)
_CORRECTED = re.compile(
    rf"^(?:(?:no|jk|sorry|actually|oh|wait|i\s+mean|just\s+kidding|haha|ok|okay)[\s,.!]+)+"
    rf"(?:it['\u2019]?s|it\s+is|i['\u2019]?m|i\s+am|my\s+name\s+is)?\s*(?P<value>{_PROPER})[.!]*$",
    re.IGNORECASE,
)
_BARE = re.compile(
    r"^(?:(?:hello|hi|hey|oh|well|um|erm)[\s,.!]+)*(?P<am>it['\u2019]?s\s+"
    r"|it\s+is\s+|just\s+|i['\u2019]?m\s+|i\s+am\s+"
    rf"|this\s+is\s+|(?:the\s+)?name(?:['\u2019]?s|\s+is)\s+)?(?P<value>{_NAME})"
    r"(?:\s+(?:btw|by\s+the\s+way|lol|here))?[.!]*$",
    re.IGNORECASE,
)

# What people say of themselves without telling a fact.
_PASSING = re.compile(
    r"^(?:an?\s+)?(?:here|downstairs|upstairs|outside|inside|waiting|coming|over\s+there|next\s+door|fine|sorry|lost|back|ready|sure|not|just|very|"
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
    r"everything|mess|here\s+to)\b",
    re.IGNORECASE,
)
_NOT_KEYS = BODY | {
    "god", "turn", "bad", "fault", "pleasure", "guess", "point", "question", "diagnosis", "answer",
    "opinion", "problem", "name", "names", "goodness", "mistake", "idea", "advice", "life", "time",
    "first answer", "last answer", "final answer", "goal", "english", "bad day", "score",
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
    r"please|after all|today|yesterday|lol|haha|sir|madam"
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
    r"^\W*(?:and\s+|but\s+|so\s+|then\s+)?(?:who|what|where|when|why|"
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
    for sentence in dict.fromkeys(_statements(text[:MAX_TEXT])):
        first, *rather = _RATHER_SO.split(_HE_IS.sub(r"\1", sentence))
        told = [*_corrections(first, facts), *_told(first)]
        if not told and not "".join(rather).strip(" .!"):  # "Two dogs, I mean."
            rather = [first] if rather else []
        told += _exchanged(first, facts) if not told else []
        update(facts, told)
        for words in rather:
            corrected = _corrected(words, facts, is_sure=bool(told or found))
            update(facts, corrected)
            told += corrected
        found += told
    found += _named_in(text[:MAX_TEXT])
    return tuple(dict.fromkeys(found))[:MOST_AT_ONCE]


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
    r"(?:\s*[,;.]\s*(?:but\s+)?|\s+but\s+)(?P<new>[^,.;!?]{2,60})[.!]*$",
    re.IGNORECASE,
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
    return _SAID_AS.get(key, f"my {key} is {{}}").format(_ARTICLE.sub("", value.strip()))


def _exchanged(sentence: str, known: Mapping[str, str]) -> list[Fact]:
    """Return what "not a fireman, a firefighter" changes of what is known."""
    said = _NOT_ONE_BUT_ANOTHER.match(sentence.strip())
    if said is None:
        return []
    old = _ARTICLE.sub("", said["old"]).lower()
    key = next(
        (key for key, value in known.items() if _ARTICLE.sub("", value).lower() == old), None
    )
    if key is None:
        return []
    facts = [fact for fact in _told(_said_as(key, said["new"])) if fact.key == key]
    return [Fact(key, known[key], is_denied=True), *facts] if facts else []


_MY_ONE = re.compile(
    rf"\bmy ({'|'.join(sorted(KIN))})\b|\b(?:have|got) an? ([a-z]+)\b", re.IGNORECASE
)
_ITS_NAME = re.compile(
    r"\b(?:(?:her|his|its|their)\s+names?(?:\s+is|\s+was|['\u2019]s|\s+are)|"
    r"(?:she|he|it)(?:\s+is|\s+was|['\u2019]s)\s+(?:called|named))"
    rf"\s+(?P<value>{_NAMES}){_END}",
    re.IGNORECASE,
)
_OPENING = re.compile(r"^\W*(?:and\s+|but\s+|oh\s+)?", re.IGNORECASE)


def _named_in(text: str) -> Iterator[Fact]:
    """Yield whose name is told as "my sister is a gossip, her name is Meera"."""
    for told in _ITS_NAME.finditer(text):
        one = spoken_of(text[: told.start()])
        if one:
            yield Fact(one, _tidy(told.group("value")))


def spoken_of(text: str) -> str:
    """Return of whom a line speaks last: "grandma" for "my grandma", "" for nobody."""
    ones = _MY_ONE.findall(text)
    return "".join(ones[-1]).lower() if ones else ""


def named_after(text: str, one: str) -> tuple[Fact, ...]:
    """Return whose name a line tells as "her name is Edna", after lines about one."""
    told = _ITS_NAME.match(_OPENING.sub("", text)) if one else None
    return () if told is None else (Fact(one, _tidy(told.group("value"))),)


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
    before = facts.pop(fact.key, "")
    facts[fact.key] = _joined(before, fact.value) if fact.key in _LISTS else fact.value


_LISTS = frozenset({"likes", "dislikes", "has", "fears", "allergy"})


def _deny(facts: dict[str, str], fact: Fact) -> None:
    left = [item for item in _items(facts.get(fact.key, "")) if item.lower() != fact.value.lower()]
    if left:
        facts[fact.key] = ", ".join(left)
    else:
        facts.pop(fact.key, None)
    if fact.key == "has":
        facts.pop(fact.value.split()[-1].lower(), None)


def _items(value: str) -> list[str]:
    return [item for item in value.split(", ") if item]


def _joined(before: str, value: str) -> str:
    items = [item for item in _items(before) if item.lower() != value.lower()]
    joined = ", ".join([*items, value])
    return joined if len(joined) <= 2 * MAX_VALUE else value


def _statements(text: str) -> Iterator[str]:
    """Yield the sentences that are no questions; of "I am Ada, and you?" the first part."""
    for part in _SENTENCES.split(text):
        sentence = _AND_YOU.sub("", part)
        if _ASKING.match(sentence):
            continue
        is_said = not sentence.rstrip().endswith("?") or _MY_NAME.search(sentence)
        yield sentence if is_said else sentence.rpartition(",")[0]


def _corrections(sentence: str, known: Mapping[str, str]) -> Iterator[Fact]:
    for key, pattern in _DENIALS:
        for match in pattern.finditer(sentence):
            name = (key or match.group("key")).lower()
            rather = _RATHER.match(sentence[match.end() :])
            if key or rather or name in known:
                yield Fact(name, _tidy(match.group("value")), is_denied=True)
            if rather and (key == "name" or not key):
                yield Fact(name, _tidy(rather.group("value")))
    said = _CORRECTED.match(sentence.strip())
    if said and "name" in known and _is_name(said.group("value")):
        yield Fact("name", known["name"], is_denied=True)
        yield Fact("name", _capital(said.group("value")))
    swapped = re.match(
        rf"^(?P<a>{_PROPER}),?\s+not\s+(?P<b>{_PROPER})\W*$", introduced(sentence, strict=True)
    )
    if swapped and known.get("name", "").lower() == swapped.group("b").lower():
        yield Fact("name", known["name"], is_denied=True)
        yield Fact("name", swapped.group("a"))


def _told(sentence: str) -> list[Fact]:
    found: list[tuple[int, Fact]] = []
    taken: list[range] = [
        range(*m.span()) for _, pattern in _DENIALS for m in pattern.finditer(sentence)
    ]
    for key, pattern in _RULES:
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
    words = re.sub(rf"^{_TITLE}", "", value).lower().replace("\u2019", "'").split()
    if not words or len(value) > 40:
        return False
    first = normalise(words[0]).strip() or words[0]
    if first in GIVEN_NAMES:
        return True
    if first in STATES or first in PEOPLES or first in _NO_NAMES or value.lower() in VOCATIVES:
        return False
    if len(words) > 1 and words[-1] not in COMMON:
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


def _fact(rule: str, match: re.Match[str]) -> Fact | None:
    key, value = rule or match.group("key").lower(), _tidy(match.group("value"))
    if not value:
        return None
    if rule == "name":
        return _name(value, is_plain=match.re.pattern == _MY_NAME_IS)
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


# How each key is asked for, in the pattern language of personas; `<key>` is the noun itself.
_QUESTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("name", (
        "what (is | was) my [real | first] name", "what my name is", "= [and | so | but] who am i",
        "is my name <x>",
        "(know | remember | said | recall | forgot | forgotten | forget) [what] my name",
        "what is my (surname | last name | family name)",
        "my name again", "what did i say my name (is | was)", "(remember | know) who i am",
        "what do you call me", "what you call me",
    )),
    ("age", (
        "how old (am i | i am)", "how old did i say i (am | was)", "what is my age", "my age again",
    )),
    ("lives", (
        "where (do i | i) live", "where (is | was) my (home | house)",
        "which (city | town | country) (do i | i) live",
    )),
    ("home", (
        "where (am i | i am | do i come | did i come | i come | i came | was i) from",
        "where did i say i come from",
        "where (was i | i was) born", "from where (do i | i) (come | am)", "where i am from",
        "where did i (say | tell you) i (am | was) from",
    )),
    ("profession", (
        "what is my (job | work | profession | trade)", "= what (do i do | am i)",
        "what (do i | i) do for (a living | work)", "what did i say i (do | am | was)",
    )),
    ("likes", (
        "what (do i | i) [really] (like | love | enjoy)", "do i (like | love | enjoy)",
    )),
    ("dislikes", (
        "what (do i | i) [really] (hate | dislike | not like | do not like | can not stand)",
        "what (do not i | do i not) (like | enjoy)", "do i (hate | dislike)",
    )),
    ("fears", ("what (am i | i am) (afraid | scared | frightened | terrified) of",)),
    ("allergy", ("what (am i | i am) allergic to", "what is my allergy", "what are my allergies")),
    ("work", ("where (do i | i) work", "(who | whom) (do i | i) work for")),
    ("teach", ("what (do i | i) teach",)),
    ("study", ("what (do i | i) study", "what am i studying")),
    ("play", ("what [instrument] (do i | i) play",)),
    ("married", ("am i (married | single | divorced | engaged)",)),
    ("has", ("what (pet | pets | animal | animals) do i have", "= what do i have")),
    ("", (
        "(what | how) (is | are | was | were) my <key> (called | named)",
        "(what | how) (is | are) (called | named) my <key>", "what (does | do) my <key> do",
        "what (is | are | was | were) [the] (name | names) of my <key>",
        "= [and] the (name | names) of my <key>",
        "(what | who | where) (is | are | was | were) my <key>",
        "(know | remember | recall | forgot | forget) what my <key> (is | are) [called | named]",
        "(know | remember | recall | forgot | forgotten | forget) [the name of] my <key>",
        "(do | did) i have (a | an | any) <key>", "how many <key> do i have",
    )),
    ("*", (
        "do you [still] (remember | know | recall) (me | anything about me | what i (told | said))",
        "what do you [still] (remember | know | recall) (about | of) me",
        "what do you [still] remember", "what (have i told | did i tell) you",
        "tell me [something | everything] about (me | myself)",
    )),
)  # fmt: skip
_ASKED = tuple((key, Pattern.compile(source)) for key, sources in _QUESTIONS for source in sources)

_COMMON_KEYS = frozenset(
    {
        "work",
        "*",
        "name",
        "profession",
        "home",
        "lives",
        "age",
        "likes",
        "dislikes",
        "fears",
        "allergy",
        "teach",
        "study",
        "play",
        "married",
    }
)
_SAME_KIN = tuple(
    names.split()
    for names in ("grandma grandmother gran granny", "grandpa grandfather grandad",
                  "mum mom mother mummy mommy mama", "dad father daddy papa",
                  "kid kids child children", "partner boyfriend girlfriend")
)  # fmt: skip
# Where one has not been told the one, the other is the next best.
_INSTEAD = {
    "likes": ("dislikes",),
    "dislikes": ("likes",),
    "lives": ("home",),
    "home": ("lives", "nation"),
    "profession": ("work", "nation"),
    "work": ("profession",),
}


def asked_for(normal: str) -> str | None:
    """Return the key that is asked for, "*" for everything, None for neither (normalised text)."""
    words = frozenset(normal.split())
    for key, pattern in _ASKED:
        match = pattern.match(normal) if pattern.may_match(words) else None
        if match is not None:
            return key or _noun(match.group("key"))
    return None


def _noun(asked: str) -> str:
    """Return the key in "hamster's name": the hamster."""
    return re.sub(r"(?:'s|s')?(?: names?)?$", "", asked.strip())


def is_common_key(key: str) -> bool:
    """Tell whether only the player can be meant; "what is my result" may mean something else."""
    return key in _COMMON_KEYS


def known_as(key: str, facts: Mapping[str, str]) -> str | None:
    """Return the key under which the answer is known: "dogs" may be in "dog", or in "has"."""
    singular = key.removesuffix("s")
    same = next((names for names in _SAME_KIN if key in names), ())
    nearest = (key, *_INSTEAD.get(key, ()), singular, f"{key}s", f"{key}'s name", *same)
    found = next((name for name in nearest if name in facts), None)
    if found is None and re.search(rf"\b{re.escape(singular)}", facts.get("has", "")):
        return "has"
    return found


_SHAPES: Mapping[str, str] = {
    "name": "your name is {}",
    "home": "you are from {}",
    "age": "you are {} years old",
    "nation": "you are {}",
    "work": "you work {}",
    "likes": "you like {}",
    "dislikes": "you can't stand {}",
    "fears": "you are afraid of {}",
    "allergy": "you are allergic to {}",
    "has": "you have {}",
    "teach": "you teach {}",
    "study": "you study {}",
    "play": "you play {}",
    "married": "you are {}",
}


def phrase(key: str, value: str) -> str:
    """Put one fact into words that follow "you told me that"."""
    if key == "profession":
        article = "an" if value[:1].lower() in "aeiou" else "a"
        return f"you are {article} {value}"
    if key == "lives":
        has_place = re.match(r"(?:in|near|at|on|by|outside|behind|above)\b", value)
        return f"you live {value}" if has_place else f"you live in {value}"
    if value.startswith("was "):
        return f"your {key} {value}"
    verb = (
        "are"
        if re.search(r"[^s]s$|children$", key) and (" and " in value or ", " in value)
        else "is"
    )
    return _SHAPES.get(key, f"your {key} {verb} {{}}").format(_listed(_items(value)))


def recite(facts: Mapping[str, str], keys: Sequence[str] = ()) -> str:
    """Put facts into one phrase: "your name is Ada, you like tea and your dog is Rex"."""
    chosen = [key for key in keys or facts if key in facts]
    chosen.sort(key=lambda key: key != "name")
    return _listed([phrase(key, facts[key]) for key in chosen])


def _listed(parts: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(parts[:-1]), *parts[-1:])))
