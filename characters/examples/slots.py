"""Save slots: tell the porter a name, save, tell him another, load: he knows the first."""

import time
from contextlib import closing
from pathlib import Path
from tempfile import mkdtemp

from characters import Character, CharacterManager, KeyValueSessionPersistence, MemoryStore
from engine import PlayerPrefs, Scene

__all__ = ["main"]


def main() -> None:
    """Save with a name, and go back to it."""
    prefs = PlayerPrefs.open(Path(mkdtemp()) / "prefs.msgpack")
    with closing(Scene()) as scene, prefs:
        scene.provide(prefs)
        scene.provide(KeyValueSessionPersistence(MemoryStore()))
        manager = scene.add(CharacterManager(sound=False))
        porter = scene.create("Bram").add(Character("porter-3e8f"))

        def answer(line: str, word: str) -> str:
            """Say a line; return the answer, in which there is a word."""
            before = len(porter.view.transcript)
            porter.session.send_text(line)
            while True:
                turns = porter.view.transcript[before:]
                found = [t.text for t in turns if t.speaker == "character" and word in t.text]
                if found:
                    return found[0]
                frame()

        def frame() -> None:
            scene.update(1 / 60)
            time.sleep(1 / 240)

        frame()
        answer("My name is Ada.", "Ada")
        slot = manager.slots.save("before", {"gold": 7})
        while not slot.done():
            frame()
        answer("My name is not Ada, it is Grace.", "Grace")
        loaded = manager.slots.load("before")
        while not loaded.done():
            frame()
        print("gold:", loaded.result().values["gold"])
        print(answer("What is my name?", "Ada"))


if __name__ == "__main__":
    main()
