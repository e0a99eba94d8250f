"""What stands on the screen: texts by key, in English, or in the language of a game's own table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["ScreenText", "Words"]


class ScreenText(str):
    """A text of a table that still knows its key and values: another table can say it too."""

    key: str
    values: Mapping[str, object]

    @classmethod
    def of(cls, text: str, key: str, values: Mapping[str, object]) -> ScreenText:
        """Return the text with where it comes from."""
        made = cls(text)
        made.key, made.values = key, values
        return made


@dataclass(frozen=True)
class Words:
    """A table of texts by key: calling it fills the placeholders of one.

    words = Words.of({"door": {"closed": "The door to {level} is closed."}})
    words("door.closed", level="Inn")
    """

    templates: Mapping[str, str]

    @classmethod
    def of(cls, tables: Mapping[str, Mapping[str, str]]) -> Words:
        """Return the words of nested tables; a key is the table's name, a dot and its own."""
        flat = {
            f"{table}.{key}": text for table, texts in tables.items() for key, text in texts.items()
        }
        return cls(MappingProxyType(flat))

    def __call__(self, key: str, /, **values: object) -> ScreenText:
        """Return a text with its placeholders filled, those that are sentences in this language.

        Raises KeyError for a key that the table has not, or a placeholder without a value.
        """
        told = {
            name: self.translate(value) if isinstance(value, ScreenText) else value
            for name, value in values.items()
        }
        return ScreenText.of(self.templates[key].format_map(told), key, values)

    def translate(self, text: str) -> str:
        """Return what another table said, in this one's language; any other text as it is."""
        if isinstance(text, ScreenText) and text.key in self.templates:
            return self(text.key, **text.values)
        return text

    def over(self, other: Words) -> Words:
        """Return these words, and those of the `other` table for the keys that are missing here."""
        return Words(MappingProxyType({**other.templates, **self.templates}))
