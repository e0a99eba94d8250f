"""A line to an OpenAI-compatible service for speech; keys and words never reach the log."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp

__all__ = ["EndpointError", "EndpointLine", "SpeechEndpoint"]


class EndpointError(Exception):
    """The service did not deliver; the message says what it did instead. Worth a retry.

    `is_refusal` tells that it is well and did not like what it was asked.
    """

    def __init__(self, message: str, *, is_refusal: bool = False) -> None:
        super().__init__(message)
        self.is_refusal = is_refusal


@dataclass(frozen=True, slots=True)
class SpeechEndpoint:
    """Where the service is; `url` ends before `/audio/...`, times are in seconds."""

    url: str
    model: str
    key: str | None = field(default=None, repr=False)
    connect_within: float = 3.0
    answer_within: float = 6.0  # between two signs of life


class EndpointLine:
    """Posts to one service and keeps its connections; to be closed."""

    def __init__(self, endpoint: SpeechEndpoint, total_seconds: float | None = None) -> None:
        self.endpoint = endpoint
        self._timeout = aiohttp.ClientTimeout(
            total=total_seconds,
            sock_connect=endpoint.connect_within,
            sock_read=endpoint.answer_within,
        )
        self._http: aiohttp.ClientSession | None = None

    @asynccontextmanager
    async def post(self, path: str, **body: Any) -> AsyncGenerator[aiohttp.ClientResponse, None]:
        """Post `json` or `data`; leaving the context early ends the answer. Raises EndpointError.

        What fails while the answer is read raises it too.
        """
        url = self.endpoint.url.rstrip("/") + path
        try:
            async with self._session().post(url, **body) as answer:
                if answer.status != 200:
                    why = f"it answers HTTP {answer.status}"
                    raise EndpointError(why, is_refusal=answer.status in (400, 404, 422))
                yield answer
        except TimeoutError as error:
            raise EndpointError("it takes too long") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise EndpointError(f"it cannot be used ({type(error).__name__})") from error

    def _session(self) -> aiohttp.ClientSession:
        # Made at the first use, since it belongs to the running event loop.
        if self._http is None:
            key = self.endpoint.key
            headers = {"Authorization": f"Bearer {key}"} if key else {}
            self._http = aiohttp.ClientSession(timeout=self._timeout, headers=headers)
        return self._http

    async def close(self) -> None:
        """Close the connections."""
        if self._http is not None:
            await self._http.close()
