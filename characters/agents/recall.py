"""How what a player told is asked for, and how it is said back."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from characters.agents.facts import KINDS, Fact, items_of, nothing_of, with_article
from characters.agents.hearing import Speller
from characters.agents.learning import learn
from characters.agents.lexicon import DOES, KIN
from characters.agents.patterns import Pattern, normalise

__all__ = [
    "asked_for", "asked_further", "is_common_key", "is_of_kin", "known_as", "of_ones_own",
    "phrase", "recite", "taken_back",
]  # fmt: skip

# How each key is asked for, in the pattern language of personas; `<key>` is the noun itself.
_QUESTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("name", (
        "what (is | was) my [real | first | full | last | whole] name", "what my name is",
        "= [and | so | but] who am i",
        "is my name <x>",
        "(know | remember | said | recall | forgot | forgotten | forget) [what] my name",
        "what is my (surname | last name | family name)",
        "my name again", "what is my good name", "(tell | say) me my [good] name", "= say my name",
        "what did i say my name (is | was)", "(remember | know | recall) who i am",
        "what do you call me", "what you call me", "what name did i (give | tell | say) *",
        "what did i call myself",
        "= [and | so] my [full | last | family] (name | surname)",
    )),
    ("age", (
        "how old (am i | i am)", "how old did i say i (am | was)", "what is my age", "my age again",
        "= [and] my age",
    )),
    ("lives", (
        "where (do i | i) live", "where (am i | i am) (staying | living)",
        "where (is | was) my (home | house)",
        "which (city | town | country) (do i | i) live", "who do i live with",
    )),
    ("home", (
        "where (am i | i am | do i come | did i come | i come | i came | was i) from",
        "where did i say i come from",
        "where (was i | i was) born", "from where (do i | i) (come | am)", "where i am from",
        "where did i (say | tell you) i (am | was | came | moved) from",
        "where (did i | i) move* from", "where (do i | i) hail *",
        "(from which | which | what) (city | town | country) * (am | come) *",
    )),
    ("profession", (
        "what is my (job | work | profession | trade)", "= what (do i do | am i)",
        "what (do i | i) do for (a living | work)", "what did i say i (do | am | was)",
        "= [and] my (job | profession | work | trade)",
    )),
    ("was", ("what (did i | i) do (before | once | earlier | then) *",
        "= what (did i use to be | i used to be | was i | i was | was my job) [before | once]",
        "what (did i | i) (use | used) to do *")),
    ("worked", ("where (did i | i) (work | worked) *",)),
    ("likes", (
        "what (do i | i) [really] (like | love | enjoy)", "do i (like | love | enjoy)",
    )),
    ("dislikes", (
        "what (do i | i) [really] (hate | dislike | not like | do not like | can not stand)",
        "what (do not i | do i not) (like | enjoy)", "do i (hate | dislike)",
    )),
    ("fears", ("what (am i | i am) (afraid | scared | frightened | terrified) of",)),
    ("allergy", (
        "what (am i | i am) allergic to", "do i have [any] allergies", "= am i allergic *",
        "what is my allergy", "what are my allergies",
    )),
    ("work", ("where (do i | i) work", "(who | whom) (do i | i) work for", "= do i work *")),
    ("study", (
        "what is my (subject | field | course | degree | major)", "do i (go to | attend) *",
        "what * (am i | i am) (reading | a student of)",
    )),
    *((verb, (
        "(what [subject | subjects | instrument | language] | where | who | whom | which *)"
        f" (do i | i | did i [say i]) {verb}",
        f"(what | where | which *) (am i | i am) {verb.removesuffix('e')}ing", f"= do i {verb} *",
    )) for verb in (*sorted(DOES), "play")),
    ("play", ("what [instrument] (do i | i) play",)),
    ("lives", ("= do i [still] live *",)),
    ("home", ("= am i from *",)),
    ("is it", ("= am i [still] (a | an) *",)),
    ("married", ("am i (married | single | divorced | engaged)",)),
    ("has", ("what (pet | pets | animal | animals) do i have", "= what do i have")),
    ("ever", (
        "= [and] when did i *",
        "= do i (eat | drink | speak | smoke | drive | sing | cook | work) *",
    )),
    ("", (
        "(what | how) (is | are | was | were) my <key> (called | named)",
        "(what | how) (is | are) (called | named) my <key>", "what (does | do | did) my <key> do",
        "when (is | was) my <key>",
        "what my <key> (does | do | did)",
        "what (is | are | was | were) [the] (name | names) of my <key>",
        "= [and] the (name | names) of my <key>",
        "(what | who | where) (is | are | was | were) my <key>",
        "(know | remember | recall | forgot | forget) what my <key> (is | are) [called | named]",
        "(know | remember | recall | forgot | forgotten | forget) [the name of] my <key>",
        "(do | did) i have (a | an | any) <key>",
        "how many <key> (do i | i) have", "how many <key> have i [got]",
        "what my <key> (is | are | was) [called | named]",
        "what is the (work | job | profession | trade) of my <key>",
        "= (is | was) my <key> (a | an | called | named) *",
    )),
    (" lives", ("where (does | do | did) my <key> live", "where my <key> (live | lives | lived)")),
    (" likes", ("what (does | do | did) my <key> (like | love | enjoy)",)),
    (" thinks", ("what (does | do | did) my <key> (think | say | want | eat | drink) *",)),
    (" works", ("where (does | do | did) my <key> work", "where my <key> (work | works | worked)")),
    (" age", ("how many years (has | have) my <key>", "how many years my <key> (has | have)",
        "how old (is | are | was) my <key>", "how old my <key> (is | are | was)",
        "what is the age of my <key>")),
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
        "play",
        "was",
        "worked",
        *DOES,
        "married",
    }
)
_SAME_KIN = tuple(
    names.split()
    for names in ("grandma grandmother gran granny", "grandpa grandfather grandad",
                  "mum mom mother mummy mommy mama", "dad father daddy papa",
                  "brother bro", "sister sis",
                  "kid kids child children", "partner boyfriend girlfriend")
)  # fmt: skip
# What one does that studies, plays or teaches: "I'm a medical student" tells what is studied.
_DOERS = {
    "study": ("student", "undergraduate", "apprentice", "trainee"),
    "play": ("player", "musician", "footballer", "athlete", "ist"),
    "write": ("author", "poet", "journalist", "writer"),
}
# Where one has not been told the one, the other is the next best.
_INSTEAD = {
    "likes": ("dislikes",),
    "dislikes": ("likes",),
    "lives": ("home",),
    "home": ("lives", "nation"),
    "profession": ("work", "study", *sorted(DOES), "play", "was", "worked", "nation"),
    "work": ("profession", "worked", *sorted(DOES)),
    "is it": ("profession", "study", "was"),
    "was": ("worked",),
    "worked": ("was",),
}


# "Did I tell you where I live?" asks where he lives.
_OPENINGS = re.compile(
    r"^(?:(?:and|but|so|then|oh|well|now|ok|please|i (?:almost|nearly) forgot|tell me|say"
    r"|(?:do|can|could|would) you (?:still )?(?:tell me|remember|recall|know|say)"
    r"|(?:did|have) i (?:ever |already )?(?:tell|told|mention|mentioned|say|said)"
    r"(?: to)?(?: you)?) )+"
)
_WE = re.compile(r"\b(do|did|have|were) we ")
_OUR = re.compile(r"\bour ")
_OWN = re.compile(rf"\b(is|was|does|did|old are|called) (?=(?:{'|'.join(sorted(KIN))}) )")
_TAKEN_BACK = re.compile(
    r"^(?:(?:please|just|no|and|(?:can|could|will) you|i want you to) )*"
    r"(?:forget|delete|erase|remove) (?:(?:about|that|everything about|the fact that"
    r"|(?:(?:what|the things) )?i (?:said|told you|have told you)(?: about| that)?) )*"
    r"(?P<what>.*)$"
)
_ALL = re.compile(
    r"^(?:(?:all|everything|anything|whatever|what)(?: of it)?"
    r"(?: (?:that )?(?:i (?:have )?(?:said|told you)|you know))?(?: about me)?|me|my data) $"
)
_ITS_NAME = re.compile(r"^(?:the names? of my (\w+)|my (\w+) names?) $")
_DENIED = re.compile(
    r"^(?:no )?(?:it is not|that is (?:wrong|false"
    r"|not (?:true|right|correct|my \w+(?: \w+)?|it))) $"
)
_OF_ONE = re.compile(r"\b(?:he|she|his|her) ")
_SAID = re.compile(r"\b(?:did i (?:say|tell you|mention)|have i (?:said|told you)) (?=i |my )")
_SPELLER = Speller(
    word
    for _, sources in _QUESTIONS
    for source in sources
    for word in re.findall(r"[a-z]+", source)
)


def asked_for(normal: str, one: str = "") -> str | None:
    """Return the key that is asked for, "*" for everything, None for neither (normalised text).

    `one` is of whom of the player's "he" or "she" speaks, "" if of nobody.
    """
    normal = _OUR.sub("my ", _WE.sub(r"\1 i ", _OWN.sub(r"\1 my ", normal)))
    normal = normal.replace(" are we ", " am i ")
    if one and not normal.startswith("where is "):  # it is not kept where somebody is now
        normal = _OF_ONE.sub(f"my {one} ", normal)
    forms = (normal, _SAID.sub("", _OPENINGS.sub("", normal)))
    found = next(filter(None, map(_asked, dict.fromkeys(forms))), None)
    return found or _asked(_SPELLER.correct(forms[-1]))


def taken_back(text: str, last: str, facts: Mapping[str, str]) -> list[Fact]:
    """Return what of the facts a line takes back: "forget my age", or, after one, "that is wrong".

    `last` is the key that was said back last.
    """
    normal = normalise(text)
    asked = _TAKEN_BACK.match(normal)
    if asked is None:
        return _of_key(last, facts) if last and _DENIED.match(normal) else []
    what = asked["what"]
    if _ALL.match(what):
        return [Fact(key, value, is_denied=True) for key, value in facts.items()]
    if not what:  # "forget that"
        return _of_key(last, facts) if normal.endswith((" that ", " this ")) else []
    named = _ITS_NAME.match(what)
    name = known_as(named[1] or named[2], facts) if named else None
    if name is not None and name != "has":
        return [Fact(name, facts[name], is_denied=True)]
    key = asked_for(f"do you know {what}")
    return _of_key(key, facts) if key else _told_once(what, facts)


def _told_once(what: str, facts: Mapping[str, str]) -> list[Fact]:
    """Return what of the facts a statement tells: "i have a dog", "i work in a bakery"."""
    gone: list[Fact] = []
    for fact in learn(what):
        if fact.key == "has":
            gone += nothing_of(fact.value.split()[-1], facts)
        gone += [
            Fact(fact.key, item, is_denied=True)
            for item in items_of(fact.key, facts.get(fact.key, ""))
            if normalise(fact.value) in normalise(item)
        ]
    return gone


def _of_key(key: str, facts: Mapping[str, str]) -> list[Fact]:
    """Return that nothing of what a key stands for is so: of an item of a list, of that alone."""
    known = known_as(key, facts)
    return [] if known is None else nothing_of(key if known == "has" != key else known, facts)


def of_ones_own(normal: str, facts: Mapping[str, str]) -> str:
    """Return a question with "my tortoise" in the place of the tortoise's name."""
    for key, value in facts.items():
        if key in _COMMON_KEYS:
            continue
        normal = normal.replace(f" the {key} ", f" my {key} ")
        name = normalise(value)
        if name and (key in KIN or f"{key} is" in facts or f"{key} age" in facts):
            normal = normal.replace(f" {name}", f" my {key} ")
    return normal


