"""Actions as functions: what a character may do in the game, called with checked arguments."""

import time
from contextlib import closing

from characters import ActionDone, ActionRefused, Character, CharacterManager
from engine import Component, Scene

__all__ = ["main", "Pointer"]


class Pointer(Component):
    """Points at things of the level."""

    def point(self, target: str, seconds: float = 1.0) -> str:
        """Point at something in the room."""
        if self.scene.find(target) is None:
            raise ValueError(f"There is no {target!r} here.")  # a refusal, for game and mind
        return f"{target}, for {seconds:g} s"


def main() -> None:
    """Ask Bram for two ways; only one of the doors is there."""
    outcomes: list[ActionDone | ActionRefused] = []

    def note(event: object) -> None:
        if isinstance(event, ActionDone | ActionRefused):
            outcomes.append(event)

    with closing(Scene()) as scene:
        scene.add(CharacterManager(sound=False))
        scene.create("Door to the clinic")
        bram = scene.create("Bram").add(Character("porter-3e8f", actions=("Wave",)))
        pointer = bram.game_object.add(Pointer())
        # Docstring and hints are what a language model is told. Bram's persona calls it "Point";
        # without a name of its own the action would be "point". "Wave" the game handles itself.
        bram.can(pointer.point, "Point")
        bram.events.subscribe(note)
        scene.update(0.0)
        for line in ("Where is the clinic?", "Where is the exam room?"):
            bram.session.send_text(line)
            had = len(outcomes)
            while len(outcomes) == had:
                time.sleep(1 / 60)
                scene.update(1 / 60)
    for outcome in outcomes:
        match outcome:
            case ActionDone():
                print(outcome.action.name, "done:", outcome.result)
            case ActionRefused():
                print(outcome.name, "refused:", outcome.reason)


if __name__ == "__main__":
    main()
