from __future__ import annotations

import asyncio
import json
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from characters.agents.agent import PlayerSaid
from characters.agents.learning import learn
from characters.agents.patterns import normalise
from characters.agents.persona import Persona, SmallTalk
from characters.agents.recall import asked_for, recite
from characters.agents.script import HAPPENED, ScriptedAgent
from characters.agents.telling import introduced
from tests.characters.agents.acting import Actor, persona_of


def persona(**more: Any) -> Persona:
    return Persona.model_validate(
        {
            "name": "Bo",
            "mood": {"emotion": "calm"},
            "fallback": ["Pardon?"],
            "idle": ["Hm."],
            "greeting": {"first": ["Hello. Who are you?"], "back": ["Again! It was {away}."]},
            "memory": {
                "learned": ["Noted: {recall}."],
                "learned_name": ["Hello, {name}."],
                "recall": ["You said that {recall}."],
                "unknown": ["You never said."],
            },
            "topic": [
                {"id": "cat", "says": ["cat"], "lines": ["A cat."], "again": ["That cat."]},
                {"id": "black_cat", "says": ["black cat"], "lines": ["A black cat."]},
            ],
            **more,
        }
    )


def test_between_two_of_many_questions_others_have_their_turn() -> None:
    async def passes(line: str) -> int:
        agent, passed = ScriptedAgent(persona(), {}, Random(1)), 0

        async def count() -> None:
            nonlocal passed
            while True:
                passed += 1
                await asyncio.sleep(0)

        others = asyncio.create_task(count())
        assert [part async for part in agent.reply(PlayerSaid(line), {})]
        others.cancel()
        return passed

    one, many = (asyncio.run(passes("Where is the cat? " * number)) for number in (1, 20))
    assert many >= one + 20


def test_strangers_and_friends_are_greeted_differently() -> None:
    actor = Actor(persona())
    assert actor.greet() == "Hello. Who are you?"
    assert actor.returned()[1] == "Again! It was 12 minutes ago."


def test_what_was_learnt_is_said_on_return() -> None:
    actor = Actor(persona())
    actor.greet()
    actor.say("My name is Ada and I like tea.")
    assert "You said that your name is Ada and you like tea." in actor.returned()[1]


def test_what_was_learnt_can_be_asked_for() -> None:
    actor = Actor(persona())
    assert actor.say("My name is Ada") == "Hello, Ada."
    assert actor.say("What's my name?") == "You said that your name is Ada."
    assert actor.say("What do I like?") == "You never said."


def test_a_bare_name_answers_the_greeting_and_only_that() -> None:
    actor = Actor(persona())
    actor.greet()
    assert actor.say("Ada") == "Hello, Ada."
    assert actor.say("Berta") == "Pardon?"


def test_the_closest_topic_wins() -> None:
    assert Actor(persona()).say("I saw a black cat") == "A black cat."


def test_a_topic_that_was_asked_before_is_answered_differently() -> None:
    actor = Actor(persona())
    assert [actor.say("cat?"), actor.say("cat?")] == ["A cat.", "That cat."]


def test_every_line_is_heard_before_one_comes_again() -> None:
    actor = Actor(persona(fallback=["a", "b", "c"]))
    said = [actor.say("xyzzy") for _ in range(6)]
    assert sorted(said[:3]) == sorted(said[3:]) == ["a", "b", "c"]


def test_the_same_seed_says_the_same() -> None:
    lines = ["a", "b", "c", "d"]
    once, twice = (Actor(persona(fallback=lines), seed=5).say("xyzzy") for _ in range(2))
    assert once == twice


def test_lines_in_order_begin_with_the_first() -> None:
    tale = {
        "id": "tale",
        "says": ["tale"],
        "lines": ["one", "two"],
        "again": ["done"],
        "in_order": True,
    }
    for seed in range(5):
        actor = Actor(persona(topic=[tale]), seed=seed)
        assert [actor.say("a tale") for _ in range(3)] == ["one", "two", "done"]


