"""What a game sees of a session: its states and events, who speaks, what was said, how fast.

* `SessionState`, `SessionStateChanged`, `SessionView`: the session, as immutable values.
* `Dialogue`: which of eight states the talk is in. It is a set of flags that the service's
  messages and the speaker set and clear, and the state follows from them: actions, emotions and
  the end of playback come in any order. A turn is over only when the service is done *and* the
  local audio has drained.
* `Transcript`: the turns as they are said, corrected and interrupted. It outlives connections: a
  loss closes the open turn as interrupted, and the next turn follows in the same list.
* `TurnStages`: how long each part of an answer took.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, Flag, IntEnum, StrEnum, auto
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from characters.protocol import messages
from characters.protocol.codec import black_out
from characters.protocol.messages import ModelUsage, ServerMessage

if TYPE_CHECKING:
    from characters.protocol.failures import Failure

__all__ = [
    "Dialogue", "DialogueState", "FreshReason", "is_rejection", "LocalEvent", "MicrophoneView",
    "Resume", "ResumeOutcome", "RetryScheduled", "SessionRecord", "SessionState",
    "SessionStateChanged", "SessionView", "Transcript", "Turn", "TurnEvent",
    "TurnStage", "TurnStages", "WORDLESS",
]  # fmt: skip


class SessionState(IntEnum):
    """The six states of a session, with the Unity SDK's values."""

    DISCONNECTED = 0
    CONNECTING = 1
    CONNECTED = 2
    RECONNECTING = 3
    DISCONNECTING = 4
    ERROR = 5


class ResumeOutcome(StrEnum):
    """What a connection restored, best first."""

    REJOINED = "REJOINED"
    RESUMED = "RESUMED"
    FRESH = "FRESH"


class FreshReason(StrEnum):
    """Why a conversation is a new one."""

    POLICY = "policy"
    NO_STORED_ID = "no stored id"
    EXPIRED = "expired"
    REFUSED = "refused"
    OTHER_ENDPOINT = "other endpoint"


@dataclass(frozen=True, slots=True)
class Resume:
    """What was restored; ``reason`` only with FRESH, ``last_seen_seconds`` if the server knows."""

    outcome: ResumeOutcome
    reason: FreshReason | None = None
    last_seen_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """What is stored of a session: enough to resume it, or to rejoin its room.

    ``endpoint_id`` names the endpoint and a fingerprint of the credential, never the
    credential; empty means "any" (an id that was stored by hand). The times are
    wall-clock seconds: they outlive the process. ``dropped_at`` is None while the
    connection lives, and so also when the process died with it. ``is_refused`` marks a session
    that a service refused to resume and that ALWAYS_RESUME does not let go of. ``is_always_fresh``
    marks one of a character whose policy never resumes, as a kiosk's: no save slot holds it.
    """

    session_id: str
    endpoint_id: str = ""
    room_name: str | None = None
    dropped_at: float | None = None
    saved_at: float = 0.0
    is_refused: bool = False
    is_always_fresh: bool = False


@dataclass(frozen=True, slots=True)
class SessionStateChanged:
    """A session went from one state to another. ``t`` is on the session's monotonic clock."""

    t: float
    character_id: str
    session_key: str
    old_state: SessionState
    new_state: SessionState
    session_id: str | None = None
    error: Failure | None = None
    attempt: int = 0
    max_attempts: int | None = None
    next_retry_in: float | None = None
    resume: Resume | None = None
    reason: str = ""

    @property
    def error_code(self) -> str | None:
        """The stable code of the error, if there is one."""
        return None if self.error is None else self.error.code

    @property
    def is_error(self) -> bool:
        """Whether the session has come into ERROR."""
        return self.new_state is SessionState.ERROR

    @property
    def is_reconnecting(self) -> bool:
        """Whether the connection was lost and is being made again."""
        return self.new_state is SessionState.RECONNECTING

    @property
    def is_connection_established(self) -> bool:
        """Whether the character is now ready, the first time or again."""
        return self.new_state is SessionState.CONNECTED

    @property
    def is_reconnection_successful(self) -> bool:
        """Whether the character is ready again after a loss."""
        return self.is_connection_established and self.old_state is SessionState.RECONNECTING

    @property
    def is_disconnected(self) -> bool:
        """Whether the session has come to rest."""
        return self.new_state is SessionState.DISCONNECTED


