"""Two characters, two sessions: what happens to one leaves the other alone.

Walk to one of them and press C: its connection breaks and comes back. Tab turns to the other.
"""

from characters import (
    Backdrop,
    Character,
    CharacterManager,
    CharacterSprite,
    Hud,
    Player,
    PlayerSprite,
    ReconnectPolicy,
)
from engine import Application, Component, Scene

__all__ = ["main"]


class CutKey(Component):
    """C breaks the connection of the character that hears the player."""

    def update(self, dt: float) -> None:
        """Look at the key, unless the player is typing."""
        manager = self.scene.find_component(CharacterManager)
        target = None if manager is None else manager.target
        if target is not None and self.input.captured is None and self.input.get_key_down("c"):
            target.session.cut()


def level(app: Application) -> Scene:
    """Build the one level of this game."""
    scene = app.new_scene("Ward")
    for part in (Backdrop("clinic"), CharacterManager(), Hud(), CutKey()):
        scene.add(part)
    you = scene.create("You", position=(430, 430))
    you.add(Player(name="Ada"))
    you.add(PlayerSprite())

    patient = scene.create("Mr. Whitlock", position=(340, 330))
    patient.add(CharacterSprite("patient"))
    patient.add(Character("patient-7f3a", reconnect_policy=ReconnectPolicy.PATIENT))
    nurse = scene.create("Nurse Okafor", position=(560, 330))
    nurse.add(CharacterSprite("nurse"))
    nurse.add(Character("nurse-21c4", reconnect_policy=ReconnectPolicy(max_reconnect_attempts=1)))
    return scene


def main() -> None:
    """Run until the window is closed."""
    with Application("Two characters", open_scene=lambda name: level(app)) as app:
        app.scenes.load("ward")
        app.run()


if __name__ == "__main__":
    main()
