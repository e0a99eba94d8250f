"""The steps of a script that break things, and mend them."""

from __future__ import annotations

from typing import Literal

from pydantic import PositiveFloat

from characters.core.weather import LATE_SECONDS, SLOW_BYTES_PER_SECOND
from characters.headless.step import BaseStep, CharacterId

__all__ = ["Cable", "Fault", "Latency", "ServiceCommand", "SlowLink"]


class Fault(BaseStep):
    """Breaks or heals the connection of one character, or of all when none is named."""

    do: Literal["cut", "black_hole", "heal"]
    character: CharacterId | None = None


class Latency(BaseStep):
    """Lets every frame of one character, or of all, arrive so much later in each direction."""

    do: Literal["latency"]
    character: CharacterId | None = None
    seconds: PositiveFloat = LATE_SECONDS


class SlowLink(BaseStep):
    """Lets only so much through to one character, or to all, in each direction."""

    do: Literal["slow_link"]
    character: CharacterId | None = None
    bytes_per_second: PositiveFloat = SLOW_BYTES_PER_SECOND


class Cable(BaseStep):
    """Pulls the microphone's cable, or puts it back."""

    do: Literal["unplug_microphone", "plug_in_microphone"]


class ServiceCommand(BaseStep):
    """Kills the embedded service with SIGKILL, or starts it again on the same port."""

    do: Literal["kill_service", "start_service"]
