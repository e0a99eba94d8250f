"""Rows 16 and 23: speech around a resume, and a sound daemon that dies, on real devices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from characters.audio.signal import Samples
from tests.audio.child import Child, child
from tests.audio.corpus import say
from tests.audio.devices import FifoMicrophone, fifo_microphone, private_pulseaudio, until
from tests.audio.game import QUESTION
from tests.bench.case import percentile
from tests.faults.row import Row

__all__ = ["daemon_killed", "opening", "rows", "speech_around_a_resume"]

GATE, GAME = "tests.audio.gate", "tests.audio.game"
RECOVERY_SECONDS = 2.0
# A frame lasts 20 ms and must begin after the opening; the rest is what else the machine does.
OPENING_MS = 45.0

# Fainter than this is what a synthesiser adds behind the last word.
SILENT = 100


def rows(quick: bool) -> Iterable[Row]:
    """Return the figures; `quick` tries fewer of each."""
    yield opening(15 if quick else 100)
    yield speech_around_a_resume(1 if quick else 10)
    yield speech_around_a_resume(1 if quick else 10, pre_roll=2.0)
    yield daemon_killed(2 if quick else 10)


def opening(connections: int) -> Row:
    """Measure how late the microphone opens, and whether anything goes where it must not."""
    with (
        TemporaryDirectory() as folder,
        fifo_microphone() as device,
        child(device.environment, folder, str(connections), "16", module=GATE) as process,
    ):
        found = process.wait_for("end", 15.0 + connections)
    late = [error * 1e3 for error in found["errors"]]
    wrong = (found["early"], found["while_muted"], found["to_another"])
    figure = (
        f"{len(late)} openings on a device: {percentile(late, 0.5):.1f} / "
        f"{percentile(late, 0.99):.1f} ms after ready and delay (p50 / p99); of {found['frames']} "
        f"frames {wrong[0]} early, {wrong[1]} while muted, {wrong[2]} to another"
    )
    is_right = wrong == (0, 0, 0) and min(late) >= 0.0 and percentile(late, 0.99) < OPENING_MS
    return Row(16, "the microphone opens after a connect, a cut, a mute", figure, is_right)


class Talker:
    """A player who asks the one on the right aloud, around a cut of that line."""

    def __init__(self, device: FifoMicrophone, game: Child, question: Samples) -> None:
        self.device = device
        self.game = game
        # Synthesisers add silence, in which a whole sentence is answered already.
        self.question = question[: np.flatnonzero(np.abs(question) > SILENT)[-1] + 1]
        self.heard: list[tuple[str, str]] = []
        self.kept: Counter[str] = Counter()
        self.wrong = 0

    def ask(self) -> None:
        """Say the question; return when its last word has been delivered."""
        self.device.speak(self.question)
        until(lambda: not self.device.queue, 10.0, "all is spoken")
        self._listen(0.1)  # its way through the device

    def before(self) -> None:
        """Ask, and lose the line before the pause that ends the sentence."""
        self.heard.clear()
        self.ask()
        self._cut()
        self._is_answered("before")

    def during(self) -> None:
        """Lose the line, and ask before the microphone is open again."""
        self.heard.clear()
        self._cut()
        self.ask()
        self._is_answered("during")

    def after(self) -> None:
        """Lose the line, and ask as soon as the microphone is shown to be open."""
        self.heard.clear()
        self._cut()
        self._listen(10.0, event="ears", target="right", is_open=True)
        self.ask()
        self._is_answered("after")

    def _cut(self) -> None:
        self.game.do("cut right")
        self._listen(5.0, event="state", who="right", state="RECONNECTING")

    def _is_answered(self, when: str) -> None:
        """Count an utterance that was understood to the word, and whatever somebody else heard."""
        if not self.heard:
            self._listen(6.0, event="FinalUserTranscription")
        self.kept[when] += self.heard == [("right", QUESTION)]
        self.wrong += sum(who != "right" for who, _ in self.heard)

    def _listen(self, seconds: float, **last: object) -> None:
        """Take the game's reports, for so long or up to the last; no word among them is lost."""
        reports = self.game.collect(seconds, lambda r: bool(last) and last.items() <= r.items())
        transcripts = (r for r in reports if r["event"] == "FinalUserTranscription")
        self.heard += [(r["who"], r["text"]) for r in transcripts]

    def rest(self) -> None:
        """Let the answer be said."""
        self.game.collect(6.0, lambda r: r["event"] == "rests" and r["who"] == "right")


def speech_around_a_resume(rounds: int, pre_roll: float = 0.0) -> Row:
    """Ask before, during and after the resume of a conversation, with first words kept or not."""
    with (
        TemporaryDirectory() as folder,
        fifo_microphone() as device,
        child(device.environment, folder, "0.3", str(pre_roll), module=GAME) as game,
    ):
        game.wait_for("ears", 30.0, is_open=True)
        game.do("look right")
        game.wait_for("ears", 10.0, target="right", is_open=True)
        talker = Talker(device, game, say("espeak-ng en-us", QUESTION, Path(folder)))
        for _ in range(rounds):
            for act in (talker.before, talker.after, talker.during):
                act()
                talker.rest()
        game.do("show")
        view = game.wait_for("view", 5.0)
    kept = ", ".join(f"{when} {talker.kept[when]}/{rounds}" for when in ("before", "after"))
    figure = (
        f"understood to the word: {kept}, begun while closed {talker.kept['during']}/{rounds}; "
        f"heard by the wrong one {talker.wrong}, frames before the opening {view['early']['right']}"
    )
    promised = ("before", "after", "during") if pre_roll else ("before", "after")
    is_right = talker.wrong == 0 and view["early"]["right"] == 0
    is_right &= all(talker.kept[when] == rounds for when in promised)
    fault = f"speech before, after and during a resume, {pre_roll:g} s of pre-roll"
    return Row(16, fault, figure, is_right)


def daemon_killed(times: int) -> Row:
    """Kill the sound daemon while it captures, start it again, and wait for frames."""
    back: list[float] = []
    noticed: list[float] = []
    with TemporaryDirectory() as folder, private_pulseaudio() as pulse:
        file = Path(folder) / "heard"
        with child(pulse.environment, "capture", str(file)) as process:
            process.wait_for("first frame", 15.0)
            for number in range(times):
                pulse.kill()
                stopped = process.wait_for("frames stopped", 5.0)
                noticed.append(process.wait_for("problem", 5.0)["t"] - stopped["t"])
                process.collect(number % 3, lambda report: False)  # it is down for a while
                began = pulse.start()
                back.append(process.wait_for("frames again", 15.0)["t"] - began)
    figure = (
        f"{times} times: told after {percentile(noticed, 0.5):.2f} s at the median, capturing "
        f"again {percentile(back, 0.5):.2f} s after the daemon answered, at most {max(back):.2f}"
    )
    return Row(23, "sound daemon killed and restarted", figure, max(back) < RECOVERY_SECONDS)
