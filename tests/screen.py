"""A screen nobody sits at: the game's real window, and a player's real keys and clicks."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from types import TracebackType

from tests.audio.devices import require, until

__all__ = ["Screen"]

# In one frame two keys have no order: who sees what the first one did is slower than that.
BETWEEN_KEYS_MS = 60


class Screen:
    """An X server in memory; `environment` is for the programs that are to use it."""

    def __init__(self, size: str = "1000x700") -> None:
        require("Xvfb", "xdotool", "setxkbmap")
        read, write = os.pipe()
        command = ["Xvfb", "-displayfd", str(write), "-screen", "0", f"{size}x24", "-nolisten"]
        self._server = subprocess.Popen(
            [*command, "tcp"], pass_fds=(write,), stderr=subprocess.DEVNULL
        )
        os.close(write)
        with os.fdopen(read) as pipe:
            self._display = f":{pipe.readline().strip()}"

    def __enter__(self) -> Screen:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.terminate()
        self._server.wait(timeout=10)

    @property
    def environment(self) -> Mapping[str, str]:
        """Where a program shows its window."""
        return {**os.environ, "DISPLAY": self._display, "SDL_VIDEODRIVER": "x11"}

    def turn_to_window(self, game: subprocess.Popen[str] | None = None) -> None:
        """Give the keys to the one window that is shown, once it is there; a game may end first."""
        until(lambda: bool(self._window()) or (game and game.poll()) is not None, 90, "a window")
        assert game is None or game.poll() is None, game.communicate()
        self._do("windowfocus", "--sync", self._window())

    def press(self, *keys: str) -> None:
        """Press keys one after the other, by X's names for them or the numbers of their places."""
        self._do("key", "--delay", str(BETWEEN_KEYS_MS), *keys)

    def hold(self, key: str) -> None:
        """Press a key and leave it down."""
        self._do("keydown", key)

    def let_go(self, key: str) -> None:
        """Let a key go up."""
        self._do("keyup", key)

    def set_layout(self, name: str) -> None:
        """Give the keyboard another layout."""
        subprocess.run(["setxkbmap", name], env=self.environment, timeout=30, check=True)

    def type(self, text: str) -> None:
        """Type a text."""
        self._do("type", "--delay", str(BETWEEN_KEYS_MS), text)

    def _window(self) -> str:
        return self._do("search", "--onlyvisible", "--class", ".").partition("\n")[0]

    def _do(self, *words: str) -> str:
        done = subprocess.run(
            ["xdotool", *words],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        return done.stdout
