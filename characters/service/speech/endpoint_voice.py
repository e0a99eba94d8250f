"""Synthesis by an OpenAI-compatible `/audio/speech` endpoint, played while it comes in."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import Any

import numpy as np

from characters.service.speech.endpoint import EndpointError, EndpointLine, SpeechEndpoint
from characters.service.speech.protocols import SynthesisError, VoiceChunk, VoiceStyle
from characters.service.speech.sound_stream import SoundStream, SoundStreamError
from characters.service.speech.visemes import weights_of_sound

__all__ = ["EndpointVoice"]

CHUNK_SECONDS = 0.05
USUAL_PACE = VoiceStyle().words_per_minute
# After a failure it is left alone for so long: nobody waits for a time-out at every sentence.
REST_SECONDS = 30.0


class EndpointVoice:
    """Implements `Synthesiser` by a service that speaks sentence by sentence."""

    def __init__(
        self, endpoint: SpeechEndpoint, voice: str, now: Callable[[], float], audio_format: str
    ) -> None:
        self._line = EndpointLine(endpoint)
        self._voice = voice
        self._now = now
        self._format = audio_format
        self._rests_until = 0.0
        self._unknown: set[str] = set()  # voices that it does not have

    async def synthesise(self, text: str, style: VoiceStyle) -> AsyncGenerator[VoiceChunk, None]:
        """Speak a sentence. Raises SynthesisError."""
        if self._now() < self._rests_until:
            raise SynthesisError("the speech endpoint failed a moment ago")
        sound, waiting, is_empty = SoundStream(), b"", True
        try:
            async with self._line.post("/audio/speech", json=self._body(text, style)) as answer:
                async for data in answer.content.iter_any():
                    waiting += sound.feed(data)
                    size = 2 * round(sound.rate * CHUNK_SECONDS)
                    while waiting and len(waiting) >= size:
                        is_empty = False
                        yield chunk_of(waiting[:size], sound.rate)
                        waiting = waiting[size:]
        except (EndpointError, SoundStreamError) as error:
            raise self._failure(error, style.voice) from error
        if waiting:
            yield chunk_of(waiting, sound.rate)
        elif is_empty:
            raise self._tired("it sends no sound")

    def _body(self, text: str, style: VoiceStyle) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self._line.endpoint.model,
            "input": text,
            "voice": self._voice if style.voice in self._unknown else style.voice or self._voice,
            "response_format": self._format,
        }
        if style.words_per_minute != USUAL_PACE:
            body["speed"] = round(min(4.0, max(0.25, style.words_per_minute / USUAL_PACE)), 2)
        return body

    def _failure(self, error: Exception, voice: str) -> SynthesisError:
        is_refusal = isinstance(error, EndpointError) and error.is_refusal
        if is_refusal and voice and voice not in self._unknown:
            self._unknown.add(voice)
            return SynthesisError(f"the speech endpoint may not know the voice {voice!r}")
        return self._tired(str(error))

    def _tired(self, why: str) -> SynthesisError:
        self._rests_until = self._now() + REST_SECONDS
        return SynthesisError(f"the speech endpoint failed: {why}; tried again in 30 s")

    async def close(self) -> None:
        """Close the connections."""
        await self._line.close()


def chunk_of(pcm: bytes, rate: int) -> VoiceChunk:
    """Return samples with the mouth that fits them."""
    return VoiceChunk(pcm, rate, weights_of_sound(np.frombuffer(pcm, "<i2"), rate))
