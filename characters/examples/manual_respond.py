"""A character that answers only when the game says so: to all that was said since."""

import time
from collections.abc import Callable
from contextlib import closing

from characters import Character, CharacterManager, RespondMode
from engine import Scene

__all__ = ["main"]


def main() -> None:
    """Say two things, wait, and then ask for one answer."""
    with closing(Scene()) as scene:

        def run(until: Callable[[], bool]) -> None:
            while not until():
                time.sleep(1 / 60)
                scene.update(1 / 60)

        scene.add(CharacterManager(sound=False))
        porter = scene.create("Bram").add(Character("porter-3e8f", respond_mode=RespondMode.MANUAL))
        run(until=lambda: porter.is_connected)
        porter.session.send_text("My name is Ada.")
        porter.session.send_text("How old is this building?")
        silent_until = scene.clock.now() + 0.5
        run(until=lambda: scene.clock.now() > silent_until)
        said = len(porter.view.transcript)
        print("He heard it and says nothing. Now he is asked to answer.")

        porter.respond()
        run(until=lambda: any(turn.final for turn in porter.view.transcript[said:]))
        print("Bram:", porter.view.transcript[-1].text)


if __name__ == "__main__":
    main()
