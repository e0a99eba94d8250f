"""Actions that are functions of the game: their schemas, and their calls from the outside.

A function's name, docstring and type hints become the schema that a service, and through it a
language model, is given. Whatever comes back from there is checked by it before the function is
called: what does not fit is refused with a reason, and nothing is ever called that was not given.
"""

from __future__ import annotations

import inspect
import json
import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, PydanticUserError, ValidationError, create_model
from pydantic.json_schema import GenerateJsonSchema

from characters.client.config import ActionDone
from characters.protocol.messages import (
    Action,
    ActionRefused,
    ActionResponse,
    BotTurnCompleted,
    ContextUpdate,
)
from engine.objects.objects import Component

__all__ = ["ActionFunction", "ActionTable", "Outcomes"]

MOST_FUNCTIONS = 64
LONGEST_SCHEMAS = 30_000  # letters of all of a character's; the service takes no more
LONGEST_RESULT = 2000
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_ -]{0,59}")

_log = logging.getLogger(__name__)


class _PlainSchema(GenerateJsonSchema):
    """A schema without the titles, which tell a model nothing."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


@dataclass(frozen=True)
class ActionFunction:
    """A function that a character may call, with what describes it and what checks arguments."""

    name: str
    call: Callable[..., object] = field(repr=False)
    model: type[BaseModel] = field(repr=False)
    schema: Mapping[str, object] = field(repr=False)
    """Name, description and parameters, the latter a JSON schema."""

    @classmethod
    def of(cls, function: Callable[..., object], name: str = "") -> ActionFunction:
        """Return the action of a function or bound method, under its own name or another.

        Raises TypeError when its name, docstring or parameters cannot become a schema.
        """
        name = name or getattr(function, "__name__", "")
        if not _NAME.fullmatch(name):
            raise TypeError(
                f"{function!r} cannot be an action: give it a name that begins with a letter."
            )
        description = inspect.cleandoc(function.__doc__ or "")
        if not description:
            raise TypeError(
                f"{name} cannot be an action without a docstring: it is the description."
            )
        if inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function):
            raise TypeError(f"{name} cannot be an action: it must return at once, not run on.")
        model = _model(name, function)
        parameters = model.model_json_schema(schema_generator=_PlainSchema)
        parameters.pop("title", None)
        schema = {"name": name, "description": description, "parameters": parameters}
        return cls(name, function, model, MappingProxyType(schema))

    def perform(self, action: Action) -> object:
        """Call the function and return its result. Raises ValueError with why it is refused."""
        owner = getattr(self.call, "__self__", None)
        if isinstance(owner, Component) and owner.is_destroyed:
            raise ValueError(f"{type(owner).__name__} is not there any more")
        values = self._values(action)
        try:
            model = self.model.model_validate(values)
        except ValidationError as error:
            raise ValueError("; ".join(_complaints(error))) from None
        return self.call(**_values_by_parameter(model))

    def _values(self, action: Action) -> dict[str, object]:
        """Return the arguments; a target alone is the first of them."""
        values = dict(action.arguments or {})
        if action.target is None:
            return values
        names = [item.alias or "" for item in self.model.model_fields.values()]
        first = "target" if "target" in names else next(iter(names), "")
        if not first or first in values:
            raise ValueError("it takes no target")
        return {first: action.target, **values}


def _model(name: str, function: Callable[..., object]) -> type[BaseModel]:
    """Return what checks the arguments of a function. Raises TypeError."""
    try:
        hints = get_type_hints(function, include_extras=True)
    except NameError as error:
        raise TypeError(
            f"{name} cannot be an action: its hints name an unknown {error.name!r}."
        ) from None
    fields: dict[str, Any] = {}
    for number, parameter in enumerate(inspect.signature(function).parameters.values()):
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise TypeError(f"{name} cannot be an action: {parameter} has no name of its own.")
        if parameter.name not in hints:
            raise TypeError(f"{name} cannot be an action: parameter {parameter.name} has no type.")
        default = ... if parameter.default is parameter.empty else parameter.default
        # Names of pydantic's own, such as `copy`, are free here.
        fields[f"p{number}"] = hints[parameter.name], Field(default, alias=parameter.name)
    config = ConfigDict(extra="forbid", allow_inf_nan=False)
    try:
        model: type[BaseModel] = create_model("Arguments", __config__=config, **fields)
        model.model_json_schema()
    except PydanticUserError as error:
        reason = str(error).splitlines()[0]
        raise TypeError(
            f"{name} cannot be an action: no JSON describes its types ({reason})."
        ) from None
    return model


def _values_by_parameter(model: BaseModel) -> dict[str, Any]:
    """Return what was given, by the names of the function's parameters."""
    names = {field: item.alias or field for field, item in type(model).model_fields.items()}
    return {names[field]: getattr(model, field) for field in model.model_fields_set}


