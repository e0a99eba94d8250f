"""Keep the sessions in a store of one's own: here a JSON file, elsewhere a cloud save."""

import json
import time
from contextlib import closing
from pathlib import Path
from tempfile import mkdtemp

from characters import Character, CharacterManager, KeyValueSessionPersistence, ResumeOutcome
from engine import Scene

__all__ = ["JsonStore", "main"]


class JsonStore:
    """Five methods are a store. They run off the main thread, one at a time, and may wait."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.texts: dict[str, str] = json.loads(path.read_bytes()) if path.exists() else {}

    def get_string(self, key: str, default: str | None = None) -> str | None:
        return self.texts.get(key, default)

    def set_string(self, key: str, value: str) -> None:
        self.texts[key] = value

    def has_key(self, key: str) -> bool:
        return key in self.texts

    def delete_key(self, key: str) -> None:
        self.texts.pop(key, None)

    def save(self) -> None:
        """Return when all of it is safe: the game sees CONNECTED only then."""
        self.path.write_bytes(json.dumps(self.texts).encode())


def visit(path: Path) -> ResumeOutcome:
    """Meet the porter once; return what his session restored."""
    with closing(Scene()) as scene:
        scene.provide(KeyValueSessionPersistence(JsonStore(path)))  # before the first update
        scene.add(CharacterManager(sound=False))
        porter = scene.create("Bram").add(Character("porter-3e8f"))
        scene.update(0.0)
        while porter.view.resume is None:
            time.sleep(1 / 60)
            scene.update(1 / 60)
        return porter.view.resume.outcome


def main() -> None:
    """Meet him twice."""
    path = Path(mkdtemp()) / "sessions.json"
    print("first visit:", visit(path))
    print("second visit:", visit(path))


if __name__ == "__main__":
    main()
