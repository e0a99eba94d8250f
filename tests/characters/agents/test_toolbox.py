from __future__ import annotations

import json
import random
from collections.abc import Iterator

import pytest

from characters.agents.agent import Do, Feel, Refused
from characters.agents.completions import CallPiece, WordPiece
from characters.agents.llm import MOST_CALLS, Answer, _acts
from characters.agents.toolbox import Toolbox
from characters.protocol.messages import Action
from characters.protocol.model_settings import ModelSettings

OPEN = {"description": "Open the gate.", "parameters": {"type": "object", "properties": {}}}
ACTIONS = ("Wave", "open_gate", "Pick up!", "Wave to", "f\u00fctter")
EMOTIONS = {
    "joy", "sadness", "anger", "fear", "surprise", "disgust", "trust", "anticipation", "pain",
    "calm", "neutral",
}  # fmt: skip


def box() -> Toolbox:
    return Toolbox(ACTIONS, {"open_gate": OPEN})


def test_a_call_is_the_action_that_the_level_means_whatever_the_spelling() -> None:
    assert box().part("wave", '{"target": "Ada"}') == Do((_action("Wave", "Ada"),))
    assert box().part("Pick_Up", "") == Do((_action("Pick up!", None),))
    assert box().part("wave_to", '{"to": 3}') == Do((_action("Wave to", "3"),))


def test_arguments_of_a_function_are_passed_on_as_they_are() -> None:
    part = box().part("open_gate", '{"wide": true, "target": null}')
    assert isinstance(part, Do)
    assert part.actions[0].arguments == {"wide": True, "target": None}


@pytest.mark.parametrize("name", ["", "wav", "Wave2", "__import__", "open_gate.__call__", "\ud83d"])
def test_what_the_level_does_not_know_is_refused_with_what_it_knows(name: str) -> None:
    part = box().part(name, "{}")
    assert isinstance(part, Refused)
    assert "wave" in part.reason


@pytest.mark.parametrize("arguments", ["[1]", "7", "{", "null", '"text"', "[" * 5000, '{"a": NaN}'])
def test_arguments_that_are_no_object_are_refused(arguments: str) -> None:
    assert isinstance(box().part("Wave", arguments), Refused)


def test_without_actions_there_are_no_tools_and_every_call_but_a_feeling_is_refused() -> None:
    empty = Toolbox(None)
    assert empty.definitions() == ()
    assert isinstance(empty.part("Wave", "{}"), Refused)
    assert empty.part("feel", '{"emotion": "joy", "scale": 9}') == Feel("joy", 2)


def _action(name: str, target: str | None) -> Action:
    return Action(name, target)


# --- fuzzed ---------------------------------------------------------------------------------------

NAMES = (
    *ACTIONS, "feel", "emotion", "set_mood", "delete_save", "eval", "os.system", "", " ", "WAVE ",
    "Wave\0", "open gate", "wave" * 40, "\ud83d", "fu\u0308tter", "{}", "action",
)  # fmt: skip
VALUES: tuple[object, ...] = (
    None, True, 0, -1, 10**30, 1.5, "", "Ada", "joy", "\ud83d", [], {}, [[{}]], {"a": {"b": []}},
)  # fmt: skip
KEYS = ("target", "object", "to", "emotion", "scale", "name", "mood", "wide", "", "\0")
BROKEN = ("", "{", "[", "nul", "{'a': 1}", "NaN", '{"a": Infinity}', "[" * 3000, '{"a":' * 500)


def fuzzed(count: int, seed: int) -> Iterator[tuple[str, str]]:
    """Yield names and arguments of calls, sensible and senseless."""
    chance = random.Random(seed)
    for _ in range(count):
        name = chance.choice(NAMES)
        if chance.random() < 0.2:
            name = "".join(
                chance.choice("wavegtopn_ -.\u00fc\0") for _ in range(chance.randrange(12))
            )
        values = {chance.choice(KEYS): chance.choice(VALUES) for _ in range(chance.randrange(4))}
        arguments = json.dumps(values)
        if chance.random() < 0.3:
            arguments = chance.choice(BROKEN)
        elif chance.random() < 0.2:
            arguments = arguments[: chance.randrange(len(arguments) + 1)]
        yield name, arguments


def play_calls(count: int, seed: int) -> None:
    """Give calls as a model does, up to twenty in an answer; each must become one part."""
    toolbox, chance, calls = box(), random.Random(seed), list(fuzzed(count, seed))
    while calls:
        size = chance.randrange(1, 21)
        batch, calls = calls[:size], calls[size:]
        answer = Answer((), ModelSettings(url="http://x", name="y"), False)
        for index, (name, arguments) in enumerate(batch):
            cut = chance.randrange(len(arguments) + 1)
            answer.take(CallPiece(index, f"c{index}", name, arguments[:cut]))
            answer.take(CallPiece(index, "", "", arguments[cut:]))
        parts = list(_acts(answer, toolbox))
        done = [part for part in parts if isinstance(part, Do)]
        assert all(action.name in ACTIONS for part in done for action in part.actions)
        felt = [part for part in parts if isinstance(part, Feel)]
        assert all(part.emotion in EMOTIONS and part.scale in (1, 2, 3) for part in felt)
        refused = [part for part in parts if isinstance(part, Refused)]
        assert all(part.reason for part in refused)
        is_over = len(batch) > MOST_CALLS
        assert len(done) + len(felt) + len(refused) == min(len(batch), MOST_CALLS) + is_over


def test_no_call_outside_the_schema_is_made_and_none_is_lost_without_a_word() -> None:
    play_calls(1000, seed=1)


@pytest.mark.slow
def test_of_ten_thousand_calls_none_is_outside_the_schema_and_none_is_lost() -> None:
    for seed in range(2, 12):
        play_calls(1000, seed)


def test_what_a_model_writes_as_a_call_is_taken_or_refused() -> None:
    toolbox, settings = box(), ModelSettings(url="http://x", name="y")
    for name, arguments in fuzzed(300, seed=3):
        for text in (json.dumps({"name": name, "arguments": arguments}), '{"name": "Wave"' + name):
            for action, given in toolbox.written(text):
                part = toolbox.part(action, given)
                assert isinstance(part, Refused | Feel | Do)
                assert not isinstance(part, Do) or part.actions[0].name in ACTIONS
    answer = Answer((), settings, False)
    answer.take(WordPiece("<tool_call>no call at all {</tool_call>"))
    assert [type(part) for part in (*answer.end(), *_acts(answer, toolbox))] == [Refused]
