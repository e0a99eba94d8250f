"""The weather of a session's line, over all of its connections: what the fault panel makes."""

from __future__ import annotations

import asyncio

from characters.core.link import RoomLink
from characters.core.weather import Weather
from characters.transport import Connection, ConnectRequest, RoomGrant, Transport

__all__ = ["LineWeather"]


class LineWeather:
    """Calm, late, slow, or a black hole: nobody is told, as with a real line.

    It is made of frames and not of messages: what was on its way when the line was given up
    neither went out nor arrived, so a rejoin repeats it.
    """

    def __init__(self) -> None:
        self._clear = asyncio.Event()
        self._clear.set()
        self._weather = Weather.CALM
        self._connection: Connection | None = None

    def set(self, weather: Weather) -> None:
        """Change it, for the connection of now and all that follow."""
        self._weather = weather
        if weather.is_black_hole:
            self._clear.clear()
        else:
            self._clear.set()
        if self._connection is not None:
            self._connection.set_weather(weather)

    async def connect(self, transport: Transport, request: ConnectRequest) -> RoomGrant:
        """Ask through it."""
        await self._pass()
        grant = await transport.connect(request)
        await self._pass()
        return grant

    async def join(self, transport: Transport, grant: RoomGrant, link: RoomLink) -> Connection:
        """Enter through it."""
        await self._pass()
        self._connection = connection = await transport.join(grant, link)
        connection.set_weather(self._weather)
        return connection

    async def _pass(self) -> None:
        """Wait as long as a small frame takes in one direction."""
        if self._weather.delay_seconds:
            await asyncio.sleep(self._weather.delay_seconds)
        await self._clear.wait()
