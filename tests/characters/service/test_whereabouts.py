from __future__ import annotations

from pathlib import Path

from characters.service.whereabouts import announced, running_at


def test_nobody_is_found_where_nobody_said_anything(tmp_path: Path) -> None:
    with announced(None, "http://127.0.0.1:1"):
        assert running_at(tmp_path) is None
    assert running_at(tmp_path / "nowhere") is None


def test_the_word_of_a_service_is_taken_back_at_its_end(tmp_path: Path) -> None:
    with announced(tmp_path, "http://127.0.0.1:1"):
        assert len(list(tmp_path.iterdir())) == 1
    assert list(tmp_path.iterdir()) == []


def test_the_word_that_a_killed_service_left_is_not_believed(tmp_path: Path) -> None:
    with announced(tmp_path, "http://127.0.0.1:1"):
        assert running_at(tmp_path) is None
    (tmp_path / "running.json").write_text("{")
    assert running_at(tmp_path) is None