_FURTHER = re.compile(
    r"^(?:(?:and|what about|how about|or) )?(?:(?:what about|my|the|his|her|their) )?"
    r"(?P<key>\w+(?: \w+)?) $"
)


def asked_further(normal: str, facts: Mapping[str, str]) -> str | None:
    """Return the known key that "and the budgie?" asks for, after another fact was asked for."""
    asked = _FURTHER.match(normal)
    key = None if asked is None else _noun(asked["key"])
    if key is not None and " " in key and key not in facts:
        whose, _, name = key.partition(" ")
        if normalise(facts.get(whose, "")).strip() != name:  # "my dog died" asks for nothing
            return None
    return key if key is not None and known_as(key, facts) is not None else None


def _asked(normal: str) -> str | None:
    words = frozenset(normal.split())
    for key, pattern in _ASKED:
        match = pattern.match(normal) if pattern.may_match(words) else None
        if match is not None and key.startswith(" "):
            return f"{_noun(match['key'])}{key}"
        if match is not None:
            return key or _noun(match["key"])
    return None


def _noun(asked: str) -> str:
    """Return the key in "hamster's name": the hamster."""
    return re.sub(r"(?:'s|s')?(?: names?)?$", "", asked.strip())


def is_of_kin(key: str, normal: str) -> bool:
    """Tell whether it is asked about one of the player's own, and not where he is."""
    return key.split(" ")[0] in KIN and " my " in normal and not normal.startswith("where is ")


