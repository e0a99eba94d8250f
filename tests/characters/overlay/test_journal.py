from __future__ import annotations

from characters.core.messages import BotLlmText, BotReady
from characters.overlay.journal import Journal, line
from engine.signal import Signal
from tests.characters.overlay.helpers import timeline


def test_the_journal_keeps_sizes_and_no_words() -> None:
    assert line(BotLlmText(text="secret words")) == "bot-llm-text, 12 letters"


def test_changes_of_state_stand_in_the_timeline_not_here() -> None:
    assert line(timeline()[0]) is None


def test_each_character_has_lines_of_its_own() -> None:
    journal, ada, bob = Journal(), Signal[object](), Signal[object]()
    journal.follow("ada", ada)
    journal.follow("bob", bob)
    ada.emit(BotReady())
    assert (journal.lines("ada"), journal.lines("bob")) == (("bot-ready",), ())


def test_following_twice_writes_once() -> None:
    journal, events = Journal(), Signal[object]()
    journal.follow("ada", events)
    journal.follow("ada", events)
    events.emit(BotReady())
    assert journal.lines("ada") == ("bot-ready",)


def test_another_signal_under_the_key_takes_the_place_of_the_first() -> None:
    journal, old, new = Journal(), Signal[object](), Signal[object]()
    journal.follow("ada", old)
    journal.follow("ada", new)
    old.emit(BotReady())
    assert journal.lines("ada") == ()


def test_only_the_last_lines_are_kept() -> None:
    journal, events = Journal(), Signal[object]()
    journal.follow("ada", events)
    for number in range(50):
        events.emit(BotLlmText(text="a" * number))
    assert len(journal.lines("ada")) == 12


def test_what_comes_again_and_again_is_counted() -> None:
    journal, events = Journal(), Signal[object]()
    journal.follow("ada", events)
    for _ in range(50):
        events.emit(BotReady())
    assert journal.lines("ada") == ("bot-ready, 50 times",)


def test_a_closed_journal_hears_nothing() -> None:
    heard, events = list[str](), Signal[object]()
    journal = Journal(lambda key, event: heard.append(key))
    journal.follow("ada", events)
    events.emit(BotReady())
    journal.close()
    events.emit(BotReady())
    assert heard == ["ada"]