def test_flags_and_counters_open_topics() -> None:
    topics = [
        {
            "id": "clue",
            "says": ["look"],
            "lines": ["A clue."],
            "counts": {"clues": 1},
            "sets": ["saw"],
        },
        {
            "id": "early",
            "says": ["solve"],
            "lines": ["Too early."],
            "when": {"below": {"clues": 1}},
        },
        {
            "id": "solved",
            "says": ["solve"],
            "lines": ["Yes!"],
            "when": {"needs": ["saw"], "at_least": {"clues": 1}},
        },
    ]
    actor = Actor(persona(topic=topics))
    assert [actor.say(text) for text in ("solve", "look", "solve")] == [
        "Too early.",
        "A clue.",
        "Yes!",
    ]


def test_a_counter_counts_a_topic_once_unless_every_time_is_said() -> None:
    topics = [
        {"id": "once", "says": ["once"], "lines": ["once {n|0}"], "counts": {"n": 1}},
        {
            "id": "often",
            "says": ["often"],
            "lines": ["often {n|0}"],
            "counts": {"n": 1},
            "every_time": True,
        },
        {"id": "zero", "says": ["zero"], "lines": ["zero {n|0}"], "resets": ["n"]},
    ]
    actor = Actor(persona(topic=topics))
    said = [actor.say(text) for text in ("once", "often", "once", "often", "zero")]
    assert said == ["once 1", "often 2", "once 2", "often 3", "zero 0"]


QUIZ = [
    {"id": "start", "says": ["start"], "lines": ["{question}"], "asks": "q"},
    {"id": "right", "says": ["four"], "lines": ["Right."], "answers": "q"},
    {"id": "wrong", "says": ["*"], "lines": ["Wrong."], "answers": "q"},
    {"id": "cat", "says": ["cat"], "lines": ["A cat."]},
    {"id": "again", "says": ["again"], "lines": ["{question}"]},
]


def quiz() -> Actor:
    actor = Actor(persona(topic=QUIZ, questions={"q": "Two and two?"}))
    assert actor.say("start") == "Two and two?"
    return actor


def test_an_open_question_takes_the_right_answer_and_any_other() -> None:
    assert quiz().say("it is four") == "Right."
    assert quiz().say("five?") == "Wrong."


def test_an_answered_question_is_closed() -> None:
    actor = quiz()
    actor.say("four")
    assert actor.say("four") == "Pardon?"


def test_a_digression_leaves_the_question_open() -> None:
    actor = quiz()
    assert actor.say("look, a cat") == "A cat."
    assert actor.say("What is my name?") == "You never said."
    assert actor.say("again please") == "Two and two?"
    assert actor.say("four") == "Right."


def test_an_open_question_survives_a_resume() -> None:
    again, _ = quiz().returned()
    assert again.say("four") == "Right."


def test_a_topic_whose_blanks_can_not_be_filled_is_passed_over() -> None:
    assert Actor(persona(topic=QUIZ, questions={"q": "Two and two?"})).say("again") == "Pardon?"


def test_a_mood_is_told_when_it_changes_and_on_greeting() -> None:
    topics = [{"id": "joke", "says": ["joke"], "lines": ["Ha."], "feel": {"emotion": "joy"}}]
    actor = Actor(persona(topic=topics))
    actor.greet()
    actor.say("joke")
    actor.say("joke")
    assert actor.emotions == ["calm", "joy"]


def test_an_event_of_the_level_is_reacted_to() -> None:
    actor = Actor(
        persona(event=[{"name": "door", "lines": ["The door: {event}."], "do": [{"name": "Turn"}]}])
    )
    assert actor.event("door", "open") == "The door: open."
    assert actor.actions == ["Turn"]
    assert actor.event("thunder") == ""


def test_what_the_game_asks_it_to_speak_about_is_a_topic_of_its_own_or_else_an_idle_line() -> None:
    topic = {"id": "storm", "says": ["thunder*"], "lines": ["The storm!"]}
    actor = Actor(persona(topic=[topic], idle=["Hm."]))
    assert actor.event("context", "It thunders.") == "The storm!"
    assert actor.event("context", "your hat") == "Hm."


def test_free_text_is_remarked_on_and_what_is_to_be_said_is_said() -> None:
    topic = {"id": "storm", "says": ["thunder*"], "lines": ["The storm!"]}
    actor = Actor(persona(topic=[topic]))
    assert actor.event("any", "The thunder rolls.") == "The storm!"
    assert actor.event("", "A cup falls.") in HAPPENED
    assert actor.event("any", "Now <speak>Who is\n there?</speak>") == "Who is there?"


