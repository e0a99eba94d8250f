"""`import`: a character card (V1, V2 or V3; JSON, or in a PNG's text) becomes a persona file.

A card comes from strangers. Every size is bounded before anything is unpacked, only texts are taken
from it, and they are written by a TOML library. What it holds in addition is left out.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import tomlkit
from tomlkit.items import Table

from characters.agents.patterns import normalise
from characters.agents.persona import Persona
from engine.core.file_system import open_file, write_new

__all__ = ["import_card", "persona_toml", "read_card"]

MOST_BYTES = 64 << 20  # of a file: cards carry large pictures
MOST_CARD = 4 << 20  # of the text in it, unpacked
PNG = b"\x89PNG\r\n\x1a\n"
LINE, ABOUT, KNOWLEDGE = 600, 20_000, 1200  # characters; the first and last are the persona's
MOST_LINES, MOST_ENTRIES, MOST_KEYS = 40, 400, 12
_TEXTS = ("description", "personality", "scenario", "system_prompt", "post_history_instructions")
_TITLES = ("", "Personality", "Scenario", "Directions", "Always remember")
Card = Mapping[str, Any]


def import_card(source: Path, target: Path) -> tuple[str, ...]:
    """Write the persona of a card to a new file; return what there was no room for.

    Raises ValueError with a sentence, OSError.
    """
    card = read_card(source)
    write_new(target, persona_toml(card))
    return tuple(_left_out(card))


def read_card(path: Path) -> Card:
    """Return the fields of a card. Raises ValueError with a sentence, OSError."""
    with os.fdopen(open_file(path), "rb") as file:
        if os.fstat(file.fileno()).st_size > MOST_BYTES:
            raise ValueError(f"{path} is larger than {MOST_BYTES >> 20} MB: that is no card.")
        if file.read(len(PNG)) == PNG:
            raw = _in_png(file, path)
        else:
            file.seek(0)
            raw = _bounded(file.read(MOST_CARD + 1), path)
    try:
        card = json.loads(raw.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise ValueError(f"{path} holds no card: its text is no JSON.") from None
    data = card.get("data", card) if isinstance(card, dict) else None
    if not isinstance(data, dict) or not _name(data):
        raise ValueError(f"{path} holds no card: there is no character with a name in it.")
    return data


def _bounded(raw: bytes, path: Path) -> bytes:
    if len(raw) > MOST_CARD:
        raise ValueError(f"The card in {path} is larger than {MOST_CARD >> 20} MB.")
    return raw


# --- the text of a PNG ----------------------------------------------------------------------------


def _in_png(file: BinaryIO, path: Path) -> bytes:
    """Return the JSON of the card; that of V3 (ccv3) goes before that of V2 (chara)."""
    found: dict[bytes, bytes] = {}
    for kind, body in _text_chunks(file, path):
        keyword, _, rest = body.partition(b"\0")
        if keyword in (b"chara", b"ccv3") and keyword not in found:  # each is unpacked once
            found[keyword] = _unpacked(kind, rest, path)
    packed = found.get(b"ccv3", found.get(b"chara"))
    if packed is None:
        raise ValueError(f"{path} is a picture without a character in it.")
    try:
        return base64.b64decode(b"".join(packed.split()), validate=True)
    except binascii.Error:
        raise ValueError(f"The card in {path} is damaged: it is no base64.") from None


def _text_chunks(file: BinaryIO, path: Path) -> Iterator[tuple[bytes, bytes]]:
    """Yield the chunks that may hold a card; others are passed over, not read."""
    while len(head := file.read(8)) == 8:
        length, kind = int.from_bytes(head[:4], "big"), head[4:]
        if kind == b"IEND":
            return
        if kind not in (b"tEXt", b"zTXt", b"iTXt"):
            file.seek(length + 4, 1)
            continue
        body = file.read(min(length, 2 * MOST_CARD + 1))
        if len(_limited(body, path)) < length:
            raise ValueError(f"{path} is damaged: it ends in the middle of its text.")
        if zlib.crc32(kind + body) != int.from_bytes(file.read(4), "big"):
            raise ValueError(f"{path} is damaged: a part of its text is not what was written.")
        yield kind, body


def _limited(body: bytes, path: Path) -> bytes:
    if len(body) > 2 * MOST_CARD:  # base64 makes of three bytes four
        raise ValueError(f"A text in {path} is larger than {2 * MOST_CARD >> 20} MB.")
    return body


def _unpacked(kind: bytes, rest: bytes, path: Path) -> bytes:
    is_packed = False
    if kind == b"zTXt":
        is_packed, rest = True, rest[1:]
    elif kind == b"iTXt":
        is_packed, rest = rest[:1] == b"\1", rest[2:].split(b"\0", 2)[-1]
    if not is_packed:
        return rest
    unpacker = zlib.decompressobj()
    try:
        text = _limited(unpacker.decompress(rest, 2 * MOST_CARD + 1), path)
    except zlib.error:
        raise ValueError(f"The card in {path} is damaged: it cannot be unpacked.") from None
    if not unpacker.eof:
        raise ValueError(f"The card in {path} is damaged: it ends in the middle.")
    return text


# --- the persona ----------------------------------------------------------------------------------


def persona_toml(card: Card) -> str:
    """Return the persona file of a card's fields. Raises ValueError with a sentence."""
    name = _name(card)
    document = tomlkit.document()
    for comment in _comments(card):
        document.add(tomlkit.comment(comment))
    document["name"] = name
    document["about"] = _about(card, name)
    document["fallback"] = _array(["I do not know what to say to that.", "Tell me more about it."])
    document["greeting"] = {"first": _array(_greetings(card, name))}
    entries = tuple(_knowledge(card, name))
    topics = tomlkit.aot()
    for nth, (words, text) in enumerate(entries, 1):
        if words:
            lines = _array(islice(_parts(_unbraced(text), LINE), MOST_LINES))
            topics.append(_table(id=f"entry_{nth}", says=_array(words), lines=lines, in_order=True))
    if not len(topics):
        hello = _array([f"I am {name}."])
        topics.append(_table(id="who", says=_array(["who are you", "your name"]), lines=hello))
    document["topic"] = topics
    knowledge = tomlkit.aot()
    for words, text in entries:
        for part in _parts(text, KNOWLEDGE):
            knowledge.append(_table(text=part, about=_array(words)))
    if entries:
        document["knowledge"] = knowledge
    Persona.model_validate(document.unwrap())
    return tomlkit.dumps(document)


