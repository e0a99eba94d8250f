from __future__ import annotations

import base64
import json
import os
import random
import re
import struct
import time
import tomllib
import zlib
from pathlib import Path
from typing import Any

import pytest

from characters.agents.persona import PersonaFiles
from characters.cli import main
from characters.commands.cards import MOST_BYTES, import_card, persona_toml, read_card

SERA = {
    "name": "Sera",
    "description": "{{char}} keeps the lighthouse. She distrusts {{user}}.",
    "personality": "dry",
    "scenario": "A storm.",
    "first_mes": '*She looks up.* "Mind the step, <USER>."\n"It is wet."',
    "alternate_greetings": ["You again, {{user}}?", 7, ""],
    "mes_example": "<START>\n{{user}}: Hi\n{{char}}: No.",
    "system_prompt": "Be brief.",
    "creator_notes": "For storms.\nsecond line = [[not toml]]",
    "creator": "A. Maker",
    "tags": ["sea", "storm"],
    "extensions": {"depth_prompt": {"prompt": "NEVER READ"}},
    "character_book": {
        "entries": [
            {"keys": ["Lamp", "the (great) light*"], "content": "The lamp has 9 lenses."},
            {"keys": [], "content": "It always rains."},
            {"keys": ["gone"], "content": "off", "enabled": False},
            {"keys": ["/a+/i"], "content": "By a rule.", "use_regex": True},
        ]
    },
}


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(*chunks: bytes) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks) + chunk(b"IEND", b"")


def packed(card: object) -> bytes:
    return base64.b64encode(json.dumps(card).encode())


def v2(**fields: object) -> dict[str, object]:
    return {"spec": "chara_card_v2", "spec_version": "2.0", "data": SERA | fields}


TEXT = chunk(b"tEXt", b"chara\0" + packed(v2()))
FORMS = {
    "v1.json": json.dumps(SERA).encode(),
    "v2.json": json.dumps(v2()).encode(),
    "bom.json": b"\xef\xbb\xbf" + json.dumps(v2()).encode(),
    "text.png": png(chunk(b"IDAT", b"\0" * 5000), TEXT),
    "ztext.png": png(chunk(b"zTXt", b"chara\0\0" + zlib.compress(packed(v2())))),
    "itext.png": png(chunk(b"iTXt", b"ccv3\0\0\0en\0\0" + packed(v2()))),
    "packed.png": png(chunk(b"iTXt", b"ccv3\0\1\0\0\0" + zlib.compress(packed(v2())))),
    "both.png": png(
        chunk(b"tEXt", b"chara\0" + packed(v2(name="Old"))),
        chunk(b"tEXt", b"ccv3\0" + packed(v2())),
    ),
}


def written(folder: Path, name: str, raw: bytes) -> Path:
    path = folder / name
    path.write_bytes(raw)
    return path


@pytest.mark.parametrize("name", FORMS)
def test_a_card_of_every_form_becomes_the_same_persona(name: str, tmp_path: Path) -> None:
    card = written(tmp_path, name, FORMS[name])
    target = tmp_path / "sera.toml"
    assert main(["import", str(card), "-o", str(target)]) == 0
    persona = PersonaFiles().read(target)
    assert persona.name == "Sera"
    assert persona.about.startswith("Sera keeps the lighthouse. She distrusts the player.")
    for part in ("Personality: dry", "Scenario: A storm.", "Directions: Be brief.", "Sera: No."):
        assert part in persona.about
    assert persona.greeting.first == (
        "Mind the step, {name|friend}. It is wet.",
        "You again, {name|friend}?",
    )
    texts = [entry.text for entry in persona.knowledge]
    assert texts == ["The lamp has 9 lenses.", "It always rains.", "By a rule."]
    assert persona.knowledge[0].about == ("lamp", "the great light")
    assert [topic.lines for topic in persona.topic] == [("The lamp has 9 lenses.",)]
    source = target.read_text("utf-8")
    for comment in ("# By: A. Maker", "# Tags: sea, storm", "# For storms.", "# second line = [["):
        assert comment in source
    assert "NEVER READ" not in source


def test_the_result_has_nothing_to_complain_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "personas"
    folder.mkdir()
    import_card(written(tmp_path, "a.json", FORMS["v2.json"]), folder / "sera.toml")
    assert main(["lint", str(folder / "sera.toml")]) == 0, capsys.readouterr()


def test_a_file_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    card = written(tmp_path, "a.json", FORMS["v2.json"])
    import_card(card, tmp_path / "a.toml")
    with pytest.raises(FileExistsError):
        import_card(card, tmp_path / "a.toml")


