"""Listener: decides, frame by frame on the network thread, who hears the player and when."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import replace

from characters.audio.ring import Frame
from characters.audio.source import FRAME_SECONDS
from characters.audio.voice import Voice
from characters.core.levels import SpeechGate, decibels, meter
from characters.core.push_to_talk import PushToTalk, TalkCommand, TalkEvent, TalkPhase
from characters.core.turn_settings import ListeningMode, Startup
from characters.runtime.capture import Capture
from characters.runtime.listening import AudioDriver, DriverLookup, Facts, Wishes
from characters.runtime.pre_roll import PreRoll
from characters.runtime.talking_over import CANCELLED_SECONDS, HEADPHONES_SECONDS, TalkingOver

__all__ = ["Listener"]

# A frame that waited longer is of a process that stood still: it is not what is said now.
STALE_SECONDS = 1.0
# A device that has not delivered for so long is not sending anything to anybody.
STARVED_SECONDS = 0.5
METER_FALL_PER_FRAME = 0.04
# Kept words go out this many frames at a time: far faster than speech, and no flood.
CATCH_UP_FRAMES = 5


class Listener:
    """Everything that is known of the player's voice: talk key, target, utterance, pre-roll."""

    def __init__(
        self, capture: Capture, keys: deque[bool], now: Callable[[], float], voice: Voice | None
    ) -> None:
        self._capture = capture
        self._keys = keys
        self._now = now
        self._over = TalkingOver(voice)
        self._pre_roll = PreRoll()
        self._wishes = Wishes()
        # What the wishes amount to, looked up fifty times a second.
        self._mode = self._wishes.turns.mode
        self._keeps_words = False
        self._talk = PushToTalk.begin(self._wishes.turns.push_to_talk)
        self._gate = SpeechGate()
        self._last_speech_at: float | None = None
        self._last_frame_at = 0.0
        self._was_pressed = False
        self._target: str | None = None
        self._sending = False
        self._owes_end = False  # kept words of a key that was let go long ago have gone out
        self._level = 0.0

    def step(self, wishes: Wishes, drivers: DriverLookup) -> None:
        """Do what is due now: wishes, keys, frames, kept words, deadlines."""
        self._follow(wishes)
        self._tend_keys(drivers)
        self._tend_source()
        for frame in self._capture.frames():
            self._hear(frame, drivers)
        if self._keeps_words:
            self._catch_up(drivers)
        self._retarget(drivers)

    def close(self, drivers: DriverLookup) -> None:
        """Finish the utterance and let go of the microphone."""
        self._pre_roll.clear()
        self._finish_utterance(drivers)
        self._over.duck(None)
        self._close_source()

    def transcript_arrived(self, key: str) -> None:
        """Note that the service understood the player's turn."""
        if key == self._target and self._mode is ListeningMode.PUSH_TO_TALK:
            self._talk, _ = self._talk.advance(TalkEvent.TRANSCRIBED, self._now())
            # The service has closed the utterance itself: there is nothing left to force.
            self._sending = self._sending and self._talk.is_open

    def answer_began(self, key: str) -> None:
        """Note that a character began to speak or completed its turn."""
        if key == self._target:
            self._talk, _ = self._talk.advance(TalkEvent.ANSWERED, self._now())

    @property
    def target(self) -> str | None:
        """Who hears the player now."""
        return self._target

    def facts(self) -> Facts:
        """Return the fields of a status, in order."""
        capture, wishes = self._capture, self._wishes
        return (
            self._level,
            self._target,
            self._sending and capture.is_open,
            capture.problem,
            capture.device,
            wishes.allowed,
            wishes.muted,
            wishes.turns.mode,
            self._gate.is_open,
            capture.overruns,
            self._pre_roll.seconds if self._keeps_words else 0.0,
            self._commits_after is not None,
        )

    # What is wished.

    @property
    def _commits_after(self) -> float | None:
        if self._wishes.turns.headphones:
            return HEADPHONES_SECONDS
        return CANCELLED_SECONDS if self._capture.is_free_of_echo else None

    def _follow(self, wishes: Wishes) -> None:
        if wishes is self._wishes:
            return
        turns, capture = wishes.turns, self._capture
        if turns.mode is not self._mode:
            # A key that was down before means nothing in the new mode.
            self._talk = PushToTalk.begin(turns.push_to_talk)
        else:
            self._talk = self._talk.under(turns.push_to_talk)
        cancels = turns.echo_cancellation and not turns.headphones and capture.has_echo_filter
        capture.cancels_echo = cancels
        self._mode, self._keeps_words = turns.mode, turns.pre_roll_seconds > 0.0
        if not self._keeps_words:
            self._pre_roll.clear()
        self._wishes = wishes

    def _tend_source(self) -> None:
        wanted = self._is_source_wanted()
        if not wanted and self._capture.is_open:
            self._close_source()
        self._capture.tend(self._wishes.device, wanted=wanted)

    def _is_source_wanted(self) -> bool:
        if not self._wishes.permits:
            return False
        if self._mode is ListeningMode.HANDS_FREE or self._was_pressed or self._talk.is_open:
            return True
        return self._talk.options.startup == Startup.PREWARM_MUTED

    def _close_source(self) -> None:
        self._capture.close()
        self._gate = replace(self._gate, is_open=False, against=0.0)
        self._level = 0.0

    # The talk key.

    def _tend_keys(self, drivers: DriverLookup) -> None:
        while self._keys:
            down = self._keys.popleft()
            if self._mode is ListeningMode.PUSH_TO_TALK:
                event = self._meaning_of_key(down)
                if event is not None:
                    self._advance_talk(event, drivers)
        if self._talk.phase is not TalkPhase.CLOSED:
            self._advance_talk(TalkEvent.TICK, drivers)

    def _meaning_of_key(self, down: bool) -> TalkEvent | None:
        if not self._talk.options.toggle:
            return TalkEvent.PRESSED if down else TalkEvent.RELEASED
        if not down:
            return None
        return TalkEvent.RELEASED if self._talk.phase is TalkPhase.HELD else TalkEvent.PRESSED

    def _advance_talk(self, event: TalkEvent, drivers: DriverLookup) -> None:
        if event is TalkEvent.PRESSED and not self._talk.is_open:
            self._change_target()
        self._was_pressed |= event is TalkEvent.PRESSED
        self._talk, commands = self._talk.advance(event, self._now())
        driver = drivers(self._target) if commands and self._target is not None else None
        if driver is None:
            return
        for command in commands:
            if command is TalkCommand.INTERRUPT_BOT:
                driver.interrupt()
            else:
                self._sending = False
                driver.force_user_stopped_speaking()

    # What is heard.

    def _hear(self, frame: Frame, drivers: DriverLookup) -> None:
        self._last_frame_at = frame.captured_at
        db = decibels(frame.samples)
        self._level = max(meter(db), self._level - METER_FALL_PER_FRAME)
        self._gate = self._gate.hear(db, FRAME_SECONDS)
        if self._gate.is_open:
            self._last_speech_at = frame.captured_at
        if self._wishes.target != self._target:
            self._retarget(drivers)
        driver = drivers(self._target) if self._target is not None else None
        fresh = self._now() - frame.captured_at <= STALE_SECONDS
        may_send = driver is not None and fresh and self._is_wanted()
        if driver is None or not may_send:
            self._finish_utterance(drivers)
            return
        self._send(frame, driver)
        speaks = self._sending and self._gate.is_open
        assert self._target is not None  # it has a driver
        commits_after = self._commits_after
        self._over.hear(
            self._target, driver, frame.captured_at, speaks=speaks, commits_after=commits_after
        )

    def _send(self, frame: Frame, driver: AudioDriver) -> None:
        if self._keeps_words and self._pre_roll and driver.is_listening:
            self._pre_roll.add(frame.samples)
            return
        self._sending = driver.offer_audio(frame.samples.tobytes(), frame.captured_at)
        if self._keeps_words:
            self._keep(frame, driver)

    def _keep(self, frame: Frame, driver: AudioDriver) -> None:
        if self._sending:
            self._pre_roll.clear()
        elif driver.is_getting_ready:
            self._pre_roll.keep(
                frame.samples,
                frame.captured_at,
                speaks=self._gate.is_open,
                most=self._wishes.turns.pre_roll_seconds,
                pause=self._pause_seconds + 2 * FRAME_SECONDS,
            )

    def _catch_up(self, drivers: DriverLookup) -> None:
        """Send kept words to whom they were said, once it can hear."""
        if not self._wishes.permits or self._pre_roll.is_stale(self._now()):
            self._pre_roll.clear()
        driver = drivers(self._target) if self._pre_roll and self._target is not None else None
        if driver is None:
            return
        for _ in range(CATCH_UP_FRAMES):
            if not self._pre_roll or not driver.offer_kept(self._pre_roll.first()):
                return
            self._pre_roll.sent()
            self._sending = self._owes_end = True

    def _is_wanted(self) -> bool:
        if not self._wishes.permits:
            return False
        return self._mode is ListeningMode.HANDS_FREE or self._talk.is_open

    @property
    def _pause_seconds(self) -> float:
        return self._wishes.turns.smart_turn.stop_secs

    def _is_in_sentence(self) -> bool:
        if not self._sending and not self._pre_roll:
            return False
        is_held = self._was_pressed and self._talk.is_open
        if self._mode is ListeningMode.PUSH_TO_TALK and is_held:
            return True
        # The service ends an utterance after this much silence: until then it is still one.
        last, pause = self._last_speech_at, self._pause_seconds + 2 * FRAME_SECONDS
        return last is not None and self._now() - last < pause

    def _retarget(self, drivers: DriverLookup) -> None:
        starved = self._now() - self._last_frame_at > STARVED_SECONDS
        if starved or not self._is_wanted():
            self._finish_utterance(drivers)
        if self._wishes.target != self._target and not self._is_in_sentence():
            self._finish_utterance(drivers)
            self._change_target()

    def _change_target(self) -> None:
        if self._wishes.target != self._target:
            self._pre_roll.clear()  # what was said to one is never heard by another
        self._target = self._wishes.target

    def _finish_utterance(self, drivers: DriverLookup) -> None:
        """Let the service know that no more frames of this utterance will come."""
        if self._sending and self._keeps_words and self._pre_roll:
            return  # it still goes out
        self._over.duck(None)
        if not self._sending:
            return
        is_open_ended = self._owes_end or self._is_in_sentence()
        self._sending = self._owes_end = False
        driver = drivers(self._target) if self._target is not None else None
        if driver is not None and is_open_ended:
            driver.force_user_stopped_speaking()
