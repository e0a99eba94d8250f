from __future__ import annotations

import difflib
from pathlib import Path

import pytest

from engine.app.hot_reload import HotReload
from engine.objects.objects import Component, GameObject
from engine.objects.scene import Scene
from engine.scenes.build import BuiltScene
from engine.scenes.editor import Edit, EditError, SceneEditor
from engine.scenes.file import SceneFile
from tests.engine.corpus import write_assets
from tests.engine.levels import HALL
from tests.engine.sample_components import (
    Actor,
    Camera2D,
    Door,
    Lamp,
    Mood,
    Policy,
    Switch,
    sample_registry,
)
from tests.engine.scenes.test_file import Deep, Nest


class Room:
    """A running level, its file and an editor."""

    def __init__(self, folder: Path, text: str = HALL, **files: str) -> None:
        self.path = write_assets(folder)
        for name, content in files.items():
            (folder / "assets" / f"{name}.toml").write_text(content, encoding="utf-8")
        self.path.write_text(text, encoding="utf-8")
        file = SceneFile.read(self.path, sample_registry(Dial))
        self.scene = file.new_scene()
        file.build(self.scene)
        self.editor = SceneEditor(self.scene)

    @property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    def find(self, name: str) -> GameObject:
        return self.scene.get_service(BuiltScene).objects[name]

    def set(self, name: str, path: str, text: str) -> Edit:
        owner = self.find(name)
        row = next(row for row in self.editor.rows(owner) if row.path == path)
        return self.editor.set(owner, row, text)

    def refused(self, name: str, path: str, text: str) -> str:
        before = self.text
        with pytest.raises(EditError) as refusal:
            self.set(name, path, text)
        assert self.text == before
        return str(refusal.value)

    def lines(self, before: str) -> list[str]:
        """Return the lines that went and came since then."""
        pairs = difflib.ndiff(before.split("\n"), self.text.split("\n"))
        return [line for line in pairs if line[0] in "+-"]


def test_one_line_of_the_file_changes_and_the_living_component_follows(tmp_path: Path) -> None:
    room = Room(tmp_path)
    actor = room.find("Ann").require_component(Actor)
    edit = room.set("Ann", "Actor.policy.attempts", "9")
    assert room.lines(HALL) == [
        "- policy = { attempts = 4 } # patient",
        "+ policy = { attempts = 9 } # patient",
    ]
    assert (edit.saved, edit.line) == (room.path, 13)
    assert room.find("Ann").require_component(Actor) is actor
    assert actor.policy == Policy(attempts=9)


def test_what_the_file_did_not_say_is_one_line_more(tmp_path: Path) -> None:
    room = Room(tmp_path)
    room.set("Bob", "Actor.policy.delay_seconds", "2")
    room.set("Floor", "layer", "3")
    assert room.lines(HALL) == ["+ policy.delay_seconds = 2", "+ layer = 3"]
    assert room.find("Floor").layer == 3


def test_a_wrong_value_is_one_sentence_and_changes_nothing(tmp_path: Path) -> None:
    room = Room(tmp_path)
    message = room.refused("Ann", "Actor.policy.delay_seconds", "-1")
    assert message == "delay_seconds must be 0 or more (got -1.0)."
    assert "must be a number" in room.refused("Ann", "Actor.policy.delay_seconds", "soon")
    assert "no object" in room.refused("Bob", "Switch.door", "Ghost")
    assert room.find("Ann").require_component(Actor).policy == Policy(attempts=4)


def test_a_value_from_a_prefab_is_said_anew_in_the_level_alone(tmp_path: Path) -> None:
    prefab = '[Actor]\nactor_id = "cid"\npolicy = "patient"\n'
    text = HALL + '\n[[object]]\nname = "Cid"\nprefab = "npc.toml"\n'
    room = Room(tmp_path, text, npc=prefab)
    room.set("Cid", "Actor.policy.attempts", "7")
    assert room.lines(text) == ['+ Actor.policy = {preset = "patient", attempts = 7}']
    assert (tmp_path / "assets" / "npc.toml").read_text("utf-8") == prefab
    wanted = Policy(attempts=7, delay_seconds=Policy.PATIENT.delay_seconds)
    assert room.find("Cid").require_component(Actor).policy == wanted


def test_undo_gives_every_letter_back_edit_by_edit(tmp_path: Path) -> None:
    room = Room(tmp_path)
    room.set("Ann", "Actor.mood", "tired")
    room.set("Bob", "Actor.policy.attempts", "none")
    assert room.editor.undo().path == "Actor.policy.attempts"
    assert room.lines(HALL) == ['+ mood = "tired"']
    room.editor.undo()
    assert room.text == HALL
    assert room.find("Ann").require_component(Actor).mood is Mood.CALM
    with pytest.raises(EditError, match="Nothing was edited"):
        room.editor.undo()


def test_an_edit_made_outside_is_kept_and_not_undone(tmp_path: Path) -> None:
    room = Room(tmp_path)
    room.path.write_text(HALL.replace("[100, 100]", "[101, 101]"), encoding="utf-8")
    room.set("Ann", "tag", "guest")
    assert "[101, 101]" in room.text
    assert room.find("Floor").transform.position == (101.0, 101.0)
    room.path.write_text(room.text + "# theirs\n", encoding="utf-8")
    with pytest.raises(EditError, match="somebody else"):
        room.editor.undo()
    assert room.text.endswith("# theirs\n")


def test_a_file_with_mistakes_is_left_alone(tmp_path: Path) -> None:
    room = Room(tmp_path)
    room.path.write_text(HALL.replace("size = [800, 600]", "size = 1"), encoding="utf-8")
    assert "size" in room.refused("Ann", "tag", "guest")


