"""NextVisitor: a shared kiosk forgets who was here when its key is pressed."""

from __future__ import annotations

from characters.components.character import Character
from characters.components.manager import CharacterManager
from characters.core.state import SessionState
from engine.component import Component

__all__ = ["NextVisitor"]


class NextVisitor(Component):
    """Ends the talk of the Character on its object, forgets its id, and starts a new one.

    Its key works while this character is the one that hears the player.
    """

    key: str = "n"

    _is_waiting: bool = False

    def update(self, dt: float) -> None:
        """Obey the key; connect anew as soon as the old session is closed."""
        character = self.require_component(Character)
        manager = self.scene.find_component(CharacterManager)
        is_meant = manager is not None and manager.target is character
        if is_meant and self.input.captured is None and self.input.get_key_down(self.key):
            self.next_visitor()
        if (
            self._is_waiting
            and character.has_session
            and character.view.state is SessionState.DISCONNECTED
        ):
            self._is_waiting = False
            character.session.connect()

    def next_visitor(self) -> None:
        """Forget the visitor; a handler or a button may call this too."""
        session = self.require_component(Character).session
        session.disconnect()
        session.clear_session_id()
        self._is_waiting = True