def _complaints(error: ValidationError) -> Iterator[str]:
    for item in error.errors(include_url=False, include_context=False, include_input=False)[:5]:
        where = ".".join(str(part)[:40] for part in item["loc"])
        yield f"{where}: {item['msg']}"


class ActionTable:
    """What a character can do: names that the game handles itself, and functions."""

    def __init__(self) -> None:
        self._functions: dict[str, ActionFunction] = {}

    def __bool__(self) -> bool:
        return bool(self._functions)

    def add(self, function: ActionFunction) -> None:
        """Register a function. Raises ValueError for a second one of its name, or too many."""
        if function.name in self._functions:
            raise ValueError(f"There is an action {function.name!r} already: rename one of them.")
        together = (*self._functions.values(), function)
        if (
            len(together) > MOST_FUNCTIONS
            or len(_json([dict(f.schema) for f in together])) > LONGEST_SCHEMAS
        ):
            raise ValueError(
                f"{function.name} is one action too many: a character has at most "
                f"{MOST_FUNCTIONS}, described in {LONGEST_SCHEMAS} letters."
            )
        self._functions[function.name] = function

    def remove(self, name: str) -> None:
        """Take a function away; without one of that name nothing happens."""
        self._functions.pop(name, None)

    def names(self, listed: Iterable[str]) -> tuple[str, ...]:
        """Return every name that a service is told: those of a list, then the functions."""
        return tuple(dict.fromkeys((*listed, *self._functions)))

    def schemas(self) -> tuple[Mapping[str, object], ...]:
        """Return the schema of each function."""
        return tuple(dict(function.schema) for function in self._functions.values())

    def without_function(self, listed: Iterable[str]) -> tuple[str, ...]:
        """Return the names of a list that have no function, where there are functions at all."""
        return tuple(n for n in listed if n not in self._functions) if self._functions else ()

    def perform(
        self, response: ActionResponse, listed: Iterable[str], session_key: str
    ) -> Iterator[ActionDone | ActionRefused]:
        """Call what a response asks for; yield what became of each action.

        Of a name that is only listed nothing is yielded: the game handles the response itself.
        """
        names = self.names(listed)
        for action in response.actions:
            function = self._functions.get(action.name)
            if function is not None:
                yield _perform(function, action, session_key)
            elif names and action.name not in names:
                known = ", ".join(names)
                yield _refuse(action.name, f"it is no action here; what can be done: {known}")


def _perform(
    function: ActionFunction, action: Action, session_key: str
) -> ActionDone | ActionRefused:
    try:
        return ActionDone(session_key, action, function.perform(action))
    except ValueError as refusal:
        return _refuse(function.name, str(refusal) or "it was refused")
    except Exception as error:
        _log.exception("The function of action %s failed", function.name)
        return _refuse(function.name, f"it failed ({type(error).__name__})")


def _refuse(name: str, reason: str) -> ActionRefused:
    # The reason may quote what the player said, and stays out of the log.
    _log.warning("An action was refused: %.60r; the event ActionRefused says why", name)
    return ActionRefused(name, reason[:LONGEST_RESULT])


class Outcomes:
    """What became of the actions of an answer, for the mind: told when the answer has ended.

    A language model may speak about that once for each line of the player, so that there is no end
    of calls; a script has said what it has to say.
    """

    def __init__(self) -> None:
        self.has_model = False  # whether a language model answers, as far as the service says
        self._texts: list[str] = []
        self._is_worth_words = False
        self._spoken_about: str | None = None  # the last line of the player for which it did

    def add(self, outcome: ActionDone | ActionRefused, *, by_service: bool = False) -> None:
        """Note an outcome; the mind that the service refused something has answered otherwise."""
        text = _outcome_text(outcome)
        if text and len(self._texts) < MOST_FUNCTIONS:
            self._texts.append(text)
            self._is_worth_words = self._is_worth_words or not by_service

    def message_after(self, turn: BotTurnCompleted) -> ContextUpdate | None:
        """Return what the mind is told after a turn, None when there is nothing."""
        if not self._texts:
            return None
        text, line = "\n".join(self._texts), turn.message_id
        is_whole = not (turn.was_interrupted or turn.was_aborted)
        is_due = self._is_worth_words and is_whole and self.has_model
        speaks = is_due and line not in (None, self._spoken_about)
        if speaks:
            self._spoken_about = line
        self._texts, self._is_worth_words = [], False
        return ContextUpdate(text=text, run_llm="true" if speaks else "false")


def _outcome_text(outcome: ActionDone | ActionRefused) -> str:
    """Return what a mind is told of an action; "" when there is nothing to tell."""
    if isinstance(outcome, ActionRefused):
        return f"{outcome.name} was not done: {outcome.reason}"
    if outcome.result is None:
        return ""
    result = outcome.result if isinstance(outcome.result, str) else _json(outcome.result)
    return f"{outcome.action.name} was done: {result}"[:LONGEST_RESULT]


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
