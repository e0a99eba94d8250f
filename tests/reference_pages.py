"""The pages of the reference that are made from the code: `python -m tests.reference_pages`.

It writes them below `characters/docs/reference`; a test fails while one is not current.
"""

from __future__ import annotations

import argparse
import dataclasses
import inspect
import re
import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel

import characters
from characters import cli
from characters.client import config
from characters.commands.docs import FOLDER
from characters.commands.scenes import project_registry
from characters.components.manager import MANAGER_BINDINGS
from characters.components.player import FAULT_BINDINGS, PLAYER_BINDINGS
from characters.headless.script import Script, Step, Wait
from characters.protocol import messages
from characters.protocol.failures import FAILURES
from characters.protocol.messages import ClientMessage, ServerMessage
from characters.service.__main__ import parser as service_parser
from characters.session import conversation
from characters.ui.model import HUD_BINDINGS
from engine.core.input import DEFAULT_BINDINGS
from engine.objects.objects import Component
from engine.objects.registry import FieldSpec
from engine.scenes.document import ObjectSettings, SceneSettings
from engine.scenes.file import choices_of, value_text
from engine.toml.diagnostics import is_table

__all__ = ["reference_pages", "write_reference"]

_TYPES = {"str": "text", "int": "whole number", "float": "number", "NoneType": "none"}
_MADE = "<!-- Made from the code by `python -m tests.reference_pages`. -->\n\n"
_COMMENT = re.compile(r"^    (\w+): .*?  # (.*)$", re.MULTILINE)


def write_reference() -> tuple[str, ...]:
    """Write the pages that are made from the code; return the names of those that changed."""
    changed = []
    for name, text in reference_pages().items():
        path = FOLDER / f"{name}.md"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
            changed.append(name)
    return tuple(changed)


def reference_pages() -> Mapping[str, str]:
    """Return the text of each page that is made from the code, by its name."""
    pages = {
        "components": _components(),
        "events": _events(),
        "failures": _failures(),
        "keys": _keys(),
        "commands": _commands(cli.parser()),
        "script-steps": _script_steps(),
    }
    return {f"reference/{name}": _MADE + text.rstrip() + "\n" for name, text in pages.items()}


# The pages. Each is a heading, a sentence, and tables.


def _components() -> str:
    registry = project_registry()
    parts = [
        "# Components",
        'In code the fields are arguments, `Character("nurse-21c4", connect=...)`; in a scene file '
        "they are keys of the table `[object.Character]`. A field without a default must be given.",
    ]
    for title, model in (("[scene]", SceneSettings), ("[[object]]", ObjectSettings)):
        fields = model.model_fields.items()
        keys = [
            (f"`{name}`", _type(f.annotation), "" if f.is_required() else _default(f.default))
            for name, f in fields
        ]
        parts += [f"## {title}", _prose(model), _table(("Field", "Type", "Default"), keys)]
    for name in registry.names():
        kind = registry.get(name)
        notes = _comments(kind)
        rows = [_field_row(spec, notes) for spec in registry.fields(name).values()]
        parts += [f"## {name}", _prose(kind), _table(("Field", "Type", "Default", ""), rows)]
        parts += _settings_tables(registry.fields(name).values())
    return "\n\n".join(part for part in parts if part)


def _field_row(spec: FieldSpec, notes: Mapping[str, str]) -> tuple[str, ...]:
    default = "" if spec.required else _default(spec.default)
    return f"`{spec.name}`", _type(spec.file_annotation), default, notes.get(spec.name, "")


def _settings_tables(specs: Iterable[FieldSpec]) -> Iterator[str]:
    for spec in specs:
        if is_table(spec.default):
            yield f"The table `{spec.name}`:"
            yield _table(("Field", "Type", "Default", ""), list(_nested(spec.default, "")))


