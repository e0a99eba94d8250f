"""A script that plays the game: which steps there are, and what each may say.

A script is TOML. Its steps run in order; each may take `within` seconds, 10 by default:

    [[step]]
    wait = { character = "patient-7f3a", state = "CONNECTED" }

    [[step]]
    do = "say"
    character = "patient-7f3a"
    text = "My name is Ada."

    [[step]]
    wait = { character = "patient-7f3a", says = "Ada" }
    within = 5

What `state` looks at: the state now, and those that the character came into since the last step
that did something, or since the wait before was met, whichever is later. So a state that lasts
less than a frame is not missed, and one that is over is not found by a wait that begins later.

What `says` looks at: the lines of that character which came after the script's last `say`,
`speak_wav`, `respond` or `answer_again` to it, and after the last line that an earlier `says`
found. So a wait never finds the same line twice and never takes an old greeting for the answer. The
pattern is searched anywhere in the line, and capitals do not matter. One that a line may take for
ever, such as `(a+)+`, is a mistake of the script.

The verbs of `do` are those of the step classes: `Step` at the end of the file is the one list.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from math import inf, log10
from re import _parser  # type: ignore[attr-defined]  # the one reader of a pattern's parts
from typing import Annotated, Any, ClassVar, Literal, TypeAlias, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PositiveFloat,
    create_model,
    model_validator,
)
from pydantic_core import PydanticCustomError

from characters.protocol.failures import CharactersError
from characters.protocol.messages import MAX_TEXT
from characters.protocol.network_conditions import LATE_SECONDS, SLOW_BYTES_PER_SECOND
from characters.session.conversation import ResumeOutcome
from characters.storage.slots import SlotError, check_slot_name

__all__ = [
    "QuitStep", "RespondStep", "SayStep", "Script", "SpeakWavStep", "Step", "StepError",
    "TakeBackStep", "Wait", "WaitStep",
]  # fmt: skip


class StepError(CharactersError):
    """A step cannot be done; the message says why."""


CharacterId: TypeAlias = Annotated[str, Field(min_length=1)]


class Table(BaseModel):
    """A table that takes the keys it names and no other."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class BaseStep(Table):
    """What has to be done `within` so many seconds."""

    within: PositiveFloat = 10.0

    def __str__(self) -> str:
        """Name the step in a few words, without anything that is said."""
        shown = self.model_dump(exclude={"within", "text", "about"}, exclude_none=True)
        return " ".join(str(value) for value in shown.values())


# In how many ways a pattern may be tried at one place of a line, as a power of ten: for seconds.
# `re` cannot be stopped, so a pattern that may be tried in more is refused.
_MOST_WAYS = 8.0
_LONGEST_PATTERN = 2_000  # letters


def _pattern(text: str) -> str:
    try:
        re.compile(text)
        ways = _ways(_parser.parse(text))
    except (re.error, OverflowError, RecursionError) as error:  # of numbers, of brackets
        message = "this regular expression does not work: {reason}"
        raise PydanticCustomError("pattern", message, {"reason": str(error)}) from error
    if ways > _MOST_WAYS or len(text) > _LONGEST_PATTERN:
        message = (
            "this regular expression may be tried in so many ways that a line takes it for ever: "
            "repeat nothing within a repeat, and say how often, as in .{0,40}, where there are "
            "more than two of * and +"
        )
        raise PydanticCustomError("pattern", message)
    return text


def _ways(pattern: Iterable[tuple[Any, Any]]) -> float:
    """Return in how many ways a parsed pattern is tried at one place at most, as a power of ten."""
    return sum(_ways_of(str(kind), parts) for kind, parts in pattern)


