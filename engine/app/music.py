"""MusicPlayer: the music of the active level, looped, on pygame's mixer."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pygame

from engine.objects.scene import Scene

__all__ = ["MusicPlayer"]


_log = logging.getLogger(__name__)

DEFAULT_VOLUME = 0.4  # below the voices
_FADE_MS = 500


class MusicPlayer:
    """Plays the `music` of one scene at a time; two levels with the same file do not restart it.

    A sound device that it opened is open only while there is music. Where it cannot be opened, or
    the file cannot be decoded, that is logged once and the game goes on without.
    """

    def __init__(self, volume: float = DEFAULT_VOLUME, mixer: Any = None) -> None:
        """Make a silent player; tests pass a `mixer` in the place of `pygame.mixer`."""
        self._mixer = mixer or pygame.mixer
        self._volume = volume
        self._master = 1.0
        self._file: Path | None = None
        self._owns_device = False

    @property
    def volume(self) -> float:
        """How loud the music is among the game's sounds, 0 to 1."""
        return self._volume

    @volume.setter
    def volume(self, value: float) -> None:
        self._volume = min(1.0, max(0.0, value))
        self._apply_volume()

    @property
    def master(self) -> float:
        """The volume of all of the game, 0 to 1, on top of its own."""
        return self._master

    @master.setter
    def master(self, value: float) -> None:
        self._master = min(1.0, max(0.0, value))
        self._apply_volume()

    def follow(self, scene: Scene | None) -> None:
        """Play the music of a scene, or none; called each frame with the active scene."""
        file = None if scene is None else scene.music
        if file == self._file:
            return
        self._file = file
        if scene is None or file is None:
            self.close()
            return
        try:
            self._play(file)
        except (OSError, pygame.error) as error:
            _log.error("The music of level %r, %s, cannot be played: %s", scene.name, file, error)
            self.close()

    def close(self) -> None:
        """Stop the music, and close the sound device if nobody else had opened it."""
        if self._mixer.get_init():
            self._mixer.music.stop()
            if self._owns_device:
                self._mixer.quit()
        self._owns_device = False

    def _apply_volume(self) -> None:
        if self._mixer.get_init():
            self._mixer.music.set_volume(self._volume * self._master)

    def _play(self, file: Path) -> None:
        if not self._mixer.get_init():
            self._mixer.init()
            self._owns_device = True
        self._mixer.music.load(str(file))
        self._apply_volume()
        self._mixer.music.play(loops=-1, fade_ms=_FADE_MS)
