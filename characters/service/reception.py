"""What the service does with each client message, and how it acknowledges it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from characters.core.messages import (
    ClientMessage,
    ContextUpdate,
    ForceUserStoppedSpeaking,
    InterruptBot,
    KillPipeline,
    MessageError,
    ResetIdleTimer,
    RespondModeUpdate,
    ServerResponse,
    SttToggle,
    TriggerMessage,
    TtsToggle,
    UpdateDynamicInfo,
    UpdateSceneMetadata,
    UpdateTemplateKeys,
    UserTextMessage,
)
from characters.core.respond import USER_LANES
from characters.service.context import ContextError, LevelContext
from characters.service.conversation import Conversation
from characters.service.dialogue.mind import Event
from characters.service.effects import Effect, End, Keep, Send

__all__ = ["ForceStop", "MuteEars", "Outcome", "Reception", "refused"]

MAX_TEXT = 2000


@dataclass(frozen=True, slots=True)
class MuteEars:
    """Stop or resume listening to the player's microphone."""

    muted: bool


@dataclass(frozen=True, slots=True)
class ForceStop:
    """End the player's utterance now."""


Outcome: TypeAlias = Effect | MuteEars | ForceStop
Outcomes: TypeAlias = list[Outcome]


class Reception:
    """Takes the messages of one room; `has_agent` is whether somebody is there to answer.

    A typed line with a message id is taken once, and acknowledged when it is durable (`confirm`),
    so that a client can repeat what it does not know to have arrived. `known` are the ids of the
    lines that the session has already.
    """

    def __init__(
        self,
        conversation: Conversation,
        context: LevelContext,
        *,
        can_speak: bool = False,
        has_agent: bool = True,
        known: frozenset[str] = frozenset(),
    ) -> None:
        self._talk = conversation
        self._context = context
        self._can_speak = can_speak
        self.has_agent = has_agent
        self._durable = set(known)
        self._taken = set(known)

    def take(self, message: ClientMessage, now: float) -> Outcomes:
        """Return the acknowledgement of a message, and what follows from it."""
        try:
            return self._HANDLERS[type(message)](self, message, now)
        except ContextError as problem:
            return [_ack(message, f"Failed to process {message.TYPE}: {problem}", ok=False)]

    def _text(self, message: UserTextMessage, now: float) -> Outcomes:
        text, message_id = message.text.strip(), message.message_id
        if message_id in self._taken:
            return [_text_ack(message)] if message_id in self._durable else []
        if not text or len(text) > MAX_TEXT:
            return [_text_ack(message, f"'text' must have 1 to {MAX_TEXT} characters")]
        if not self.has_agent:
            return [_text_ack(message, "No character is in this room; ask for spawn_agent")]
        if self._talk.is_full:
            return [_text_ack(message, "Too much at once; wait for an answer, say it again")]
        said = self._talk.player_said(text, now, message_id)
        if message_id is None:
            return [_text_ack(message), *said]
        self._taken.add(message_id)
        return list(said)

    def confirm(self, said: Keep) -> Outcomes:
        """Return the acknowledgement of a typed line that is durable now."""
        if said.message_id is None:
            return []
        self._durable.add(said.message_id)
        return [_text_ack(UserTextMessage(said.text, said.message_id))]

    def _trigger(self, message: TriggerMessage, now: float) -> Outcomes:
        name, text = message.trigger_name or "", message.trigger_message or ""
        ack = _ack(message, "Trigger received", {"trigger_name": name, "has_speak_tag": False})
        if not self.has_agent or not (name or text) or self._talk.is_full:
            return [ack]
        return [ack, *self._talk.prompt(Event(name[:200], text[:MAX_TEXT]), now)]

    def _context_update(self, message: ContextUpdate, now: float) -> Outcomes:
        if message.action_config is not None:
            self._context.set_affordances(message.action_config)
        if message.current_attention_object is not None:
            self._context.attend(message.current_attention_object)
        told_more = (
            message.current_attention_object is not None or message.action_config is not None
        )
        wants_answer = message.run_llm == "true"
        if message.text or message.mode == "reset" or not (told_more or wants_answer):
            self._context.update(message.text, message.mode, message.remove_static)
        done = f"Context updated successfully ({message.mode} mode)"
        ack = _ack(message, done, self._context.figures())
        if not wants_answer or not self.has_agent:
            return [ack]
        return [ack, *self._talk.respond(now, message.text or "", message.message_id)]

    def _respond_mode(self, message: RespondModeUpdate, now: float) -> Outcomes:
        if message.modality not in USER_LANES:
            lanes = " and ".join(USER_LANES)
            return [_ack(message, f"'modality' must be one of {lanes}", ok=False)]
        modes = self._talk.set_mode(message.modality, message.mode)
        extras: dict[str, object] = {"modality": message.modality, "mode": message.mode}
        if message.update_id is not None:
            extras["update_id"] = message.update_id
        return [_ack(message, "Respond mode updated", {**extras, "respond_modes": modes})]

    def _dynamic_info(self, message: UpdateDynamicInfo, now: float) -> Outcomes:
        self._context.update(message.text or None, "replace" if message.text else "reset", None)
        return [_ack(message, "Dynamic info updated")]

    def _scene(self, message: UpdateSceneMetadata, now: float) -> Outcomes:
        self._context.set_scene(message.scene_metadata)
        return [_ack(message, "Scene metadata updated")]

    def _keys(self, message: UpdateTemplateKeys, now: float) -> Outcomes:
        self._context.set_keys(message.template_keys)
        return [_ack(message, "Template keys updated")]

    def _tts(self, message: TtsToggle, now: float) -> Outcomes:
        if not self._can_speak:
            return [_ack(message, "This service has no voice; it answers by text", ok=False)]
        self._talk.set_voice(message.enabled)
        word = "enabled" if message.enabled else "disabled"
        return [_ack(message, f"TTS {word}", {"enabled": message.enabled})]

    def _stt(self, message: SttToggle, now: float) -> Outcomes:
        word = "muted" if message.muted else "open"
        ack = _ack(message, f"Microphone {word}", {"muted": message.muted})
        return [ack, MuteEars(message.muted)]

    def _interrupt(self, message: InterruptBot, now: float) -> Outcomes:
        return [_ack(message, "Interrupted"), *self._talk.interrupt(now)]

    def _force_stop(self, message: ForceUserStoppedSpeaking, now: float) -> Outcomes:
        return [_ack(message, "Turn ended"), ForceStop()]

    def _reset_idle(self, message: ResetIdleTimer, now: float) -> Outcomes:
        self._talk.active(now)
        return [_ack(message, "Idle timer reset")]

    def _kill(self, message: KillPipeline, now: float) -> Outcomes:
        return [_ack(message, "Ending"), *self._talk.interrupt(now), End("killed")]

    _HANDLERS: Mapping[type, Callable[[Any, Any, float], Outcomes]] = {
        UserTextMessage: _text,
        TriggerMessage: _trigger,
        ContextUpdate: _context_update,
        RespondModeUpdate: _respond_mode,
        UpdateDynamicInfo: _dynamic_info,
        UpdateSceneMetadata: _scene,
        UpdateTemplateKeys: _keys,
        TtsToggle: _tts,
        SttToggle: _stt,
        InterruptBot: _interrupt,
        ForceUserStoppedSpeaking: _force_stop,
        ResetIdleTimer: _reset_idle,
        KillPipeline: _kill,
    }


def refused(problem: MessageError) -> Send:
    """Return the acknowledgement of something that was no usable message."""
    return Send(ServerResponse(problem.kind, "error", problem.message, problem.extras))


def _text_ack(message: UserTextMessage, problem: str | None = None) -> Send:
    extras: dict[str, object] = {} if problem else {"text": message.text}
    if message.message_id is not None:
        extras["message_id"] = message.message_id
    return _ack(message, problem or "Text received", extras or None, ok=problem is None)


def _ack(
    message: ClientMessage,
    text: str,
    extras: Mapping[str, object] | None = None,
    *,
    ok: bool = True,
) -> Send:
    return Send(ServerResponse(message.TYPE, "success" if ok else "error", text, extras))
