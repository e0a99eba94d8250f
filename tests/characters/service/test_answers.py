from __future__ import annotations

from characters.core.messages import Action
from characters.service.answers import read_answer, written_answer
from characters.service.dialogue.mind import Do, Feel, Say


def test_an_answer_is_read_as_it_was_written() -> None:
    parts = (
        Feel("joy", 2),
        Do((Action("Wave"), Action("Point", "door"))),
        Say("Good day, Ad\u00e9."),
    )
    assert read_answer(written_answer(parts)) == parts
