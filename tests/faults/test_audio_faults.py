"""The rows of speech that need no long wait run with the tests."""

from __future__ import annotations

import pytest

from tests.faults import audio_devices

# They measure milliseconds on a device; without a clock tests/audio/test_gate.py and test_pulse.py
# hold the same rules.
pytestmark = pytest.mark.slow


def test_the_microphone_opens_in_time_for_the_right_one_and_never_while_muted() -> None:
    row = audio_devices.opening(10)
    assert row.is_right, row.figure


def test_capture_is_back_within_two_seconds_of_the_sound_daemon() -> None:
    row = audio_devices.daemon_killed(1)
    assert row.is_right, row.figure