HOSTILE = {
    "empty": b"",
    "no_json": b"hello",
    "deep.json": b"[" * 100_000,
    "deep_data.json": b'{"data":' * 50_000,
    "a_list.json": b"[1]",
    "no_name.json": b'{"data": {"name": "  "}}',
    "name_of_a_number.json": b'{"name": 7}',
    "large.json": b'{"name": "' + b"x" * (5 << 20) + b'"}',
    "truncated.png": png(TEXT)[:60],
    "bad_crc.png": png(TEXT[:-1] + bytes([TEXT[-1] ^ 1])),
    "long_chunk.png": png()[:8] + struct.pack(">I", 0xFFFFFFFF) + b"tEXt" + b"chara\0abc",
    "no_card.png": png(chunk(b"tEXt", b"Comment\0hello")),
    "bad_base64.png": png(chunk(b"tEXt", b"chara\0{{{{")),
    "bad_json.png": png(chunk(b"tEXt", b"chara\0" + base64.b64encode(b"{]"))),
    "packed_half.png": png(chunk(b"zTXt", b"chara\0\0" + zlib.compress(packed(v2()))[:-60])),
    "not_packed.png": png(chunk(b"zTXt", b"chara\0\0nothing that was packed")),
    "bomb.png": png(chunk(b"zTXt", b"chara\0\0" + zlib.compress(b"A" * (200 << 20), 9))),
    "itext_bomb.png": png(chunk(b"iTXt", b"ccv3\0\1\0\0\0" + zlib.compress(b"A" * (90 << 20)))),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_card_is_one_sentence(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    card = written(tmp_path, name, HOSTILE[name])
    assert main(["import", str(card), "-o", str(tmp_path / "out.toml")]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "card" in said or "damaged" in said or "larger" in said or "character" in said
    assert not (tmp_path / "out.toml").exists()


@pytest.mark.posix("Windows has no pipes in folders")
def test_a_pipe_in_the_place_of_a_card_is_told_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.mkfifo(tmp_path / "card.png")
    target = tmp_path / "out.toml"
    assert main(["import", str(tmp_path / "card.png"), "-o", str(target)]) == 1
    assert "card.png is a pipe" in capsys.readouterr().err


def test_a_file_that_is_too_large_is_not_even_opened(tmp_path: Path) -> None:
    path = tmp_path / "huge.png"
    with path.open("wb") as file:
        file.truncate(MOST_BYTES + 1)
    with pytest.raises(ValueError, match="larger than 64 MB"):
        read_card(path)


NASTY = [
    '"""\nname = "Eve"\n[model]\nurl = "http://evil.example"',
    "'''\n[[event]]",
    "\x00\x1b[31m\u202ered\x7f",
    "{nmae} {{user}} {{random::a,b}} {lead} {",
    "{{{{user}}}}",
    "\ud83d half",
    "\\u0000 \\",
    "# = ] [",
    "*" * 3000,
    "x" * 50_000,
    "line\r\nline\u2028line\x85line",
    "",
]


@pytest.mark.parametrize("nasty", NASTY)
def test_whatever_stands_in_a_field_stays_a_text(nasty: str, tmp_path: Path) -> None:
    fields: dict[str, Any] = {name: nasty for name, value in SERA.items() if isinstance(value, str)}
    fields |= {"name": "Sera " + nasty, "tags": [nasty], "alternate_greetings": [nasty] * 50}
    entry = {"keys": [nasty, "a"], "content": nasty + "."}
    text = persona_toml(fields | {"character_book": {"entries": [entry] * 3}})
    (tmp_path / "personas").mkdir()
    file = written(tmp_path / "personas", "p.toml", text.encode())
    PersonaFiles().read(file)
    assert set(tomllib.loads(text)) <= {
        "name", "about", "fallback", "greeting", "topic", "knowledge"
    }  # fmt: skip
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202e]", text)
    lines = tomllib.loads(text)["greeting"]["first"]
    assert all("{" not in line.replace("{name|friend}", "") for line in lines)
    assert main(["lint", str(file)]) == 0


def test_fields_of_any_kind_do_no_harm() -> None:
    chance = random.Random(4)
    kinds: list[Any] = [None, 7, True, [], {}, [[]], {"entries": 3}, {"entries": [3, {}]}, "x"]
    for _ in range(300):
        card = {name: chance.choice(kinds) for name in SERA} | {"name": "Sera"}
        assert tomllib.loads(persona_toml(card))["name"] == "Sera"


LONG = {
    "empty lines": "a" + "\n" * 40_000 + "b",
    "lines of blanks": "a" + "\n \t" * 20_000 + "b",
    "open quotes": '"a ' * 100_000,
    "one sentence after the other": "It rains. " * 100_000,
    "no sentence": "x" * 1_000_000,
}


@pytest.mark.parametrize("name", LONG)
def test_a_long_text_takes_time_in_proportion(name: str) -> None:
    """Four times the text takes about four times as long; sixteen would be its square."""
    short, long = (LONG[name][: len(LONG[name]) // part] for part in (4, 1))
    # Whatever else the machine does, it does not do so three times.
    assert any(_seconds(long) < 10 * _seconds(short) + 0.2 for _ in range(3))


def _seconds(text: str) -> float:
    entries = [{"keys": ["a"], "content": text}]
    began = time.process_time()
    persona_toml({"name": "Sera", "first_mes": text, "character_book": {"entries": entries}})
    return time.process_time() - began


def test_of_many_packed_cards_in_a_picture_one_is_unpacked(tmp_path: Path) -> None:
    good = chunk(b"zTXt", b"chara\0\0" + zlib.compress(packed(v2())))
    wrong = chunk(b"zTXt", b"chara\0\0nothing that was packed")
    assert read_card(written(tmp_path, "a.png", png(good, wrong, wrong)))["name"] == "Sera"


def test_what_a_persona_has_no_room_for_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    entries = [{"keys": [], "content": f"Fact {number}."} for number in range(401)]
    card = v2(
        description="It rains. " * 2100,
        first_mes="Mind the step. " * 50,
        alternate_greetings=[f"Hello {number}." for number in range(40)],
        character_book={"entries": entries},
    )
    path = written(tmp_path, "a.json", json.dumps(card).encode())
    assert main(["import", str(path), "-o", str(tmp_path / "a.toml")]) == 0
    said = capsys.readouterr().err
    for part in ("Of 41 greetings", "Of 1 greetings", "Of 401 entries", "20000 characters"):
        assert part in said
    assert import_card(written(tmp_path, "b.json", FORMS["v2.json"]), tmp_path / "b.toml") == ()


def test_entries_of_a_book_may_be_numbered() -> None:
    book = {"entries": {"0": {"keys": ["lamp"], "content": "It has nine lenses."}}}
    assert "nine lenses" in persona_toml(SERA | {"character_book": book})
