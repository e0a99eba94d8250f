from __future__ import annotations

from characters.core.transcript import Turn
from characters.overlay.captions import Caption, captions, reading_seconds
from characters.overlay.model import Actor
from tests.characters.overlay.helpers import NOW, actor, model


def says(name: str, *turns: Turn, is_speaking: bool = False) -> Actor:
    return actor(name, transcript=turns, is_speaking=is_speaking)


def shown(*actors: Actor) -> list[str]:
    return [caption.text for caption in captions(model(*actors))]


def test_a_caption_names_its_speaker() -> None:
    found = captions(model(says("Ada", Turn("character", "Hello", NOW - 1))))
    assert found == (Caption("ada", "Ada", "Hello"),)


def test_the_players_line_says_to_whom() -> None:
    (found,) = captions(model(says("Ada", Turn("player", "Hello", NOW)), player_name="Visitor"))
    assert (found.speaker, found.is_player) == ("Visitor to Ada", True)


def test_a_caption_stays_as_long_as_reading_takes() -> None:
    text = "word " * 20
    until = reading_seconds(text.strip())
    assert shown(says("Ada", Turn("character", text.strip(), NOW - until + 0.1)))
    assert not shown(says("Ada", Turn("character", text.strip(), NOW - until - 0.1)))


def test_what_is_still_being_said_stays_however_long_it_takes() -> None:
    assert shown(says("Ada", Turn("character", "Well", NOW - 60, final=False))) == ["Well"]
    assert shown(says("Ada", Turn("character", "Well.", NOW - 60), is_speaking=True)) == ["Well."]


def test_who_speaks_now_is_not_pushed_out_by_those_who_are_done() -> None:
    speaks = says("Ada", Turn("character", "Long ago", NOW - 9, final=False))
    done = [says(n, Turn("character", n, NOW - 1)) for n in ("Bob", "Cyd", "Dan")]
    assert "Long ago" in shown(speaks, *done)


def test_captions_stand_in_the_order_of_the_talk() -> None:
    talk = (Turn("player", "Hi", NOW - 2), Turn("character", "Oh, hi", NOW - 1, final=False))
    assert shown(says("Ada", *talk)) == ["Hi", "Oh, hi"]


def test_an_interrupted_line_is_marked() -> None:
    turn = Turn("character", "I was about to", NOW - 1, interrupted=True)
    assert captions(model(says("Ada", turn)))[0].is_cut


def test_a_turn_without_words_has_no_caption() -> None:
    assert not shown(says("Ada", Turn("character", "  ", NOW, final=False)))


def test_what_somebody_said_before_gives_way_to_the_players_line() -> None:
    ada = says(
        "Ada",
        Turn("character", "Good day", NOW - 3, interrupted=True),
        Turn("player", "My name is Bob", NOW - 2),
        Turn("character", "Hello Bob", NOW - 1, final=False),
        is_speaking=True,
    )
    assert shown(ada) == ["My name is Bob", "Hello Bob"]
