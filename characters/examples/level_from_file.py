"""A level from a TOML file, which may be edited while the program runs.

Open level_from_file.toml beside this file, move Bram or give him another look, and save.
"""

from pathlib import Path

from characters import read_scene
from engine import Application, HotReload, Scene

__all__ = ["main"]

FILE = Path(__file__).with_suffix(".toml")


def level(app: Application) -> Scene:
    """Build the level; mistakes in the file are raised here, each with its line and column."""
    file = read_scene(FILE)
    scene = app.new_scene(file.settings.name, file.settings.size)
    file.build(scene)
    scene.add(HotReload(file))  # applies a saved edit, and only what differs
    return scene


def main() -> None:
    """Run until the window is closed."""
    with Application("Level from a file", open_scene=lambda name: level(app)) as app:
        app.scenes.load("lobby")
        app.run()


if __name__ == "__main__":
    main()
