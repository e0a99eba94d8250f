"""What each message of a client does to its room, and how it is acknowledged. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from characters.agents.agent import Event
from characters.protocol.codec import MessageError
from characters.protocol.messages import (
    MAX_TEXT,
    USER_LANES,
    ClientMessage,
    ContextUpdate,
    ForceUserStoppedSpeaking,
    InterruptBot,
    KillPipeline,
    PauseBot,
    ResetIdleTimer,
    RespondModeUpdate,
    ServerResponse,
    SttToggle,
    TakeBack,
    TriggerMessage,
    TtsToggle,
    UpdateDynamicInfo,
    UpdateSceneMetadata,
    UpdateTemplateKeys,
    UserTextMessage,
)
from characters.service.conversation import RoomConversation
from characters.service.effects import (
    Effects,
    End,
    EndUtterance,
    MuteInput,
    PersistEntry,
    Send,
    UndoExchange,
)
from characters.service.requests import ContextError, LevelContext

__all__ = ["ack_of", "MessageHandler", "rejection"]


MAX_ID = 200  # characters of the ids that a client makes


class MessageHandler:
    """Handles the messages of one room; `has_agent` is whether a character is there to answer.

    A typed line with a message id is taken once, and acknowledged when it is durable (`confirm`),
    so that a client can repeat what it does not know to have arrived. `message_ids` are those of
    the lines that the session has already.
    """

    def __init__(
        self,
        conversation: RoomConversation,
        context: LevelContext,
        *,
        can_speak: bool = False,
        has_agent: bool = True,
        message_ids: frozenset[str] = frozenset(),
    ) -> None:
        self._conversation = conversation
        self._context = context
        self._can_speak = can_speak
        self.has_agent = has_agent
        self._durable = set(message_ids)
        self._taken = set(message_ids)

    def take(self, message: ClientMessage, now: float) -> Effects:
        """Return the acknowledgement of a message, and what follows from it."""
        try:
            return self._HANDLERS[type(message)](self, message, now)
        except ContextError as problem:
            return [ack_of(message, f"Failed to process {message.TYPE}: {problem}", ok=False)]

    def _text(self, message: UserTextMessage, now: float) -> Effects:
        text, message_id = message.text.strip(), message.message_id
        if len(message_id or "") > MAX_ID:
            return [
                ack_of(message, f"'message_id' must have at most {MAX_ID} characters", ok=False)
            ]
        if message_id in self._taken:
            return [_text_ack(message)] if message_id in self._durable else []
        if not text or len(text) > MAX_TEXT:
            return [_text_ack(message, f"'text' must have 1 to {MAX_TEXT} characters")]
        if not self.has_agent:
            return [_text_ack(message, "Nobody is here to answer; call the character back")]
        if self._conversation.is_full:
            return [_text_ack(message, "Too much at once; wait for an answer, say it again")]
        effects = self._conversation.player_said(text, now, message_id)
        if message_id is None:
            return [_text_ack(message), *effects]
        self._taken.add(message_id)
        return effects

    def confirm(self, entry: PersistEntry) -> Effects:
        """Return the acknowledgement of a line that is durable now."""
        if entry.message_id is None:
            return []
        self._durable.add(entry.message_id)
        return [_text_ack(UserTextMessage(entry.text, entry.message_id))]

    def _trigger(self, message: TriggerMessage, now: float) -> Effects:
        name, text = message.trigger_name or "", message.trigger_message or ""
        event = Event(name[:200], text[:MAX_TEXT])
        extras = {"trigger_name": name, "has_speak_tag": bool(event.speech)}
        ack = ack_of(message, "Trigger received", extras)
        if not self.has_agent or not (name or text) or self._conversation.is_full:
            return [ack]
        return [ack, *self._conversation.prompt(event, now)]

    def _context_update(self, message: ContextUpdate, now: float) -> Effects:
        if message.action_config is not None:
            self._context.set_affordances(message.action_config)
        if message.current_attention_object is not None:
            self._context.attend(message.current_attention_object)
        has_news = message.current_attention_object is not None or message.action_config is not None
        wants_answer = message.run_llm == "true"
        if message.text or message.mode == "reset" or not (has_news or wants_answer):
            self._context.update(message.text, message.mode, message.remove_static)
        done = f"Context updated successfully ({message.mode} mode)"
        ack = ack_of(message, done, self._context.figures())
        if not wants_answer or not self.has_agent:
            return [ack]
        return [ack, *self._conversation.respond(now, message.text or "", message.message_id)]

    def _respond_mode(self, message: RespondModeUpdate, now: float) -> Effects:
        if message.modality not in USER_LANES:
            lanes = " and ".join(USER_LANES)
            return [ack_of(message, f"'modality' must be one of {lanes}", ok=False)]
        modes = self._conversation.set_mode(message.modality, message.mode)
        extras: dict[str, object] = {"modality": message.modality, "mode": message.mode}
        if message.update_id is not None:
            extras["update_id"] = message.update_id[:MAX_ID]
        return [ack_of(message, "Respond mode updated", {**extras, "respond_modes": modes})]

    def _dynamic_info(self, message: UpdateDynamicInfo, now: float) -> Effects:
        self._context.update(message.text or None, "replace" if message.text else "reset", None)
        return [ack_of(message, "Dynamic info updated")]

    def _scene(self, message: UpdateSceneMetadata, now: float) -> Effects:
        self._context.set_scene(message.scene_metadata)
        return [ack_of(message, "Scene metadata updated")]

    def _keys(self, message: UpdateTemplateKeys, now: float) -> Effects:
        self._context.set_keys(message.template_keys)
        return [ack_of(message, "Template keys updated")]

    def _tts(self, message: TtsToggle, now: float) -> Effects:
        if not self._can_speak:
            return [ack_of(message, "This service has no voice; it answers by text", ok=False)]
        self._conversation.set_voice(message.enabled)
        word = "enabled" if message.enabled else "disabled"
        return [ack_of(message, f"TTS {word}", {"enabled": message.enabled})]

    def _stt(self, message: SttToggle, now: float) -> Effects:
        word = "muted" if message.muted else "open"
        ack = ack_of(message, f"Microphone {word}", {"muted": message.muted})
        return [ack, MuteInput(message.muted)]

    def _interrupt(self, message: InterruptBot, now: float) -> Effects:
        return [ack_of(message, "Interrupted"), *self._conversation.interrupt(now)]

    def _pause(self, message: PauseBot, now: float) -> Effects:
        return [ack_of(message, "Paused"), *self._conversation.pause(now, message.heard_until)]

    def _take_back(self, message: TakeBack, now: float) -> Effects:
        if not self.has_agent:
            return [ack_of(message, "Nobody is here whose words could be taken back", ok=False)]
        return [*self._conversation.take_back(now), UndoExchange(message.answer_again)]

    def _force_stop(self, message: ForceUserStoppedSpeaking, now: float) -> Effects:
        return [ack_of(message, "Turn ended"), EndUtterance()]

    def _reset_idle(self, message: ResetIdleTimer, now: float) -> Effects:
        self._conversation.active(now)
        return [ack_of(message, "Idle timer reset")]

    def _kill(self, message: KillPipeline, now: float) -> Effects:
        return [ack_of(message, "Ending"), *self._conversation.interrupt(now), End("killed")]

    _HANDLERS: Mapping[type, Callable[[Any, Any, float], Effects]] = {
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
        PauseBot: _pause,
        TakeBack: _take_back,
        ForceUserStoppedSpeaking: _force_stop,
        ResetIdleTimer: _reset_idle,
        KillPipeline: _kill,
    }


def rejection(problem: MessageError) -> Send:
    """Return the acknowledgement of something that was no usable message."""
    return Send(ServerResponse(problem.kind, "error", problem.message, problem.extras))


def _text_ack(message: UserTextMessage, problem: str | None = None) -> Send:
    extras: dict[str, object] = {} if problem else {"text": message.text}
    if message.message_id is not None:
        extras["message_id"] = message.message_id
    status = "error" if problem else "success"
    return Send(ServerResponse(message.TYPE, status, problem or "Text received", extras or None))


def ack_of(
    message: ClientMessage,
    text: str,
    extras: Mapping[str, object] | None = None,
    *,
    ok: bool = True,
) -> Send:
    """Return the answer to a message: what came of it."""
    return Send(ServerResponse(message.TYPE, "success" if ok else "error", text, extras))
