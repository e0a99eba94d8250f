"""Pictures of every screen of the game at several sizes, to be looked at.

python -m tests.screens FOLDER [WIDTHxHEIGHT ...]
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pygame

from characters.components.character import Character, ConnectMode
from characters.session.conversation import SessionState
from characters.ui.hud import Hud
from tests.running import running_service
from tests.screen import Screen
from tests.test_main import PATIENT
from tests.windowed import WindowedGame, windowed

__all__ = ["SIZES", "take_pictures"]

SIZES = ("640x400", "1280x720", "3840x2160")
NOWHERE = "http://127.0.0.1:9"  # nothing listens there


def take_pictures(folder: Path, size: str, url: str) -> list[Path]:
    """Write a picture of each screen, for a screen of that size, and return their paths."""
    taken: list[Path] = []
    with Screen(size) as screen, TemporaryDirectory() as data:
        for nth, (endpoint, level, screens) in enumerate(
            (
                (url, "clinic", _talk),
                (NOWHERE, "clinic", _errors),
                (url, "lobby", _level),
                (url, "exam", _level),
            )
        ):
            run = Path(data) / str(nth)
            with windowed(run, screen, level, "--endpoint", endpoint) as game:
                _fill(game, size)
                for name in screens(game, screen):
                    path = folder / f"{size}-{name}.png"
                    display = pygame.display.get_surface()
                    assert display is not None
                    pygame.image.save(display, path)
                    taken.append(path)
    return taken


def _fill(game: WindowedGame, size: str) -> None:
    """Give the window the whole screen, without the help of a window manager."""
    assert game.app.window is not None
    width, height = map(int, size.split("x"))
    game.app.window.resize((width, height))
    game.run(20)


def _talk(game: WindowedGame, screen: Screen) -> Iterator[str]:
    """Go through what a player sees and opens; yield a name for each picture."""
    patient = game.character(PATIENT)
    assert game.app.window is not None
    game.app.window.present_loading()
    yield "loading"
    game.run_until(lambda: patient.state is SessionState.CONNECTED, "a connection")
    game.run()
    yield "level"
    game.player.walk_to((260, 380))
    game.run_until(lambda: not game.player.is_walking, "the walk")
    game.player.look_at(patient.transform.position)
    game.run_until(lambda: game.player.target is patient, "somebody who listens")
    screen.press("Return")
    game.run_until(lambda: game.app.input.text_box is not None, "the text box")
    game.run()
    screen.type("My name is Ada, and I came by tram")
    game.run_until(lambda: game.hud.state.chat.text.endswith("tram"), "what was typed")
    game.run()
    yield "text-box"
    lines = len(patient.view.transcript)
    screen.press("Return")
    game.run_until(lambda: len(patient.view.transcript) > lines + 1, "an answer")
    game.run()
    yield "talk"
    yield from _panels(game, screen)


def _panels(game: WindowedGame, screen: Screen) -> Iterator[str]:
    for keys, name, opened in (
        (("F1",), "help", "help"),
        (("Escape", "Escape"), "menu", "menu"),
        (("Down", "Down", "Down", "Down", "Return"), "sound", "sound"),
        (("Escape", "Down", "Return"), "slots-none", "slots"),
        (("Return", "Return", "Return", "Return", "Down"), "slots", "slots"),
        (("Up", "Return"), "slots-name", "slots"),
        (("Escape", "Escape", "Escape", "F3"), "inspector", "game, inspector"),
        (("i",), "memory", "memory, inspector"),
        (("space",), "memory-pinned", "memory, inspector"),
        (("Return",), "memory-correct", "memory, inspector"),
        (("Escape", "Escape"), "inspector-again", "game, inspector"),
        (("e",), "fields", "fields, inspector"),
        (("Down", "Down", "Return"), "field-edit", "fields, inspector"),
        (("Escape", "Escape", "F3", "F4"), "faults", "game, faults"),
        (("F3",), "inspector-and-faults", "game, inspector, faults"),
    ):
        for key in keys:
            screen.press(key)
            game.run(12)
        _until_shown(game, game.hud, opened)
        yield name


def _until_shown(game: WindowedGame, hud: Hud, what: str) -> None:
    game.run_until(lambda: hud.state.shown == what, f"{what} instead of {hud.state.shown}")
    game.run()


def _errors(game: WindowedGame, screen: Screen) -> Iterator[str]:
    """Wait until nobody could be reached."""
    patient = game.character(PATIENT)
    game.run_until(lambda: patient.state is SessionState.ERROR, "nobody answers")
    game.run()
    yield "errors"
    screen.press("F3")
    _until_shown(game, game.hud, "game, inspector")
    yield "errors-and-inspector"


def _level(game: WindowedGame, screen: Screen) -> Iterator[str]:
    """Wait for whoever connects as the level is entered."""
    everybody = game.scene.find_components(Character)
    waited = [one for one in everybody if one.connect is ConnectMode.ON_START]
    game.run_until(lambda: all(_is_connected(one) for one in waited), "connections")
    game.run()
    yield game.scene.name.lower().replace(" ", "-")


def _is_connected(character: Character) -> bool:
    return character.state is SessionState.CONNECTED


if __name__ == "__main__":
    goal = Path(sys.argv[1])
    goal.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as own, running_service(Path(own)) as service:
        for each in sys.argv[2:] or SIZES:
            for picture in take_pictures(goal, each, service.url):
                print(picture)
