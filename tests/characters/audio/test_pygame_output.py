"""Voices through pygame's mixer, as SDL's disk driver writes them to a file."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import numpy as np
import pygame
import pytest

from characters.audio.pygame_output import PygameOutput
from tests.imports import ROOT

SECONDS = 0.6
HERTZ = 500.0
DEADLINE = 30.0

PROGRAM = """
import sys, time
import numpy as np
import pygame
from characters.audio.pygame_output import PygameOutput, pygame_devices
from characters.audio.speaker import DeviceVoice

rate, size, channels, seconds, hertz = map(float, sys.argv[1:])
if rate:
    pygame.mixer.init(int(rate), int(size), int(channels), 512, allowedchanges=0)
voice = DeviceVoice(pygame_devices, PygameOutput)
voice.start()
ends_at = time.monotonic() + 20.0
while voice.device != "pygame":
    assert time.monotonic() < ends_at, voice.problem
    time.sleep(0.01)
tone = 8000 * np.sin(2 * np.pi * hertz * np.arange(round(48000 * seconds)) / 48000)
voice.play("ada", tone.astype(np.int16).tobytes(), 48000)
while voice.is_playing("ada"):
    time.sleep(0.01)
time.sleep(0.4)
voice.close()
"""


@pytest.mark.posix("there SDL's disk driver takes the delay for the file's name")
@pytest.mark.parametrize("mixer", [(0, 0, 0), (44_100, 32, 2), (22_050, -16, 1), (48_000, -16, 6)])
def test_a_voice_arrives_whole_in_whatever_format_the_game_opened_the_mixer(
    mixer: tuple[int, int, int], tmp_path: Path
) -> None:
    file = tmp_path / "heard.raw"
    environment = {
        **os.environ,
        "SDL_AUDIODRIVER": "disk",
        "SDL_DISKAUDIOFILE": str(file),
        "SDL_DISKAUDIODELAY": "12",
    }
    words = [str(value) for value in (*mixer, SECONDS, HERTZ)]
    rate, size, channels = mixer if mixer[0] else (48_000, -16, 2)

    def heard() -> tuple[float, float]:
        """Return how long the tone was, in seconds, and how much of it is something else."""
        command = [sys.executable, "-c", PROGRAM, *words]
        subprocess.run(command, env=environment, cwd=ROOT, check=True, timeout=60)
        raw = np.fromfile(file, np.float32 if size == 32 else np.int16)
        left = raw.reshape(-1, channels)[:, 0].astype(float)
        sounding = np.flatnonzero(np.abs(left) > np.abs(left).max() / 100)
        tone = left[sounding[0] : sounding[-1]]
        return tone.size / rate, share_of_strangers(tone[rate // 10 : -rate // 10], rate)

    tries = (heard() for _ in range(3))  # a machine under load leaves gaps at times
    assert any(abs(long - SECONDS) < 0.03 and strange < 0.02 for long, strange in tries)


def share_of_strangers(tone: np.ndarray[tuple[int], np.dtype[np.float64]], rate: int) -> float:
    """Return how much of the sound is no sine: a gap or a jump leaves much."""
    angle = 2 * np.pi * HERTZ * np.arange(tone.size) / rate
    waves = np.stack((np.sin(angle), np.cos(angle)), axis=1)
    parts = np.linalg.lstsq(waves, tone, rcond=None)[0]
    return float(np.abs(tone - waves @ parts).max() / np.abs(tone).max())


def test_a_mixer_that_the_game_closes_is_a_lost_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_AUDIODRIVER", "dummy")
    output = PygameOutput(None)
    pygame.mixer.quit()
    with pytest.raises(OSError, match="mixer"):
        output.write(bytes(4 * 1920))
    output.close()


def test_the_channel_is_not_one_of_the_games_and_is_given_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SDL_AUDIODRIVER", "dummy")
    pygame.mixer.init()
    before = pygame.mixer.get_num_channels()
    output = PygameOutput(None)
    assert pygame.mixer.get_num_channels() == before + 1
    output.close()
    assert pygame.mixer.get_num_channels() == before
    pygame.mixer.quit()


class LateOutput(PygameOutput):
    """Is held up inside a call of pygame's."""

    def hold_up(self) -> None:
        self.is_inside, self.may_go_on = threading.Event(), threading.Event()
        self.had_mixer = False

    def _channel(self) -> pygame.mixer.Channel:
        channel = super()._channel()
        self.is_inside.set()
        self.may_go_on.wait(DEADLINE)
        self.had_mixer = pygame.mixer.get_init() is not None
        return channel


def test_pygame_ends_after_a_call_that_is_under_way_and_none_comes_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SDL_AUDIODRIVER", "dummy")
    output = LateOutput(None)
    output.hold_up()

    def write() -> None:
        with suppress(OSError):  # pygame may end between two of its calls
            output.write(bytes(4 * 1_920))

    writing = threading.Thread(target=write)
    writing.start()
    assert output.is_inside.wait(DEADLINE)
    ending = threading.Thread(target=pygame.quit)
    ending.start()
    ending.join(0.3)  # would be enough if nothing held it back
    assert ending.is_alive()
    output.may_go_on.set()
    writing.join(DEADLINE)
    ending.join(DEADLINE)
    assert output.had_mixer and pygame.mixer.get_init() is None
    with pytest.raises(OSError, match="ended"):
        output.write(bytes(4 * 1_920))
    output.close()
