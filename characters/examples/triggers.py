"""Tell a character what happens in the level, and let it speak about that."""

import time
from contextlib import closing

from characters import Character, CharacterManager, ContextUpdate, TriggerMessage
from engine import Scene

__all__ = ["main"]


def finished(character: Character) -> list[str]:
    """Return the lines that the character has said to their end."""
    return [turn.text for turn in character.view.transcript if turn.final]


def main() -> None:
    """Let Mr. Whitlock hear that the player came back."""
    with closing(Scene()) as scene:
        scene.add(CharacterManager(sound=False))
        patient = scene.create("Mr. Whitlock").add(Character("patient-7f3a"))
        scene.update(0.0)
        while not patient.is_connected:
            time.sleep(1 / 60)
            scene.update(1 / 60)

        # What a language model is to know. A scripted persona, as this one is, does not read it.
        patient.session.send(ContextUpdate(text="It rains. The window is open."))
        # A persona's [[event]] of that name has the lines.
        patient.session.send(TriggerMessage(trigger_name="came-back"))

        ends_at = scene.clock.now() + 15.0  # his greeting comes first
        while scene.clock.now() < ends_at and len(finished(patient)) < 2:
            time.sleep(1 / 60)
            scene.update(1 / 60)
        print("\n".join(finished(patient)))


if __name__ == "__main__":
    main()