def _table(**values: object) -> Table:
    table = tomlkit.table()
    table.update(values)
    return table


def _array(lines: Iterable[str]) -> Any:
    array = tomlkit.array()
    array.extend(lines)
    return array.multiline(len(array) > 1)


def _name(card: Card) -> str:
    return " ".join(_unbraced(_text(card, "name")).split())[:60].strip()


def _unbraced(text: str) -> str:
    """Return a text that has no blanks to fill."""
    return re.sub(r"[{}]", "", text)


def _comments(card: Card) -> Iterator[str]:
    """Yield what the card's maker says about it, each on a line of its own."""
    yield "Made from a character card. The script knows its greetings and entries only: give it"
    yield "topics and a [memory], or a language model: python -m characters docs personas"
    tags = ", ".join(_texts(card.get("tags")))
    rows = {"By": _text(card, "creator"), "Version": _text(card, "character_version"), "Tags": tags}
    for title, text in rows.items():
        if text:
            yield f"{title}: {' '.join(text.split())[:200]}"
    for line in _text(card, "creator_notes")[:4000].splitlines():
        yield line.strip()


def _about(card: Card, name: str) -> str:
    return _about_whole(card, name)[:ABOUT]


def _about_whole(card: Card, name: str) -> str:
    parts = []
    for title, text in zip(_TITLES, (_text(card, field) for field in _TEXTS), strict=True):
        if text:
            parts.append(f"{title}: {text}" if title else text)
    if examples := _text(card, "mes_example"):
        examples = re.sub(r"<START>", "", examples, flags=re.IGNORECASE).strip()
        parts.append(f"{name} talks like this:\n{examples}")
    return _filled("\n\n".join(parts), name, "the player")


def _first_messages(card: Card) -> list[str]:
    return [_text(card, "first_mes"), *_texts(card.get("alternate_greetings"))]


def _greetings(card: Card, name: str) -> list[str]:
    lines = [_line(text, name) for text in _first_messages(card) if text.strip()]
    return list(dict.fromkeys(filter(None, lines)))[:MOST_LINES] or [f"Hello. I am {name}."]


