"""A room with somebody in it, or waiting for him to come back: the shell around one talk.

The room performs what the conversation decides: it sends, consults the mind, speaks, listens
and keeps. It goes on while its player is away, so that a rejoin finds the answer waiting.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass, field, replace
from typing import Any

from characters.core.delivery import Arrival, OutboxFullError, ReplayError
from characters.core.link import RoomLink
from characters.core.messages import (
    BotReady,
    ClientMessage,
    ContextUpdate,
    FinalUserTranscription,
    InteractionCreated,
    MessageError,
    ServerMessage,
    TriggerMessage,
    UserTextMessage,
    decode_client,
)
from characters.core.respond import USER_VOICE
from characters.service.context import LevelContext
from characters.service.conversation import Conversation
from characters.service.dialogue.mind import Mind, Prompt
from characters.service.effects import (
    Consult,
    End,
    Entry,
    Hush,
    Keep,
    Note,
    Owe,
    Send,
    Settle,
    Voice,
)
from characters.service.floor import Floor, Floors
from characters.service.keeper import Past
from characters.service.pace import Pace
from characters.service.peer import Peer
from characters.service.post import Post
from characters.service.reception import ForceStop, MuteEars, Outcome, Reception, refused
from characters.service.rooms import Room
from characters.service.saver import Keeping, Saver
from characters.service.senses import Ears, Mouth, Voicing

__all__ = ["LiveRoom", "RoomServices", "short"]

log = logging.getLogger(__name__)

LONGEST_GREETING = 10.0  # seconds: who takes longer, or hangs, keeps nobody else from greeting


@dataclass(frozen=True, slots=True)
class RoomServices:
    """What a room needs from the service around it."""

    now: Callable[[], float]
    new_id: Callable[[], str]
    keep: Keeping
    ended: Callable[[Room], None]
    pace: Pace
    floors: Floors = field(default_factory=Floors)


class LiveRoom:
    """One room; `close` it when the registry has let go of it."""

    def __init__(
        self,
        room: Room,
        mind: Mind,
        services: RoomServices,
        *,
        context: LevelContext,
        ears: Ears | None = None,
        mouth: Mouth | None = None,
        about: Mapping[str, object] | None = None,
        past: Past | None = None,
    ) -> None:
        self.room = room
        self._post = Post(room.name)
        self._past = past or Past()
        self._mind = mind
        self._services = services
        self._context = context
        self._about = dict(about or {})
        self._ears = ears
        self._mouth = mouth
        self._talk = Conversation(services.now(), services.pace, voice=mouth is not None)
        self._reception = Reception(
            self._talk,
            context,
            can_speak=mouth is not None,
            has_agent=room.agent,
            known=self._past.known,
        )
        self._begun = False
        self._has_greeted = False
        self._floor: Floor | None = None
        self._is_left_for_good = False
        self._saver = Saver(room, services.keep, mind.memory, self._kept, self._post.take_heard)
        self._entered = False
        self._wake = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._consulting: asyncio.Task[None] | None = None
        self._start(self._keep_time())
        if ears is not None:
            ears.start(self._heard)
        if mouth is not None:
            mouth.connect(Voicing(self._voice_started, self._voice_ended, self._sound, self._shape))

    # --- connections ---------------------------------------------------------------------

    @property
    def link(self) -> RoomLink:
        """The numbering of the room."""
        return self._post.link

    @property
    def peer(self) -> Peer | None:
        """Who is inside."""
        return self._post.peer

    @property
    def was_entered(self) -> bool:
        """Whether somebody has been in before."""
        return self._entered

    def welcome(self, peer: Peer, missed: tuple[dict[str, Any], ...]) -> None:
        """Let a connection in: repeat what it missed, then say that the character is ready."""
        self._post.enter(peer, missed)
        self._entered, self._is_left_for_good = True, False
        self._talk.set_present(True, self._services.now())
        self._reception.has_agent = self.room.agent
        if self.room.agent:
            self._ready()
        self._wake.set()

    def _ready(self) -> None:
        first, self._begun = not self._begun, True
        if first:
            session_id = self.room.session.session_id
            self._send(InteractionCreated(self._services.new_id(), session_id))
        self._send(BotReady(self._about))
        if first:
            self._floor = self._services.floors.of(self.room.session.end_user_id)
            self._floor.ask(self, self._arrive)
            if any(answer is not None for _, answer in self._past.left):
                self._addressed()  # the player waits for the end of what was being told

    def _arrive(self) -> None:
        """Greet, now that nobody else does."""
        if self._has_greeted:
            return
        self._has_greeted = True
        now = self._services.now()
        self._perform(self._talk.arrive(self.room.last_seen_seconds, now))
        self._perform(self._talk.take_up(self._past.left, now))
        if self._floor is not None:
            self._start(self._give_word_on(self._floor))

    async def _give_word_on(self, floor: Floor) -> None:
        await asyncio.sleep(LONGEST_GREETING)
        floor.done(self)

    def _addressed(self) -> None:
        """Wait no longer to greet: the player has turned to this character."""
        if self._floor is not None:
            self._arrive()

    def set_modes(self, modes: Mapping[str, str]) -> None:
        """Say which lanes of the player's input are answered without being asked."""
        self._talk.set_modes(modes)

    def left(self, peer: Peer, *, for_good: bool = False) -> None:
        """Note that a connection is gone; the talk goes on without it.

        Who left `for_good`, with a goodbye, waits for no answer any more.
        """
        if self.peer is peer:
            self._is_left_for_good = for_good
            self._post.peer = None
            self._talk.set_present(False, self._services.now())
            self._wake.set()

    # --- what comes in -------------------------------------------------------------------

    def take(self, raw: Mapping[str, Any]) -> bool:
        """Take a message; False means that the numbering is broken and the link must be remade.

        A message without a number is taken as it comes, for clients that never rejoin.
        """
        try:
            if "seq" in raw:
                arrival = self.link.accept(raw)
                if arrival is Arrival.GAP:
                    return False
                if arrival is Arrival.DUPLICATE:
                    return True
            self._take(decode_client(raw))
        except MessageError as problem:
            self.refuse(problem)
        return True

    def confirmed(self, received: int) -> None:
        """Take the client's word for how much it has of what was sent."""
        with suppress(ReplayError):  # more than was sent is no confirmation
            self.link.outbox.acknowledged(received)
        if self._post.has_heard:
            self._saver.nudge()

    def refuse(self, problem: MessageError) -> None:
        """Acknowledge something that was no usable message."""
        self._perform([refused(problem)])

    def _take(self, message: ClientMessage) -> None:
        if _turns_to(message):
            self._addressed()
        self._perform(self._reception.take(message, self._services.now()))

    def hear(self, pcm: bytes, timestamp: float) -> None:
        """Take microphone audio."""
        if self._ears is not None and self.room.agent:
            self._ears.feed(pcm, timestamp)

    def _heard(self, text: str | None, messages: tuple[ServerMessage, ...]) -> None:
        """Take what the ears understood; None when it was only noticed that somebody speaks."""
        message_id = None if text is None else self._services.new_id()
        self._addressed()
        self._perform([Send(_named(message, message_id)) for message in messages])
        now = self._services.now()
        if text is None:
            self._talk.active(now)
        else:
            self._perform(self._talk.player_said(text, now, message_id, USER_VOICE))

    def _voice_started(self, turn: int) -> None:
        self._perform(self._talk.voice_started(turn))

    def _voice_ended(self, turn: int) -> None:
        self._perform(self._talk.voice_ended(turn, self._services.now()))

    def _sound(self, pcm: bytes, timestamp: float, sample_rate: int) -> None:
        self._post.send_voice(pcm, timestamp, sample_rate)

    def _shape(self, message: ServerMessage) -> None:
        self._post.send_if_seen(message)

    # --- what is decided -----------------------------------------------------------------

    def _perform(self, outcomes: Iterable[Outcome]) -> None:
        for outcome in outcomes:
            self._ACTS[type(outcome)](self, outcome)
        if self._has_greeted and self._floor is not None and not self._talk.is_busy:
            floor, self._floor = self._floor, None
            floor.done(self)
        self._wake.set()

    def _send(self, message: ServerMessage) -> None:
        try:
            self._post.send(message)
        except OutboxFullError:
            log.warning("room %s: nothing is confirmed; the room ends", short(self.room.name))
            self.end("overflow")

    def _do_send(self, effect: Send) -> None:
        self._send(effect.message)

    def _do_consult(self, effect: Consult) -> None:
        self._consulting = self._start(self._consult(effect.turn, effect.prompt))

    def _do_voice(self, effect: Voice) -> None:
        if self._mouth is not None:
            self._mouth.say(effect.turn, effect.text)

    def _do_hush(self, effect: Hush) -> None:
        if self._consulting is not None:
            self._consulting.cancel()
        if self._mouth is not None:
            self._mouth.hush()
        self._post.drop_voice()

    def _do_note(self, effect: Note) -> None:
        self._mind.note(effect.text)

    def _do_write(self, effect: Entry) -> None:
        self._saver.add(effect)

    def _kept(self, said: Keep) -> None:
        self._perform(self._reception.confirm(said))

    def _do_end(self, effect: End) -> None:
        self.end(effect.reason)

    def _do_mute(self, outcome: MuteEars) -> None:
        if self._ears is not None:
            self._ears.set_muted(outcome.muted)

    def _do_force_stop(self, outcome: ForceStop) -> None:
        if self._ears is not None:
            self._ears.force_stop()

    _ACTS: Mapping[type, Callable[[Any, Any], None]] = {
        Send: _do_send,
        Consult: _do_consult,
        Voice: _do_voice,
        Hush: _do_hush,
        Note: _do_note,
        Keep: _do_write,
        Owe: _do_write,
        Settle: _do_write,
        End: _do_end,
        MuteEars: _do_mute,
        ForceStop: _do_force_stop,
    }

    # --- in the background ---------------------------------------------------------------

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._note_end)
        return task

    def _note_end(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            kind = type(task.exception()).__name__
            log.error("room %s: failed: %s; it ends", short(self.room.name), kind)
            self.end("failed")

    async def _consult(self, turn: int, prompt: Prompt) -> None:
        try:
            async with aclosing(self._mind.reply(prompt, self._context.view())) as parts:
                async for part in parts:
                    self._perform(self._talk.part(turn, part, self._services.now()))
        except Exception as error:
            log.error("room %s: the mind failed: %s", short(self.room.name), type(error).__name__)
            self._perform(self._talk.failed(turn, self._services.now()))
            return
        self._perform(self._talk.told(turn))
        # What a character was told is durable before its turn is completed.
        await self._saver.flush()
        self._perform(self._talk.thought_out(turn, self._services.now()))

    async def _keep_time(self) -> None:
        while True:
            self._perform(self._talk.tick(self._services.now()))
            self._wake.clear()
            wait = self._talk.deadline() - self._services.now()
            try:
                async with asyncio.timeout(max(0.0, wait) if wait < 3600 else 3600):
                    await self._wake.wait()
            except TimeoutError:
                continue

    def end(self, reason: str, retry_after: float | None = None) -> None:
        """End the room: say goodbye to whoever is inside; the session stays."""
        self._post.bye(reason, retry_after)
        self._services.ended(self.room)

    async def close(self) -> None:
        """Stop everything; what is unsaved is saved."""
        if self._floor is not None:
            self._floor.done(self)
        tasks = [task for task in self._tasks if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._mouth is not None:
            await self._mouth.close()
        if self._ears is not None:
            await self._ears.close()
        if self._is_left_for_good:
            self._saver.add(Settle(None))
        await self._saver.close()


def _turns_to(message: ClientMessage) -> bool:
    """Tell whether a message wants this character's word now."""
    if isinstance(message, ContextUpdate):
        return message.run_llm == "true"
    return isinstance(message, UserTextMessage | TriggerMessage)


def _named(message: ServerMessage, message_id: str | None) -> ServerMessage:
    """Give a line that was spoken an id, as a typed one has from its client."""
    if message_id is None or not isinstance(message, FinalUserTranscription):
        return message
    return replace(message, message_id=message_id)


def short(name: str) -> str:
    """Shorten an id for the log."""
    return name[:4] + "…"
