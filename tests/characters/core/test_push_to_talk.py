from __future__ import annotations

import pytest

from characters.core.push_to_talk import PushToTalk, TalkCommand, TalkEvent, TalkPhase
from characters.core.turn_settings import PushToTalkOptions, Startup

E = TalkEvent
FORCE = (TalkCommand.FORCE_USER_STOPPED_SPEAKING,)


def play(
    talk: PushToTalk, *script: tuple[TalkEvent, float]
) -> tuple[PushToTalk, list[TalkCommand]]:
    orders: list[TalkCommand] = []
    for event, now in script:
        talk, commands = talk.advance(event, now)
        orders += commands
    return talk, orders


def test_the_defaults_are_convais() -> None:
    assert PushToTalkOptions() == PushToTalkOptions(
        1000, True, True, 5000, True, Startup.OPEN_ON_FIRST_PRESS, False
    )


def test_it_is_open_while_held_and_through_the_tail() -> None:
    held, _ = play(PushToTalk(), (E.PRESSED, 0.0))
    tail, _ = play(held, (E.RELEASED, 1.0), (E.TICK, 1.99))
    assert held.is_open and tail.is_open and tail.phase is TalkPhase.TAIL


def test_words_within_the_tail_need_no_force() -> None:
    talk, orders = play(
        PushToTalk(), (E.PRESSED, 0.0), (E.RELEASED, 1.0), (E.TRANSCRIBED, 1.5), (E.TICK, 3.0)
    )
    assert talk.phase is TalkPhase.ANSWERING and not talk.is_open
    assert TalkCommand.FORCE_USER_STOPPED_SPEAKING not in orders


def test_without_words_the_turn_is_forced_and_gets_one_more_window() -> None:
    talk, _ = play(PushToTalk(), (E.PRESSED, 0.0), (E.RELEASED, 1.0))
    forced, commands = talk.advance(E.TICK, 2.0)
    assert commands == FORCE and not forced.is_open
    assert forced.advance(E.TICK, 2.99)[0].phase is TalkPhase.FORCED
    assert forced.advance(E.TICK, 3.0)[0].phase is TalkPhase.CLOSED
    assert forced.advance(E.TRANSCRIBED, 2.5)[0].phase is TalkPhase.ANSWERING


@pytest.mark.parametrize("waits", [1.5, 2.5])
def test_an_answer_that_begins_before_the_words_are_known_ends_the_turn(waits: float) -> None:
    talk, _ = play(PushToTalk(), (E.PRESSED, 0.0), (E.RELEASED, 1.0), (E.TICK, waits))
    assert talk.phase is not TalkPhase.CLOSED
    assert talk.advance(E.ANSWERED, waits)[0].phase is TalkPhase.CLOSED


def test_a_tail_of_zero_closes_at_once() -> None:
    talk, orders = play(
        PushToTalk(PushToTalkOptions(release_tail_ms=0)), (E.PRESSED, 0.0), (E.RELEASED, 1.0)
    )
    assert not talk.is_open and orders[-1:] == [TalkCommand.FORCE_USER_STOPPED_SPEAKING]
    assert talk.advance(E.TICK, 1.9)[0].phase is TalkPhase.FORCED  # words may still come
    assert talk.advance(E.TICK, 2.0)[0].phase is TalkPhase.CLOSED


def test_a_press_within_the_tail_goes_on_with_the_same_turn() -> None:
    talk, orders = play(
        PushToTalk(), (E.PRESSED, 0.0), (E.RELEASED, 1.0), (E.PRESSED, 1.5), (E.TICK, 5.0)
    )
    assert talk.phase is TalkPhase.HELD
    assert orders == [TalkCommand.INTERRUPT_BOT]


def test_another_use_of_the_key_lets_go_of_one_that_is_down() -> None:
    held, _ = play(PushToTalk(), (E.PRESSED, 0.0))
    assert held.under(PushToTalkOptions(release_tail_ms=500)).is_open
    assert not held.under(PushToTalkOptions(toggle=True)).is_open
    tail, _ = play(held, (E.RELEASED, 1.0))
    assert tail.under(PushToTalkOptions(toggle=True)).phase is TalkPhase.TAIL


def test_the_next_press_waits_for_the_turn_before() -> None:
    script = [(E.PRESSED, 0.0), (E.RELEASED, 1.0), (E.TRANSCRIBED, 1.2), (E.PRESSED, 2.0)]
    refused, _ = play(PushToTalk(), *script)
    assert refused.phase is TalkPhase.ANSWERING
    taken, _ = play(refused, (E.ANSWERED, 2.5), (E.PRESSED, 2.6))
    assert taken.is_open


def test_an_answer_that_never_comes_frees_the_key_after_its_timeout() -> None:
    waiting, _ = play(PushToTalk(), (E.PRESSED, 0.0), (E.RELEASED, 1.0), (E.TRANSCRIBED, 1.2))
    assert waiting.advance(E.TICK, 6.1)[0].phase is TalkPhase.ANSWERING
    assert waiting.advance(E.TICK, 6.2)[0].phase is TalkPhase.CLOSED


def test_without_the_requirement_a_press_is_always_taken() -> None:
    options = PushToTalkOptions(require_turn_completion_before_next_press=False)
    talk, _ = play(
        PushToTalk(options),
        (E.PRESSED, 0.0),
        (E.RELEASED, 1.0),
        (E.TRANSCRIBED, 1.2),
        (E.PRESSED, 1.3),
    )
    assert talk.is_open


def test_a_press_interrupts_only_where_that_is_wanted() -> None:
    assert PushToTalk().advance(E.PRESSED, 0.0)[1] == (TalkCommand.INTERRUPT_BOT,)
    quiet = PushToTalk(PushToTalkOptions(interrupt_bot_on_press=False))
    assert quiet.advance(E.PRESSED, 0.0)[1] == ()


@pytest.mark.parametrize("event", [E.RELEASED, E.TRANSCRIBED, E.ANSWERED, E.TICK])
def test_what_cannot_happen_while_closed_changes_nothing(event: TalkEvent) -> None:
    talk = PushToTalk()
    assert talk.advance(event, 1.0) == (talk, ())


def test_options_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="release_tail_ms"):
        PushToTalkOptions(release_tail_ms=5001)
    with pytest.raises(ValueError, match="startup"):
        PushToTalkOptions(startup="whenever")  # type: ignore[arg-type]  # as from a game untyped


def test_one_that_does_not_start_muted_is_open_until_the_key_is_let_go() -> None:
    talk = PushToTalk.begin(PushToTalkOptions(start_muted=False))
    assert talk.is_open and not PushToTalk.begin(PushToTalkOptions()).is_open
    released, _ = talk.advance(E.RELEASED, 1.0)
    assert not released.advance(E.TICK, 2.0)[0].is_open
