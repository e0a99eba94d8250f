"""When a turn ends: seconds from the last sound of a sentence, and what a pause in it cuts.

    python -m tests.audio.turns [--pause SECONDS] [--every N]

Each sentence is spoken twice, once with a pause in its middle. A sentence is cut when more than one
turn was made of it. Seconds are those of the sound: what recognition costs is the bench's matter.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from characters.audio.signal import Samples
from characters.speech.factory import make_speech
from characters.speech.interfaces import Heard, SpeechEvent, SpeechStopped
from characters.speech.listener import Transcriber
from tests.audio.corpus import GRAMMAR, HELD_OUT, PHRASES, in_a_room, say

BEFORE_SECONDS = 0.5  # of room, as `in_a_room` puts it there
NOISES = (None, 20.0)


@dataclass
class Turns:
    """What became of the sentences of one noise level."""

    delays: list[float] = field(default_factory=list)
    exact: int = 0
    paused: int = 0
    cut: int = 0
    paused_exact: int = 0

    def count(self, text: str, sound: Samples, events: list[SpeechEvent], *, paused: bool) -> None:
        """Add one sentence and what was made of it."""
        stops = [event.timestamp for event in events if isinstance(event, SpeechStopped)]
        exact = [event.text for event in events if isinstance(event, Heard)] == [text]
        if paused:
            self.paused += 1
            self.cut += len(stops) > 1
            self.paused_exact += exact
            return
        self.exact += exact
        self.delays += [at - BEFORE_SECONDS - sound.size / 16_000 for at in stops[-1:]]


def without_silence(sound: Samples) -> Samples:
    """Return a sound from its first to its last voice."""
    loud = np.flatnonzero(np.abs(sound.astype(np.int32)) > 200)
    return sound[loud[0] : loud[-1] + 1]


def sentences(every: int, pause: float) -> Iterator[tuple[str, Samples, bool]]:
    """Yield texts and how they sound, plain and, where they have two words, with a pause."""
    with tempfile.TemporaryDirectory() as folder:
        for voice in HELD_OUT.voices[::2]:
            for text in PHRASES[::every]:
                words = text.split()
                yield text, without_silence(say(voice, text, Path(folder))), False
                if len(words) > 1:
                    half = (len(words) + 1) // 2
                    parts = (" ".join(words[:half]), " ".join(words[half:]))
                    first, last = (without_silence(say(voice, p, Path(folder))) for p in parts)
                    silence = np.zeros(round(pause * 16_000), np.int16)
                    yield text, np.concatenate((first, silence, last)), True


async def hear(listener: Transcriber, pcm: bytes) -> list[SpeechEvent]:
    """Feed a sentence frame by frame."""
    events: list[SpeechEvent] = []
    for at in range(0, len(pcm), 640):
        events += await listener.feed(pcm[at : at + 640], (at + 640) / 32_000)
    return events


async def measure(every: int, pause: float) -> dict[float | None, Turns]:
    """Listen to the sentences at each noise level."""
    speech, chance = make_speech(speak=False), np.random.default_rng(3)
    said = list(sentences(every, pause))
    found: dict[float | None, Turns] = {}
    for noise in NOISES:
        listener, turns = speech.listen(GRAMMAR), found.setdefault(noise, Turns())
        for text, sound, paused in said:
            events = await hear(listener, in_a_room(sound, noise, chance))
            turns.count(text, sound, events, paused=paused)
        await listener.close()
    await speech.close()
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pause", type=float, default=0.5, help="seconds")
    parser.add_argument("--every", type=int, default=1, help="take every Nth text only")
    asked = parser.parse_args()
    print("| noise | turns | end to stop, median s | p90 | exact | with a pause | cut | exact |")
    print("|---|---|---|---|---|---|---|---|")
    for noise, it in asyncio.run(measure(asked.every, asked.pause)).items():
        name = "quiet" if noise is None else f"{noise:g} dB"
        middle, high = np.percentile(it.delays, (50, 90))
        print(
            f"| {name} | {len(it.delays)} | {middle:.2f} | {high:.2f} | {it.exact} | {it.paused} "
            f"| {it.cut} | {it.paused_exact} |"
        )


if __name__ == "__main__":
    main()
