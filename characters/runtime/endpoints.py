"""From an endpoint's name to a transport that reaches it."""

from __future__ import annotations

import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import TypeAlias

from characters.core.failure import failure
from characters.runtime.config import SessionConfig
from characters.runtime.store_thread import Worker
from characters.transport import Transport, TransportError

__all__ = ["EndpointResolver", "Endpoints", "TransportFactory"]

EndpointResolver: TypeAlias = Callable[[str], str]
"""Gives the URL of a named endpoint; may wait (it may start the service), may raise."""

TransportFactory: TypeAlias = Callable[[str, "str | None"], Transport]
"""Makes the transport for a URL and an API key; called on the network thread."""

DELETE_SECONDS = 10.0


def no_names(name: str) -> str:
    """Know no endpoint by name."""
    raise LookupError(f"endpoint {name!r} is no URL, and no resolver was given for names")


class Endpoints:
    """The transports of a runtime, one for each address and key. Network thread, but `expire`."""

    def __init__(
        self, factory: TransportFactory, resolve: EndpointResolver, worker: Worker
    ) -> None:
        self._factory = factory
        self._resolve = resolve
        self._worker = worker
        self._transports: dict[tuple[str, str | None], Transport] = {}

    async def transport_for(self, config: SessionConfig) -> Transport:
        """Return the transport of a session's endpoint. Raises TransportError."""
        url = config.endpoint
        if "://" not in url:
            try:
                url = await self._worker.run(lambda: self._resolve(config.endpoint))
            except Exception as error:  # the game's own resolver raises what it likes
                raise TransportError(failure("connection.refused", str(error))) from error
        key = (url, config.api_key)
        if key not in self._transports:
            self._transports[key] = self._factory(url, config.api_key)
        return self._transports[key]

    async def close(self) -> None:
        """Give back every transport."""
        for transport in self._transports.values():
            await transport.close()
        self._transports.clear()

    def expire(self, config: SessionConfig, session_id: str) -> None:
        """Let the service forget a session; waits for its answer. Raises OSError."""
        url = config.endpoint if "://" in config.endpoint else self._resolve(config.endpoint)
        name = urllib.parse.quote(session_id, safe="")
        request = urllib.request.Request(f"{url.rstrip('/')}/sessions/{name}", method="DELETE")
        if config.api_key:
            request.add_header("X-API-Key", config.api_key)
        with urllib.request.urlopen(request, timeout=DELETE_SECONDS):
            pass
