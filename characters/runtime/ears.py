"""One microphone, many characters: what the player says goes to the target, or nowhere.

The main thread states wishes (who, muted, which mode, key down); the network thread takes the
frames out of the ring, decides with the pure parts of the core, and offers each frame to the
driver of the target, which keeps its own gate. Nothing is opened before `allow()`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import astuple, replace

from characters.audio.source import SourceFactory
from characters.audio.voice import Voice
from characters.core.turn_settings import ListeningMode, TurnSettings
from characters.runtime.capture import Capture, EchoFilter
from characters.runtime.listener import Listener
from characters.runtime.listening import AudioDriver, DriverLookup, EarsStatus, Facts, Wishes

__all__ = ["Ears"]

# Without frames (closed, no device) deadlines are looked at this often; and for the target's name
# alone, before the microphone is allowed, this often.
TICK_SECONDS = 0.05
IDLE_TICK_SECONDS = 0.5


class Ears:
    """The player's microphone. Main thread: everything public but `run` and the two notices."""

    def __init__(
        self,
        source_factory: SourceFactory,
        now: Callable[[], float],
        *,
        voice: Voice | None = None,
        echo: EchoFilter | None = None,
        turns: TurnSettings = TurnSettings.DEFAULT,
    ) -> None:
        self._voice = voice
        self._wishes = Wishes(turns=turns)
        self._keys: deque[bool] = deque(maxlen=16)
        self._listener = Listener(
            Capture(source_factory, self._wake_up, echo), self._keys, now, voice
        )
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake = asyncio.Event()
        self._woken = False
        self._facts: Facts = astuple(EarsStatus())
        self._addressed: AudioDriver | None = None

    # Main thread.

    @property
    def status(self) -> EarsStatus:
        """What to show now (any thread)."""
        return EarsStatus(*self._facts)

    @property
    def muted(self) -> bool:
        """Whether the player muted the microphone."""
        return self._wishes.muted

    @property
    def turns(self) -> TurnSettings:
        """How turns are taken now."""
        return self._wishes.turns

    def set_turns(self, turns: TurnSettings) -> None:
        """Change how turns are taken, at once and without a reconnect.

        What the service detects by (`smart_turn`, `voice_activity`) counts from a session's
        next connect on.
        """
        if self._voice is not None:
            self._voice.set_barge_in(turns.barge_in)
        self._wish(turns=turns)

    def set_mode(self, mode: ListeningMode | str) -> None:
        """Switch between hands-free and push-to-talk, without a reconnect."""
        self.set_turns(replace(self.turns, mode=ListeningMode(mode)))

    def allow(self) -> None:
        """Permit the microphone: call it at the player's first explicit act, never before."""
        self._wish(allowed=True)

    def set_muted(self, muted: bool) -> None:
        """Mute or un-mute; above everything else, on every connection."""
        self._wish(muted=muted)

    def set_focused(self, focused: bool) -> None:
        """Close the microphone while the window is in the background: for the window's owner."""
        if focused != self._wishes.focused:
            self._wish(focused=focused)

    def set_covered(self, covered: bool) -> None:
        """Close the microphone while a menu lies over the game: for the menu's owner."""
        if covered != self._wishes.covered:
            self._wish(covered=covered)

    def set_target(self, key: str | None) -> None:
        """Say who shall hear the player; a sentence in progress still goes where it began."""
        # It counts from the next frame of sound on, and that wakes the network thread by itself.
        if key != self._wishes.target:
            self._wishes = replace(self._wishes, target=key)

    def choose_device(self, device: str | None) -> None:
        """Switch to a microphone by its stable name, None for the system's default."""
        self._wish(device=device)

    def push_to_talk(self, down: bool) -> None:
        """Report the talk key. A press is an explicit act of the player: it also allows."""
        if down and not self._wishes.allowed:
            self.allow()
        self._keys.append(down)
        self._wake_up()

    def close(self) -> None:
        """End `run` and let go of the microphone."""
        self._wish(closed=True)

    def _wish(self, **changes: object) -> None:
        self._wishes = replace(self._wishes, **changes)  # type: ignore[arg-type] # names checked
        self._wake_up()

    def _wake_up(self) -> None:
        # One pending wake is enough: the loop then takes all that has come.
        loop = self._loop
        if loop is None or self._woken:
            return
        self._woken = True
        try:
            loop.call_soon_threadsafe(self._wake.set)
        except RuntimeError:  # the loop was closed while a sound thread still delivered
            self._loop = None

    # Network thread.

    async def run(self, drivers: DriverLookup) -> None:
        """Serve the microphone until `close()` or cancellation."""
        self._loop = asyncio.get_running_loop()
        try:
            while not self._wishes.closed:
                self.step(drivers)
                tick = TICK_SECONDS if self._wishes.allowed else IDLE_TICK_SECONDS
                try:
                    async with asyncio.timeout(tick):
                        await self._wake.wait()
                except TimeoutError:
                    pass
                self._wake.clear()
                self._woken = False
        finally:
            self._loop = None
            self._listener.close(drivers)
            self._facts = self._listener.facts()

    def transcript_arrived(self, key: str) -> None:
        """Note that the service understood the player's turn (network thread)."""
        self._listener.transcript_arrived(key)

    def answer_began(self, key: str) -> None:
        """Note that a character began to speak or completed its turn (network thread)."""
        self._listener.answer_began(key)

    def step(self, drivers: DriverLookup) -> None:
        """Do what is due now (network thread)."""
        self._listener.step(self._wishes, drivers)
        self._address(drivers)
        # One assignment of one tuple: whoever reads the status sees one moment, whole. It is made
        # into a status only when somebody asks, which is rarer than frames are.
        self._facts = self._listener.facts()

    def _address(self, drivers: DriverLookup) -> None:
        """Let the one who hears the player know it, and the one before that it is over."""
        target = self._listener.target
        driver = drivers(target) if target is not None else None
        if driver is self._addressed:
            return
        if self._addressed is not None:
            self._addressed.set_addressed(False)
        if driver is not None:
            driver.set_addressed(True)
        self._addressed = driver
