from __future__ import annotations

import pytest

from engine.core.input import Input
from engine.core.words import ScreenText, Words

ENGLISH = Words.of(
    {"door": {"closed": "The door to {level} is closed: {why}", "stuck": "it is stuck"}}
)
GERMAN = Words.of({"door": {"closed": "{why} - Tür nach {level} zu", "stuck": "sie klemmt"}})


def test_a_key_is_the_tables_name_a_dot_and_its_own() -> None:
    assert ENGLISH("door.stuck") == "it is stuck"


def test_placeholders_are_filled_in_the_order_of_the_language() -> None:
    assert GERMAN("door.closed", level="Inn", why="klemmt") == "klemmt - Tür nach Inn zu"


def test_a_sentence_is_said_again_in_another_language_and_the_sentences_in_it() -> None:
    told = ENGLISH("door.closed", level="Inn", why=ENGLISH("door.stuck"))
    assert told == "The door to Inn is closed: it is stuck"
    assert GERMAN.translate(told) == "sie klemmt - Tür nach Inn zu"


def test_what_no_table_has_said_stays_as_it_is() -> None:
    unknown = ScreenText.of("Good night.", "night.good", {})
    assert [GERMAN.translate(text) for text in ("Good night.", unknown)] == ["Good night."] * 2


def test_what_a_language_lacks_is_said_in_the_other() -> None:
    partly = Words.of({"door": {"stuck": "sie klemmt"}}).over(ENGLISH)
    assert partly("door.stuck") == "sie klemmt"
    assert partly("door.closed", level="Inn", why="-") == "The door to Inn is closed: -"


def test_a_key_that_is_in_no_table_is_a_mistake_of_the_program() -> None:
    with pytest.raises(KeyError):
        ENGLISH("door.open")


def test_a_text_without_placeholders_is_made_once_and_knows_no_values() -> None:
    say = Words.of({"door": {"shut": "Shut.", "locked": "Locked by {who}."}})
    assert say("door.shut", who="Ada").values == {"who": "Ada"}
    assert say("door.shut").values == {}
    assert say("door.shut") is say("door.shut")
    assert [say("door.locked", who=who) for who in "AB"] == ["Locked by A.", "Locked by B."]
    assert Words.of({"door": {"shut": "Zu."}}).over(say)("door.shut") == "Zu."


def test_a_text_names_what_is_on_the_key_of_an_action() -> None:
    source = Input({"talk": ("pad 0", "t"), "send": ("return",), "jump": ("pad 2",)})
    told = Words.of(
        {
            "key": {"return": "Enter"},
            "hint": {"keys": "{keys[talk]} {keys[send]} {keys[jump]} {keys[hide]} {keys[u]}"},
        }
    )
    hints = told.with_keys(source, {"hide": ("f9",)})
    assert hints("hint.keys") == "T Enter Pad 2 F9 U"
    source.key_labels = {"t": "Ц", "u": "Г"}
    assert hints("hint.keys") == "Ц Enter Pad 2 F9 Г"
    source.bindings["talk"] = ("space",)
    assert hints("hint.keys").startswith("Space")


def test_a_sentence_of_another_process_is_said_in_the_language_here() -> None:
    told = ENGLISH("door.closed", level="Inn", why="rust")
    came = ScreenText.from_data(str(told), ScreenText.as_data(told))
    assert (came, GERMAN.translate(came)) == (told, "rust - Tür nach Inn zu")


@pytest.mark.parametrize("data", [None, 3, {"key": 3}, {"key": "door.closed", "values": {"x": 1}}])
def test_what_came_without_a_key_that_is_known_stays_as_it_is(data: object) -> None:
    assert GERMAN.translate(ScreenText.from_data("Good night.", data)) == "Good night."
    assert ScreenText.as_data("Good night.") is None
