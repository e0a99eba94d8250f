"""Every text on the screen comes from the table: none is written where it is painted."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from string import Formatter

from characters.english import ENGLISH
from engine.core.words import ENGINE_WORDS
from tests.imports import Module, modules

# Parts of the HUD that hold no texts: names of looks and shapes, and keys of pictures.
WITHOUT_TEXTS = ("characters.ui.appearance", "characters.ui.registration", "characters.ui.visuals")

# Words for programs that look like words for players.
TECHNICAL = re.compile(
    r"(pad|mouse|page) (\d|up|down|left|right)"  # keys
    r"|(page|always create) (up|down|new)"
    r"|badge tail"  # a picture
)
WORDS = re.compile(r"[^\W\d_]{2,} +[^\W\d_]{2,}|[A-ZÄÖÜ][a-zäöü]+")


PICTURES = frozenset(f"characters.ui.paint.{name}" for name in ("furniture", "people", "rooms"))


def hud() -> list[Module]:
    return [
        module
        for name, module in modules().items()
        if name.startswith("characters.ui.")
        and not name.startswith(WITHOUT_TEXTS)
        and name not in PICTURES
    ]


def is_for_programs(node: ast.AST) -> bool:
    """Tell whether texts below a node are for logs, errors, types or other programs."""
    if isinstance(node, ast.Raise):
        return True
    if isinstance(node, ast.ClassDef) and any("Enum" in ast.dump(base) for base in node.bases):
        return True
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return ast.unparse(node.func).startswith(("_log.", "re."))
    if isinstance(node, ast.Assign):
        return ast.unparse(node.targets[0]) == "__all__"
    return False


def texts(node: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the literal texts below a node, docstrings and those for programs left out."""
    if is_for_programs(node):
        return
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
            continue
        if isinstance(child, ast.Constant) and isinstance(child.value, str):
            yield child.lineno, child.value
        yield from texts(child)


def spoken(module: Module) -> list[str]:
    return [
        f"{module.name}:{line}: {text!r}"
        for line, text in texts(module.tree)
        if WORDS.search(text) and not TECHNICAL.fullmatch(text)
    ]


def test_no_text_for_a_player_is_written_outside_the_table() -> None:
    found = [line for module in hud() for line in spoken(module)]
    assert not found, "\n".join(["Put it into characters/english.py:", *found])


def test_a_text_beside_the_table_would_be_found() -> None:
    text = 'def paint(gui):\n    """Paint it."""\n    gui.text("Game over", (0, 0))\n'
    module = Module("characters.ui.paint.x", hud()[0].path, False, 3, (), ast.parse(text))
    assert spoken(module) == ["characters.ui.paint.x:3: 'Game over'"]


def test_every_text_of_the_table_is_used() -> None:
    nodes = (node for module in modules().values() for node in ast.walk(module.tree))
    written = {node.value for node in nodes if isinstance(node, ast.Constant)}
    of_keys = {key for key in ENGLISH.templates if key.startswith("key.")}  # by what is bound
    assert sorted(ENGLISH.templates.keys() - of_keys - written) == []


def calls() -> Iterator[tuple[str, ast.Call]]:
    """Yield the calls of a table by a key that is written there, with the place."""
    for name, module in modules().items():
        for node in ast.walk(module.tree):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            caller = ast.unparse(node.func).rpartition(".")[2]
            if caller in ("say", "_say", "words", "screen_words", "ENGLISH", "ENGINE_WORDS"):
                yield f"{name}:{node.lineno}", node


def keys_of(argument: ast.expr) -> list[str]:
    branches = [argument.body, argument.orelse] if isinstance(argument, ast.IfExp) else [argument]
    return [str(branch.value) for branch in branches if isinstance(branch, ast.Constant)]


def placeholders(text: str) -> set[str]:
    names = {name for _, name, _, _ in Formatter().parse(text) if name is not None}
    return {name for name in names if not name.startswith("keys[")}


def test_every_key_is_in_the_table_and_gets_its_values() -> None:
    wrong, count = [], 0
    for place, call in calls():
        given = {keyword.arg for keyword in call.keywords}
        for key in keys_of(call.args[0]):
            count += 1
            wanted = placeholders(ENGLISH.templates.get(key, ""))
            is_open = None in given  # **values
            if key not in ENGLISH.templates or (wanted != given and not is_open):
                wrong.append(f"{place}: {key} with {given}")
    assert not wrong, "\n".join(wrong)
    assert count > 200


def test_the_table_of_the_engine_is_part_of_it() -> None:
    assert ENGINE_WORDS.templates.items() <= ENGLISH.templates.items()
