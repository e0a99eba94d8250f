"""What the fault panel says of what is broken, decided without drawing."""

from __future__ import annotations

from characters.core.weather import Weather
from characters.overlay.model import FaultState
from characters.overlay.words import Tone

__all__ = ["fault_lines", "rate_words", "weather_words"]


def fault_lines(state: FaultState) -> tuple[tuple[str, Tone], ...]:
    """Return a sentence for each thing that can be broken: how it is now."""
    lines = [(f"Line: {weather_words(state.weather)}", _tone(state.weather))]
    if state.is_unplugged:
        lines.append(("The microphone is unplugged.", Tone.BAD))
    if state.has_service:
        words = "The service runs." if state.is_running else "The service is down."
        lines.append((words, Tone.GOOD if state.is_running else Tone.BAD))
    return tuple(lines)


def weather_words(weather: Weather | None) -> str:
    """Return what was made of a line; None for several that differ."""
    if weather is None:
        return "not the same for all"
    if weather.is_calm:
        return "calm"
    said = ["black hole"] if weather.is_black_hole else []
    if weather.delay_seconds:
        said.append(f"{weather.delay_seconds:g} s late")
    if weather.bytes_per_second:
        said.append(rate_words(weather.bytes_per_second))
    return ", ".join(said)


def rate_words(bytes_per_second: float) -> str:
    """Return a rate as people say it."""
    return f"{bytes_per_second / 1000:g} KB/s"


def _tone(weather: Weather | None) -> Tone:
    if weather is not None and weather.is_calm:
        return Tone.GOOD
    return Tone.BAD if weather is not None and weather.is_black_hole else Tone.WARN
