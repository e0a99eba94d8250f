"""Faults: breaks connections, service and microphone for the fault panel, F-keys and scripts."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from characters.audio.sources import FaultInjector
from characters.client.handle import SessionHandle
from characters.client.runtime import Runtime
from characters.client.service_process import ServiceProcess
from characters.english import ENGLISH
from characters.protocol.network_conditions import (
    LATE_SECONDS,
    SLOW_BYTES_PER_SECOND,
    NetworkConditions,
)

__all__ = ["Faults", "Task"]


class Task:
    """A slow action on a thread of its own."""

    def __init__(self, action: Callable[[], object], name: str) -> None:
        self.error: Exception | None = None
        self._action = action
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def is_done(self) -> bool:
        """Whether the action has ended; `error` is what it raised."""
        return not self._thread.is_alive()

    def wait(self, seconds: float) -> bool:
        """Wait until it has ended; return whether it did in time."""
        self._thread.join(seconds)
        return self.is_done

    def _run(self) -> None:
        try:
            self._action()
        except Exception as error:  # for the one who looks at `error`
            self.error = error


class Faults:
    """Cut, delay, slow down, swallow and heal connections; kill the service; unplug the microphone.

    Called on the main thread; nothing here waits. `key` is a session key, None means all sessions.
    """

    def __init__(
        self,
        runtime: Runtime,
        service: ServiceProcess | None = None,
        microphone: FaultInjector | None = None,
    ) -> None:
        self._runtime = runtime
        self._service = service
        self._microphone = microphone
        self.has_service = service is not None
        """Whether there is an embedded service to kill: not with a remote endpoint."""
        self.has_microphone = microphone is not None
        """Whether there is a microphone that can be unplugged."""

    @property
    def is_service_running(self) -> bool:
        """Whether the embedded service runs."""
        return self._service is not None and self._service.is_running

    def cut(self, key: str | None = None) -> None:
        """Abort the connection, as a network does whose cable was pulled."""
        for handle in self._handles(key):
            handle.cut()

    def black_hole(self, key: str | None = None) -> None:
        """Swallow every frame in both directions: the connection is half-open until `heal`."""
        self._change(key, is_black_hole=True)

    def latency(self, key: str | None = None, seconds: float = LATE_SECONDS) -> None:
        """Delay every frame in each direction until `heal`.

        Raises ValueError for a negative or endless time.
        """
        self._change(key, delay_seconds=seconds)

    def slow_link(
        self, key: str | None = None, bytes_per_second: float = SLOW_BYTES_PER_SECOND
    ) -> None:
        """Limit the rate in each direction until `heal`; 0 is no limit.

        Raises ValueError for a negative or endless rate.
        """
        self._change(key, bytes_per_second=bytes_per_second)

    def heal(self, key: str | None = None) -> None:
        """End black hole, latency and slow link."""
        for handle in self._handles(key):
            handle.set_network_conditions(NetworkConditions.CALM)

    def network_conditions(self, key: str | None = None) -> NetworkConditions | None:
        """Return the conditions of a connection; for all connections None if they differ."""
        found = {handle.network_conditions for handle in self._handles(key)}
        return found.pop() if len(found) == 1 else None

    def is_black_hole(self, key: str) -> bool:
        """Whether a connection swallows every frame; False for a session that is closed."""
        handle = self._runtime.sessions.get(key)
        return handle is not None and handle.network_conditions.is_black_hole

    @property
    def is_microphone_unplugged(self) -> bool:
        """Whether the microphone is unplugged."""
        return self._microphone is not None and self._microphone.is_pulled

    def unplug_microphone(self) -> None:
        """Unplug the microphone. Raises LookupError when there is none."""
        self._plugged_microphone().pull()

    def plug_in_microphone(self) -> None:
        """Plug the microphone in again. Raises LookupError when there is none."""
        self._plugged_microphone().push()

    def kill_service(self) -> Task:
        """Kill the service's process. Raises LookupError for a remote service."""
        return Task(self._own_service().kill, "kill service")

    def start_service(self) -> Task:
        """Start the service again on its port. Raises LookupError for a remote service."""
        return Task(self._own_service().start, "start service")

    def expire_session(self, key: str) -> Task:
        """Let the service forget a session. Raises LookupError when there is none."""
        (handle,) = self._handles(key)
        if handle.view.session_id is None:
            raise LookupError(ENGLISH("faults.no_session", key=key))
        return Task(lambda: self._runtime.expire_session(key), "expire session")

    def _handles(self, key: str | None) -> tuple[SessionHandle, ...]:
        sessions = self._runtime.sessions
        if key is None:
            return tuple(sessions.values())
        if key not in sessions:
            raise LookupError(
                ENGLISH("faults.unknown_key", key=key, known=", ".join(sessions) or "-")
            )
        return (sessions[key],)

    def _change(self, key: str | None, **fields: Any) -> None:
        for handle in self._handles(key):
            handle.set_network_conditions(replace(handle.network_conditions, **fields))

    def _plugged_microphone(self) -> FaultInjector:
        if self._microphone is None:
            raise LookupError(ENGLISH("faults.no_microphone"))
        return self._microphone

    def _own_service(self) -> ServiceProcess:
        if self._service is None:
            raise LookupError(ENGLISH("faults.no_service"))
        return self._service