@dataclass(frozen=True, slots=True)
class RetryScheduled:
    """An attempt failed and the next one is planned, while the state stays what it is."""

    t: float
    character_id: str
    session_key: str
    state: SessionState
    attempt: int
    max_attempts: int | None
    next_retry_in: float
    error: Failure


@dataclass(frozen=True, slots=True)
class MicrophoneView:
    """The microphone gate: times of the present connection, frames of all since the session began.

    Times are on the session's clock.
    """

    ready_at: float | None = None
    opened_at: float | None = None
    frames_sent: int = 0
    frames_before_open: int = 0
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class SessionView:
    """A session at one moment, as a game may show it."""

    character_id: str
    session_key: str
    dialogue: DialogueState
    state: SessionState = SessionState.DISCONNECTED
    session_id: str | None = None
    live_id: str | None = None
    room_name: str | None = None  # that may be rejoined: none where the policy gives it no time
    resume: Resume | None = None  # what this connection, or the one just lost, has restored
    supports_session_persistence: bool = False
    attempt: int = 0
    max_attempts: int | None = None
    next_retry_at: float | None = None
    retry_wait_seconds: float | None = None  # the whole wait that ends at next_retry_at
    error: Failure | None = None
    microphone: MicrophoneView = field(default_factory=MicrophoneView)
    transcript: tuple[Turn, ...] = ()
    timeline: tuple[SessionStateChanged, ...] = ()
    round_trip_seconds: float | None = None
    stages: tuple[TurnStage, ...] = ()  # of the last answer
    stored_at: float | None = None  # when the id was last stored, maybe before the clock began
    connected_at: float | None = None
    is_speaking: bool = False
    emotion: str | None = None
    has_agent: bool = True  # false: connected to a room that the character has left
    player_name: str | None = None  # by which the character knows the player, as far as is told
    is_hibernating: bool = False
    is_starting: bool = False  # it waits for the embedded service, which is being started
    model: str | None = None  # that answers; "" is the persona's own script, None is not known
    ways_out: Mapping[str, str] = field(default_factory=dict)
    """Which hosts words and sound go to: "talk", "model", "recognition", "synthesis"."""
    usage: ModelUsage | None = None  # of the last answer of a model
    unconfirmed_lines: int = 0  # typed, sent, and not known to be kept by the service

    @property
    def is_resumed_session(self) -> bool:
        """Whether the conversation is one that was resumed or rejoined, not a new one."""
        return self.resume is not None and self.resume.outcome is not ResumeOutcome.FRESH


class DialogueState(StrEnum):
    """What a character does in its talk with the player."""

    IDLE = "idle"
    LISTENING = "listening"  # the player speaks to it
    ATTENDING = "attending"  # it hears the player, who is silent
    THINKING = "thinking"  # an answer is being made
    SPEAKING = "speaking"
    REACTING = "reacting"  # it answers by an action or an emotion, not yet by words
    INTERRUPTED = "interrupted"  # cut off, its voice is fading
    SETTLING = "settling"  # the service is done, the last words are still to be heard


class LocalEvent(Enum):
    """What happens on this side, in addition to the messages of the service."""

    ADDRESSED = auto()  # the player's voice now goes to this character
    NOT_ADDRESSED = auto()
    TEXT_SENT = auto()
    LEFT_UNANSWERED = auto()  # the game wants no answer to what the player said, or not yet
    AUDIO_QUEUED = auto()  # a piece of its voice went to the speaker
    AUDIO_DRAINED = auto()  # the last of it was heard
    INTERRUPTED = auto()  # the game, or the player's own voice, cut it off
    PAUSED = auto()  # it waits for what the player says over it
    CONNECTION_LOST = auto()


TurnEvent: TypeAlias = ServerMessage | LocalEvent


class DialogueFlag(Flag):
    """What is true of a dialogue at one moment."""

    NONE = 0
    ADDRESSED = auto()
    PLAYER_SPEAKING = auto()
    AWAITING = auto()  # the player is done, nothing has come back yet
    RESPONDING = auto()  # from the first sign of a response to turn-completed
    SERVICE_SPEAKING = auto()
    HAS_SPOKEN = auto()  # in this response
    HAS_REACTED = auto()  # in this response
    AUDIBLE = auto()
    CUT_OFF = auto()  # late audio is dropped until the next response starts
    PAUSED = auto()  # or this one goes on


RESPONSE = (
    DialogueFlag.RESPONDING
    | DialogueFlag.SERVICE_SPEAKING
    | DialogueFlag.HAS_SPOKEN
    | DialogueFlag.HAS_REACTED
)

