"""A simulated client's microphone: frames are offered at the worst moments to the real gate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from characters.client.microphone import GateMeter, MicrophoneGate
from characters.session.conversation import SessionState
from characters.session.events import CloseMicrophone, OpenMicrophone
from tests.simulation.promise import promise
from tests.simulation.session_checker import HAIR
from tests.simulation.wire import Wire

if TYPE_CHECKING:
    from tests.simulation.client import Client
    from tests.simulation.virtual_time import Time

__all__ = ["Microphone"]

FRAME_SECONDS = 0.02


class Microphone:
    """What the machine orders for the microphone, and what then passes."""

    def __init__(self, client: Client, time: Time) -> None:
        self._client, self._time = client, time
        self._gate = MicrophoneGate()
        self._meter = GateMeter()
        self._ready_at: float | None = None  # by our own book
        self._connected_at = self._changed_at = 0.0
        self._least_delay = 0.0  # of those in force since the ready signal
        self._is_open = self._was_open = False

    def ready(self, wire: Wire) -> None:
        """The character said that it is ready: now players begin to speak."""
        self._ready_at = self._time.now
        self._meter = GateMeter(ready_at=self._time.now)
        self._was_open = False
        self._least_delay = delay = self._client.policy.auto_mic_start_delay_seconds
        for seconds in (delay / 2, delay - 0.001, delay + 0.015, delay + 0.03):
            self._time.later(max(0.0, seconds), self._offer, wire)

    def connected(self) -> None:
        self._connected_at = self._time.now
        self._gate.ready(self._meter, self._client.policy.auto_mic_start_delay_seconds)

    def policy_changed(self) -> None:
        self._changed_at = self._time.now
        delay = self._client.policy.auto_mic_start_delay_seconds
        self._least_delay = min(self._least_delay, delay)

    def lost(self) -> None:
        """The connection is gone, or another one is asked for."""
        self._ready_at = None

    def open(self, command: OpenMicrophone) -> None:
        """Take the order to open; it must come exactly when it is due."""
        delay = self._client.policy.auto_mic_start_delay_seconds
        is_connected = self._client.session.state is SessionState.CONNECTED
        promise(
            is_connected and self._ready_at is not None,
            "The microphone opened in no talk.",
            self._client.name,
        )
        assert self._ready_at is not None
        due = max(self._ready_at + delay, self._connected_at)
        now, changed_at = self._time.now, self._changed_at
        is_due = now >= due - HAIR and (now <= due + HAIR or abs(now - changed_at) < HAIR)
        promise(is_due, "The microphone did not open at ready + delay.", self._client.name)
        promise(not self._is_open, "The microphone opened twice.", self._client.name)
        self._is_open = self._was_open = True
        opened_at = self._client.session.microphone_opened_at
        assert opened_at is not None  # the machine set it with the order
        self._gate.open(opened_at, delay)

    def close(self, command: CloseMicrophone) -> None:
        promise(self._is_open, "A microphone was closed that was not open.", self._client.name)
        self._is_open = False
        self._gate.close()

    def check_was_open(self) -> None:
        """A connection ended: if it was long enough, the microphone was open in it."""
        delay = self._client.policy.auto_mic_start_delay_seconds
        if self._ready_at is None:
            return
        is_due = self._time.now > max(self._ready_at + delay, self._connected_at) + HAIR
        promise(self._was_open or not is_due, "The microphone never opened.", self._client.name)

    def _offer(self, wire: Wire) -> None:
        """Speak for one frame that ends now, as the ears do."""
        begin = self._time.now - FRAME_SECONDS
        if wire is not self._client.attempts.wire or not self._gate.lets(begin):
            return
        timestamp = self._meter.count(begin)
        promise(
            self._is_open and wire.client_is_on,
            "A frame passed a closed microphone.",
            self._client.name,
        )
        promise(
            timestamp >= self._least_delay - HAIR,
            "A frame of before ready + delay was sent.",
            self._client.name,
        )
        wire.up(timestamp)
