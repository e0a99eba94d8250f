"""A player who speaks and two characters who hear, on a clock that a test moves."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from characters.audio.signal import Samples
from characters.audio.sources import FrameSink
from characters.client.conversation import Conversation
from characters.client.microphone import EchoFilter
from characters.client.voice_input import VoiceInput
from characters.protocol.turn_settings import (
    BargeIn,
    ListeningMode,
    PushToTalkOptions,
    TurnSettings,
)
from engine.core.clock import ManualClock

__all__ = ["FakeSource", "FakeTarget", "Room", "SILENCE", "VOICE"]

VOICE: Samples = (6_000 * np.sin(np.arange(320) * 0.3)).astype(np.int16)
SILENCE: Samples = np.zeros(320, np.int16)


@dataclass
class FakeSource:
    """A microphone that hears what a test says."""

    device: str = "Mic"
    problem: str | None = None
    sink: FrameSink | None = None
    chosen: list[str | None] = field(default_factory=list)

    def choose(self, device: str | None) -> None:
        self.chosen.append(device)

    def start(self, sink: FrameSink) -> None:
        self.sink = sink

    def stop(self) -> None:
        self.sink = None


@dataclass
class FakeTarget(Conversation):
    """A character that counts what it hears."""

    is_open: bool = True
    frames: list[float] = field(default_factory=list)
    heard: list[bytes] = field(default_factory=list)
    kept: int = 0
    forced: int = 0
    unheard: int = 0
    interrupted: int = 0
    paused: int = 0
    is_getting_ready: bool = False
    is_addressed: bool = False

    @property
    def is_listening(self) -> bool:
        return self.is_open

    def offer_audio(self, pcm: bytes, captured_at: float) -> bool:
        if self.is_open:
            self.frames.append(captured_at)
            self.heard.append(pcm)
        return self.is_open

    def offer_kept(self, pcm: bytes) -> bool:
        self.kept += self.is_open
        if self.is_open:
            self.heard.append(pcm)
        return self.is_open

    def force_user_stopped_speaking(self, *, has_spoken: bool = False) -> None:
        self.forced += 1
        self.unheard += has_spoken

    def interrupt(self) -> None:
        self.interrupted += 1

    def pause(self) -> None:
        self.paused += 1

    def set_addressed(self, is_addressed: bool) -> None:
        self.is_addressed = is_addressed


class DuckedVoice:
    """Remembers who is ducked."""

    problem = None

    def __init__(self) -> None:
        self.ducked: list[tuple[str, bool]] = []
        self.barge_in = BargeIn()
        self.playing = True

    def duck(self, key: str, ducked: bool) -> None:
        self.ducked.append((key, ducked))

    def is_playing(self, key: str) -> bool:
        return self.playing

    def set_barge_in(self, barge_in: BargeIn) -> None:
        self.barge_in = barge_in


class Room:
    """A player, a microphone and two characters, on a clock that a test moves."""

    def __init__(
        self, options: PushToTalkOptions | None = None, echo: EchoFilter | None = None
    ) -> None:
        self.clock = ManualClock(100.0)
        self.sources: list[FakeSource] = []
        self.targets = {"ada": FakeTarget(), "bob": FakeTarget()}
        self.voice = DuckedVoice()
        options = options or PushToTalkOptions()
        self.voice_input = VoiceInput(
            self.open,
            self.clock.now,
            voice=self.voice,  # type: ignore[arg-type] # only ducking is used
            echo=echo,
            turns=TurnSettings(ListeningMode.HANDS_FREE, push_to_talk=options),
        )

    def open(self) -> FakeSource:
        self.sources.append(FakeSource())
        return self.sources[-1]

    def step(self) -> None:
        self.voice_input.step(self.targets.get)

    def hear(self, sound: Samples, seconds: float) -> None:
        for _ in range(round(seconds / 0.02)):
            self.clock.advance(0.02)
            sink = self.sources[-1].sink if self.sources else None
            if sink is not None:
                sink(sound, self.clock.now())
            self.step()

    def heard(self) -> tuple[int, int]:
        return len(self.targets["ada"].frames), len(self.targets["bob"].frames)