def test_template_keys_of_the_game_can_be_used_in_lines() -> None:
    actor = Actor(persona(topic=[{"id": "w", "says": ["weather"], "lines": ["It is {weather}."]}]))
    assert actor.ask(PlayerSaid("weather?"), {"keys": {"weather": "wet"}}) == "It is wet."


def test_the_memory_is_json_and_bounded() -> None:
    actor = Actor(persona())
    actor.say("My name is Ada")
    for number in range(100):
        actor.say(f"My a{chr(97 + number % 26)}{chr(97 + number // 26)} is blue")
    memory = json.loads(json.dumps(actor.agent.memory()))
    assert len(memory["facts"]) <= 24
    assert memory["facts"]["name"] == "Ada"


@pytest.mark.parametrize(
    "memory", [{}, {"facts": 5}, {"said": None, "visits": "x"}, {"question": 7}, {"unknown": {}}]
)
def test_a_strange_memory_is_no_obstacle(memory: dict[str, Any]) -> None:
    assert Actor(persona(), memory).say("cat") == "A cat."


def test_an_action_that_the_game_cannot_show_is_left_out() -> None:
    actions = [{"name": "Wave"}, {"name": "Fly"}]
    actor = Actor(persona(topic=[{"id": "w", "says": ["do"], "lines": ["Yes."], "do": actions}]))
    actor.ask(PlayerSaid("do it"), {"actions": frozenset({"Wave"})})
    assert actor.actions == ["Wave"]


def learnt(text: str) -> dict[str, str]:
    return {fact.key: fact.value for fact in learn(text)}


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        ("My name is Ada.", {"name": "Ada"}),
        ("my name is ada and I am a painter", {"name": "Ada", "profession": "painter"}),
        ("My name's Ada Byron", {"name": "Ada Byron"}),
        ("Hi, I'm Bob", {"name": "Bob"}),
        ("Call me Ishmael.", {"name": "Ishmael"}),
        ("I am from Graz, by the way", {"home": "Graz"}),
        ("I live in a small house", {"lives": "in a small house"}),
        ("I work as a nurse", {"profession": "nurse"}),
        ("I'm 34 years old", {"age": "34"}),
        (
            "I like long walks and I hate mushrooms",
            {"likes": "long walks", "dislikes": "mushrooms"},
        ),
        ("My dog is called Rex.", {"dog": "Rex"}),
        ("my favourite colour is dark blue!", {"favourite colour": "dark blue"}),
        ("I have a cat", {"has": "a cat"}),
    ],
)
def test_what_a_player_says_of_himself_is_learnt(text: str, facts: dict[str, str]) -> None:
    assert learnt(text) == facts


@pytest.mark.parametrize(
    "text",
    [
        "I'm fine",
        "I am sorry",
        "I'm here to see Mr. Whitlock",
        "I am lost",
        "I like that",
        "I have a question",
        "My god is it late",
        "What is my name?",
        "Is my name Bob?",
        "He is a doctor",
        "hello",
        "",
    ],
)
def test_small_talk_teaches_nothing(text: str) -> None:
    assert learnt(text) == {}


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("What's my name?", "name"),
        ("Who am I?", "name"),
        ("How old am I?", "age"),
        ("Where do I live?", "lives"),
        ("What do I like?", "likes"),
        ("What is my favourite colour?", "favourite colour"),
        ("Do you remember me?", "*"),
        ("What do you still remember about me?", "*"),
        ("What is your name?", None),
        ("Tell me about the cat", None),
    ],
)
def test_questions_about_the_player_are_recognised(text: str, key: str | None) -> None:
    assert asked_for(normalise(text)) == key


def test_facts_are_recited_with_the_name_first() -> None:
    facts = {"likes": "tea", "dog": "Rex", "name": "Ada", "profession": "engineer"}
    assert recite(facts) == (
        "your name is Ada, you like tea, your dog is Rex and you are an engineer"
    )


@pytest.mark.parametrize(
    ("said", "meant"),
    [("Ada", "My name is Ada"), ("It's Ada.", "My name is Ada"), ("im ada", "My name is Ada")],
)
def test_a_bare_name_is_an_introduction(said: str, meant: str) -> None:
    assert introduced(said) == meant


