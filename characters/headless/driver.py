"""SceneDriver does the steps of a script to a real game, through its player, keys and faults."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from typing import Any, TypeAlias, TypeGuard, TypeVar

from characters.audio.sources import ScriptSource, read_wav
from characters.client.config import MessageRefused, TextRefused
from characters.client.handle import SessionHandle
from characters.client.runtime import Runtime
from characters.components.character import Character
from characters.components.faults import Faults, Task
from characters.components.manager import CharacterManager
from characters.components.player import Player
from characters.headless import script
from characters.headless.script import StepError
from characters.protocol.messages import (
    ClientMessage,
    ContextUpdate,
    ServerResponse,
    TakenBack,
    UserTextMessage,
)
from characters.session.conversation import SessionState, SessionView
from engine.app.application import Application
from engine.objects.scene import Scene

__all__ = ["Lookup", "SceneDriver"]

C = TypeVar("C")
Done: TypeAlias = Callable[[], bool]
Vector: TypeAlias = tuple[float, float]

ARM_LENGTH = 76.0  # pixels between two who talk
NEAR_ENOUGH = 40.0


class SceneDriver:
    """Plays a game for a script, whose own files are in `folder`."""

    def __init__(
        self,
        application: Application,
        runtime: Runtime,
        faults: Faults,
        folder: Path,
        microphone: ScriptSource | None = None,
    ) -> None:
        self._application = application
        self._game = Lookup(application, runtime)
        self._runtime = runtime
        self._faults = faults
        self._folder = folder
        self._microphone = microphone
        self._done: Done = _at_once
        self._unsaid = list[Done]()  # lines that may still wait for a connection
        self._refused = ""  # why something that was asked for did not go out
        # A verb returns what tells whether it is done, None if it is at once.
        self._verbs: dict[type[Any], Callable[[Any], Done | None]] = {
            script.SayStep: self._say,
            script.RespondStep: self._respond,
            script.SpeakWavStep: self._speak_wav,
            script.WalkToStep: self._walk_to,
            script.TalkToStep: self._talk_to,
            script.KeyStep: self._press,
            script.SessionStep: self._command,
            script.FaultStep: self._fault,
            script.LatencyStep: self._set_latency,
            script.SlowLinkStep: self._slow_down,
            script.MicrophoneStep: lambda step: getattr(faults, step.do)(),
            script.ServiceStep: self._command_service,
            script.LoadSceneStep: self._load,
            script.SlotStep: self._use_slot,
            script.TakeBackStep: self._take_back,
            script.QuitStep: lambda step: application.quit(),
        }

    def view(self, character: str) -> SessionView:
        """Return the state of a session. Raises StepError when there is none."""
        self._check_lines()
        return self._game.session(character).view

    def begin(self, step: script.Step) -> None:
        """Begin a step. Raises StepError."""
        self._check_lines()
        with _told_as_step_error():
            self._done = self._verbs[type(step)](step) or _at_once

    def is_done(self, step: script.Step) -> bool:
        """Return whether the step that was begun is over. Raises StepError."""
        with _told_as_step_error():
            is_done = self._done()
        self._check_lines()
        return is_done

    def has_said_all(self) -> bool:
        """Return whether no line waits for a connection any more. Raises StepError."""
        self._check_lines()
        return not self._unsaid

    def _check_lines(self) -> None:
        """Raise StepError when a line that was said, maybe by an earlier step, did not go out."""
        # Looked at in each frame: what was said may be taken back, or forgotten.
        self._unsaid = [is_said for is_said in self._unsaid if not is_said()]
        if self._refused:
            raise StepError(self._refused)

    # verbs

    def _say(self, step: script.SayStep) -> Done:
        character, since = self._game.character(step.character), self._application.clock.now()
        session, text = character.session, step.text.strip()

        def note(event: object) -> None:
            is_ours = isinstance(event, TextRefused) and event.text == text
            if is_ours or _is_refused(event, UserTextMessage):
                self._refused = f"what was said to {session.key} did not go out: {_why(event)}"

        # To the end of the script: a line that waits for a connection may be refused much later,
        # when another level has another character at the other end of the session.
        session.events.subscribe(note)
        if not self._game.player.say(text, to=character):
            raise StepError("there are no words to say")

        def is_said() -> bool:
            later = takewhile(lambda turn: turn.t >= since, reversed(session.view.transcript))
            return any(turn.speaker == "player" for turn in later)

        self._unsaid.append(is_said)
        # While the session connects, the text waits for the connection; the script need not.
        return lambda: session.view.state in _CONNECTING or is_said()

    def _respond(self, step: script.RespondStep) -> None:
        character = self._game.character(step.character)
        view = character.view
        if view.state in _AT_REST and not view.is_hibernating:
            raise StepError(f"{character.key} is {view.state.name} and answers nothing")
        session = character.session

        def note(event: object) -> None:
            is_ours = isinstance(event, MessageRefused) and event.message_type == ContextUpdate.TYPE
            if is_ours or _is_refused(event, ContextUpdate):
                self._refused = f"{session.key} was not asked to respond: {_why(event)}"
            if self._refused or _is_answer(event, ContextUpdate):
                subscription.cancel()

        subscription = session.events.subscribe(note)
        character.respond(step.about)

    def _speak_wav(self, step: script.SpeakWavStep) -> Done:
        microphone = self._microphone
        if microphone is None:
            raise StepError("no script microphone: start with --microphone script")
        samples = read_wav(self._folder / step.file)
        character = self._game.character(step.character)
        self._game.manager.talk_to(character)
        voice_input = self._runtime.voice_input
        voice_input.set_mode("hands_free")
        voice_input.allow()
        began = False

        def is_done() -> bool:
            nonlocal began
            # A player looks at the indicator before the first word.
            is_open = voice_input.status.target == character.key and voice_input.status.is_open
            if not began and (is_open or step.at_once):
                began = True
                microphone.speak(samples)
            return began and not microphone.is_speaking

        return is_done

    def _walk_to(self, step: script.WalkToStep) -> Done:
        player = self._game.player
        goal = self._goal(step, player.transform.position)
        player.walk_to(goal)

        def is_there() -> bool:
            if player.is_destroyed or player.is_walking:
                return player.is_destroyed  # through a door
            left = math.dist(player.transform.position, goal)
            if left > NEAR_ENOUGH:
                raise StepError(f"something is in the way: {left:.0f} pixels are left")
            if step.character is not None:
                player.look_at(self._game.character(step.character).transform.position)
            return True

        return is_there

    def _goal(self, step: script.WalkToStep, here: Vector) -> Vector:
        if step.position is not None:
            return step.position
        if step.character is not None:
            return _within_reach(self._game.character(step.character).transform.position, here)
        found = self._game.scene.find(step.object or "")
        if found is None:
            names = ", ".join(o.name for o in self._game.scene.objects)
            raise StepError(f"this level has no object {step.object!r}; it has: {names}")
        return found.transform.position

    def _talk_to(self, step: script.TalkToStep) -> None:
        self._game.manager.talk_to(self._game.character(step.character))

    def _press(self, step: script.KeyStep) -> Done:
        source, clock = self._application.input, self._application.clock
        post = self._application.dispatcher.post  # a key belongs to the beginning of a frame
        post(lambda: source.press(step.key))
        until, frame = clock.now() + step.seconds, self._application.time.frame
        released = False

        def is_released() -> bool:
            nonlocal released
            was_released = released
            if not released and self._application.time.frame > frame and clock.now() >= until:
                post(lambda: source.release(step.key))
                released = True
            return was_released

        return is_released

    def _command(self, step: script.SessionStep) -> Done:
        session = self._game.session(step.character)
        if step.do == "expire_session":
            return _is_over(self._faults.expire_session(session.key))
        if step.do == "disconnect":
            session.disconnect()
            return lambda: session.view.state in _AT_REST
        (session.retry if step.do == "retry" else session.connect)()
        return _has_changed(session, _AT_REST)

    def _fault(self, step: script.FaultStep) -> Done:
        named = None if step.character is None else self._game.session(step.character)
        affected = [named] if named else list(self._runtime.sessions.values())
        noticed = [_has_changed(session, _LIVE) for session in affected]
        getattr(self._faults, step.do)(named and named.key)
        # The other faults are noticed later or never: there is nothing to wait for.
        return (lambda: all(done() for done in noticed)) if step.do == "cut" else _at_once

    def _set_latency(self, step: script.LatencyStep) -> None:
        self._faults.latency(self._key(step.character), step.seconds)

    def _slow_down(self, step: script.SlowLinkStep) -> None:
        self._faults.slow_link(self._key(step.character), step.bytes_per_second)

    def _key(self, character: str | None) -> str | None:
        return None if character is None else self._game.session(character).key

    def _command_service(self, step: script.ServiceStep) -> Done:
        if step.do == "start_service":
            return _is_over(self._faults.start_service())
        noticed = [_has_changed(session, _LIVE) for session in self._runtime.sessions.values()]
        noticed.append(_is_over(self._faults.kill_service()))
        return lambda: all(done() for done in noticed)

    def _use_slot(self, step: script.SlotStep) -> Done:
        slots = self._game.manager.slots
        work: Future[Any] = getattr(slots, step.do.removesuffix("_slot"))(step.slot)

        def is_over() -> bool:
            if work.done():
                work.result()  # raises what was in the way
            return work.done() and not slots.is_busy

        return is_over

    def _take_back(self, step: script.TakeBackStep) -> Done:
        session, ends = self._game.session(step.character), list[object]()
        subscription = session.events.subscribe(
            lambda it: ends.append(it) if isinstance(it, TakenBack | MessageRefused) else None
        )
        getattr(session, step.do)()

        def is_over() -> bool:
            if not ends:
                return False
            subscription.cancel()
            if isinstance(ends[0], MessageRefused):
                raise StepError(ends[0].reason)
            return True

        return is_over

    def _load(self, step: script.LoadSceneStep) -> Done:
        load = self._application.scenes.load(step.scene, step.spawn)

        def is_entered() -> bool:
            if load.error is not None:
                raise StepError(str(load.error))
            return load.scene is not None and load.scene.time.frame > 0

        return is_entered


class Lookup:
    """Finds what a step names in a game. Everything here raises StepError when it is missing."""

    def __init__(self, application: Application, runtime: Runtime) -> None:
        self._application = application
        self._runtime = runtime

    @property
    def scene(self) -> Scene:
        """The active level."""
        scene = self._application.scenes.active
        if scene is None:
            raise StepError("no level is loaded")
        return scene

    @property
    def player(self) -> Player:
        """The player of the level."""
        return self._found(Player)

    @property
    def manager(self) -> CharacterManager:
        """The manager of the level's characters."""
        return self._found(CharacterManager)

    def _found(self, kind: type[C]) -> C:
        found = self.scene.find_component(kind)
        if found is None:
            raise StepError(f"level {self.scene.name!r} has no {kind.__name__}")
        return found

    def character(self, name: str) -> Character:
        """Return a character of the level by its key or id."""
        here = self.scene.find_components(Character)
        for character in here:
            if name in (character.key, character.character_id):
                return character
        have = ", ".join(character.key for character in here) or "nobody"
        raise StepError(f"{name!r} is not in level {self.scene.name!r}; it has: {have}")

    def session(self, name: str) -> SessionHandle:
        """Return an open session by its key or its character's id, in this level or carried."""
        sessions = self._runtime.sessions
        for key, session in sessions.items():
            if name in (key, session.character_id):
                return session
        have = ", ".join(sessions) or "nobody"
        raise StepError(f"nobody is called {name!r}; there are: {have}")


