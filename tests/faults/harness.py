"""The parts of a game to break things between: runtime, proxy and service process.

    with ServiceHarness(folder) as harness:
        session = harness.open_session("nurse")
        session.connect()
        harness.at_proxy(harness.proxy.reset)
        harness.until(lambda: session.state is SessionState.CONNECTED)

The proxy runs on a thread of its own, the service in a process of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

from characters.client.config import CharacterEvent, SessionConfig
from characters.client.runtime import Runtime, RuntimeBuilder
from characters.client.service_process import ServiceProcess
from characters.client.threads import NetworkThread
from characters.session.conversation import SessionState, SessionStateChanged
from characters.storage.sessions import KeyValueSessionPersistence, MemoryStore
from tests.faults.proxy import Proxy

__all__ = ["ProxyThread", "RecordedSession", "ServiceHarness", "TrackedSession", "wait_for"]

T = TypeVar("T")
E = TypeVar("E")

ASSETS = Path(__file__).parent.parent.parent / "assets"
AT_ONCE = ("--words-per-second", "0", "--think", "0", "--no-speech", "--seed", "1")
DEADLINE = 60.0
START_SECONDS = 60.0  # on a machine that is busy with everything else


def wait_for(
    condition: Callable[[], object], within: float = DEADLINE, each: Callable[[], object] = int
) -> float:
    """Look again and again, calling `each` between; return the seconds that it took."""
    began, pause = perf_counter(), threading.Event()
    while not condition():
        each()
        if perf_counter() - began > within:
            raise TimeoutError(f"not within {within:g} s")
        pause.wait(0.0005)
    return perf_counter() - began


class ProxyThread:
    """A proxy with its loop on a thread; orders to it wait until they are carried out."""

    def __init__(self, host: str, port: int) -> None:
        self._thread = NetworkThread("proxy")
        self._target = (host, port)

    def __enter__(self) -> Self:
        self._thread.start()
        self.proxy: Proxy = self.run(self._make)
        return self

    async def _make(self) -> Proxy:
        return await Proxy(*self._target).__aenter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.run(lambda: self.proxy.__aexit__(None, None, None))
        self._thread.stop(5.0)

    def run(self, work: Callable[[], Any]) -> Any:
        """Run a coroutine function on the proxy's loop."""
        return self._thread.submit(work()).result(DEADLINE)

    def at_proxy(self, action: Callable[..., object], *arguments: object) -> None:
        """Call something on the proxy's loop."""

        async def act() -> None:
            action(*arguments)

        self.run(act)


class RecordedSession:
    """A session of a runtime and every event that it emitted."""

    def __init__(self, runtime: Runtime, config: SessionConfig) -> None:
        self.handle = runtime.open_session(config)
        self.events: list[CharacterEvent] = []
        self.handle.events.subscribe(self.events.append)

    @property
    def state(self) -> SessionState:
        return self.handle.view.state

    def all(self, kind: type[E]) -> list[E]:
        """Return its events of a kind."""
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def arrivals(self) -> list[SessionStateChanged]:
        """The changes into CONNECTED."""
        changes = self.all(SessionStateChanged)
        return [change for change in changes if change.is_connection_established]


class TrackedSession(RecordedSession):
    """A recorded session before the harness's proxy, and what may be done with it."""

    def __init__(self, harness: ServiceHarness, config: SessionConfig) -> None:
        super().__init__(harness.runtime, config)
        self.harness = harness

    def connect(self) -> float:
        """Connect; return the seconds to usable."""
        return self.recovers(self.handle.connect)

    def disconnect(self) -> None:
        """Disconnect and wait for it."""
        self.handle.disconnect()
        self.harness.until(lambda: self.state is SessionState.DISCONNECTED)

    def recovers(self, fault: Callable[[], object], within: float = DEADLINE) -> float:
        """Let something happen; return the seconds until the session is CONNECTED again."""
        seen = len(self.arrivals)
        began = perf_counter()
        fault()
        self.harness.until(lambda: len(self.arrivals) > seen, within)
        return perf_counter() - began

    def flaps(self, seconds: float) -> int:
        """Connect, be cut whenever ready; return how often that was within some seconds."""
        known = cut = len(self.arrivals)

        def look() -> None:
            nonlocal cut
            self.harness.runtime.dispatcher.drain()
            if len(self.arrivals) > cut:
                cut = len(self.arrivals)
                self.harness.reset()

        until = perf_counter() + seconds
        self.handle.connect()
        wait_for(lambda: perf_counter() >= until, seconds + 1.0, look)
        return cut - known


class ServiceHarness:
    """A service process, the proxy before it, and a runtime that only knows the proxy.

    With `chance` every wait of a back-off has its share of the step: 1.0 is all of it.
    """

    def __init__(
        self, folder: Path, arguments: Sequence[str] = AT_ONCE, chance: float | None = None
    ) -> None:
        self._chance = chance
        self.service = ServiceProcess(
            folder, ASSETS, arguments=arguments, start_seconds=START_SECONDS
        )
        self.store = KeyValueSessionPersistence(MemoryStore())

    def __enter__(self) -> Self:
        address = urlsplit(self.service.start())
        self.line = ProxyThread(address.hostname or "", address.port or 0).__enter__()
        self.proxy = self.line.proxy
        builder = RuntimeBuilder().use_persistence(self.store)
        if (chance := self._chance) is not None:
            builder.use_chance(lambda: chance)
        self.runtime = builder.build()
        self.runtime.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.runtime.close()
        self.line.__exit__(None, None, None)
        self.service.kill()

    def open_session(self, character_id: str, **config: Any) -> TrackedSession:
        """Open a session of a character with the nurse's persona."""
        config.setdefault("endpoint", self.proxy.url)
        config.setdefault("persona", "personas/nurse-21c4.toml")
        return TrackedSession(self, SessionConfig(character_id, **config))

    def until(self, condition: Callable[[], object], within: float = DEADLINE) -> float:
        """Draw frames until the condition holds."""
        return wait_for(condition, within, self.runtime.dispatcher.drain)

    def reset(self) -> None:
        """Break every connection."""
        self.line.at_proxy(self.proxy.reset)

    def strand(self) -> None:
        """Let every present connection dangle."""
        self.line.at_proxy(self.proxy.strand)
