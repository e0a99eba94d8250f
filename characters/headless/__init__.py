"""Play without a window: scripts, what they do to the game, and the report of a run."""

from __future__ import annotations

from characters.headless.fault_steps import Cable, Fault, Latency, ServiceCommand, SlowLink
from characters.headless.report import Observed, Recorder, StepFailure
from characters.headless.runner import ScriptRunner, Stage, StepError
from characters.headless.script import (
    Key,
    LoadScene,
    Quit,
    Respond,
    Say,
    Script,
    SessionCommand,
    SpeakWav,
    Step,
    TalkTo,
    Wait,
    WaitStep,
    WalkTo,
)
from characters.headless.stage import GameStage, Recording

__all__ = [
    "Cable",
    "Fault",
    "GameStage",
    "Key",
    "Latency",
    "LoadScene",
    "Observed",
    "Quit",
    "Recorder",
    "Recording",
    "Respond",
    "Say",
    "Script",
    "ScriptRunner",
    "ServiceCommand",
    "SessionCommand",
    "SlowLink",
    "SpeakWav",
    "Stage",
    "Step",
    "StepError",
    "StepFailure",
    "TalkTo",
    "Wait",
    "WaitStep",
    "WalkTo",
]
