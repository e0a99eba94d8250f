"""Ask PortAudio for the sound devices and print them as JSON: a program, because it may crash."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

import pyaudio

__all__ = ["main"]


def main() -> int:
    """Print the devices: names, channels in and out, rates, and the indices of the defaults."""
    audio = pyaudio.PyAudio()
    infos = [audio.get_device_info_by_index(index) for index in range(audio.get_device_count())]
    keys = ("name", "maxInputChannels", "maxOutputChannels", "defaultSampleRate")
    found = {
        "devices": [[info[key] for key in keys] for info in infos],
        "input": _index(audio.get_default_input_device_info),
        "output": _index(audio.get_default_output_device_info),
    }
    json.dump(found, sys.stdout)
    return 0


def _index(find: Callable[[], Mapping[str, Any]]) -> Any:
    try:
        return find()["index"]
    except OSError:
        return -1


if __name__ == "__main__":
    sys.exit(main())