# event: (flags cleared, then flags set)
EFFECTS: dict[type[ServerMessage] | LocalEvent, tuple[DialogueFlag, DialogueFlag]] = {
    messages.VadSttStarted: (DialogueFlag.AWAITING, DialogueFlag.PLAYER_SPEAKING),
    messages.VadSttStopped: (DialogueFlag.PLAYER_SPEAKING, DialogueFlag.AWAITING),
    messages.FinalUserTranscription: (DialogueFlag.PLAYER_SPEAKING, DialogueFlag.AWAITING),
    messages.BotLlmStarted: (
        RESPONSE | DialogueFlag.AWAITING | DialogueFlag.CUT_OFF | DialogueFlag.PAUSED,
        DialogueFlag.RESPONDING,
    ),
    messages.BotTtsStarted: (DialogueFlag.AWAITING, DialogueFlag.RESPONDING),
    messages.BotStartedSpeaking: (
        DialogueFlag.AWAITING,
        DialogueFlag.RESPONDING | DialogueFlag.SERVICE_SPEAKING | DialogueFlag.HAS_SPOKEN,
    ),
    messages.BotStoppedSpeaking: (DialogueFlag.SERVICE_SPEAKING, DialogueFlag.NONE),
    messages.BotTurnCompleted: (
        RESPONSE | DialogueFlag.AWAITING | DialogueFlag.PAUSED,
        DialogueFlag.NONE,
    ),
    messages.LlmNoResponse: (RESPONSE | DialogueFlag.AWAITING, DialogueFlag.NONE),
    messages.ActionResponse: (DialogueFlag.NONE, DialogueFlag.HAS_REACTED),
    messages.BotEmotion: (DialogueFlag.NONE, DialogueFlag.HAS_REACTED),
    LocalEvent.ADDRESSED: (DialogueFlag.NONE, DialogueFlag.ADDRESSED),
    LocalEvent.NOT_ADDRESSED: (DialogueFlag.ADDRESSED, DialogueFlag.NONE),
    LocalEvent.TEXT_SENT: (DialogueFlag.NONE, DialogueFlag.AWAITING),
    LocalEvent.LEFT_UNANSWERED: (DialogueFlag.AWAITING, DialogueFlag.NONE),
    LocalEvent.AUDIO_QUEUED: (DialogueFlag.NONE, DialogueFlag.AUDIBLE),
    LocalEvent.AUDIO_DRAINED: (DialogueFlag.AUDIBLE, DialogueFlag.NONE),
    LocalEvent.INTERRUPTED: (
        DialogueFlag.SERVICE_SPEAKING | DialogueFlag.PAUSED,
        DialogueFlag.CUT_OFF,
    ),
    LocalEvent.PAUSED: (
        DialogueFlag.SERVICE_SPEAKING,
        DialogueFlag.CUT_OFF | DialogueFlag.PAUSED,
    ),
    # In-flight audio and the active turn do not survive a connection; being addressed does.
    LocalEvent.CONNECTION_LOST: (~DialogueFlag.ADDRESSED, DialogueFlag.NONE),
}


# Reasons of an utterance's end after which no words follow.
WORDLESS = frozenset({"muted", "noise", messages.BACKCHANNEL})


def is_rejection(event: TurnEvent) -> bool:
    """Tell whether the service did not understand: then no answer follows."""
    if not isinstance(event, messages.ServerResponse):
        return False
    return (event.event_type, event.status) == ("speech", "error")


def _effect_of(event: TurnEvent) -> tuple[DialogueFlag, DialogueFlag] | None:
    if isinstance(event, messages.ServerResponse):
        return (DialogueFlag.AWAITING, DialogueFlag.NONE) if is_rejection(event) else None
    if isinstance(event, messages.VadSttStopped) and event.reason in WORDLESS:
        return DialogueFlag.PLAYER_SPEAKING, DialogueFlag.NONE
    return EFFECTS.get(event if isinstance(event, LocalEvent) else type(event))


