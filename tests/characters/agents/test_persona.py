"""The persona files that are shipped, and what makes one valid."""

from __future__ import annotations

from pathlib import Path

import pytest

from characters.agents.patterns import Pattern, normalise
from characters.agents.persona import SMALL_TALK, PersonaFiles
from engine.toml.reader import TomlFileError
from tests.characters.agents.acting import PERSONAS, Actor, persona_of

SHIPPED = sorted(path.stem for path in PERSONAS.glob("*.toml"))
EMOTIONS = {"neutral", "joy", "calm", "trust", "surprise", "anticipation"} | {
    *("fear", "sadness", "anger", "disgust", "pain"),
}

MINIMAL = """name = "Bo"
fallback = ["Pardon?"]
[greeting]
first = ["Hello."]
"""


def mistakes(tmp_path: Path, text: str) -> str:
    path = tmp_path / "bo.toml"
    path.write_text(MINIMAL + text)
    with pytest.raises(TomlFileError) as caught:
        PersonaFiles().read(path)
    return "\n".join(map(str, caught.value.problems))


def test_the_five_characters_are_here() -> None:
    assert {"patient-7f3a", "nurse-21c4", "kiosk-90ab", "examiner-5d2e", "porter-3e8f"} <= set(
        SHIPPED
    )


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_persona_has_plenty_to_say(name: str) -> None:
    persona = persona_of(name)
    assert len(persona.topic) >= 10
    assert len(persona.fallback) >= 12
    assert len(persona.small_talk) >= 80


def test_the_templates_persona_shows_a_beginner_how_it_is_done() -> None:
    persona = persona_of("keeper-1")
    assert len(persona.fallback) >= 12
    assert any("{lead" in line for line in persona.fallback)
    assert len(persona.topic) <= 10  # it is read before one's own is written


@pytest.mark.parametrize("name", SHIPPED)
def test_every_example_sentence_reaches_some_topic(name: str) -> None:
    for topic in persona_of(name).topic:
        patterns = [Pattern.compile(source) for source in (*topic.says, *topic.ask)]
        for sentence in topic.ask:
            assert any(p.matches(normalise(sentence)) for p in patterns), (name, topic.id, sentence)


@pytest.mark.parametrize("name", SHIPPED)
def test_the_moods_are_ones_that_can_be_shown(name: str) -> None:
    persona = persona_of(name)
    feelings = [persona.mood, persona.greeting.feel, *(topic.feel for topic in persona.topic)]
    assert {feeling.emotion for feeling in feelings if feeling} <= EMOTIONS


@pytest.mark.parametrize("name", SHIPPED)
def test_every_topic_can_be_said_without_knowing_the_player(name: str) -> None:
    actor = Actor(persona_of(name))
    actor.greet()
    for topic in actor.persona.topic:
        for sentence in topic.ask:
            answer = actor.say(sentence)
            assert answer not in ("", "...")
            assert "{" not in answer


@pytest.mark.parametrize("name", sorted(set(SHIPPED) - {"kiosk-90ab"}))
def test_a_shipped_character_knows_the_player_again(name: str) -> None:
    actor = Actor(persona_of(name))
    actor.greet()
    actor.say("My name is Ada and I like ginger tea.")
    again, greeting = actor.returned()
    assert "Ada" in greeting
    assert "12 minutes ago" in greeting
    assert "ginger tea" in greeting
    assert "Ada" in again.say("What is my name?")


def test_mister_whitlock_can_be_diagnosed_by_asking() -> None:
    patient = Actor(persona_of("patient-7f3a"))
    patient.greet()
    assert "hardly asked" in patient.say("You have scurvy!")
    for question in ("Do your gums bleed?", "Any bruises?", "What do you eat?"):
        patient.say(question)
    assert "relit the lamp" in patient.say("I think you have scurvy.")
    assert "Better every hour" in patient.returned()[0].say("How are you?")


def test_asking_the_same_thing_three_times_solves_nothing() -> None:
    patient = Actor(persona_of("patient-7f3a"))
    for _ in range(3):
        patient.say("Do your gums bleed?")
    assert "relit" not in patient.say("You have scurvy")


def test_the_exam_keeps_its_score_over_an_interruption() -> None:
    examiner = Actor(persona_of("examiner-5d2e"))
    examiner.greet()
    examiner.say("My name is Ada")
    examiner.say("begin")
    examiner.say("I wash my hands")
    again, greeting = examiner.returned()
    assert "1 points" in greeting
    assert "Question two" in greeting
    for answer in ("penicillin", "I continue where we stopped", "scurvy", "I do not know"):
        again.say(answer)
    assert "5 of five. Passed." in again.say("What is my result?")


def test_an_exam_that_was_failed_can_be_taken_again_from_zero() -> None:
    examiner = Actor(persona_of("examiner-5d2e"))
    examiner.say("begin")
    for _ in range(5):
        examiner.say("banana")
    assert "0 of five" in examiner.say("result")
    assert "Question one" in examiner.say("again")


def test_the_porters_cat_can_be_found() -> None:
    porter = Actor(persona_of("porter-3e8f"))
    porter.say("Where is the cat?")
    assert "Behind the kiosk!" in porter.say("The cat is behind the kiosk.")
    assert "Cheer" in porter.actions