@pytest.mark.parametrize("said", ["tired", "Where are you?", "Yes please", "What?"])
def test_other_short_answers_are_taken_as_they_are(said: str) -> None:
    assert introduced(said) in (said, f"My name is {said}")


@given(st.text("I am my name is.,!?' \u00e9\nABC19", max_size=80))
def test_no_text_breaks_the_learner_and_values_stay_short(text: str) -> None:
    assert all(0 < len(fact.value) <= 60 for fact in learn(text))


def test_no_answer_is_the_very_one_before() -> None:
    actor = Actor(persona(topic=[{"id": "cat", "says": ["cat"], "lines": ["A cat."]}]))
    said = [actor.say(text) for text in ("cat", "cat", "cat", "xyzzy", "xyzzy", "xyzzy")]
    assert not [a for a, b in pairwise(said) if a == b]


def test_a_topic_may_wait_for_what_the_level_told() -> None:
    gate = {"id": "gate", "says": ["gate"], "when": {"keys": {"gate": "open"}}, "lines": ["Open."]}
    actor = Actor(persona(topic=[gate]))
    assert actor.ask(PlayerSaid("the gate"), {"keys": {"gate": "shut"}}) == "Pardon?"
    assert actor.ask(PlayerSaid("the gate"), {"keys": {"gate": "open"}}) == "Open."


def test_what_the_player_says_of_himself_is_not_the_characters_topic() -> None:
    nurse = {"id": "nurse", "says": ["nurse", "wife"], "lines": ["Nurse Okafor."]}
    actor = Actor(persona(topic=[nurse]))
    assert actor.say("I work as a nurse") == "Noted: you are a nurse."
    assert actor.say("my wife died") == "Pardon?"
    assert actor.say("where is the nurse") == "Nurse Okafor."


def test_a_fallback_offers_what_was_not_told_and_yes_takes_it() -> None:
    pack = SmallTalk.model_validate(
        {"topic": [{"id": "yes", "says": ["= yes"], "goes_on": "offer", "lines": ["Yes?"]}]}
    )
    topics = [{"id": "clock", "says": ["clock"], "lines": ["It stopped."], "lead": "the clock"}]
    told = persona(topic=topics, fallback=["Ask me about {lead|anything}."])
    actor = Actor(told.with_small_talk(pack))
    assert actor.say("xyzzy") == "Ask me about the clock."
    assert actor.say("yes") == "It stopped."
    assert actor.say("xyzzy") == "Ask me about anything."


def test_fallbacks_offer_something_else_each_time() -> None:
    topics = [
        {"id": name, "says": [name], "lines": [f"{name}."], "lead": f"the {name}"}
        for name in ("clock", "tower", "gull")
    ]
    actor = Actor(persona(topic=topics, fallback=["Ask about {lead|it}.", "Try {lead|it}."]))
    offered = [actor.say("xyzzy").rpartition(" ")[2] for _ in range(3)]
    assert sorted(offered) == ["clock.", "gull.", "tower."]


def test_a_persona_words_small_talk_or_goes_without() -> None:
    topics = [{"id": name, "says": [name], "lines": [f"{name}."]} for name in ("joke", "weather")]
    pack = SmallTalk.model_validate({"topic": topics})
    own = persona(small_talk={"joke": ["Ha."], "weather": False})
    actor = Actor(own.with_small_talk(pack))
    assert [actor.say("joke"), actor.say("weather")] == ["Ha.", "Pardon?"]


def test_who_else_is_here_is_what_the_level_told() -> None:
    nurse = Actor(persona_of("nurse-21c4"))
    told = {"keys": {"others": "Bram"}}
    answers = {nurse.ask(PlayerSaid("Who else is here?"), told) for _ in range(2)}
    assert any("Bram" in answer for answer in answers)


def test_all_that_is_known_of_one_is_forgotten_when_the_player_says_so() -> None:
    actor = Actor(persona_of("porter-3e8f"))
    actor.say("I have one brother, his name is Kaan, he is engineer")
    actor.say("forget my brother")
    assert not any(key.startswith("brother") for key in actor.agent.facts)
    assert "Kaan" not in actor.say("What is my brother called?")


