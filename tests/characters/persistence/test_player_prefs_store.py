from __future__ import annotations

from pathlib import Path

import pytest

from characters.persistence import PlayerPrefsStore
from engine.prefs import PlayerPrefs, PrefsError


def test_what_was_saved_is_in_the_games_own_file(tmp_path: Path) -> None:
    with PlayerPrefs.open(tmp_path / "p") as prefs:
        store = PlayerPrefsStore(prefs)
        store.set_string("convai.session.a", "1")
        store.save()
        with PlayerPrefs.open(tmp_path / "p", read_only=True) as other:
            assert other.get_string("convai.session.a") == "1"


def test_a_save_that_cannot_be_durable_raises(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    with PlayerPrefs.open(tmp_path / "p") as prefs:
        store = PlayerPrefsStore(prefs)
        store.set_string("a", "1")
        with pytest.raises(PrefsError, match="folder"):
            store.save()
        assert store.get_string("a") == "1"
