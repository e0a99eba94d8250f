"""Where a tool finds the service that runs on a data folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from characters.service.endpoint_file import endpoint_file, running_at


def test_nobody_is_found_where_nobody_said_anything(tmp_path: Path) -> None:
    with endpoint_file(None, "http://127.0.0.1:1"):
        assert running_at(tmp_path) is None
    assert running_at(tmp_path / "nowhere") is None


def test_the_word_of_a_service_is_taken_back_at_its_end(tmp_path: Path) -> None:
    with endpoint_file(tmp_path, "http://127.0.0.1:1"):
        assert len(list(tmp_path.iterdir())) == 1
    assert list(tmp_path.iterdir()) == []


def test_the_word_that_a_killed_service_left_is_not_believed(tmp_path: Path) -> None:
    with endpoint_file(tmp_path, "http://127.0.0.1:1"):
        assert running_at(tmp_path) is None
    (tmp_path / "running.json").write_text("{")
    assert running_at(tmp_path) is None


@pytest.mark.posix("Windows has no pipes in folders, and a link takes a right that players lack")
def test_the_word_of_a_service_waits_for_no_pipe_and_is_written_through_no_link(
    tmp_path: Path,
) -> None:
    victim, word = tmp_path / "victim", tmp_path / "running.json"
    victim.write_text("mine")
    word.symlink_to(victim)
    with endpoint_file(tmp_path, "http://127.0.0.1:1"):
        assert victim.read_text() == "mine"
    os.mkfifo(word)
    assert running_at(tmp_path) is None
    with endpoint_file(tmp_path, "http://127.0.0.1:1"):
        assert running_at(tmp_path) is None