def _nested(value: Any, path: str) -> Iterator[tuple[str, ...]]:
    hints, notes = inspect.get_annotations(type(value), eval_str=True), _comments(type(value))
    for field in dataclasses.fields(value):
        inner = getattr(value, field.name)
        if is_table(inner):
            yield from _nested(inner, f"{path}{field.name}.")
        else:
            kind = _type(hints[field.name])
            yield f"`{path}{field.name}`", kind, _default(inner), notes.get(field.name, "")


def _events() -> str:
    own = [config.TranscriptChanged, config.TextRefused, config.MessageRefused]
    local = [conversation.SessionStateChanged, conversation.RetryScheduled, conversation.Turn, *own]
    parts = [
        "# Events and messages",
        "`character.events.subscribe(handler)` gets each of the first two kinds, on the main "
        "thread, during `scene.update`. `character.session.send(message)` takes the third. "
        "Import them from `characters` where that is said, and else from the module that is named.",
    ]
    sections = {
        "What the session tells": local,
        "What the service says": _subclasses(ServerMessage),
        "What a game may send": _subclasses(ClientMessage),
    }
    for title, kinds in sections.items():
        parts.append(f"## {title}")
        for kind in kinds:
            parts += [f"### {kind.__name__}", _import(kind), _prose(kind), _shape(kind)]
    return "\n\n".join(parts)


def _subclasses(base: type) -> list[type]:
    named = (getattr(messages, name) for name in messages.__all__)
    return [k for k in named if isinstance(k, type) and issubclass(k, base) and k is not base]


def _import(kind: type) -> str:
    is_public = kind.__name__ in characters.__all__
    return f"From `{'characters' if is_public else kind.__module__}`."


def _shape(kind: type) -> str:
    names = _quoted(field.name for field in dataclasses.fields(kind))
    return f"Fields: {names}." if names else "No fields."


def _failures() -> str:
    rows = [(f"`{code}`", row.kind.value, row.stage, row.advice) for code, row in FAILURES.items()]
    return "\n\n".join(
        (
            "# Failures",
            "What `SessionStateChanged.error_code` and `view.error.code` may say. The kind decides "
            "what happens next: [Reconnect policy](reconnect-policy.md) has the rules.",
            _table(("Code", "Kind", "Stage", "What it means"), rows),
        )
    )


def _keys() -> str:
    sections = {
        "Every scene": DEFAULT_BINDINGS,
        "Player": PLAYER_BINDINGS,
        "CharacterManager": MANAGER_BINDINGS,
        "Hud": HUD_BINDINGS,
        "FaultKeys": FAULT_BINDINGS,
    }
    parts = [
        "# Keys",
        "Keys are named as pygame names them, buttons of a pad as `pad 0`. A game changes them "
        'before its level starts: `scene.input.bindings["talk"] = ("space",)`. `NextVisitor` has '
        "its key as a field.",
        "On a keyboard layout without Latin letters (Russian, Greek, Hebrew, ...) a key has the "
        "name of its place on a US keyboard, in bindings and fields alike; the hints and the help "
        'show what is on it there. In a text of the game\'s own, `self.input.label("e")` is that.',
        "Letters are typed, and the input method works, only while something takes them: set "
        "`scene.input.captured` to what does. It may say by a `text_box` where its text stands, "
        "for the window with the candidates, or by None that it takes none.",
    ]
    for owner, bindings in sections.items():
        rows = [(action, _quoted(keys)) for action, keys in bindings.items()]
        parts += [f"## {owner}", _table(("Action", "Keys"), rows)]
    return "\n\n".join(parts)


