"""Each example runs as it stands, is short, and needs nothing that is not open to everybody."""

from __future__ import annotations

import ast
import importlib
import sys
from pathlib import Path

import pytest

from tests.imports import ROOT
from tests.programs import play

FOLDER = ROOT / "characters" / "examples"
NAMES = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__")
MOST_LINES = 60

# What an example prints; those without are over as soon as a character is connected.
SHOWS = {
    "typed_actions": "Point done: Door to the clinic, for 1 s\nPoint refused: There is no 'Door",
    "doors": "in the lobby\nin the ward\n",
    "events": "CONNECTING -> CONNECTED",
    "headless": "passed",
    "manual_respond": "Bram: ",
    "own_store": "first visit: FRESH\nsecond visit: RESUMED\n",
    "pages": "first page: resumed: False\nsecond page: resumed: True\n",
    "reconnect_policies": "kiosk-90ab: RECONNECTING -> CONNECTED FRESH",
    "slots": "gold: 7\n",
    "triggers": "heard your steps",
}


@pytest.mark.parametrize("name", NAMES)
def test_an_example_shows_what_it_is_about(
    name: str, service_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = importlib.import_module(f"characters.examples.{name}").main
    assert play(program, service_url, tmp_path, monkeypatch, SHOWS.get(name, ""))


@pytest.mark.parametrize("name", NAMES)
def test_an_example_is_short_and_says_what_it_shows(name: str) -> None:
    text = (FOLDER / f"{name}.py").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MOST_LINES
    assert ast.get_docstring(ast.parse(text))
    assert name in str(importlib.import_module("characters.examples").__doc__)


@pytest.mark.parametrize("name", NAMES)
def test_an_example_needs_only_what_everybody_may_import(name: str) -> None:
    tree = ast.parse((FOLDER / f"{name}.py").read_text(encoding="utf-8"))
    named = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    named |= {n.name for i in ast.walk(tree) if isinstance(i, ast.Import) for n in i.names}
    open_to_all = {"characters", "engine", "pygame", "collections.abc"}
    assert named <= open_to_all | set(sys.stdlib_module_names)