def is_common_key(key: str) -> bool:
    """Tell whether only the player can be meant; "what is my result" may mean something else."""
    return key in _COMMON_KEYS


def known_as(key: str, facts: Mapping[str, str]) -> str | None:
    """Return the key under which the answer is known: "dogs" may be in "dog", or in "has"."""
    if key not in facts and key.split(" ")[0] in KIN and not key.endswith(KINDS):
        key = key.split(" ")[0]  # "brother stanley"
    if key not in facts and any(f"{key}{kind}" in facts for kind in KINDS):
        return key
    singular = key.removesuffix("s")
    same = next((names for names in _SAME_KIN if key in names), ())
    nearest = (key, *_INSTEAD.get(key, ()), singular, f"{key}s", f"{key}'s name", *same)
    found = next((name for name in nearest if name in facts), None)
    if found is None and (key in DOES or key == "play"):
        found = next(
            (name for name in ("profession", "was") if _does(key, facts.get(name, ""))), None
        )
    if found is None and re.search(rf"\b{re.escape(singular)}", facts.get("has", "")):
        return "has"
    return found


def _does(verb: str, job: str) -> bool:
    """Tell whether somebody of a job does it: a teacher teaches."""
    doers = (*_DOERS.get(verb, ()), verb.removesuffix("e"))
    return any(word.startswith(doers) or word.endswith(doers) for word in job.lower().split())


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
    "was": "you used to be a {}",
    "worked": "you worked {}",
    **{verb: f"you {verb} {{}}" for verb in sorted(DOES)},
    "play": "you play {}",
    "married": "you are {}",
}