@dataclass(frozen=True, slots=True)
class Dialogue:
    """The state of one character's talk; `after` returns the next one."""

    flags: DialogueFlag = DialogueFlag.NONE
    since: float = 0.0  # when the present state began

    @property
    def state(self) -> DialogueState:
        """Which of the eight states the flags amount to."""
        return _state_of(self.flags)

    @property
    def accepts_audio(self) -> bool:
        """Whether voice that comes in now belongs to a response that was not cut off."""
        return not self.flags & DialogueFlag.CUT_OFF

    @property
    def is_speaking(self) -> bool:
        """Whether the character can be heard, or is about to be."""
        return bool(self.flags & (DialogueFlag.SERVICE_SPEAKING | DialogueFlag.AUDIBLE))

    @property
    def is_turn_over(self) -> bool:
        """Whether the service is done and the local audio has drained."""
        return not self.flags & (
            DialogueFlag.RESPONDING | DialogueFlag.AWAITING | DialogueFlag.AUDIBLE
        )

    def after(self, event: TurnEvent, now: float) -> Dialogue:
        """Return the dialogue after an event; most events change nothing."""
        effect = _effect_of(event)
        if effect is None:
            return self
        if event in (LocalEvent.INTERRUPTED, LocalEvent.PAUSED) and self.is_turn_over:
            return self
        cleared, added = effect
        # A response that opens without llm-started is a new one once the old was completed; one
        # that was paused goes on.
        if isinstance(event, messages.BotStartedSpeaking) and (
            not self.flags & DialogueFlag.RESPONDING or self.flags & DialogueFlag.PAUSED
        ):
            cleared |= DialogueFlag.CUT_OFF | DialogueFlag.PAUSED
        if isinstance(event, messages.BotTurnCompleted) and event.was_interrupted:
            added |= DialogueFlag.CUT_OFF
        flags = (self.flags & ~cleared) | added
        is_same_state = _state_of(flags) is self.state
        return Dialogue(flags, self.since if is_same_state else now)


# First match; a state holds when one flag of each of its groups is set.
RANKING: tuple[tuple[tuple[DialogueFlag, ...], DialogueState], ...] = (
    (
        (DialogueFlag.CUT_OFF, DialogueFlag.RESPONDING | DialogueFlag.AUDIBLE),
        DialogueState.INTERRUPTED,
    ),
    ((DialogueFlag.PLAYER_SPEAKING,), DialogueState.LISTENING),
    ((DialogueFlag.SERVICE_SPEAKING,), DialogueState.SPEAKING),
    ((DialogueFlag.HAS_SPOKEN | DialogueFlag.AUDIBLE,), DialogueState.SETTLING),
    (
        (DialogueFlag.HAS_REACTED, DialogueFlag.RESPONDING | DialogueFlag.AWAITING),
        DialogueState.REACTING,
    ),
    ((DialogueFlag.RESPONDING | DialogueFlag.AWAITING,), DialogueState.THINKING),
    ((DialogueFlag.ADDRESSED,), DialogueState.ATTENDING),
)


@cache  # asked for after every message, and there are only a few hundred sets of flags
def _state_of(flags: DialogueFlag) -> DialogueState:
    for needed, state in RANKING:
        if all(flags & group for group in needed):
            return state
    return DialogueState.IDLE


Speaker = Literal["player", "character"]

# Hours of talk; a bound all the same, because every view carries the whole tuple.
MOST_TURNS = 500


@dataclass(frozen=True, slots=True)
class Turn:
    """What one side said without a break; ``t`` is when it began, on the session's clock."""

    speaker: Speaker
    text: str
    t: float
    final: bool = True
    interrupted: bool = False
    message_id: str | None = None