def _commands(command_line: argparse.ArgumentParser) -> str:
    parts = [
        "# Commands",
        "`python -m characters COMMAND`. The exit status is 0 when all is well, 1 when something "
        "is not, 2 when the command line makes no sense.",
    ]
    (choices,) = (a for a in command_line._actions if isinstance(a, argparse._SubParsersAction))
    summaries = {action.dest: action.help or "" for action in choices._choices_actions}
    for name, command in choices.choices.items():
        known = service_parser() if name == "serve" else command
        rows = [row for action in known._actions if (row := _argument(action))]
        summary = summaries[name][:1].upper() + summaries[name][1:] + "."
        parts += [f"## {name}", summary, _table(("Argument", "", "Default"), rows)]
    return "\n\n".join(parts)


def _argument(action: argparse.Action) -> tuple[str, ...] | None:
    if isinstance(action, argparse._HelpAction):
        return None
    metavar = action.metavar or (None if action.nargs == 0 else action.dest.upper())
    choices = "|".join(map(str, action.choices)) if action.choices else None
    name = " ".join(filter(None, (", ".join(action.option_strings), choices or str(metavar or ""))))
    plain, value = action.default in (None, False, [], argparse.SUPPRESS, ""), action.default
    text = value.as_posix() if isinstance(value, Path) else str(value)
    return f"`{name}`", action.help or "", "" if plain else f"`{text}`"


def _script_steps() -> str:
    steps = [kind for kind in get_args(Step) if "do" in kind.model_fields]
    rows = [(_verbs(kind), _parameters(kind), _prose(kind, first=True)) for kind in steps]
    wait = [(f"`{name}`", _type(f.annotation)) for name, f in Wait.model_fields.items()]
    return "\n\n".join(
        (
            "# Steps of a script",
            f"A `[[step]]` has either `wait` or `do`, one of {len(Script.VERBS)} words, and "
            "`within`, the seconds that it may take (10 without).",
            "## do",
            _table(("`do`", "Keys", ""), rows),
            "## wait",
            "A table that names one of `state`, `says` and `seconds`. `says` is a regular "
            'expression; `resume` goes with `state = "CONNECTED"`.',
            _table(("Key", "Type"), wait),
        )
    )


def _verbs(kind: type[BaseModel]) -> str:
    return _quoted(get_args(kind.model_fields["do"].annotation))


def _parameters(kind: type[BaseModel]) -> str:
    return _quoted(name for name in kind.model_fields if name not in ("do", "within"))


# How values, types and texts are written.


def _comments(kind: type) -> Mapping[str, str]:
    """Return the comment beside each field, those of base classes too."""
    found: dict[str, str] = {}
    for owner in reversed(kind.__mro__):
        if owner.__module__.startswith(("characters", "engine")) and owner is not Component:
            found |= dict(_COMMENT.findall(inspect.getsource(owner)))
    return found


def _prose(kind: type, *, first: bool = False) -> str:
    """Return a docstring as Markdown, or only its first paragraph; Raises: is left to the code."""
    text = inspect.cleandoc(kind.__doc__ or "").partition("\nRaises:")[0].strip()
    text = text.replace("``", "`")
    return " ".join(text.partition("\n\n")[0].split()) if first else text


def _quoted(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _type(annotation: Any) -> str:
    choices = choices_of(annotation)
    if choices:
        return _quoted(choices)
    members = get_args(annotation)
    if hasattr(annotation, "__metadata__"):  # Annotated
        return _type(members[0])
    if isinstance(annotation, types.UnionType) or get_origin(annotation) is Union:
        return " or ".join(_type(member) for member in members)
    if get_origin(annotation) in (tuple, list):
        kinds = dict.fromkeys(_type(member) for member in members if member is not Ellipsis)
        return "list of " + ", ".join(kinds)
    name = getattr(annotation, "__name__", str(annotation))
    return _TYPES.get(name, name)


def _default(value: Any) -> str:
    if is_table(value):
        return "see below"
    text = value_text(value)
    return f"`{text}`" if text else '`""`'


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return ""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(
        "| " + " | ".join(c.replace("|", "\\|") for c in line) + " |" for line in lines
    )


if __name__ == "__main__":
    print("Written:", ", ".join(write_reference()) or "all are current")
