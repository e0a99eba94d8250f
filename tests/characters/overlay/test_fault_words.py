from __future__ import annotations

from characters.core.weather import Weather
from characters.overlay.fault_words import fault_lines, weather_words
from characters.overlay.model import FaultState
from characters.overlay.words import Tone


def test_weather_is_said_in_words() -> None:
    assert weather_words(Weather.CALM) == "calm"
    assert weather_words(Weather(0.4, 16_000)) == "0.4 s late, 16 KB/s"
    assert weather_words(Weather(is_black_hole=True)) == "black hole"
    assert weather_words(None) == "not the same for all"


def test_what_is_broken_stands_below_the_buttons() -> None:
    state = FaultState(True, False, Weather(0.4), is_unplugged=True)
    assert [words for words, _ in fault_lines(state)] == [
        "Line: 0.4 s late",
        "The microphone is unplugged.",
        "The service is down.",
    ]


def test_a_remote_service_is_not_spoken_of() -> None:
    assert fault_lines(FaultState()) == (("Line: calm", Tone.GOOD),)
