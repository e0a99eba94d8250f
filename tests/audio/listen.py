"""A child process that captures or plays through our own classes and reports line by line.

    python -m tests.audio.listen capture FILE     frames go to FILE, every event is a line of JSON
    python -m tests.audio.listen play             a tone for "ada" on the right until stdin ends
    python -m tests.audio.listen devices

It ends when its input does. Exit status and the time until then are part of the tests.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path

import numpy as np

from characters.audio.microphone import PortAudioMicrophone
from characters.audio.portaudio import list_devices
from characters.audio.portaudio_output import PortAudioOutput
from characters.audio.sources import FrameRing
from characters.audio.speaker import DeviceVoice


def tell(**facts: object) -> None:
    """Write one line of JSON."""
    print(json.dumps({"t": time.monotonic(), **facts}), flush=True)


def ended() -> threading.Event:
    """Return what is set when the parent closes our input."""
    event = threading.Event()

    def wait() -> None:
        sys.stdin.read()
        event.set()

    threading.Thread(target=wait, daemon=True).start()
    return event


def capture(path: Path) -> None:
    """Capture into a file; tell the first frame, each problem and its end, and the figures."""
    microphone, ring, end = PortAudioMicrophone(), FrameRing(512), ended()
    microphone.start(ring.put)
    times: list[float] = []
    problem: str | None = None
    silent_since = None
    with path.open("wb") as file:
        while not end.wait(0.005):
            while (frame := ring.get()) is not None:
                if not times or silent_since is not None:
                    tell(event="first frame" if not times else "frames again")
                silent_since = None
                times.append(frame.captured_at)
                file.write(frame.samples.tobytes())
                file.flush()
            if times and time.monotonic() - times[-1] > 0.3 and silent_since is None:
                silent_since = times[-1]
                tell(event="frames stopped")
            if microphone.problem != problem:
                problem = microphone.problem
                tell(event="problem", problem=problem, device=microphone.device)
    microphone.stop()
    gaps = np.diff(times) * 1000.0 if len(times) > 1 else np.zeros(1)
    tell(event="end", frames=len(times), overruns=ring.overruns, p99=float(np.percentile(gaps, 99)))


def play() -> None:
    """Play a tone on the right; tell when it is interrupted and how long it lasted."""
    voice, end = DeviceVoice(list_devices, PortAudioOutput), ended()
    voice.place("ada", 1.0, 1.0)
    voice.start()
    tone = 8_000.0 * np.sin(2.0 * np.pi * 500.0 * np.arange(22_050 * 2) / 22_050)
    device, problem = "", None
    while not end.wait(0.01):
        if not voice.is_playing("ada"):
            voice.play("ada", tone.astype(np.int16).tobytes(), 22_050)
        if (voice.device, voice.problem) != (device, problem):
            device, problem = voice.device, voice.problem
            tell(event="output", device=device, problem=problem)
    voice.interrupt("ada")
    tell(event="interrupted")
    while voice.is_playing("ada"):
        end.wait(0.002)
        threading.Event().wait(0.002)
    tell(event="drained")
    voice.close()


def main(arguments: list[str]) -> None:
    """Do what was asked for."""
    if arguments[0] == "capture":
        capture(Path(arguments[1]))
    elif arguments[0] == "play":
        play()
    else:
        report = list_devices()
        tell(event="devices", names=[d.name for d in report.devices], problem=report.problem)


if __name__ == "__main__":
    main(sys.argv[1:])