def _knowledge(card: Card, name: str) -> Iterator[tuple[list[str], str]]:
    """Yield the entries of the card's book: what has to be said, and what is known then."""
    for entry in _entries(card)[:MOST_ENTRIES]:
        if not isinstance(entry, dict) or entry.get("enabled") is False:
            continue
        text = _filled(_text(entry, "content"), name, "the player").strip()
        keys = [] if entry.get("use_regex") is True else _texts(entry.get("keys"))
        words = dict.fromkeys(" ".join(re.findall(r"\w+", normalise(key))) for key in keys)
        if text:
            yield [word for word in words if 0 < len(word) <= 60][:MOST_KEYS], text


def _entries(card: Card) -> list[object]:
    book = card.get("character_book")
    entries = book.get("entries") if isinstance(book, dict) else None
    if isinstance(entries, dict):  # some programs number them so
        return list(entries.values())
    return entries if isinstance(entries, list) else []


def _left_out(card: Card) -> Iterator[str]:
    """Yield a sentence for each part of a card of which a persona takes less."""
    name, said = _name(card), _first_messages(card)
    others, entries = card.get("alternate_greetings"), len(_entries(card))
    greetings = 1 + len(others) if isinstance(others, list) else 1
    cut = sum(len(_spoken(text, name)) > LINE for text in said)
    if greetings > MOST_LINES:
        yield f"Of {greetings} greetings the first {MOST_LINES} at most were taken."
    if cut:
        yield f"Of {cut} greetings the first {LINE} characters were taken, in whole sentences."
    if entries > MOST_ENTRIES:
        yield f"Of {entries} entries of the book the first {MOST_ENTRIES} were taken."
    if len(_about_whole(card, name)) > ABOUT:
        yield f"Of the description and what belongs to it {ABOUT} characters were taken."


def _line(text: str, name: str) -> str:
    """Return what is said aloud: without stage directions, as long as a line may be."""
    return next(_parts(_spoken(text, name), LINE), "")


def _spoken(text: str, name: str) -> str:
    spoken = re.sub(r"\*[^*\n]{0,2000}\*", " ", text)
    return " ".join(_filled(_QUOTED.sub(r"\1", spoken), name, None).split())


# The blanks are those of one line: a run of empty lines would be walked again from each of them.
_QUOTED = re.compile(r"(?m)^[^\S\n]*[\"\u201c](.+)[\"\u201d][^\S\n]*$")
_END = re.compile(r"[.!?\u2026](?=\s)")
_BLANKS = re.compile(r"\s*")


def _parts(text: str, most: int) -> Iterator[str]:
    """Yield a text in pieces, each of whole sentences as far as they fit."""
    text, begin = text.strip(), 0
    while len(text) - begin > most:
        ends = [found.end() for found in _END.finditer(text, begin, begin + most)]
        end = ends[-1] if ends else text.rfind(" ", begin + 1, begin + most)
        end = end if end > begin else begin + most
        yield text[begin:end].strip()
        after = _BLANKS.match(text, end)
        assert after is not None  # of no blanks, too
        begin = after.end()
    if begin < len(text):
        yield text[begin:]


_USER = re.compile(r"\{\{\s*user\s*\}\}|<USER>", re.IGNORECASE)
_CHAR = re.compile(r"\{\{\s*char\s*\}\}|<(?:BOT|CHAR)>", re.IGNORECASE)
_NOTES = re.compile(r"\{\{\s*//[^{}]{0,2000}\}\}|\{\{[^{}]{0,2000}\}\}")


def _filled(text: str, name: str, player: str | None) -> str:
    """Return a text without macros. `player` None: a line, in which {name|friend} is the player."""
    text = _USER.sub("\0", _CHAR.sub(lambda _: name, text))
    text = _NOTES.sub("", text)
    if player is None:
        text, player = _unbraced(text), "{name|friend}"
    return text.replace("\0", player)


def _text(card: Card, field: str) -> str:
    value = card.get(field)
    return _clean(value) if isinstance(value, str) else ""


def _texts(values: object) -> list[str]:
    found = values if isinstance(values, list) else []
    return [_clean(value) for value in found[:MOST_ENTRIES] if isinstance(value, str)]


def _clean(text: str) -> str:
    """Return a text without control characters and halves of surrogates; lines end in "\\n"."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]", " ", text)
    return text.encode("utf-8", "ignore").decode("utf-8")
