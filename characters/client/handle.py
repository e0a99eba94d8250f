"""SessionHandle: the main thread's end of a session."""

from __future__ import annotations

from functools import partial

from characters.client.config import CharacterEvent, SessionConfig
from characters.client.session_runner import SessionRunner, is_another_session
from characters.client.threads import AwaitableFuture, NetworkThread
from characters.protocol.codec import MessageError, copied
from characters.protocol.failures import failure
from characters.protocol.messages import ClientMessage
from characters.protocol.network_conditions import NetworkConditions
from characters.session import events
from characters.session.conversation import SessionState, SessionView
from characters.session.policy import ReconnectPolicy
from characters.transport.base import TransportError
from engine.core.events import Signal

__all__ = ["Connecting", "SessionHandle"]


class Connecting(AwaitableFuture[SessionView]):
    """The end of a connect, to be awaited or asked for."""


class SessionHandle:
    """Command a session and see it. For the main thread; nothing here waits.

    `events` is emitted on the main thread: `SessionStateChanged`, `RetryScheduled`, every
    message of the service, `TranscriptChanged`, `TextRefused`, `MessageRefused`.
    """

    def __init__(self, runner: SessionRunner, network: NetworkThread) -> None:
        self.key = runner.session.key
        """The name of the session in its runtime."""
        self.character_id = runner.session.config.character_id
        """The character's id at the service."""
        self.events: Signal[CharacterEvent] = runner.session.events
        self._runner = runner
        self._session = runner.session
        self._network = network
        self._stored = runner.session.context.stored_keys
        self.network_conditions = NetworkConditions.CALM
        """The simulated conditions that were set, over all of its connections."""
        self._is_leaving = False  # a disconnect was ordered, whatever the view says as yet
        self._resumes_when_known = False

    @property
    def config(self) -> SessionConfig:
        """What the session was opened with."""
        return self._session.config

    @property
    def policy(self) -> ReconnectPolicy:
        """The reconnect policy in force."""
        return self._session.machine.policy

    @property
    def view(self) -> SessionView:
        """All that is to be seen of the session now."""
        return self._session.view

    @property
    def has_stored_session(self) -> bool:
        """Whether a connect would find a stored session to resume."""
        if self.view.state is SessionState.CONNECTED:
            return self.view.session_id is not None
        return self._stored.has(self.key)

    @property
    def is_at_rest(self) -> bool:
        """Whether it is disconnected, or a disconnect was ordered that no view shows yet."""
        return self._is_leaving or self.view.state in _AT_REST

    @property
    def supports_session_persistence(self) -> bool:
        """Whether the session is kept, so that it can be resumed after a restart."""
        return self.view.supports_session_persistence

    @property
    def is_resumed_session(self) -> bool:
        """Whether the present conversation was resumed or rejoined."""
        return self.view.is_resumed_session

    def connect(self, *, take_over: bool = False) -> None:
        """Connect; joins an attempt in flight, works from every state.

        `take_over` takes the session from another process that holds it.
        """
        self._is_leaving = False
        self._feed(events.ConnectRequested(take_over))

    def connected(self) -> Connecting:
        """Return a future for the end of a connect: its result is the view when CONNECTED.

        `await session.connected()` in an asyncio loop, or `session.connected().result(timeout)`
        where no frame has to be drawn. It raises a TransportError, whose `failure` says why, as
        soon as the session is in ERROR, disconnected without a connect on its way, or its runtime
        was closed.
        """
        waiting = Connecting()
        if not self._network.call(self._runner.report_connected, waiting):
            waiting.set_exception(TransportError(failure("session.ended", "The runtime is closed")))
        return waiting

    def connect_if_stored(self) -> None:
        """Connect if a session is stored, as soon as the store has said so: it may be slow."""

        def resume() -> None:
            if self._resumes_when_known and self._stored.has(self.key):
                self.connect()

        self._resumes_when_known = True
        self._stored.when_known(resume)

    def retry(self) -> None:
        """Connect again after an error."""
        self.connect()

    def disconnect(self, *, keeps_id: bool = False) -> None:
        """End the session; the stored id stays or goes as `persist` says.

        With `keeps_id` it stays in any case: the next connect resumes.
        """
        self._is_leaving = True
        self._resumes_when_known = False
        self._feed(events.DisconnectRequested(keeps_id))

    def clear_session_id(self) -> None:
        """Forget the stored session id: the next connect begins a new conversation."""
        self._feed(events.ForgetRequested())

    def apply_policy(self, policy: ReconnectPolicy) -> None:
        """Replace the reconnect policy; it takes effect at once."""
        self._feed(events.PolicyChanged(policy))

    def apply_config(self, config: SessionConfig) -> None:
        """Follow new settings of this session; `session_runner` says what each field does.

        Raises ValueError when they make it another session: close this one and open that.
        """
        if is_another_session(self.config, config):
            raise ValueError(f"{self.key}: these settings are of another session; open that one.")
        self._network.call(self._runner.reconfigure, config)

    def hibernate(self) -> None:
        """Let the connection rest; `connect`, `wake` or a typed line brings it back."""
        self._feed(events.HibernateRequested())

    def wake(self) -> None:
        """Connect if the session hibernates."""
        self._feed(events.WakeRequested())

    def spawn_agent(self) -> None:
        """Call the character back into a room that it has left (`spawn_agent_on_rejoin = False`).

        The connection is made again: `view.has_agent` is true once it is CONNECTED.
        """
        self._feed(events.AgentRequested())

    def player_acted(self) -> None:
        """Note that the player is busy with this character: it is not idle."""
        self._feed(events.PlayerActed())

    def set_distance(self, distance: float) -> None:
        """Say how far the player is: the nearest connects first."""
        # Read when a connect waits for its turn: not worth waking the network thread.
        self._session.distance.value = max(0.0, distance)

    def send_text(self, text: str) -> None:
        """Say a line; while (re)connecting it waits, elsewhere `TextRefused` says why not.

        Raises TypeError for what is no text.
        """
        _check_text(text)
        self._network.call(self._runner.conversation.send_text, text)

    def respond(self, about: str = "") -> None:
        """Let the character answer all that was said since its last answer, or speak `about` that.

        For `RespondMode.MANUAL`, where it says nothing by itself. While (re)connecting it waits;
        elsewhere `MessageRefused` says why not. Raises TypeError for what is no text.
        """
        _check_text(about)
        self._network.call(self._runner.conversation.respond, about)

    def take_back(self) -> None:
        """Undo the last exchange: line, answer, and what the character learnt and felt by it.

        `TakenBack` says what was done in it, for the game to undo; `MessageRefused` why not.
        """
        self._network.call(self._runner.conversation.take_back)

    def answer_again(self) -> None:
        """Let the character answer the last line anew, with other words where it has any."""
        take_back = self._runner.conversation.take_back
        self._network.call(partial(take_back, answer_again=True))

    def send(self, message: ClientMessage) -> None:
        """Send any message of the wire; `MessageRefused` says if it could not go out.

        It is sent as it is now: what the game changes in it later changes nothing. Raises
        TypeError for what is no message.
        """
        conversation = self._runner.conversation
        try:
            message = copied(message)
        except MessageError as problem:
            self._network.call(conversation.refuse, message.TYPE, f"{problem.message}.")
        else:
            self._network.call(conversation.send, message)

    def interrupt(self) -> None:
        """Cut the character off."""
        self._network.call(self._runner.conversation.interrupt)

    def cut(self) -> None:
        """Break the connection as a fault would."""
        self._network.call(self._runner.cut)

    def set_network_conditions(self, conditions: NetworkConditions) -> None:
        """Make the network late, slow or a black hole, as a fault would, or calm again."""
        self.network_conditions = conditions
        self._network.call(self._runner.simulated_link.set, conditions)

    def _feed(self, event: events.Event) -> None:
        self._network.call(self._runner.feed, event)


def _check_text(text: object) -> None:
    if not isinstance(text, str):
        raise TypeError(f"a str is said, not {text!r:.60}")


_AT_REST = (SessionState.DISCONNECTED, SessionState.DISCONNECTING)
