"""The game: a window, and levels by their names. Run it with `python main.py`."""

from pathlib import Path

from lantern import Lantern

from characters import read_scene
from engine import Application, HotReload, Scene

SCENES = Path(__file__).parent / "assets" / "scenes"


def level(app: Application, name: str) -> Scene:
    """Make the level of that name; an edit of its file shows as soon as it is saved."""
    file = read_scene(SCENES / f"{name}.toml", Lantern)
    scene = app.new_scene(file.settings.name, file.settings.size)
    file.build(scene)
    scene.add(HotReload(file))
    return scene


def main() -> None:
    """Run until the window is closed."""
    with Application(open_scene=lambda name: level(app, name)) as app:
        app.scenes.load("hall")
        app.run()


if __name__ == "__main__":
    main()
