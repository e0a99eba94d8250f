from __future__ import annotations

from pathlib import Path

from engine.scene_difference import Change, SceneDifference, difference
from tests.engine.cast import Policy
from tests.engine.levels import HALL, read_level


def between(folder: Path, old: str, new: str) -> SceneDifference:
    return difference(read_level(folder, old).document, read_level(folder, new).document)


def test_the_same_file_has_no_difference(tmp_path: Path) -> None:
    assert not between(tmp_path, HALL, HALL)


def test_comments_and_order_are_no_difference(tmp_path: Path) -> None:
    parts = HALL.split("# --- Bob ---\n")
    head, ann = parts[0].split("[[object]]", 1)
    assert not between(tmp_path, HALL, f"{head}{parts[1]}\n# moved\n[[object]]{ann}")


def test_objects_come_and_go_by_name(tmp_path: Path) -> None:
    more = HALL + '[[object]]\nname = "Cid"\n'
    assert between(tmp_path, HALL, more).added == ("Cid",)
    assert between(tmp_path, more, HALL).removed == ("Cid",)


def test_a_moved_object_is_told_by_its_field(tmp_path: Path) -> None:
    found = between(tmp_path, HALL, HALL.replace("[10, 20]", "[11, 20]"))
    assert found.changed["Ann"].changed == {"": {"position": Change((10.0, 20.0), (11.0, 20.0))}}


def test_a_changed_policy_is_told_as_values(tmp_path: Path) -> None:
    found = between(tmp_path, HALL, HALL.replace("attempts = 4", "attempts = 5"))
    change = Change(Policy(attempts=4), Policy(attempts=5))
    assert found.changed["Ann"].changed == {"Actor": {"policy": change}}


def test_components_come_and_go(tmp_path: Path) -> None:
    more = HALL + '[object.Door]\ntarget = "x"\n'
    assert between(tmp_path, HALL, more).changed["Floor"].added == ("Door",)
    assert between(tmp_path, more, HALL).changed["Floor"].removed == ("Door",)


def test_the_levels_own_settings_are_told(tmp_path: Path) -> None:
    found = between(tmp_path, HALL, HALL.replace('"Hall"', '"Cave"'))
    assert found.settings == {"name": Change("Hall", "Cave")}
