"""Why something failed and what that means: one table from stable codes to classes and advice.

The classes, in the order in which they are looked for::

    ADVISED         the server named a delay (Retry-After, a drain notice): wait so long
    TRANSIENT       refused, reset, timed out, 5xx, too many at once: back off and retry
    ROOM_GONE       the room to rejoin is no more: create one within the same attempt
    RESUME_REFUSED  the stored session cannot be resumed: fresh, or an error under ALWAYS_RESUME
    TERMINAL        asking again cannot help: key, character, configuration, quota

A failure is a value, which a session carries to the game. What is raised is a `CharactersError`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

__all__ = ["CharactersError", "classify_http", "failure", "Failure", "FailureKind", "FAILURES"]


class CharactersError(Exception):
    """Base of everything that `characters` raises on purpose; wrong arguments stay ValueErrors.

    ```
    CharactersError
    ├── MessageError         what the peer sent cannot be used
    ├── OutboxFullError      the peer has confirmed nothing for too long; retryable
    ├── ReplayError          the room cannot be rejoined without a loss
    ├── IllegalEvent         a session was given an event that its state does not list
    ├── TransportError       a connection could not be made or is lost; its `failure` says why
    ├── PersistenceError     a session could not be stored or read; retryable
    ├── SlotError            a save slot cannot be saved, loaded or deleted
    ├── ServiceError         the embedded service could not be started; retryable
    ├── RefusalError         the service refuses a request to connect
    ├── AccessError          the keys of a service cannot be used as they are set
    ├── StoreError           the database of several nodes cannot be used; retryable
    ├── FencedError          a session is another node's now, or was removed
    ├── ConflictError        the session is open in another game
    ├── ContextError         the service cannot use what it was told about the level
    ├── PatternError         a persona's pattern is malformed; a ValueError too
    ├── LlmError             the language model gave no answer
    ├── SynthesisError       a text could not be spoken
    ├── PlacesTakenError     so much waits that whoever came now would wait too long; retryable
    ├── SpeechProcessError   the process of a voice or a recogniser does not answer; retryable
    ├── EndpointError        a speech endpoint gave no usable answer
    ├── SoundStreamError     a stream of sound is malformed
    └── StepError            a step of a headless script failed
    ```

    `retryable` says whether the same call may succeed later.
    """

    retryable: bool = False


class FailureKind(StrEnum):
    """What a failure means for the next step."""

    ADVISED = "advised"
    TRANSIENT = "transient"
    TERMINAL = "terminal"
    ROOM_GONE = "room_gone"
    RESUME_REFUSED = "resume_refused"


@dataclass(frozen=True, slots=True)
class Failure:
    """One failure: a stable code, a sentence that says what to do, and its class."""

    code: str
    message: str
    stage: str
    kind: FailureKind
    retry_after: float | None = None

    @property
    def recoverable(self) -> bool:
        """Whether trying again may help."""
        return self.kind is not FailureKind.TERMINAL


class FailureClass(NamedTuple):
    """A row of the table: the class, the stage it belongs to, and what to do."""

    kind: FailureKind
    stage: str
    advice: str


_ADVISED, _TRANSIENT, _TERMINAL = FailureKind.ADVISED, FailureKind.TRANSIENT, FailureKind.TERMINAL
_REFUSED, _GONE = FailureKind.RESUME_REFUSED, FailureKind.ROOM_GONE

_ADVICE: Mapping[tuple[FailureKind, str], Mapping[str, str]] = {
    (_ADVISED, "live"): {
        "server.draining": "The server is restarting; it is tried again when it said it is back."
    },
    (_TRANSIENT, "connect"): {
        "connection.refused": "Nobody listens at the endpoint; start the service or check it.",
        "service.not_started": "The embedded service did not start; mend that, then retry.",
        "connection.dns": "The endpoint's name is not known; check the network and the URL.",
        "connection.timeout": "No answer in time; on a slow network raise start_wait_timeout_ms.",
        "connection.failed": "The connection broke while it was being made; it is retried.",
        "connection.concurrency_limit": "Too many sessions at once; end one, or wait.",
        "connection.server_error": "The server failed; look into its log if it goes on.",
        "connection.impostor": (
            "Another program answers at the address of the conversation service; nothing was told "
            "to it. It is tried again."
        ),
        "connection.unavailable": "The server is not available at the moment.",
    },
    (_TERMINAL, "connect"): {
        "connection.tls": "The endpoint's certificate is not trusted; check URL and clock.",
        "connection.invalid_url": "The endpoint is not a usable URL; correct it.",
        "connection.invalid_api_key": "The API key is missing or wrong; set it and press Retry.",
        "connection.not_allowed": "This key may not use the character; check its owner and plan.",
        "connection.character_not_found": (
            "The endpoint knows no such character; check character_id."
        ),
        "connection.persona_not_found": (
            "Write it, or correct the character's persona or character_id, or the asset_folder of "
            "the CharacterManager."
        ),
        "connection.not_found": "The endpoint has no such address; check the URL.",
        "connection.bad_request": "The server could not read the request; check the configuration.",
        "connection.validation": "The server refused a field of the configuration; correct it.",
        "connection.speaker_limit": "The speaker limit is reached; it does not pass by waiting.",
        "connection.quota_exceeded": "The usage quota is spent; raise it, then press Retry.",
        "connection.redirected": (
            "The endpoint sends requests to another address, which is not followed, because keys "
            "and session ids are for the endpoint alone; set the address that it names."
        ),
        "connection.unexpected_status": "The endpoint gave an answer that is not in its contract.",
        "session.live_elsewhere": "The session is open elsewhere; close it there, or take over.",
    },
    (_GONE, "connect"): {
        "connection.room_gone": "The room is gone; a new one is made for the conversation."
    },
    (_REFUSED, "resume"): {
        "session.not_found": "The server does not know the stored session.",
        "session.expired": "The stored session has expired.",
        "session.invalid_id": "The server does not accept the stored session id.",
    },
    (_TERMINAL, "resume"): {
        "session.resume_refused": (
            "The conversation could not be resumed and the policy is ALWAYS_RESUME: its id is "
            "kept until you clear the session id, or use RESUME_IF_POSSIBLE."
        )
    },
    (_TERMINAL, "branch"): {
        "session.cannot_branch": (
            "The service keeps only what was said last: after loading, the character begins afresh."
        )
    },
    (_TERMINAL, "live"): {
        "session.taken_over": "Another game took the session over; take over to take it back."
    },
    (_TRANSIENT, "live"): {
        "session.idle_timeout": "The server ended the session because nobody spoke; connect again.",
        "session.ended": "The server ended the session; connect again.",
        "transport.signal_disconnected": "The connection was cut; it is made again.",
        "transport.heartbeat_lost": "Nothing came from the server in time; the line is dead.",
        "transport.protocol": "The server broke the protocol; client and service may differ.",
        "transport.overflow": "More was sent than the line takes; it is made again.",
        "transport.agent_left": "The character has left the room; it is called again.",
    },
    (_TRANSIENT, "join"): {
        "transport.join_refused": "The room did not let us in; a new token is asked for."
    },
    (_TERMINAL, "join"): {
        "transport.livekit_missing": (
            "The room is on LiveKit, whose package is not installed; pip install livekit."
        )
    },
    (_TRANSIENT, "ready"): {"character.ready_timeout": "The character did not get ready in time."},
    (_TRANSIENT, "store"): {
        "persistence.unavailable": (
            "The session id could not be kept on disk; look at the data folder."
        ),
        "persistence.slow": "The session store does not answer; the id is not on disk yet.",
    },
    (_TRANSIENT, "audio"): {
        "audio.mic_unavailable": "No microphone can be opened; typing goes on working."
    },
    (_TRANSIENT, "internal"): {
        "internal.error": "Something unexpected happened; the log says what."
    },
}

FAILURES: Mapping[str, FailureClass] = MappingProxyType(
    {
        code: FailureClass(kind, stage, advice)
        for (kind, stage), advices in _ADVICE.items()
        for code, advice in advices.items()
    }
)


def failure(code: str, detail: str = "", retry_after: float | None = None) -> Failure:
    """Make the failure of a code; ``detail`` says what was seen, before the advice."""
    kind, stage, advice = FAILURES[code]
    message = f"{detail.rstrip('.')}. {advice}" if detail else advice
    if retry_after is not None and (kind is _TRANSIENT or code == "connection.quota_exceeded"):
        kind = _ADVISED
    return Failure(code, message, stage, kind, retry_after)


_BY_STATUS: Mapping[int, str] = MappingProxyType(
    {
        400: "connection.bad_request",
        401: "connection.invalid_api_key",
        402: "connection.quota_exceeded",
        403: "connection.not_allowed",
        404: "connection.not_found",
        408: "connection.timeout",
        409: "session.live_elsewhere",
        413: "connection.validation",
        422: "connection.validation",
        425: "connection.unavailable",
        429: "connection.concurrency_limit",
        500: "connection.server_error",
        503: "connection.unavailable",
    }
)

# Looked through in order: (status, word of the detail) -> code.
_BY_DETAIL: tuple[tuple[int, str, str], ...] = (
    (404, "no persona file", "connection.persona_not_found"),  # first: its path may say anything
    (404, "room", "connection.room_gone"),
    (404, "expired", "session.expired"),
    (404, "session", "session.not_found"),
    (404, "character", "connection.character_not_found"),
    (400, "session", "session.invalid_id"),
    (429, "speaker", "connection.speaker_limit"),
    (429, "quota", "connection.quota_exceeded"),
    (409, "concurren", "connection.concurrency_limit"),
)


def classify_http(status: int, detail: object = None, retry_after: float | None = None) -> Failure:
    """Class a refusal of ``POST /connect`` by its status and its ``detail`` (text or 422 list)."""
    text = _detail_text(detail)
    lowered = text.lower()
    for refused, word, code in _BY_DETAIL:
        if status == refused and word in lowered:
            return failure(code, text, retry_after)
    code = _BY_STATUS.get(status, "")
    if not code:
        code = "connection.server_error" if status >= 500 else "connection.unexpected_status"
    return failure(code, text or f"HTTP {status}", retry_after)


def _detail_text(detail: object) -> str:
    if isinstance(detail, str):
        return detail[:300]
    if isinstance(detail, list):
        return "; ".join(_validation_text(item) for item in detail)[:300]
    return ""


def _validation_text(item: object) -> str:
    """Name the refused field, never its value: the ``input`` of a 422 may be what was said."""
    if not isinstance(item, Mapping):
        return "invalid field"
    location = item.get("loc")
    where = ".".join(str(part) for part in location) if isinstance(location, (list, tuple)) else ""
    return f"{where or 'request'}: {item.get('msg', 'invalid')}"
