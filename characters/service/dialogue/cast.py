"""Finds a character's persona below the assets folder and makes minds and voices from it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from characters.core.messages import ConnectRequest
from characters.service.dialogue.mind import Mind
from characters.service.dialogue.model import ModelEndpoint, ModelMind
from characters.service.dialogue.persona import Persona, read_persona
from characters.service.dialogue.script import ScriptedMind
from characters.service.rooms import RefusalError
from characters.service.speech.protocols import VoiceStyle
from engine.toml_file import TomlFileError

__all__ = ["PersonaCast"]


class PersonaCast:
    """The characters whose files lie in `assets`/personas; files are read anew for each talk."""

    def __init__(
        self, assets: Path, chance: Callable[[], Random], model: ModelEndpoint | None = None
    ) -> None:
        self._assets = assets.resolve()
        self._chance = chance
        self._model = model

    def mind(self, ask: ConnectRequest, memory: dict[str, Any]) -> Mind:
        """Make the mind of a character. Raises RefusalError."""
        persona = self._persona(ask)
        script = ScriptedMind(persona, memory, self._chance())
        return ModelMind(persona, script, self._model, memory) if self._model else script

    def voice(self, ask: ConnectRequest) -> VoiceStyle | None:
        """Return how the character sounds. Raises RefusalError."""
        voice = self._persona(ask).voice
        return VoiceStyle(
            voice.language, voice.variant, voice.pitch, voice.words_per_minute, voice.name
        )

    def _persona(self, ask: ConnectRequest) -> Persona:
        path = self._path(ask)
        if path is None or not path.is_file():
            raise RefusalError(404, "character not found")
        try:
            return read_persona(path)
        except TomlFileError as error:
            raise RefusalError(422, [_mistake(str(item)) for item in error.problems[:20]]) from None

    def _path(self, ask: ConnectRequest) -> Path | None:
        if ask.persona is None:
            plain = not set(ask.character_id) & set("/\\:\0")
            return self._assets / "personas" / f"{ask.character_id}.toml" if plain else None
        path = (self._assets / ask.persona).resolve()
        if not path.is_relative_to(self._assets) or path.suffix != ".toml":
            raise RefusalError(422, [_mistake("must be a .toml file below the assets folder")])
        return path


def _mistake(message: str) -> dict[str, Any]:
    return {"type": "persona", "loc": ["body", "persona"], "msg": message}
