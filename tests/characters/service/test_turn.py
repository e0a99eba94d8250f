from __future__ import annotations

from characters.service.dialogue.mind import Arrived, PlayerSaid, Say
from characters.service.effects import Keep, Owe
from characters.service.pace import Pace
from characters.service.turn import Line, Retell, Turn, Wish

PACE = Pace(words_per_second=10.0, think_seconds=0.0)
LINES = (Line("I am", "m1", is_kept=True), Line("Ada."), Line("Hello?", "m2"))


def turn(wish: Wish) -> Turn:
    return Turn(1, wish, PACE, 0.0, voice=False)


def test_lines_are_kept_once_and_owed_by_their_ids() -> None:
    it = turn(Wish(PlayerSaid("I am Ada. Hello?"), LINES))
    it.part(Say("Good day."), 0.0)
    assert it.told() == [
        Keep("player", "Ada."),
        Keep("player", "Hello?", "m2"),
        Owe(("m1", "m2"), (Say("Good day."),)),
    ]
    assert it.told() == []


def test_what_has_no_id_is_owed_no_answer() -> None:
    assert turn(Wish(PlayerSaid("Hi"), (Line("Hi"),))).told() == [Keep("player", "Hi")]


def test_a_greeting_and_an_answer_told_again_are_given_out_whole() -> None:
    wishes = (Wish(Arrived()), Wish(Retell(())), Wish(PlayerSaid("Hi")))
    assert [turn(wish).is_given_whole for wish in wishes] == [True, True, False]


def test_a_turn_is_over_when_thought_and_words_are_out() -> None:
    it = turn(Wish(PlayerSaid("Hi")))
    it.part(Say("Good day."), 0.0)
    it.thought_out()
    assert (it.is_over, it.next_at) == (False, 0.1)
    it.let_out(0.1)
    assert (it.is_over, it.next_at) == (True, None)
