"""Ask PortAudio for the sound devices and print them as JSON: a program, because it may crash."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

import pyaudio

__all__ = ["main"]


def main() -> int:
    """Print the devices, as PortAudio tells of them, and the indices of the defaults."""
    audio = pyaudio.PyAudio()
    found = {
        "devices": [_info(audio, index) for index in range(audio.get_device_count())],
        "input": _index(audio.get_default_input_device_info),
        "output": _index(audio.get_default_output_device_info),
    }
    json.dump(found, sys.stdout, default=_text)
    return 0


def _info(audio: pyaudio.PyAudio, index: int) -> Mapping[str, Any]:
    try:
        return dict(audio.get_device_info_by_index(index))
    except Exception:  # whatever is wrong with one device costs the others nothing
        return {}


def _text(name: object) -> str:
    """Return a name that PyAudio could not decode; anything else is none."""
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else ""


def _index(find: Callable[[], Mapping[str, Any]]) -> Any:
    try:
        return find()["index"]
    except Exception:  # there is none, or it cannot be described
        return -1


if __name__ == "__main__":
    sys.stdout = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a driver prints must not stand before the devices
    sys.exit(main())
