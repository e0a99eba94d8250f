"""How the conversation service hears and speaks: one frozen value, and its command line."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from types import MappingProxyType
from typing import ClassVar, Literal

from characters.protocol.fields import Choice, by_default, check_variable, set_member
from characters.protocol.model_settings import host_of, is_on_this_machine

__all__ = ["add_speech_flags", "speech_settings", "SpeechDetector", "SpeechSettings", "SpeechVoice"]


class SpeechDetector(StrEnum):
    """What tells speech from other sound."""

    AUTO = "auto"  # the best that is installed
    SILERO = "silero"
    POCKETSPHINX = "pocketsphinx"


class SpeechVoice(StrEnum):
    """Which voice of this machine speaks."""

    AUTO = "auto"  # the best that is installed and speaks the character's language
    HIBARI = "hibari"
    ESPEAK = "espeak"


@dataclass(frozen=True)
class SpeechSettings:
    """What the service recognises speech with and what it speaks with.

    Without any, that is pocketsphinx in a grammar and the human voice of hibari-tts, or espeak-ng
    where that is not installed or speaks another language, and no sound leaves the machine.
    A URL is one of an OpenAI-compatible service and ends before `/audio/transcriptions` or
    `/audio/speech`, such as `http://127.0.0.1:8000/v1`; a key is read from the environment
    variable that `..._key_env` names. `whisper_folder` is a model for faster-whisper.

    Raises:
        ValueError: a field makes no sense; the sentence names the field.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    recognition_url: str = ""
    recognition_model: str = "whisper-1"
    recognition_key_env: str = ""
    recognition_language: str = "en"  # "" leaves it to the model to find out
    whisper_folder: str = ""
    synthesis_url: str = ""
    synthesis_model: str = "tts-1"
    synthesis_key_env: str = ""
    synthesis_voice: str = "alloy"  # of characters whose persona names none
    synthesis_format: str = "wav"  # or "pcm": 24 kHz, unless the service says another rate
    voice: Choice[SpeechVoice, Literal["auto", "hibari", "espeak"]] = by_default(SpeechVoice.AUTO)
    detector: Choice[SpeechDetector, Literal["auto", "silero", "pocketsphinx"]] = by_default(
        SpeechDetector.AUTO
    )

    def __post_init__(self) -> None:
        for name in ("recognition_url", "synthesis_url"):
            url = getattr(self, name)
            if url and not url.startswith(("http://", "https://")):
                raise ValueError(f"{name} must begin with http:// or https:// (got {url!r})")
        for name in ("recognition_key_env", "synthesis_key_env"):
            check_variable(name, getattr(self, name))
        if self.synthesis_format not in ("wav", "pcm"):
            raise ValueError(f"synthesis_format must be wav or pcm (got {self.synthesis_format!r})")
        if self.recognition_url and self.whisper_folder:
            raise ValueError("recognition_url and whisper_folder exclude each other: leave one out")
        set_member(self, "detector", SpeechDetector)
        set_member(self, "voice", SpeechVoice)

    def ways_out(self) -> dict[str, str]:
        """Return the hosts that sound and words go to, by what they do, without this machine."""
        urls = {"recognition": self.recognition_url, "synthesis": self.synthesis_url}
        hosts = {what: host_of(url) for what, url in urls.items()}
        return {what: host for what, host in hosts.items() if not is_on_this_machine(host)}

    def arguments(self) -> tuple[str, ...]:
        """Return the flags of the service's command line for what is not the default."""
        plain = SpeechSettings()
        values = ((field.name, getattr(self, field.name)) for field in fields(self))
        return tuple(
            f"{_flag(name)}={value}" for name, value in values if value != getattr(plain, name)
        )


_HELP: Mapping[str, str] = MappingProxyType(
    {
        "recognition_url": "send what is said to this OpenAI-compatible service, e.g. "
        "http://127.0.0.1:8000/v1",
        "recognition_model": "its model",
        "recognition_key_env": "the environment variable with its key",
        "recognition_language": "what is spoken, e.g. en; empty lets the model find out",
        "whisper_folder": "recognise with faster-whisper and the model in this folder",
        "synthesis_url": "let this OpenAI-compatible service speak",
        "synthesis_model": "its model",
        "synthesis_key_env": "the environment variable with its key",
        "synthesis_voice": "its voice for characters whose persona names none",
        "synthesis_format": "wav, or pcm for a service that streams nothing else",
        "voice": "which voice of this machine speaks",
        "detector": "what tells speech from other sound",
    }
)


_CHOICES: Mapping[str, type[StrEnum]] = MappingProxyType(
    {"detector": SpeechDetector, "voice": SpeechVoice}
)


def add_speech_flags(parser: ArgumentParser) -> None:
    """Add a flag for each speech setting to a command line."""
    group = parser.add_argument_group("speech")
    for field in fields(SpeechSettings):
        group.add_argument(
            _flag(field.name),
            default=field.default,
            type=_CHOICES.get(field.name, str),
            choices=tuple(_CHOICES[field.name]) if field.name in _CHOICES else None,
            metavar=field.name.rpartition("_")[2].upper(),
            help=_HELP[field.name],
        )


def speech_settings(options: Namespace) -> SpeechSettings:
    """Return the settings in a parsed command line. Raises ValueError."""
    return SpeechSettings(**{f.name: getattr(options, f.name) for f in fields(SpeechSettings)})


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")