def _ways_of(kind: str, parts: Any) -> float:
    if kind == "BRANCH":
        return log10(sum(10.0 ** min(_ways(each), 300.0) for each in parts[1]))
    if not kind.endswith("_REPEAT"):
        inner = parts if isinstance(parts, tuple) else (parts,)
        return sum(_ways(each) for each in inner if isinstance(each, _parser.SubPattern))
    least, most, repeated = parts
    shortest, _ = repeated.getwidth()
    times = min(int(most), MAX_TEXT)
    if least > MAX_TEXT:
        return inf
    return _ways(repeated) * times + log10(times - (int(least) if shortest else 0) + 1)


Pattern: TypeAlias = Annotated[str, AfterValidator(_pattern)]
StateName: TypeAlias = Literal[
    "DISCONNECTED", "CONNECTING", "CONNECTED", "RECONNECTING", "DISCONNECTING", "ERROR"
]
Point: TypeAlias = tuple[float, float]


class Wait(Table):
    """What to wait for: a state, a line or a time."""

    character: CharacterId | None = None
    state: StateName | None = None
    resume: ResumeOutcome | None = None
    says: Pattern | None = None
    seconds: PositiveFloat | None = None

    @model_validator(mode="after")
    def _is_one_thing(self) -> Wait:
        asked = [n for n in ("state", "says", "seconds") if getattr(self, n) is not None]
        if len(asked) != 1:
            raise PydanticCustomError(
                "wait",
                "a wait is for one of `state`, `says` and `seconds`, this one names {asked}",
                {"asked": " and ".join(asked) or "none"},
            )
        if self.seconds is None and self.character is None:
            raise PydanticCustomError("wait", "say whom to wait for: `character` is missing")
        if self.resume is not None and self.state != "CONNECTED":
            raise PydanticCustomError("wait", '`resume` goes with `state = "CONNECTED"` only')
        return self


class WaitStep(BaseStep):
    """Goes on as soon as the awaited thing is there."""

    wait: Wait

    def __str__(self) -> str:
        wait = self.wait
        if wait.seconds is not None:
            return f"wait {wait.seconds:g} s"
        what = f"to be {wait.state}" if wait.says is None else "to say what is expected"
        return f"wait for {wait.character} {what}"


class SayStep(BaseStep):
    """Types a line to a character."""

    do: Literal["say"]
    character: CharacterId
    text: Annotated[str, Field(min_length=1)]


class RespondStep(BaseStep):
    """Lets a character answer that does so only when asked (`respond_mode = "manual"`)."""

    do: Literal["respond"]
    character: CharacterId
    about: str = ""


class SpeakWavStep(BaseStep):
    """Plays a WAV file into the microphone while a character is the target, in real time.

    It begins when the microphone is open for the character, or `at_once`, open or not.
    """

    do: Literal["speak_wav"]
    character: CharacterId
    file: Annotated[str, Field(min_length=1)]  # beside the script, or absolute
    at_once: bool = False


class WalkToStep(BaseStep):
    """Walks the player to a point, a character or an object of the level."""

    do: Literal["walk_to"]
    position: Point | None = None
    character: CharacterId | None = None
    object: str | None = None

    @model_validator(mode="after")
    def _has_one_goal(self) -> WalkToStep:
        if sum(goal is not None for goal in (self.position, self.character, self.object)) != 1:
            message = "walk_to needs one of `position`, `character` and `object`"
            raise PydanticCustomError("goal", message)
        return self


class TalkToStep(BaseStep):
    """Turns to a character: it hears the player until somebody else is chosen."""

    do: Literal["talk_to"]
    character: CharacterId


class KeyStep(BaseStep):
    """Presses a key, by pygame's name for it, and lets it go after `seconds`."""

    do: Literal["key"]
    key: Annotated[str, Field(min_length=1)]
    seconds: Annotated[float, Field(ge=0)] = 0.0


class SessionStep(BaseStep):
    """Commands the session of one character."""

    do: Literal["connect", "disconnect", "retry", "expire_session"]
    character: CharacterId


class FaultStep(BaseStep):
    """Breaks or heals the connection of one character, or of all when none is named."""

    do: Literal["cut", "black_hole", "heal"]
    character: CharacterId | None = None


