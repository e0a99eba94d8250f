from __future__ import annotations

from typing import Any

import pytest

from characters.protocol.turn_settings import (
    BargeIn,
    ListeningMode,
    PushToTalkOptions,
    SmartTurn,
    TurnSettings,
    VoiceActivityOptions,
)


def test_the_defaults_are_safe_beside_loudspeakers_and_keep_no_words() -> None:
    turns = TurnSettings()
    assert (turns.mode, turns.headphones) == (ListeningMode.PUSH_TO_TALK, False)
    assert turns.echo_cancellation and turns.pre_roll_seconds == 0.0
    assert turns.barge_in == BargeIn(0.25, 0.05, 0.1, 0.12)


def test_every_limit_names_its_field() -> None:
    limits: list[tuple[Any, str, tuple[float, ...]]] = [
        (TurnSettings, "pre_roll_seconds", (-1, 11)),
        (PushToTalkOptions, "release_tail_ms", (-1, 5001)),
        (PushToTalkOptions, "turn_completion_timeout_ms", (-1, 60_001)),
        (SmartTurn, "stop_secs", (0.05, 11)),
        (SmartTurn, "pre_speech_ms", (-1, 2001)),
        (SmartTurn, "max_duration_secs", (0.5, 61)),
        (VoiceActivityOptions, "confidence", (-0.1, 1.1)),
        (VoiceActivityOptions, "start_secs", (-1, 6)),
        (VoiceActivityOptions, "stop_secs", (-1, 6)),
        (VoiceActivityOptions, "min_volume", (-0.1, 1.1)),
        (BargeIn, "duck_gain", (-0.1, 1.1)),
        (BargeIn, "duck_seconds", (0.0, 0.3)),
        (BargeIn, "restore_seconds", (0.0, 1.1)),
        (BargeIn, "fade_out_seconds", (0.03, 0.26)),
    ]
    for kind, field, values in limits:
        for value in values:
            with pytest.raises(ValueError, match=f"{field} must be"):
                kind(**{field: value})
