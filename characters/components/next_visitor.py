"""NextVisitor: a shared kiosk forgets who was here when its key is pressed."""

from __future__ import annotations

from characters.components.character import Character
from characters.components.manager import CharacterManager
from characters.core.state import SessionState
from engine.component import Component

__all__ = ["NextVisitor"]


class NextVisitor(Component):
    """Ends the talk of the Character on its object, and starts a new one with somebody new.

    The old one is forgotten here and at the service.

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
        character = self.require_component(Character)
        if character.manager is not None:
            character.manager.runtime.forget_session(character.key)
            self._is_waiting = True