@dataclass(frozen=True, slots=True)
class Transcript:
    """The turns so far, oldest first."""

    turns: tuple[Turn, ...] = ()
    has_words: bool = False
    """Whether the answer that is under way has any."""

    def said_by_player(self, text: str, t: float, message_id: str | None = None) -> Transcript:
        """Add what the player typed or was understood to say; a known message id is corrected."""
        for index, turn in enumerate(self.turns):
            if message_id is not None and turn.message_id == message_id:
                return self._changed(index, text=text)
        return self._with(Turn("player", text, t, message_id=message_id))

    def apply(self, message: ServerMessage, t: float) -> Transcript:
        """Return the transcript after a message; most messages change nothing."""
        if isinstance(message, messages.FinalUserTranscription):
            return self.said_by_player(message.text, t, message.message_id)
        if isinstance(message, messages.TakenBack):
            undone = self._taken_back(message.text)
            again = message.is_repeated
            return undone.said_by_player(message.text, t, message.message_id) if again else undone
        if isinstance(message, messages.BotLlmStarted):
            return replace(self._closed(), has_words=False)
        if isinstance(message, messages.BotLlmStopped):
            return self._closed()
        if isinstance(message, messages.BotLlmText):
            return replace(self._continued(message.text, t), has_words=True)
        if isinstance(message, messages.BotTurnCompleted):
            was_cut = message.was_interrupted or bool(message.was_aborted)
            return replace(self._completed(was_cut and self.has_words), has_words=False)
        return self

    def cut(self) -> Transcript:
        """Return the transcript after a loss: the open turn ends, interrupted."""
        return self._closed(interrupted=True)

    def without(self, words: Sequence[str]) -> Transcript:
        """Return the transcript with these words blacked out, wherever they were said."""
        turns = tuple(replace(turn, text=black_out(turn.text, words)) for turn in self.turns)
        return replace(self, turns=turns)

    def _taken_back(self, text: str) -> Transcript:
        """Return the transcript without its last exchange: what the player said, and all since.

        A service that was killed before it kept an answer has one exchange where two are shown: so
        many go as `text` has lines of.
        """
        begin, lines = self._exchange_before(len(self.turns))
        while begin and lines != text:
            earlier, more = self._exchange_before(begin)
            if not more or not text.endswith(f"{more} {lines}"):
                break
            begin, lines = earlier, f"{more} {lines}"
        return replace(self, turns=self.turns[:begin], has_words=False)

    def _exchange_before(self, end: int) -> tuple[int, str]:
        """Return where the last exchange before a turn begins, and the player's lines in it."""
        while end and self.turns[end - 1].speaker == "character":
            end -= 1
        begin = end
        while begin and self.turns[begin - 1].speaker == "player":
            begin -= 1
        return begin, " ".join(turn.text for turn in self.turns[begin:end])

    def _with(self, turn: Turn) -> Transcript:
        return replace(self, turns=(*self.turns, turn)[-MOST_TURNS:])

    def _changed(self, index: int, **changes: Any) -> Transcript:
        turn = replace(self.turns[index], **changes)
        return replace(self, turns=(*self.turns[:index], turn, *self.turns[index + 1 :]))

    def _open_index(self) -> int | None:
        # The player may speak into an answer: the open turn need not be the last one.
        for index in range(len(self.turns) - 1, max(-1, len(self.turns) - 8), -1):
            if not self.turns[index].final:
                return index
        return None

    def _continued(self, text: str, t: float) -> Transcript:
        index = self._open_index()
        if index is None:
            return self._with(Turn("character", text, t, final=False))
        return self._changed(index, text=self.turns[index].text + text)

    def _closed(self, *, interrupted: bool = False) -> Transcript:
        index = self._open_index()
        return self if index is None else self._changed(index, final=True, interrupted=interrupted)

    def _completed(self, was_interrupted: bool) -> Transcript:
        """Close the turn; one whose text was complete may still have been cut off in the voice."""
        if self._open_index() is not None:
            return self._closed(interrupted=was_interrupted)
        if not was_interrupted:
            return self
        for index in range(len(self.turns) - 1, -1, -1):
            if self.turns[index].speaker == "character":
                return self._changed(index, interrupted=True)
        return self


class TurnStage(NamedTuple):
    """A stage of an answer, and how many seconds after the end of the question it began."""

    name: str
    seconds: float


@dataclass(frozen=True, slots=True)
class TurnStages:
    """The stages of the last answer that were reached, in order; each counts once."""

    reached: tuple[TurnStage, ...] = ()
    began_at: float | None = None
    is_over: bool = False

    def after(self, event: TurnEvent, now: float) -> TurnStages:
        """Return the stages after a message or a local event; most change nothing."""
        if event is LocalEvent.TEXT_SENT or isinstance(event, messages.VadSttStopped):
            return TurnStages(began_at=now)
        name = _NAMES.get(event) if isinstance(event, LocalEvent) else _NAMES.get(type(event))
        if name is None:
            return self
        if self.began_at is None or (self.is_over and name == _UNASKED):
            return TurnStages((TurnStage(name, 0.0),), now)  # unasked: counted from itself
        if self.is_over or any(stage.name == name for stage in self.reached):
            return self
        reached = (*self.reached, TurnStage(name, now - self.began_at))
        return TurnStages(reached, self.began_at, isinstance(event, messages.BotTurnCompleted))


_UNASKED = "answer begun"
_NAMES: Mapping[object, str] = MappingProxyType(
    {
        messages.FinalUserTranscription: "understood",
        messages.BotLlmStarted: _UNASKED,
        messages.BotLlmText: "first word",
        LocalEvent.AUDIO_QUEUED: "first sound",
        messages.BotLlmStopped: "last word",
        messages.BotTurnCompleted: "over",
    }
)
