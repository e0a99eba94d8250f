"""A level without a window, as a test of a game runs it."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from characters import Character, CharacterManager, KeyValueSessionPersistence, MemoryStore
from engine import Scene

__all__ = ["main"]


class Level:
    """The nurse's room; put it into a fixture, and each test gets a room of its own."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        scene.provide(KeyValueSessionPersistence(MemoryStore()))  # no test remembers another
        scene.add(CharacterManager(sound=False))
        self.nurse = scene.create("Nurse Okafor").add(Character("nurse-21c4"))

    def run(self, until: Callable[[], bool], within: float = 60.0) -> None:
        """Run frames until something holds; a deadline, so that a test never hangs."""
        ends_at = time.monotonic() + within
        while not until():
            assert time.monotonic() < ends_at, "the time is up"
            self.scene.update(1 / 60)
            time.sleep(1 / 240)

    def heard(self, words: str) -> bool:
        """Return whether the nurse has said the words."""
        turns = self.nurse.view.transcript
        return any(words in turn.text for turn in turns if turn.speaker == "character")


@contextmanager
def level() -> Iterator[Level]:
    """Open the level, and close it whatever the test does."""
    with closing(Scene()) as scene:
        yield Level(scene)


def main() -> None:
    """Test that the nurse remembers a name."""
    with level() as it:
        it.run(until=lambda: it.nurse.is_connected)
        it.nurse.session.send_text("My name is Ada.")
        it.run(until=lambda: it.heard("Ada"))
    print("passed: the nurse knows Ada's name")


if __name__ == "__main__":
    main()