def test_a_file_that_cannot_be_written_changes_nothing(tmp_path: Path) -> None:
    room = Room(tmp_path)
    room.path.unlink()
    with pytest.raises(EditError):
        room.set("Ann", "tag", "guest")
    assert room.find("Ann").tag == "person"


class Dial(Component):
    """Refuses in its own code what its type allows."""

    def __init__(self, angle: int = 0) -> None:
        self._angle = angle

    @property
    def angle(self) -> int:
        return self._angle

    @angle.setter
    def angle(self, angle: int) -> None:
        if angle > 90:
            raise RuntimeError("it does not turn so far")
        self._angle = angle


def test_what_a_component_s_own_code_refuses_is_not_in_the_file_either(tmp_path: Path) -> None:
    text = HALL + '\n[[object]]\nname = "Oven"\n[object.Dial]\nangle = 10\n'
    room = Room(tmp_path, text)
    room.set("Oven", "Dial.angle", "20")
    assert "does not turn so far" in room.refused("Oven", "Dial.angle", "120")
    assert room.find("Oven").require_component(Dial).angle == 20
    room.set("Oven", "Dial.angle", "30")
    assert "angle = 30" in room.text


def test_a_renamed_object_is_edited_on_under_its_new_name(tmp_path: Path) -> None:
    room = Room(tmp_path, HALL.replace('friends = ["Bob"]\n', ""))
    room.set("Bob", "name", "Bert")
    room.scene.update(0.01)
    room.set("Bert", "tag", "guest")
    assert room.find("Bert").tag == "guest"


def test_the_watch_of_the_file_finds_nothing_left_to_do(tmp_path: Path) -> None:
    room = Room(tmp_path)
    reload = HotReload(room.scene.get_service(SceneFile))
    room.scene.create("Watcher", active=False).add(reload)
    applied: list[object] = []
    reload.applied.subscribe(applied.append)
    room.set("Ann", "tag", "guest")
    reload.look()
    room.scene.update(0.01)
    assert applied == []
    room.path.write_text(room.text.replace("[100, 100]", "[7, 7]"), encoding="utf-8")
    reload.look()
    room.scene.update(0.01)
    assert len(applied) == 1
    assert room.find("Ann").tag == "guest"


def live() -> tuple[SceneEditor, GameObject]:
    scene = Scene()
    owner = scene.create("Ann", (1.0, 2.0))
    owner.add(Actor("ann", policy=Policy.PATIENT))
    owner.add(Switch(lamp=scene.create("Floor").add(Lamp())))
    owner.add(Camera2D())
    scene.update(0.01)
    return SceneEditor(scene), owner


def change(editor: SceneEditor, owner: GameObject, path: str, text: str) -> Edit:
    return editor.set(owner, next(r for r in editor.rows(owner) if r.path == path), text)


def test_what_was_made_in_code_is_changed_where_it_lives(tmp_path: Path) -> None:
    editor, owner = live()
    edit = change(editor, owner, "Actor.policy.attempts", "2")
    change(editor, owner, "position", "[5, 6]")
    change(editor, owner, "Camera2D.zoom", "2.5")
    actor = owner.require_component(Actor)
    assert edit.saved is None
    assert actor.policy == Policy(attempts=2, delay_seconds=2.0)
    assert owner.transform.position == (5.0, 6.0)
    assert owner.require_component(Camera2D).zoom == 2.5
    for _ in range(3):
        editor.undo()
    assert (actor.policy, owner.transform.position) == (Policy.PATIENT, (1.0, 2.0))


def test_a_table_in_a_table_is_changed_in_its_depth() -> None:
    scene = Scene()
    owner = scene.create("Tree")
    nest = owner.add(Nest(inner=Deep(policy=Policy.PATIENT)))
    scene.update(0.01)
    change(SceneEditor(scene), owner, "Nest.inner.policy.attempts", "2")
    assert nest.inner == Deep(policy=Policy(attempts=2, delay_seconds=2.0))


def test_code_s_objects_are_checked_by_the_same_model() -> None:
    editor, owner = live()
    for path, text, why in [
        ("Actor.policy.delay_seconds", "-1", "0 or more"),
        ("Actor.mood", "sad", "one of calm"),
        ("active", "perhaps", "true or false"),
        ("name", "", "at least 1"),
    ]:
        with pytest.raises(EditError, match=why):
            change(editor, owner, path, text)
    assert owner.require_component(Actor).policy is Policy.PATIENT


def test_code_s_objects_keep_the_rules_of_their_own_code() -> None:
    scene = Scene()
    owner = scene.create("Way out")
    door = owner.add(Door("lobby"))
    scene.update(0.01)
    with pytest.raises(EditError, match="width must be above 0"):
        change(SceneEditor(scene), owner, "Door.width", "-1")
    assert door.width == 40.0


def test_whatever_a_components_own_code_raises_is_a_refusal() -> None:
    class Picky(Component):
        count: int = 3

        def __post_init__(self) -> None:
            if self.count > 3:
                raise TypeError("more than three")

    scene = Scene()
    owner = scene.create("Shelf")
    owner.add(Picky())
    with pytest.raises(EditError, match="count could not be set: more than three"):
        change(SceneEditor(scene), owner, "Picky.count", "4")


def test_a_reference_that_code_set_is_seen_and_not_edited() -> None:
    editor, owner = live()
    row = next(row for row in editor.rows(owner) if row.path == "Switch.lamp")
    assert (row.text, row.is_fixed) == ("Floor", True)
    with pytest.raises(EditError, match="code"):
        editor.set(owner, row, "Wall")
