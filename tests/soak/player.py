"""A virtual player: talks by text and by voice, and meets a fault every few seconds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from types import MappingProxyType
from typing import TypeAlias

from characters.audio.signal import Samples
from characters.session.conversation import SessionState
from tests.audio.corpus import say
from tests.soak.harness import LEVELS, SoakHarness, TrackedSession

__all__ = ["Player", "Tell"]

LINES = ("Hello!", "How are you?", "What is your name?", "My name is Vera.", "Thank you.",
         "Tell me about this place.", "Who is the doctor?", "Do you remember me?")  # fmt: skip
UTTERANCES = ("hello", "how are you", "thank you", "what do you do here")
Tell: TypeAlias = Callable[[object], object]
RECOVERY_SECONDS = 60.0
ANSWER_SECONDS = 60.0


class Player:
    """Acts by chance. An act that does not end as it must is a failure, kept with its name."""

    def __init__(self, harness: SoakHarness, seed: int, folder: Path, tell: Tell = str) -> None:
        self.harness = harness
        self.tell = tell
        self.chance = Random(seed)
        self.sounds: list[Samples] = [say("espeak-ng en-us", text, folder) for text in UTTERANCES]
        self.acts: Counter[str] = Counter()
        self.failures: list[str] = []
        self.retries = 0
        self.level = 0

    def act(self, *, may_kill: bool) -> None:
        """Do one thing, and wait until everybody is there again."""
        names = [name for name in ACTS if may_kill or name != "kill the service"]
        name = self.chance.choices(names, [ACTS[name][1] for name in names])[0]
        self.do(name)

    def do(self, name: str) -> None:
        """Do a thing by its name."""
        self.acts[name] += 1
        if not ACTS[name][0](self, self.chance.choice(self.harness.sessions)):
            self._fails(name)
        if not self.recovers():
            self._fails(f"no recovery from {name}")
            for session in self.harness.sessions:
                session.handle.retry()  # what follows is to be worth something all the same

    def _fails(self, what: str) -> None:
        states = " ".join(it.state.name for it in self.harness.sessions)
        self.failures.append(f"{self.harness.seconds:.1f} s: {what}; {states}")
        self.tell(self.failures[-1])

    def recovers(self) -> bool:
        """Wait until everybody is connected; who has given up is asked again."""
        return self.harness.wait_for(self._is_everybody_there, RECOVERY_SECONDS)

    def rests(self) -> bool:
        """Let nothing go on: nobody speaks, nothing is under way."""
        for session in self.harness.sessions:
            session.handle.interrupt()
        if not self.harness.wait_for(self.harness.is_silent, 15.0):
            self._fails("a voice that does not fall silent")
        self._pass(1.5)
        return self.recovers()

    def _is_everybody_there(self) -> bool:
        for session in self.harness.sessions:
            if session.state is SessionState.ERROR:
                self.retries += 1
                session.handle.retry()
        return all(it.state is SessionState.CONNECTED for it in self.harness.sessions)

    def _pass(self, seconds: float) -> bool:
        until = self.harness.seconds + seconds
        return self.harness.wait_for(lambda: self.harness.seconds >= until, seconds + 5.0)

    def _some(self, most: float) -> bool:
        return self._pass(self.chance.random() * most)

    # --- talk

    def say(self, it: TrackedSession) -> bool:
        """Type a line; it is answered."""
        since = self.harness.app.clock.now()
        it.handle.send_text(self.chance.choice(LINES))
        is_right = self.harness.wait_for(lambda: it.is_answered(since), ANSWER_SECONDS)
        if not is_right:
            self._tells_talk(it, since)
        return is_right

    def say_to_all(self, it: TrackedSession) -> bool:
        """Type a line to everybody at once; each answers."""
        since = self.harness.app.clock.now()
        for session in self.harness.sessions:
            session.handle.send_text(self.chance.choice(LINES))
        everybody = self.harness.sessions
        is_right = self.harness.wait_for(
            lambda: all(session.is_answered(since) for session in everybody), ANSWER_SECONDS
        )
        for silent in (it for it in everybody if not it.is_answered(since)):
            self._tells_talk(silent, since)
        return is_right

    def _tells_talk(self, it: TrackedSession, since: float) -> None:
        """Say what was said last, and when."""
        turns = it.handle.view.transcript[-6:]
        rows = [
            f"{turn.t - since:+.2f} {turn.speaker} {turn.final} {turn.text!r}" for turn in turns
        ]
        self.tell(f"    {it.key} is silent: {rows}, {it.handle.view.unconfirmed_lines} unconfirmed")

    def speak(self, it: TrackedSession) -> bool:
        """Say something aloud; this one hears it, and nobody else."""
        lost, is_right = -1, False
        # What a machine did not find the time to take from the microphone is said again.
        while not is_right and lost != self.harness.ears.status.overruns:
            lost = self.harness.ears.status.overruns
            is_right = self._speak_once(it)
        return is_right

    def _speak_once(self, it: TrackedSession) -> bool:
        if not self._has_ear(it):
            return False
        before, heard = self._counts(), it.heard
        self.harness.microphone.speak(self.chance.choice(self.sounds))
        is_heard = self.harness.wait_for(lambda: it.heard > heard, ANSWER_SECONDS)
        others = sum(n for key, n in self._begun_since(before).items() if key != it.key)
        return (is_heard and not others) or self._tells(it, before)

    def _counts(self) -> dict[str, tuple[int, int]]:
        """Return how many utterances each has noticed, and how many frames it was sent."""
        return {o.key: (o.begun, o.handle.view.microphone.frames_sent) for o in self._all}

    def _begun_since(self, before: Mapping[str, tuple[int, int]]) -> dict[str, int]:
        """Return the utterances that began since then.

        What a service is late to tell of an utterance before that is none: its character was sent
        no frame since.
        """
        now = self._counts()
        return {
            key: now[key][0] - begun for key, (begun, sent) in before.items() if now[key][1] > sent
        }

    def _tells(self, it: TrackedSession, before: Mapping[str, tuple[int, int]]) -> bool:
        """Say what there is to see of an utterance that went astray."""
        counts = {key: (now, before[key]) for key, now in self._counts().items()}
        self.tell(f"    {it.key}: {counts}, {self.harness.ears.status}, {dict(it.told)}")
        return False

    def _has_ear(self, it: TrackedSession) -> bool:
        # What was said before is over, and understood or not: it must not be taken for this.
        self.harness.wait_for(lambda: not self.harness.microphone.is_speaking, 5.0)
        self._pass(1.3)
        self.harness.wait_for(lambda: not any(o.is_listening for o in self._all), 10.0)
        self.harness.turn_to(it)
        ears = self.harness.ears

        def is_open() -> bool:
            status = ears.status
            return status.target == it.key and status.is_open

        # A sentence of before still goes to whoever it was begun to.
        return self.harness.wait_for(is_open, 10.0)

    def _begin_to_speak(self) -> None:
        self.harness.microphone.speak(self.chance.choice(self.sounds))
        self._some(0.8)

    def interrupt(self, it: TrackedSession) -> bool:
        """Cut an answer off."""
        it.handle.send_text(self.chance.choice(LINES))
        self._some(1.0)
        it.handle.interrupt()
        return True

    def switch_in_sentence(self, it: TrackedSession) -> bool:
        """Turn away in the middle of a sentence; one hears all of it, whoever had its beginning."""
        if not self._has_ear(it):
            return False
        before = self._counts()
        self._begin_to_speak()
        self.harness.turn_to(self.chance.choice(self._all))

        def begun() -> int:
            return sum(self._begun_since(before).values())

        self.harness.wait_for(lambda: begun() > 0, ANSWER_SECONDS)
        self.harness.wait_for(lambda: not self.harness.microphone.is_speaking, 5.0)
        self._pass(1.3)
        return begun() == 1 or self._tells(it, before)

    # --- faults

    def cut(self, it: TrackedSession) -> bool:
        """Break a line, perhaps with a typed line on it; the typed line is not lost."""
        if self.chance.random() < 0.5:
            it.handle.send_text(self.chance.choice(LINES))
        it.handle.cut()
        return self._is_all_confirmed(it)

    def cut_in_sentence(self, it: TrackedSession) -> bool:
        """Break a line while the player speaks over it."""
        if not self._has_ear(it):
            return False
        self._begin_to_speak()
        it.handle.cut()
        return True

    def cut_all(self, it: TrackedSession) -> bool:
        """Break every line."""
        self.harness.faults.cut()
        return self._is_all_confirmed(it)

    def black_hole(self, it: TrackedSession) -> bool:
        """Let a line swallow everything for a while."""
        self.harness.faults.black_hole(it.key)
        it.handle.send_text(self.chance.choice(LINES))
        self._some(4.0)
        self.harness.faults.heal(it.key)
        return self._is_all_confirmed(it)

    def _is_all_confirmed(self, it: TrackedSession) -> bool:
        return self.harness.wait_for(
            lambda: self._is_everybody_there() and not it.handle.view.unconfirmed_lines,
            RECOVERY_SECONDS,
        )

    def kill_service(self, it: TrackedSession) -> bool:
        """Kill the service and start it again a moment later."""
        killing = self.harness.faults.kill_service()
        self.harness.wait_for(lambda: killing.is_done, 10.0)
        self._some(2.0)
        starting = self.harness.faults.start_service()
        self.harness.generation += 1
        return self.harness.wait_for(lambda: starting.is_done, 20.0) and starting.error is None

    def mute(self, it: TrackedSession) -> bool:
        """Mute, and speak all the same: nobody hears."""
        ears = self.harness.ears
        ears.set_muted(True)
        self._pass(0.3)
        sent = {other.key: other.handle.view.microphone.frames_sent for other in self._all}
        self.harness.turn_to(it)
        self.harness.microphone.speak(self.chance.choice(self.sounds)[:16_000])
        self._pass(1.2)
        unheard = all(o.handle.view.microphone.frames_sent == sent[o.key] for o in self._all)
        ears.set_muted(False)
        return unheard

    @property
    def _all(self) -> list[TrackedSession]:
        return self.harness.sessions

    def change_level(self, it: TrackedSession) -> bool:
        """Go through the door, perhaps while somebody answers."""
        it.handle.send_text(self.chance.choice(LINES))
        self._some(0.5)
        self.level = 1 - self.level
        self.harness.enter(LEVELS[self.level])
        return True

    def leave_and_come_back(self, it: TrackedSession) -> bool:
        """Disconnect and connect again."""
        it.handle.disconnect()
        self._some(0.5)
        it.handle.connect()
        return True


Act = Callable[[Player, TrackedSession], bool]

ACTS: Mapping[str, tuple[Act, float]] = MappingProxyType(
    {
        "say": (Player.say, 6.0),
        "say to all": (Player.say_to_all, 2.0),
        "speak": (Player.speak, 6.0),
        "interrupt": (Player.interrupt, 3.0),
        "switch in a sentence": (Player.switch_in_sentence, 2.0),
        "cut": (Player.cut, 4.0),
        "cut in a sentence": (Player.cut_in_sentence, 2.0),
        "cut all": (Player.cut_all, 2.0),
        "black hole": (Player.black_hole, 2.0),
        "kill the service": (Player.kill_service, 1.0),
        "mute": (Player.mute, 2.0),
        "change the level": (Player.change_level, 2.0),
        "leave and come back": (Player.leave_and_come_back, 2.0),
    }
)