_HAS_PLACE = re.compile(r"(?:in|near|at|on|by|outside|behind|above|with)\b")


def phrase(key: str, value: str) -> str:
    """Put one fact into words that follow "you told me that"."""
    if key == "profession":
        return f"you are {with_article(value)}"
    if key == "lives":
        return f"you live {value}" if _HAS_PLACE.match(value) else f"you live in {value}"
    noun, _, kind = key.rpartition(" ")
    if noun and kind == "lives" and not _HAS_PLACE.match(value):
        return f"your {noun} lives in {value}"
    if noun and kind in ("lives", "works", "likes"):
        return f"your {noun} {kind} {value}"
    if kind == "did":
        return f"{f'your {noun}' if noun else 'you'} {_listed(items_of(key, value))}"
    if noun and kind == "age":
        return f"your {noun} is {value} years old"
    if noun and kind == "is":
        key = noun
    if value.startswith(("was ", "is ")):
        return f"your {key} {value}"
    verb = (
        "are"
        if re.search(r"[^s]s$|children$", key) and (" and " in value or ", " in value)
        else "is"
    )
    return _SHAPES.get(key, f"your {key} {verb} {{}}").format(_listed(items_of(key, value)))


def recite(facts: Mapping[str, str], keys: Sequence[str] = ()) -> str:
    """Put facts into one phrase: "your name is Ada, you like tea and your dog is Rex"."""
    chosen = [key for key in keys or facts if key in facts]
    chosen.sort(key=lambda key: key != "name")
    return _listed([phrase(key, facts[key]) for key in chosen])


def _listed(parts: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(parts[:-1]), *parts[-1:])))