class LatencyStep(BaseStep):
    """Lets every frame of one character, or of all, arrive so much later in each direction."""

    do: Literal["latency"]
    character: CharacterId | None = None
    seconds: PositiveFloat = LATE_SECONDS


class SlowLinkStep(BaseStep):
    """Lets only so much through to one character, or to all, in each direction."""

    do: Literal["slow_link"]
    character: CharacterId | None = None
    bytes_per_second: PositiveFloat = SLOW_BYTES_PER_SECOND


class MicrophoneStep(BaseStep):
    """Pulls the microphone's cable, or puts it back."""

    do: Literal["unplug_microphone", "plug_in_microphone"]


class ServiceStep(BaseStep):
    """Kills the embedded service with SIGKILL, or starts it again on the same port."""

    do: Literal["kill_service", "start_service"]


class LoadSceneStep(BaseStep):
    """Goes to another level: a name such as "lobby", or a path."""

    do: Literal["load_scene"]
    scene: Annotated[str, Field(min_length=1)]
    spawn: str | None = None


def _slot_name(name: str) -> str:
    try:
        return check_slot_name(name)
    except SlotError as problem:
        raise ValueError(f"is no name of a slot: {problem}") from None


class SlotStep(BaseStep):
    """Saves the game into a slot, or loads it: level and all that the characters remember."""

    do: Literal["save_slot", "load_slot"]
    slot: Annotated[str, AfterValidator(_slot_name)]


class TakeBackStep(BaseStep):
    """Undoes the last exchange with a character, or has its line answered once more."""

    do: Literal["take_back", "answer_again"]
    character: CharacterId


class QuitStep(BaseStep):
    """Ends the game; steps after it are not run."""

    do: Literal["quit"]


Step: TypeAlias = (
    WaitStep
    | SayStep
    | RespondStep
    | WalkToStep
    | TalkToStep
    | KeyStep
    | SpeakWavStep
    | SessionStep
    | FaultStep
    | LatencyStep
    | SlowLinkStep
    | MicrophoneStep
    | ServiceStep
    | LoadSceneStep
    | SlotStep
    | TakeBackStep
    | QuitStep
)


def _verbs(step: type[BaseStep]) -> tuple[str, ...]:
    """Return what `do` may be for a kind of step; a wait has none."""
    do = step.model_fields.get("do")
    return () if do is None else get_args(do.annotation)


_STEP_BY_VERB: dict[str, type[BaseStep]] = {
    verb: step for step in get_args(Step) for verb in _verbs(step)
}

# A model for the sake of its complaint, which names every verb and the one that was meant.
_AnyVerb: Any = Literal.__getitem__(tuple(_STEP_BY_VERB))
_UnknownVerb = create_model("_UnknownVerb", do=(_AnyVerb, ...))


def _choose(raw: Any) -> object:
    """Read a step as what its `do` says, so that each complaint names the field itself."""
    if not isinstance(raw, dict):
        raise PydanticCustomError("step", "a step is a table with `wait` or `do`")
    if ("wait" in raw) == ("do" in raw):
        raise PydanticCustomError("step", "a step has either `wait` or `do`")
    model: type[BaseModel] = WaitStep
    if "do" in raw:
        model = _STEP_BY_VERB.get(str(raw["do"]), _UnknownVerb)
    # As JSON is read: text is no number, but a list may become a tuple.
    return model.model_validate_json(json.dumps(raw, default=str), strict=True)


def _some(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    if not steps:
        raise PydanticCustomError("steps", "a script needs at least one step")
    return steps


class Script(Table):
    """The steps of a script file, in order."""

    VERBS: ClassVar[tuple[str, ...]] = tuple(_STEP_BY_VERB)

    step: Annotated[tuple[Annotated[Step, BeforeValidator(_choose)], ...], AfterValidator(_some)]
