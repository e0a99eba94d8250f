"""Scene files for tests: write a text among the sample assets and read it."""

from __future__ import annotations

from pathlib import Path

from engine.scenes.file import SceneFile
from tests.engine.corpus import write_assets
from tests.engine.sample_components import sample_registry

__all__ = ["HALL", "read_level"]

HALL = """\
# A hall with two people in it.
[scene]
name = "Hall"      # shown on the map
size = [800, 600]

[[object]]
name = "Ann"
position = [10, 20]    # by the door
tag = "person"
parent = "Floor"
[object.Actor]
actor_id = "ann"
policy = { attempts = 4 } # patient
friends = ["Bob"]

# --- Bob ---
[[object]]
name = "Bob"
active = false
[object.Switch]
lamp = "Floor"
door = "Ann"
pressed = "Floor:Lamp.toggle"
[object.Actor]
actor_id = "bob"

[[object]]
name = "Floor"
position = [100, 100]
[object.Lamp]
"""


def read_level(folder: Path, text: str = HALL) -> SceneFile:
    """Write a text as a level and read it."""
    path = write_assets(folder)
    path.write_bytes(text.encode())
    return SceneFile.read(path, sample_registry())
