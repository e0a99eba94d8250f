"""Recognition by an OpenAI-compatible `/audio/transcriptions` endpoint."""

from __future__ import annotations

import io
import logging
import wave

import aiohttp

from characters.service.speech.dictation import dictated
from characters.service.speech.endpoint import EndpointError, EndpointLine, SpeechEndpoint
from characters.service.speech.protocols import SAY_AGAIN, Heard, Rejected

__all__ = ["EndpointEars"]

log = logging.getLogger(__name__)

# From the end of the utterance to its words. Who waited longer would have typed it.
TOTAL_SECONDS = 8.0


class EndpointEars:
    """Implements `Recogniser`: each utterance is sent as a WAV file when it is over."""

    def __init__(
        self, endpoint: SpeechEndpoint, language: str, total_seconds: float = TOTAL_SECONDS
    ) -> None:
        self._line = EndpointLine(endpoint, total_seconds)
        self._language = language
        self._is_failing = False

    def prepare(self, phrases: tuple[str, ...]) -> None:
        """Nothing is to be prepared: it understands whatever is said."""

    async def open(self, phrases: tuple[str, ...]) -> EndpointUtterance:
        """Begin an utterance."""
        return EndpointUtterance(self)

    async def transcribe(self, pcm: bytes) -> Heard | Rejected:
        """Return what was said in 16 kHz mono int16; a failure is a rejection."""
        try:
            text = await self._ask(pcm)
        except EndpointError as error:
            if not self._is_failing:
                log.warning("speech is not understood, the recognition endpoint fails: %s", error)
            self._is_failing = True
            return Rejected(SAY_AGAIN)
        self._is_failing = False
        return dictated(text)

    async def _ask(self, pcm: bytes) -> str:
        form = aiohttp.FormData()
        form.add_field("file", wav_of(pcm), filename="said.wav", content_type="audio/wav")
        form.add_field("model", self._line.endpoint.model)
        form.add_field("response_format", "json")
        if self._language:
            form.add_field("language", self._language)
        async with self._line.post("/audio/transcriptions", data=form) as answer:
            content = await answer.json(content_type=None)
        text = content.get("text") if isinstance(content, dict) else None
        if not isinstance(text, str):
            raise EndpointError("its answer holds no text")
        return text

    async def close(self) -> None:
        """Close the connections."""
        await self._line.close()


class EndpointUtterance:
    """One utterance, kept until it is over."""

    def __init__(self, ears: EndpointEars) -> None:
        self._ears = ears
        self._sound = bytearray()

    async def feed(self, pcm: bytes) -> None:
        """Take more of the utterance."""
        self._sound += pcm

    async def is_whole(self) -> bool:
        """Nobody knows before it is sent."""
        return False

    async def finish(self) -> Heard | Rejected:
        """Send the utterance; return what it was."""
        return await self._ears.transcribe(bytes(self._sound))

    async def cancel(self) -> None:
        """Drop the utterance; nothing of it was sent."""
        self._sound.clear()


def wav_of(pcm: bytes) -> bytes:
    """Return 16 kHz mono int16 as a WAV file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(2)
        wav.setframerate(16_000)
        wav.writeframes(pcm)
    return file.getvalue()