_CONNECTING = frozenset({SessionState.CONNECTING, SessionState.RECONNECTING})
_LIVE = frozenset({SessionState.CONNECTED})
_AT_REST = frozenset({SessionState.DISCONNECTED, SessionState.ERROR})


def _within_reach(there: Vector, here: Vector) -> Vector:
    """Return where to stand to talk to who is there: no step more than is needed."""
    share = min(1.0, ARM_LENGTH / max(1e-9, math.dist(here, there)))
    return there[0] + (here[0] - there[0]) * share, there[1] + (here[1] - there[1]) * share


def _at_once() -> bool:
    return True


def _has_changed(session: SessionHandle, states: frozenset[SessionState]) -> Done:
    """Return a check for whether a session in one of the states has left it, however shortly."""
    before = session.view
    last = before.timeline[-1] if before.timeline else None
    if before.state not in states:
        return _at_once
    return lambda: session.view.timeline[-1:] != ((last,) if last else ())


def _is_answer(event: object, to: type[ClientMessage]) -> TypeGuard[ServerResponse]:
    return isinstance(event, ServerResponse) and event.event_type == to.TYPE


def _is_refused(event: object, kind: type[ClientMessage]) -> bool:
    """Tell whether the service has refused a message of this kind."""
    return _is_answer(event, kind) and event.status == "error"


def _why(event: object) -> str:
    if isinstance(event, TextRefused | MessageRefused):
        return event.reason
    return str(event.message) if isinstance(event, ServerResponse) else ""


def _is_over(task: Task) -> Done:
    def is_over() -> bool:
        if task.is_done and task.error is not None:
            raise StepError(_sentence(task.error))
        return task.is_done

    return is_over


@contextmanager
def _told_as_step_error() -> Iterator[None]:
    try:
        yield
    except StepError:
        raise
    except Exception as error:  # whatever it is: the step has failed, and must not count as done
        raise StepError(_sentence(error)) from error


def _sentence(error: Exception) -> str:
    if isinstance(error, OSError):
        return str(error)  # of several arguments, the first of which is a number
    return str(error.args[0]) if error.args else type(error).__name__
