"""Places of a level: where the player comes in, and the doors to other levels."""

from __future__ import annotations

from pydantic import PositiveFloat

from engine.component import Component
from engine.physics import Box
from engine.scene_manager import SceneManager

__all__ = ["Door", "SpawnPoint"]


class SpawnPoint(Component):
    """Where the player stands after a load that asked for this name."""

    label: str = "default"


class Door(Component):
    """Loads another level when the player walks into it.

    The player comes in at the spawn point that is called `spawn`. Somebody who is put down
    inside the door has to leave it before it opens again.
    """

    target: str
    spawn: str = "default"
    size: tuple[PositiveFloat, PositiveFloat] = (56.0, 40.0)

    _is_armed: bool = False

    @property
    def box(self) -> Box:
        """The area that counts as the doorway."""
        x, y = self.transform.position
        return Box(x, y, *self.size)

    def late_update(self, dt: float) -> None:
        """Open when the player has walked in."""
        from characters.components.player import Player  # it looks for spawn points here

        player = self.scene.find_component(Player)
        if player is None:
            return
        if not self.box.contains(player.transform.position):
            self._is_armed = True
        elif self._is_armed:
            self._is_armed = False
            self.open()

    def open(self) -> None:
        """Load the target level. Raises LookupError without a SceneManager."""
        self.scene.get_service(SceneManager).load(self.target, self.spawn)
