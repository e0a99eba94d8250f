from __future__ import annotations

from characters.core.messages import (
    BotEmotion,
    BotLlmStarted,
    BotLlmStopped,
    BotLlmText,
    BotTurnCompleted,
    FinalUserTranscription,
    VadSttStopped,
)
from characters.core.turn import Local, TurnEvent
from characters.core.turn_stages import TurnStages


def told(*events: tuple[float, TurnEvent]) -> list[tuple[str, float]]:
    stages = TurnStages()
    for now, event in events:
        stages = stages.after(event, now)
    return [(name, round(seconds, 3)) for name, seconds in stages.reached]


ANSWER: tuple[tuple[float, TurnEvent], ...] = (
    (10.4, BotLlmStarted()),
    (10.5, BotLlmText("Good ")),
    (10.6, BotLlmText("day.")),
    (10.7, Local.AUDIO_QUEUED),
    (10.8, BotLlmStopped()),
    (12.0, BotTurnCompleted()),
)


def test_each_stage_counts_from_the_end_of_what_was_typed() -> None:
    assert told((10.0, Local.TEXT_SENT), *ANSWER) == [
        ("answer begun", 0.4),
        ("first word", 0.5),
        ("first sound", 0.7),
        ("last word", 0.8),
        ("over", 2.0),
    ]


def test_of_what_was_said_the_understanding_is_a_stage_too() -> None:
    spoken = ((10.0, VadSttStopped()), (10.3, FinalUserTranscription("Hello")))
    assert told(*spoken, ANSWER[0]) == [("understood", 0.3), ("answer begun", 0.4)]


def test_an_answer_that_nobody_asked_for_counts_from_its_own_beginning() -> None:
    assert told(*ANSWER[:2])[0] == ("answer begun", 0.0)
    again = (*ANSWER, (20.0, BotLlmStarted()), (20.2, BotLlmText("And")))
    assert told((10.0, Local.TEXT_SENT), *again) == [("answer begun", 0.0), ("first word", 0.2)]


def test_a_new_question_begins_anew() -> None:
    assert told((10.0, Local.TEXT_SENT), *ANSWER, (30.0, Local.TEXT_SENT)) == []


def test_what_is_no_stage_changes_nothing_and_what_comes_after_the_end_neither() -> None:
    stages = TurnStages(began_at=1.0)
    assert stages.after(BotEmotion("joy"), 2.0) is stages
    silent = (*ANSWER[:3], *ANSWER[4:], (13.0, Local.AUDIO_QUEUED))
    assert told((10.0, Local.TEXT_SENT), *silent)[-1] == ("over", 2.0)
