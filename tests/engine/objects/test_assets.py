from __future__ import annotations

from pathlib import Path

import pytest

from engine.objects.assets import AssetFolder


@pytest.fixture
def assets(tmp_path: Path) -> AssetFolder:
    (tmp_path / "assets/sprites").mkdir(parents=True)
    (tmp_path / "assets/sprites/ann.png").touch()
    (tmp_path / "assets/readme.txt").touch()
    return AssetFolder(tmp_path / "assets")


def test_a_file_that_is_there_is_no_mistake(assets: AssetFolder) -> None:
    assert assets.mistake("sprites/ann.png", ("picture",), (".png",)) is None


@pytest.mark.parametrize("name", ["/etc/x", "../x", "a/../../x", "C:/x", "a\\b"])
def test_a_name_cannot_leave_the_folder(name: str, assets: AssetFolder) -> None:
    mistake = assets.mistake(name, ())
    assert mistake is not None
    assert mistake.message == "must stay inside the assets folder"


def test_capitals_count_on_every_system(assets: AssetFolder) -> None:
    mistake = assets.mistake("Sprites/ann.png", ())
    assert mistake is not None
    assert mistake.hint == "sprites/ann.png"


def test_only_files_of_the_right_kind_are_proposed(assets: AssetFolder) -> None:
    mistake = assets.mistake("readme.tx", (), (".png",))
    assert mistake is not None
    assert "readme" not in mistake.hint


def test_the_folder_is_the_one_called_assets_above_a_scene() -> None:
    assert AssetFolder.of(Path("assets/scenes/a.toml")).root == Path("assets")


def test_without_such_a_folder_it_is_the_scenes_own(tmp_path: Path) -> None:
    assert AssetFolder.of(tmp_path / "a.toml").root == tmp_path


def test_a_folder_that_is_not_there_has_no_files(tmp_path: Path) -> None:
    assert AssetFolder(tmp_path / "none").mistake("a.png", ()) is not None


def test_the_same_folder_is_proposed_from_before_any_other(tmp_path: Path) -> None:
    for name in ("personas/bram.toml", "prefabs/bran.toml", "prefabs/nobody.toml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assets = AssetFolder(tmp_path)
    hints = [assets.mistake(f"personas/{name}.toml", ()) for name in ("bran", "nobody", "zzzzz")]
    assert [hint.hint for hint in hints if hint is not None] == [
        "personas/bram.toml",
        "prefabs/nobody.toml",
        "personas/bram.toml",
    ]


def test_no_file_of_another_folder_is_proposed_that_is_called_otherwise(tmp_path: Path) -> None:
    (tmp_path / "scenes").mkdir()
    (tmp_path / "scenes" / "hall.toml").touch()
    mistake = AssetFolder(tmp_path).mistake("prefabs/guard.toml", ())
    assert mistake is not None
    assert mistake.hint == ""


def test_a_second_folder_may_have_the_file_and_its_names_are_proposed(tmp_path: Path) -> None:
    own, also = AssetFolder(tmp_path / "own"), tmp_path / "package"
    (also / "personas").mkdir(parents=True)
    (also / "personas" / "bram.toml").touch()
    assert own.mistake("personas/bram.toml", (), (), also) is None
    assert own.mistake("personas/bram.toml", ()) is not None
    mistake = own.mistake("personas/brom.toml", (), (), also)
    assert mistake is not None
    assert mistake.hint == "personas/bram.toml"


def test_what_was_asked_for_and_is_not_there_is_remembered(assets: AssetFolder) -> None:
    assets.mistake("sprites/bob.png", ())
    assets.mistake("sprites/ann.png", ())
    assert assets.awaited == {assets.root / "sprites/bob.png"}
