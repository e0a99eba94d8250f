"""What stands on the screen: texts by key, in English, or in the language of a game's own table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from engine.core.input import Input

__all__ = ["ENGINE_WORDS", "joined", "KeyHints", "ScreenText", "Words"]


class KeyHints(dict[str, str]):
    """What stands on the key of an action, looked up when it is read: `hints["talk"]` is "T".

    A key that is bound to nothing is looked up by its own name. `names` are the words for keys
    that have no sign, such as "Enter" for "return"; `others` are bindings of parts that are absent.
    """

    def __init__(
        self,
        source: Input | None = None,
        names: Mapping[str, str] = MappingProxyType({}),
        others: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
    ) -> None:
        super().__init__()
        self._source = source or Input()
        self._names = names
        self._others = others

    def __missing__(self, action: str) -> str:
        keys = self._source.bindings.get(action) or self._others.get(action) or (action,)
        key = next((key for key in keys if not key.startswith("pad ")), keys[0])
        return self._names.get(f"key.{key}") or self._source.label(key)


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

    @classmethod
    def from_data(cls, text: str, data: object) -> str:
        """Return a text that came from another process with its `as_data`, or without."""
        if not isinstance(data, Mapping) or not isinstance(data.get("key"), str):
            return text
        values = data.get("values")
        return cls.of(text, data["key"], values if isinstance(values, Mapping) else {})

    @staticmethod
    def as_data(text: str) -> Mapping[str, object] | None:
        """Return key and values for another process, as JSON can write them; None for others."""
        if not isinstance(text, ScreenText):
            return None
        values = {
            name: value if isinstance(value, (int, float)) else str(value)
            for name, value in text.values.items()
        }
        return {"key": text.key, "values": values}


@dataclass(frozen=True)
class Words:
    """A table of texts by key: calling it fills the placeholders of one.

        words = Words.of({"door": {"closed": "The door to {level} is closed."}})
        words("door.closed", level="Inn")

    `{keys[talk]}` in a text is what stands on the key of that action.
    """

    templates: Mapping[str, str]
    keys: Mapping[str, str] = field(default_factory=KeyHints)
    _plain: dict[str, ScreenText] = field(default_factory=dict, compare=False, repr=False)
    """The texts without a placeholder that were asked for: a screen asks for them in each frame."""

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
        if not values and key in self._plain:
            return self._plain[key]
        told = {
            name: self.translate(value) if isinstance(value, ScreenText) else value
            for name, value in values.items()
        }
        template = self.templates[key]
        text = ScreenText.of(template.format(keys=self.keys, **told), key, values)
        if not values and "{" not in template:
            self._plain[key] = text
        return text

    def translate(self, text: str) -> str:
        """Return what another table said, in this one's language; any other text as it is."""
        if not isinstance(text, ScreenText):
            return text
        try:
            return self(text.key, **text.values)
        except (LookupError, TypeError, ValueError):  # another process has another table
            return text

    def over(self, other: Words) -> Words:
        """Return these words, and those of the `other` table for the keys that are missing here."""
        return Words(MappingProxyType({**other.templates, **self.templates}), self.keys)

    def with_keys(
        self, source: Input, others: Mapping[str, tuple[str, ...]] = MappingProxyType({})
    ) -> Words:
        """Return the same words with the keys that are bound now, on the player's own layout."""
        return replace(self, keys=KeyHints(source, self.templates, others))


ENGINE_WORDS = Words.of(
    {
        "settings": {
            "not_saved": "Settings could not be saved to {path}: {why}. They are kept while the "
            "game runs and tried again.",
            "saved_again": "Settings are saved again to {file}.",
            "nothing_saved": "Nothing can be saved in {folder}: {why}. What is set in this run is "
            "not saved.",
            "damaged": "The settings file {file} was damaged: {count} settings were kept, {lost} "
            "bytes could not be read. The damaged file is kept as {aside}.",
            "not_a_file": "The settings file {path} cannot be used: {why}. What is set in this "
            "run is not saved. Move it away.",
            "foreign_aside": "{path} was not a settings file. It is kept as {aside}, and new "
            "settings are begun.",
            "newer_aside": "{path} was of a newer version of the game ({why}). It is kept as "
            "{aside}, and new settings are begun. To have the old ones again, update the game and "
            "give that file its name back.",
            "foreign": "{path} is not a settings file; it is left alone. What is set in this run "
            "is not saved. Move it away.",
            "newer": "{path} is of a newer version of the game ({why}). What is set in this run "
            "is not saved. Update the game.",
            "unreadable": "The settings file {path} cannot be read: {why}. What is set in this "
            "run is not saved. Check its permissions.",
            "damaged_in_place": "The settings file {file} was damaged: {count} settings were kept, "
            "{lost} bytes could not be read. The damaged file is kept as it is.",
        },
        "disk": {
            "full": "Make room on the disk.",
            "forbidden": "Check the permissions of the folder.",
            "knows_no_locks": "This disk knows no locks, which keep two games from writing over "
            "each other: choose a folder on a disk of this machine.",
            "odd": "Move it away.",
        },
        "sentences": {"two": "{first} {second}"},
    }
)
"""What the engine itself tells a player, in English."""


def joined(first: str, second: str) -> str:
    """Return two sentences, one after the other; either may be empty."""
    return (
        ENGINE_WORDS("sentences.two", first=first, second=second)
        if first and second
        else first or second
    )
