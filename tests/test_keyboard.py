"""Keyboards without Latin letters: real X events, in the game's real window."""

from __future__ import annotations

from pathlib import Path

import pytest

from characters.session.conversation import SessionState
from characters.ui.model import SceneQuery
from characters.ui.state import HudLayer
from tests.screen import Screen
from tests.test_main import PATIENT
from tests.windowed import WindowedGame, windowed

# X's numbers of the places that have these letters on a US keyboard.
W, A, S, D, T, M, R = "25", "38", "39", "40", "28", "58", "27"
LEVEL = f"""
[scene]
name = "Short"
[[object]]
name = "Game"
[object.CharacterManager]
[[object]]
name = "You"
position = [480, 400]
[object.Player]
[[object]]
name = "Patient"
position = [480, 340]
[object.Character]
character_id = "{PATIENT}"
[object.Character.reconnect_policy]
max_reconnect_attempts = 1
start_wait_timeout_ms = 1000
"""
NOWHERE = "http://127.0.0.1:9"  # nothing listens there


def walk(game: WindowedGame, screen: Screen, key: str, way: tuple[int, int]) -> None:
    """Hold a key until the player has moved along an axis, and let it go."""
    axis, sign = way
    keys, before = game.app.input, game.player.transform.position[axis]
    screen.hold(key)
    game.run_until(
        lambda: sign * (game.player.transform.position[axis] - before) > 20, f"a walk by {key}"
    )
    screen.let_go(key)
    game.run_until(
        lambda: keys.get_axis("horizontal") == keys.get_axis("vertical") == 0, "standing still"
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("layout", "hint"),
    [
        ("ru", "Walk: ЦФЫВ    Type: Enter    Talk: \N{CYRILLIC CAPITAL LETTER IE} "),
        ("gr", "Walk: ςΑΣΔ    Type: Enter    Talk: \N{GREEK CAPITAL LETTER TAU} "),
    ],
    ids=["ru", "gr"],
)
def test_without_latin_letters_one_walks_talks_mutes_and_retries(
    tmp_path: Path, layout: str, hint: str
) -> None:
    level = tmp_path / "short.toml"
    level.write_text(LEVEL, encoding="utf-8")
    with Screen() as screen, windowed(tmp_path, screen, str(level), "--endpoint", NOWHERE) as game:
        screen.set_layout(layout)
        game.run_until(lambda: bool(game.app.input.key_labels), "the layout")
        assert SceneQuery(game.scene).words("hint.game").startswith(hint)
        for key, axis, sign in ((W, 1, -1), (A, 0, -1), (S, 1, 1), (D, 0, 1)):
            walk(game, screen, key, (axis, sign))

        voice_input = game.manager.voice_input
        assert not voice_input.status.is_allowed
        screen.hold(T)
        game.run_until(lambda: voice_input.status.is_allowed, "the talk key")
        assert game.app.input.get_key("t")
        screen.let_go(T)
        screen.press(M)
        game.run_until(lambda: voice_input.muted, "the mute key")

        patient = game.character(PATIENT)
        game.run_until(lambda: patient.state is SessionState.ERROR, "nobody answers")
        tries = len(patient.view.timeline)
        screen.press(R)
        game.run_until(lambda: len(patient.view.timeline) > tries, "the retry key")

        screen.press("Return")
        game.run_until(lambda: game.hud.state.layer is HudLayer.CHAT, "the text box")
        game.run()
        screen.press(W, T)
        written = {"ru": "це", "gr": "ςτ"}[layout]
        game.run_until(lambda: game.hud.state.chat.text == written, "letters of the layout")