def test_the_nurse_shows_the_chart_to_clean_hands_only() -> None:
    nurse = Actor(persona_of("nurse-21c4"))
    assert "Wash first" in nurse.say("May I see the chart?")
    nurse.say("I washed my hands")
    assert "Whitlock, Arthur" in nurse.say("May I see the chart now?")


def test_a_wrong_field_is_named_with_its_line(tmp_path: Path) -> None:
    text = '[[topic]]\nid = "a"\nsay = ["x"]\nlines = ["y"]\n'
    assert "bo.toml:7" in mistakes(tmp_path, text)


def test_a_broken_pattern_is_named(tmp_path: Path) -> None:
    text = '[[topic]]\nid = "a"\nsays = ["(x"]\nlines = ["y"]\n'
    assert "lacks a ')'" in mistakes(tmp_path, text)


def test_two_topics_with_one_id_are_a_mistake(tmp_path: Path) -> None:
    topic = '[[topic]]\nid = "a"\nsays = ["x"]\nlines = ["y"]\n'
    assert "topic: must have an id of its own: a is there twice" in mistakes(tmp_path, topic * 2)


def test_a_question_without_an_answer_is_a_mistake(tmp_path: Path) -> None:
    text = '[[topic]]\nid = "a"\nsays = ["x"]\nlines = ["y"]\nasks = "q"\n'
    assert "without answers" in mistakes(tmp_path, text)


def test_a_file_is_read_once_for_as_long_as_it_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "bo.toml"
    path.write_text(MINIMAL + '[[topic]]\nid = "cat"\nsays = ["cat"]\nlines = ["A cat."]\n')
    files = PersonaFiles()
    first = files.read(path)
    assert files.read(path) is first
    assert first.patterns is first.patterns, "its patterns are compiled once, too"
    path.write_text(path.read_text().replace("A cat.", "That cat."))
    assert files.read(path).topic[0].lines == ("That cat.",)


def test_a_file_that_cannot_be_read_is_read_again_once_it_is_mended(tmp_path: Path) -> None:
    path = tmp_path / "bo.toml"
    path.write_text(MINIMAL)
    files = PersonaFiles()
    with pytest.raises(TomlFileError) as first:
        files.read(path)
    with pytest.raises(TomlFileError) as second:
        files.read(path)
    assert second.value is first.value, "its mistakes are found once, too"
    path.write_text(MINIMAL + '[[topic]]\nid = "cat"\nsays = ["cat"]\nlines = ["A cat."]\n')
    assert files.read(path).name == "Bo"


def test_a_word_alone_is_no_diagnosis_for_the_nurse() -> None:
    nurse = Actor(persona_of("nurse-21c4"))
    nurse.greet()
    assert "what did you see" in nurse.say("Is it scurvy?")
    nurse.say("His gums bleed.")
    nurse.say("His gums really bleed.")
    assert "crate of oranges" not in nurse.say("He has scurvy")
    assert "crate of oranges" in nurse.say("He eats only toast and tea, it is scurvy!")


def test_one_clue_told_twice_is_one_clue() -> None:
    patient = Actor(persona_of("patient-7f3a"))
    for question in ("What do you eat?", "Do you eat any fruit?", "How are you?"):
        patient.say(question)
    assert "relit" not in patient.say("You have scurvy")


def test_a_cat_is_not_found_by_asking_for_the_kiosk() -> None:
    porter = Actor(persona_of("porter-3e8f"))
    porter.say("Where is the cat?")
    porter.say("What is at the kiosk?")
    assert "Cheer" not in porter.actions


def test_what_is_no_answer_is_not_counted_as_a_wrong_one() -> None:
    examiner = Actor(persona_of("examiner-5d2e"))
    examiner.say("begin")
    for line in ("What?", "repeat the question", "?", "you are strict", "can I have water?", "hmm"):
        assert "Question one" in examiner.say(line) or "Question two" not in examiner.say("repeat")
    for line in ("I wash my hands", "penicillin", "I continue", "scurvy", "I do not know"):
        examiner.say(line)
    assert "Question" not in examiner.say("repeat the question")
    assert "5 of five" in examiner.say("result")


@pytest.mark.parametrize("name", SHIPPED)
def test_no_direction_leads_to_a_door_that_is_not_there(name: str) -> None:
    assert "green cross" not in (PERSONAS / f"{name}.toml").read_text(encoding="utf-8").lower()


XYLOPHONE = f'{MINIMAL}[[topic]]\nid = "a"\nsays = ["bo xylophone *"]\nlines = ["A."]\n'


def test_a_compiled_persona_leaves_nothing_to_compile_in_a_talk(tmp_path: Path) -> None:
    (tmp_path / "bo.toml").write_text(XYLOPHONE)
    persona = PersonaFiles().read(tmp_path / "bo.toml", PERSONAS.parent / SMALL_TALK)
    ((_, pattern),) = persona.patterns
    assert "regex" not in vars(pattern)
    persona.compile()
    near = [pattern for _, pattern in persona.near({"bo", "xylophone", "hello", "you", "what"})]
    assert pattern in near
    assert len(near) > 9
    assert all("regex" in vars(pattern) for pattern in near)
