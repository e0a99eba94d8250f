"""Two levels with a door between them: the porter's talk goes on in the other room.

Walk to the right edge of the lobby, and back.
"""

from characters import (
    Backdrop,
    Character,
    CharacterManager,
    CharacterSprite,
    Door,
    Hud,
    Player,
    PlayerSprite,
    SpawnPoint,
)
from engine import Application, Scene

__all__ = ["main"]

# Each level: where its door stands, where that leads, and where one comes in by it.
LEVELS = {
    "lobby": ((880, 400), "ward", (780, 400)),
    "ward": ((80, 400), "lobby", (180, 400)),
}


def level(app: Application, name: str) -> Scene:
    """Build a level by its name; the doors ask for it by that."""
    door, target, inside = LEVELS[name]
    scene = app.new_scene(name)
    for part in (Backdrop("lobby" if name == "lobby" else "clinic"), CharacterManager(), Hud()):
        scene.add(part)
    scene.create("Door", position=door).add(Door(target=target, spawn=f"from {name}"))
    scene.create("Inside", position=inside).add(SpawnPoint(label=f"from {target}"))
    you = scene.create("You", position=(700, 400))
    you.add(Player(name="Ada"))
    you.add(PlayerSprite())
    porter = scene.create("Bram", position=(480, 330))
    porter.add(CharacterSprite("porter"))
    porter.add(Character("porter-3e8f"))  # the same id in both: the same acquaintance
    return scene


def main() -> None:
    """Run until the window is closed."""
    with Application("Doors", open_scene=lambda name: level(app, name)) as app:
        app.scenes.scene_loaded.subscribe(lambda scene: print("in the", scene.name))
        app.scenes.load("lobby")
        app.run()


if __name__ == "__main__":
    main()