def test_nobody_is_left_of_whom_the_player_said_that_he_is_not() -> None:
    actor = Actor(persona_of("porter-3e8f"))
    actor.say("I have one brother")
    actor.say("I like tea and I love cake")
    assert actor.answer("Forget my brother")[0] == "corrected"
    assert "brother" not in actor.say("What do you know about me?")
    actor.say("forget everything")
    assert not actor.agent.facts


def test_of_two_likings_told_at_once_both_are_said_back() -> None:
    answer = Actor(persona_of("porter-3e8f")).say("I like tea and I love buns")
    assert "tea and buns" in answer


def test_a_fact_that_was_said_back_and_is_denied_is_struck_out() -> None:
    actor = Actor(persona_of("nurse-21c4"))
    actor.say("I am 30")
    actor.say("How old am I?")
    assert actor.answer("No, that's wrong")[0] == "corrected"
    assert "age" not in actor.agent.facts


BESIDE = SmallTalk.model_validate(
    {"topic": [
        {"id": "beside", "lines": ["This much I know."]},
        {"id": "pardon", "says": ["= pardon"], "lines": ["I said: {told}"]},
        {"id": "what_is", "says": ["= what *"], "general": "question", "lines": ["No idea."]},
    ]}
)  # fmt: skip
CAT = {
    "id": "cat", "says": ["cat"], "lines": ["He is called Admiral."],
    "again": ["He likes sardines."],
}  # fmt: skip


def told_of_cats(**more: object) -> Actor:
    return Actor(persona(topic=[CAT | more]).with_small_talk(BESIDE))


def test_who_asks_for_more_than_is_known_of_a_thing_is_told_so() -> None:
    actor = told_of_cats()
    assert actor.say("tell me about the cat") == "He is called Admiral."
    assert actor.say("who feeds the cat?") == "This much I know. He likes sardines."
    # The same again would be no nearer to what is asked.
    assert actor.say("what would the cat paint?") == "No idea."


def test_what_has_consequences_is_said_as_it_stands() -> None:
    assert told_of_cats(sets=["seen"]).say("who feeds the cat?") == "He is called Admiral."


def test_who_asks_on_about_him_is_answered_about_what_was_talked_of() -> None:
    actor = told_of_cats()
    actor.say("tell me about the cat")
    assert actor.say("what does he eat?") == "This much I know. He likes sardines."
    other = told_of_cats()
    other.say("tell me about the cat")
    assert other.say("what does she eat?") == "No idea."


@pytest.mark.parametrize("line", ["?", "...?", "it?", "\N{PILE OF POO}?"])
def test_a_question_without_a_word_asks_on_about_nothing(line: str) -> None:
    actor = Actor(persona(topic=[CAT]))
    actor.say("cat")
    assert actor.say(line) == "Pardon?"


def test_what_a_line_named_is_said_again_to_who_asks_for_it() -> None:
    topic = {"id": "tea", "says": ["tea"], "lines": ["A kettle stands behind the desk."]}
    actor = Actor(persona(topic=[topic]).with_small_talk(BESIDE))
    actor.say("is there tea")
    assert actor.say("where is the kettle?") == "I said: A kettle stands behind the desk."


@pytest.mark.parametrize("told", ["My name is Priya.", "I'm a teacher from Leeds;"])
def test_a_question_behind_what_the_player_tells_is_answered_too(told: str) -> None:
    actor = Actor(persona_of("patient-7f3a"))
    actor.greet()
    topic, answer = actor.answer(f"{told} Where does it hurt?")
    assert topic == "pain"
    assert "legs" in answer


def test_that_somebody_died_is_neither_said_back_nor_noted_with_thanks() -> None:
    actor = Actor(persona_of("porter-3e8f"))
    actor.greet()
    actor.say("I have a dog called Rex")
    assert actor.answer("my dog died")[0] == "player_loss"
    assert "died" in actor.say("what happened to Rex?")


def test_others_go_on_while_a_line_is_understood() -> None:
    async def passes_of_others() -> int:
        passes = 0

        async def others() -> None:
            nonlocal passes
            while True:
                passes += 1
                await asyncio.sleep(0)

        going_on = asyncio.create_task(others())
        async for _ in Actor(persona()).agent.reply(PlayerSaid("a cat"), {}):
            pass
        going_on.cancel()
        return passes

    assert asyncio.run(passes_of_others()) >= 20
