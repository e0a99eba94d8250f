"""Functions of a game as a character's actions: what is told of them, called and refused."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any, Literal

import pytest

from characters.agents.agent import Do, Feel, Refused
from characters.agents.toolbox import Toolbox
from characters.client.config import ActionDone
from characters.components.character import Character
from characters.components.functions import MOST_FUNCTIONS, ActionFunction
from characters.protocol.codec import decode_server, encode_server
from characters.protocol.messages import (
    Action,
    ActionRefused,
    ActionResponse,
    BotReady,
    BotTurnCompleted,
    ContextUpdate,
)
from engine.objects.objects import Component
from tests.characters.components.fakes import Level


def open_gate(which: Literal["north", "south"], width: int = 1, *, copy: bool = False) -> str:
    """Open a gate of the yard."""
    if width > 9:
        raise ValueError("The gate is not that wide.")
    return f"{which} {width} {copy}"


class Bell(Component):
    """Rings."""

    rung: int = 0

    def ring(self) -> None:
        """Ring the bell."""
        self.rung += 1

    def crack(self) -> None:
        """Break the bell."""
        raise RuntimeError("no clapper")


def guard(*functions: Callable[..., object], actions: tuple[str, ...] = ()) -> tuple[Level, Any]:
    """Return a level with a character that can do things, and what happened to it."""
    level, heard = Level(), list[object]()
    bea = level.character("guard", actions=actions)
    for function in functions:
        bea.can(function)
    bea.events.subscribe(heard.append)
    level.frame()
    return level, heard


def do(level: Level, *actions: Action, line: str | None = "m1") -> None:
    level.session("guard").events.emit(ActionResponse(actions, line))


# --- what a mind is told --------------------------------------------------------------------------


def test_name_docstring_and_hints_are_the_schema() -> None:
    schema: Any = ActionFunction.of(open_gate).schema
    assert (schema["name"], schema["description"]) == ("open_gate", "Open a gate of the yard.")
    parameters = schema["parameters"]
    assert parameters["properties"]["which"] == {"enum": ["north", "south"], "type": "string"}
    assert parameters["properties"]["copy"] == {"default": False, "type": "boolean"}
    assert (parameters["required"], parameters["additionalProperties"]) == (["which"], False)


def test_a_service_is_told_the_listed_names_and_the_schemas() -> None:
    level, _ = guard(open_gate, actions=("Wave",))
    config: Any = level.session("guard").config.action_config
    assert config["actions"] == ["Wave", "open_gate"]
    assert [schema["name"] for schema in config["functions"]] == ["open_gate"]


def test_what_is_given_or_taken_later_reaches_the_session() -> None:
    level, _ = guard()
    bea = level.scene.find_component(Character)
    assert bea is not None
    bea.can(open_gate)
    assert level.session("guard").config.actions == ("open_gate",)
    bea.cannot("open_gate")
    assert level.session("guard").config.actions == ()


def untyped(which) -> None:  # type: ignore[no-untyped-def]  # the point of it
    """Do it."""


def undescribed(which: str) -> None:
    pass


def many(*which: str) -> None:
    """Do it."""


def strange(level: Level) -> None:
    """Do it."""


async def later() -> None:
    """Do it."""


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (untyped, "which has no type"),
        (undescribed, "docstring"),
        (many, "no name of its own"),
        (strange, "no JSON describes"),
        (later, "return at once"),
        (partial(open_gate, "north"), "give it a name"),
        (lambda: None, "give it a name"),
    ],
)
def test_a_function_that_cannot_be_described_says_why(
    function: Callable[..., object], why: str
) -> None:
    with pytest.raises(TypeError, match=why):
        Character("guard").can(function)


def test_two_actions_of_one_name_and_too_many_are_refused() -> None:
    bea = Character("guard")
    bea.can(open_gate)
    with pytest.raises(ValueError, match="already"):
        bea.can(open_gate)
    for number in range(MOST_FUNCTIONS - 1):
        bea.can(_named(f"act{number}"))
    with pytest.raises(ValueError, match="too many"):
        bea.can(_named("last"))


def _named(name: str) -> Callable[[], None]:
    def act() -> None:
        """Act."""

    act.__name__ = name
    return act


def test_a_listed_name_without_a_function_is_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    level, _ = guard(actions=("opengate", "open_gate"))
    bea = level.manager.characters[0]
    bea.can(open_gate)  # of another component, which started later
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            level.session("guard").events.emit(BotReady({}))
    assert caplog.text.count("action 'opengate'") == 1
    assert "action 'open_gate'" not in caplog.text


# --- what is called -------------------------------------------------------------------------------


def test_a_call_is_checked_and_made_and_its_result_told() -> None:
    level, heard = guard(open_gate)
    action = Action("open_gate", arguments={"which": "north", "width": "2", "copy": True})
    do(level, action)
    assert heard[1:] == [ActionDone("guard", action, "north 2 True")]


def test_a_target_is_the_first_argument() -> None:
    level, heard = guard(open_gate)
    do(level, Action("open_gate", "south"))
    assert heard[1].result == "south 1 False"


def test_a_method_of_a_component_is_called_until_it_is_gone() -> None:
    level = Level()
    bell = level.scene.create("Bell").add(Bell())
    bea, heard = level.character("guard"), list[object]()
    bea.can(bell.ring)
    bea.events.subscribe(heard.append)
    level.frame()
    do(level, Action("ring"))
    assert bell.rung == 1
    bell.game_object.destroy()
    level.frame()
    do(level, Action("ring"))
    assert bell.rung == 1
    assert heard[-1] == ActionRefused("ring", "Bell is not there any more")


@pytest.mark.parametrize(
    ("action", "why"),
    [
        (Action("open_gate", arguments={"which": "west"}), "which: .*'north' or 'south'"),
        (Action("open_gate"), "which: Field required"),
        (Action("open_gate", arguments={"which": "north", "by": 1}), "by: Extra inputs"),
        (Action("open_gate", "south", {"which": "north"}), "no target"),
        (Action("open_gate", arguments={"which": "north", "width": 99}), "not that wide"),
        (Action("crack"), "failed .RuntimeError"),
        (Action("rm_rf", "/"), "what can be done: open_gate, crack"),
        (Action("__init__"), "no action here"),
    ],
)
def test_what_does_not_fit_is_an_event_with_a_reason_and_a_line_in_the_log(
    action: Action, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    level, heard = guard(open_gate, Bell().crack)
    with caplog.at_level(logging.WARNING):
        do(level, action)
    assert isinstance(heard[-1], ActionRefused)
    assert re.search(why, heard[-1].reason)
    assert repr(action.name) in caplog.text


def test_without_functions_and_names_every_action_is_the_games_own_as_before() -> None:
    level, heard = guard()
    do(level, Action("Wave"))
    assert heard == [ActionResponse((Action("Wave"),), "m1")]


# --- what the mind is told of it ------------------------------------------------------------------


def test_a_script_is_told_a_result_and_has_no_need_to_speak_about_it() -> None:
    level, _ = guard(open_gate)
    do(level, Action("open_gate", "north"))
    level.session("guard").events.emit(BotTurnCompleted(message_id="m1"))
    told = [ContextUpdate("open_gate was done: north 1 False", run_llm="false")]
    assert level.session("guard").sent == told


def test_a_result_is_told_after_the_answer_and_spoken_about_once_for_a_line() -> None:
    level, _ = guard(open_gate)
    level.session("guard").events.emit(BotReady({"model": "any"}))
    told = level.session("guard").sent
    do(level, Action("open_gate", "north"), Action("open_gate", "west"))
    assert told == []
    level.session("guard").events.emit(BotTurnCompleted(message_id="m1"))
    first = "open_gate was done: north 1 False\nopen_gate was not done: which: "
    assert isinstance(told[0], ContextUpdate)
    assert (told[0].text or "").startswith(first)
    assert told[0].run_llm == "true"
    do(level, Action("open_gate", "north"), line=None)
    level.session("guard").events.emit(BotTurnCompleted())
    assert isinstance(told[1], ContextUpdate)
    assert told[1].run_llm == "false"
    assert len(told) == 2


def test_what_the_player_cut_off_is_told_without_an_answer() -> None:
    level, _ = guard(open_gate)
    level.session("guard").events.emit(BotReady({"model": "any"}))
    do(level, Action("open_gate", "north"))
    level.session("guard").events.emit(BotTurnCompleted(was_interrupted=True, message_id="m1"))
    told = level.session("guard").sent[0]
    assert isinstance(told, ContextUpdate)
    assert told.run_llm == "false"


# --- anything that a model may send ---------------------------------------------------------------

_NAMES = (
    "open_gate",
    "Open Gate",
    "ring",
    "crack",
    "Wave",
    "feel",
    "rm_rf",
    "",
    "__class__",
    "\ud83d",
)
_VALUES: tuple[object, ...] = (
    "north", "south", "north", "anger", "", 1, -1, 10**30, 2.5, True, None, [], {}, ["north"],
    {"which": "north"}, "\ud83d", float("nan"), "x" * 500,
)  # fmt: skip
_BROKEN = (
    "",
    " ",
    "{",
    "[]",
    "null",
    '"x"',
    "{'which': 'north'}",
    "\x00",
    '{"which": NaN}',
    "[" * 999,
)


def _arguments(chance: Random) -> str:
    """Return what a model may send as arguments: fine, nearly fine or anything."""
    luck = chance.random()
    if luck < 0.1:
        return chance.choice(_BROKEN)
    if luck < 0.4:
        fine = {"which": "north", "width": chance.choice((1, 2, "3", 99)), "copy": luck < 0.2}
        return json.dumps(fine | {"emotion": "joy"} if luck < 0.15 else fine)
    keys = chance.sample(("which", "width", "copy", "self", "target", "emotion", "p0", ""), 3)
    text = json.dumps({key: chance.choice(_VALUES) for key in keys[: chance.randint(0, 3)]})
    return text[: chance.randint(0, len(text))] if luck > 0.9 else text


def test_of_ten_thousand_calls_none_is_outside_the_schema_and_none_lost_without_a_word() -> None:
    called: list[tuple[object, ...]] = []

    def open_gate(which: Literal["north", "south"], width: int = 1, *, copy: bool = False) -> str:
        """Open a gate of the yard."""
        called.append((which, width, copy))
        return "open"

    bell, chance = Bell(), Random(13)
    level, heard = guard(open_gate, bell.ring, bell.crack, actions=("Wave",))
    logging.getLogger("characters.components.functions").setLevel(logging.CRITICAL)
    config: Any = level.session("guard").config.action_config
    functions = {schema["name"]: schema for schema in config["functions"]}
    toolbox = Toolbox(config["actions"], functions)
    outcomes = {"done": 0, "refused": 0, "listed": 0, "felt": 0}
    try:
        for _ in range(10_000):
            part = toolbox.part(chance.choice(_NAMES), _arguments(chance))
            heard.clear()
            outcomes[_outcome(part, level, heard)] += 1
    finally:
        logging.getLogger("characters.components.functions").setLevel(logging.NOTSET)
    assert sum(outcomes.values()) == 10_000
    assert min(outcomes.values()) > 20, outcomes
    assert len(called) + bell.rung == outcomes["done"]
    assert {type(width) for _, width, _ in called} == {int}
    assert {which for which, *_ in called} <= {"north", "south"}
    assert {copy for *_, copy in called} == {True, False}


def _outcome(part: object, level: Level, heard: list[Any]) -> str:
    """Send over the wire what a call became, and return what became of it at the game."""
    if isinstance(part, Feel):
        return "felt"
    if isinstance(part, Refused):
        assert part.reason
        assert decode_server(
            json.loads(json.dumps(encode_server(ActionRefused(part.name, part.reason))))
        )
        return "refused"
    assert isinstance(part, Do)
    wire = json.dumps(encode_server(ActionResponse(part.actions))).encode()
    level.session("guard").events.emit(decode_server(json.loads(wire)))
    events = heard[1:]
    if not events:
        assert part.actions[0].name == "Wave"
        return "listed"
    (event,) = events
    assert isinstance(event, ActionDone) or event.reason
    return "done" if isinstance(event, ActionDone) else "refused"
