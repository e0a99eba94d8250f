"""Which topic a line fits: an exam that begins, two questions at once, one thing that is named."""

from __future__ import annotations

import pytest

from tests.characters.agents.acting import Actor, persona_of


def met(character_id: str, seed: int = 3) -> Actor:
    actor = Actor(persona_of(character_id), seed=seed)
    actor.greet()
    return actor


@pytest.mark.parametrize(
    "line",
    [
        "let's start", "I'm ready", "go ahead", "shall we", "shall we start?", "ready when you are",
        "can we start now please", "bring it on", "fire away", "ask me the first question",
        "I want to take the test", "I'm here for the exam", "yes", "ok I'm ready now", "ready",
        "lets get going", "you may begin", "I would like to begin the exam", "hit me", "go",
        "let's get this over with", "sure, go ahead", "alright then", "where do we start", "begn",
        "I'm all set", "go for it", "test me", "ok shoot", "start please",
    ],
)  # fmt: skip
def test_an_exam_begins_however_one_says_that_it_may(line: str) -> None:
    examiner = met("examiner-5d2e")
    examiner.say("I am Ada")
    assert "Question one" in examiner.say(line)


@pytest.mark.parametrize("line", ["again", "let's try again", "shall we?", "I'm ready", "go ahead"])
def test_a_failed_exam_begins_anew_as_freely(line: str) -> None:
    examiner = met("examiner-5d2e")
    examiner.say("begin")
    for _ in range(5):
        examiner.say("a spoon")
    assert examiner.answer("did I pass?")[0] == "failed"
    assert "Question one" in examiner.say(line)


def test_the_answer_to_an_open_question_may_be_misspelt() -> None:
    examiner = met("examiner-5d2e")
    examiner.say("begin")
    examiner.say("I wash my hands")
    assert examiner.answer("the patient is allergic to penicilin")[0] == "allergy_right"
    examiner.say("continue")
    assert examiner.answer("scurvey")[0] == "scurvy_right"


def test_both_questions_of_one_line_are_answered_in_their_order() -> None:
    said = met("kiosk-90ab").say("what's the wifi? and where's the toilet?")
    assert "tenpastfour" in said
    assert "Nurse Okafor" in said
    assert said.index("tenpastfour") < said.index("Nurse Okafor")
    nurse = met("nurse-21c4")
    nurse.say("My sister Ada lives in York")
    said = nurse.say("where does my sister live? and who is Bram?")
    assert "in York" in said
    assert "boiler" in said


def test_of_two_questions_the_one_that_has_an_answer_is_answered() -> None:
    assert met("porter-3e8f").answer("what does the moon weigh? is the cat here?")[0] == (
        "cat_missing"
    )


def test_an_open_question_is_not_left_for_two_others() -> None:
    examiner = met("examiner-5d2e")
    examiner.say("begin")
    assert examiner.say("what was the question? and who is Bram?").count("Question one") == 1


@pytest.mark.parametrize(
    ("character", "line", "word"),
    [
        ("porter-3e8f", "who is Brunhilde?", "Brunhilde"),
        ("patient-7f3a", "and the gull?", "gull"),
        ("kiosk-90ab", "what's improvement", "improvement"),
    ],
)
def test_one_thing_that_is_asked_about_is_told_of_where_a_line_speaks_of_it(
    character: str, line: str, word: str
) -> None:
    assert word in met(character).say(line)


def test_what_is_spoken_of_in_passing_moves_no_story() -> None:
    porter = met("porter-3e8f")
    before = porter.agent.memory()
    porter.say("who is Brunhilde?")
    after = porter.agent.memory()
    assert (after["flags"], after["counters"]) == (before["flags"], before["counters"])


def test_why_is_answered_by_the_reason_of_what_was_told_of() -> None:
    porter = met("porter-3e8f")
    porter.say("where is Dr. Varga?")
    assert "through the wheels" in porter.say("why did she fail you?")
    assert "through the wheels" not in porter.say("why did Dr. Varga fail you?")


def test_who_is_only_called_by_name_is_there() -> None:
    assert met("examiner-5d2e").answer("Dr. Varga?")[0] == "are_you_there"
    assert met("porter-3e8f").answer("Bram?")[0] == "are_you_there"


def test_a_cat_is_where_it_was_said_to_be() -> None:
    porter = met("porter-3e8f")
    porter.say("is there a cat around here")
    assert porter.answer("it's behind the kiosk")[0] == "cat_solved"
