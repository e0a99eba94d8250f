"""Each example runs as it stands, beside a service that all of them share."""

from __future__ import annotations

import ast
import importlib
import io
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import platformdirs
import pygame
import pytest

from characters.client.service_process import ServiceProcess
from characters.components.character import Character
from tests.imports import ROOT

FOLDER = ROOT / "characters" / "examples"
NAMES = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__")
MOST_LINES = 60
FAST = ("--words-per-second", "0", "--think", "0", "--no-speech", "--seed", "1")
WITHIN = 30.0

# What an example prints; those without are over as soon as their characters are connected.
SHOWS = {
    "doors": "in the lobby\nin the ward\n",
    "events": "CONNECTING -> CONNECTED",
    "headless": "passed",
    "manual_respond": "Bram: ",
    "own_store": "first visit: FRESH\nsecond visit: RESUMED\n",
    "pages": "resumed: False\nsecond page: supported: True, resumed: True\nforgotten\n",
    "reconnect_policies": "kiosk-90ab: RECONNECTING -> CONNECTED FRESH",
    "triggers": "heard your steps",
}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    process = ServiceProcess(tmp_path_factory.mktemp("service"), ROOT / "assets", arguments=FAST)
    process.start()
    yield process
    process.stop()


class Player:
    """Walks to the right, and closes the window once everything was to be seen.

    An example that shows nothing fails instead of running for ever.
    """

    def __init__(self, has_seen_all: Callable[[], bool]) -> None:
        self._has_seen_all = has_seen_all
        self._ends_at = time.monotonic() + WITHIN
        self._is_walking = False

    def events(self) -> list[pygame.event.Event]:
        """Return what pygame would: what the player did since the last frame."""
        self.look_at_watch()
        if self._has_seen_all():
            return [pygame.event.Event(pygame.QUIT)]
        if self._is_walking:
            return []
        self._is_walking = True
        return [pygame.event.Event(pygame.KEYDOWN, key=pygame.K_d)]

    def sleep(self, seconds: float, sleep: Callable[[float], None] = time.sleep) -> None:
        """Sleep between two frames of a program without a window."""
        self.look_at_watch()
        sleep(seconds)

    def look_at_watch(self) -> None:
        assert time.monotonic() < self._ends_at, "the example did not show what it is about"


@pytest.mark.parametrize("name", NAMES)
def test_an_example_shows_what_it_is_about(
    name: str, service: ServiceProcess, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    people: list[Character] = []
    printed = io.StringIO()
    start = Character.start

    def started(self: Character) -> None:
        start(self)
        people.append(self)

    def has_seen_all() -> bool:
        met = [one for one in people if not one.is_destroyed]
        return SHOWS.get(name, "") in printed.getvalue() and any(one.is_connected for one in met)

    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setattr(platformdirs, "user_data_path", lambda *_, **__: tmp_path)
    monkeypatch.setattr(ServiceProcess, "start", lambda self: service.url)
    monkeypatch.setattr(Character, "start", started)
    player = Player(has_seen_all)
    monkeypatch.setattr(pygame.event, "get", player.events)
    monkeypatch.setattr(time, "sleep", player.sleep)
    monkeypatch.setattr(sys, "stdout", printed)
    importlib.import_module(f"characters.examples.{name}").main()
    assert people
    assert SHOWS.get(name, "") in printed.getvalue()


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
    open_to_all = {"characters", "engine", "engine.app.hot_reload", "pygame", "collections.abc"}
    assert named <= open_to_all | set(sys.stdlib_module_names)
