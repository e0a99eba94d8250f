from __future__ import annotations

from pathlib import Path

from characters.components.identity import player_id
from engine.prefs import PlayerPrefs


def test_a_player_has_one_id_for_ever(tmp_path: Path) -> None:
    with PlayerPrefs.open(tmp_path / "prefs.msgpack") as prefs:
        first = player_id(prefs)
    with PlayerPrefs.open(tmp_path / "prefs.msgpack") as prefs:
        assert player_id(prefs) == first
