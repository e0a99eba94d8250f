"""A game of one character in a process of its own: told by lines what to do, and killed at will.

`python -m tests.slot_game PREFS URL PLAYER` reads from each line a JSON array, an act and its
arguments, does it, and prints what came of it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from characters.client.config import SessionConfig
from characters.client.runtime import RuntimeBuilder
from characters.components.slots import SaveSlots
from characters.protocol.messages import TakenBack
from characters.session.conversation import SessionState
from characters.session.policy import ReconnectPolicy
from characters.storage.sessions import KeyValueSessionPersistence
from characters.transport.base import TransportError
from engine.prefs.prefs import PlayerPrefs
from tests.imports import ROOT

__all__ = ["GameIsDead", "GameProcess", "PATIENT", "WITHIN"]

PATIENT = "patient-7f3a"
WITHIN = 120.0
STUBBORN = ReconnectPolicy(
    max_reconnect_attempts=None, backoff_base_seconds=0.05, backoff_cap_seconds=0.2
)
ENDS = {"TakenBack", "MessageRefused", "SessionStateChanged"}


class GameIsDead(Exception):  # noqa: N818 - what happened is no error
    """The process was killed before it answered."""


class GameProcess:
    """The game as its parent sees it."""

    def __init__(self, prefs: Path, url: str, player: str) -> None:
        command = [sys.executable, "-m", "tests.slot_game", str(prefs), url, player]
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
        )

    def ask(self, act: str, *arguments: str) -> Any:
        """Let the game do something; return what came of it. Raises GameIsDead."""
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps([act, *arguments]) + "\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        except OSError:
            answer = ""
        if not answer.endswith("\n"):
            raise GameIsDead
        found = json.loads(answer)
        assert "broken" not in found, found["broken"]
        return found["done"]

    def kill(self) -> None:
        """End it as a power cut does."""
        self._process.kill()

    def close(self) -> None:
        """Wait until its end, and let go of its pipes."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.kill()
        self._process.wait(WITHIN)
        self._process.stdout.close()
        with suppress(OSError):  # what it was told last cannot be written any more
            self._process.stdin.close()


# --- in the process -------------------------------------------------------------------------------


class Game:
    """One life of the game after the other, on one file of preferences."""

    def __init__(self, prefs: Path, url: str, player: str) -> None:
        self._path, self._url, self._player = prefs, url, player
        self._begin()

    def _begin(self) -> None:
        """Start the game: what it knows is what is on its disk."""
        self._prefs = PlayerPrefs.open(self._path)
        builder = RuntimeBuilder().use_persistence(KeyValueSessionPersistence(self._prefs))
        self._runtime = builder.use_endpoint_url(lambda name: self._url).build()
        self._runtime.start()
        self._slots = SaveSlots(self._runtime, self._prefs)

    def meet(self) -> None:
        """Open the session, and wait until it is connected."""
        config = SessionConfig(PATIENT, policy=STUBBORN, local_user_id=self._player)
        self._patient = self._runtime.open_session(config)
        self._patient.connect()
        self._until_connected()

    def talk(self, text: str, heard: str) -> None:
        """Say something, and wait for a word of the answer."""
        self._until_connected()
        self._patient.send_text(text)
        self._until(
            lambda: any(
                turn.speaker == "character" and heard in turn.text
                for turn in self._patient.view.transcript
            )
        )

    def save(self, name: str) -> str | None:
        """Save a slot; return the session that is in it, None if its service was not reached."""
        self._finished(self._slots.save(name))
        return self.slot(name)

    def slot(self, name: str) -> str | None:
        """Return the session that is in a slot."""
        found = [slot for slot in self._slots.list() if slot.name == name]
        return found[0].minds[0].session_id if found else None

    def load(self, name: str) -> bool:
        """Load a slot; return whether the service was reached, else nothing was changed."""
        work = self._slots.load(name)
        try:
            assert self._finished(work).fresh == ()
        except TransportError:
            return False
        return True

    def take_back(self) -> str | None:
        """Take the last exchange back; return its line, None if that is not known."""
        self._until_connected()
        ends = list[object]()
        subscription = self._patient.events.subscribe(ends.append)
        self._patient.take_back()
        self._until(lambda: any(type(it).__name__ in ENDS for it in ends))
        subscription.cancel()
        return next((it.text for it in ends if isinstance(it, TakenBack)), None)

    def forget(self) -> None:
        """Forget the player, as for the next visitor; wait until that is noted."""
        self._finished(self._slots.forget([PATIENT]))
        self._finished(self._runtime.forget_session(PATIENT))

    def restart(self, goodbye: str = "") -> None:
        """End the game, with a goodbye or without, and start it again."""
        if not goodbye:
            self._runtime.network.stop(5.0)
        self._runtime.close()
        self._prefs.close()
        self._begin()
        self.meet()

    def view(self) -> dict[str, Any]:
        """Return the session and what is shown of it, once it is connected."""
        self._until_connected()
        view = self._patient.view
        shown = [(turn.speaker, turn.text) for turn in view.transcript]
        return {"session_id": view.session_id, "shown": shown}

    def _finished(self, work: Any) -> Any:
        self._until(lambda: work.done() and not self._slots.is_busy)
        return work.result()

    def _until_connected(self) -> None:
        self._until(lambda: self._patient.view.state is SessionState.CONNECTED)

    def _until(self, condition: Callable[[], object]) -> None:
        end, frame = time.monotonic() + WITHIN, threading.Event()
        while not condition():
            assert time.monotonic() < end, f"not within {WITHIN:g} s"
            self._runtime.update()
            frame.wait(0.003)


def main() -> None:
    game = Game(Path(sys.argv[1]), *sys.argv[2:])
    for line in sys.stdin:
        act, *arguments = json.loads(line)
        try:
            answer = {"done": getattr(game, act)(*arguments)}
        except AssertionError as error:
            answer = {"broken": str(error) or f"{act} broke a promise"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
