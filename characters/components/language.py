"""The texts on the screen in another language: a file of the game, checked against English.

    [menu]
    title = "Menü"

`python -m characters words FILE` writes such a file, all in English, to translate.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Formatter
from typing import Any

from characters.english import ENGLISH
from characters.installation import package_assets
from engine.core.words import Words
from engine.toml.diagnostics import Mistake, did_you_mean
from engine.toml.reader import Problem, TomlFileError, TomlSource, read_source

__all__ = ["as_file", "language_path", "languages", "lint_words", "read_words"]

PARTIAL = "partial"
"""The key of a file that leaves some texts in English, on purpose."""


def languages() -> tuple[str, ...]:
    """Return the languages that come with this package, beside English."""
    return tuple(sorted(path.stem for path in (package_assets() / "words").glob("*.toml")))


def language_path(name: str, assets: Path) -> Path:
    """Return the file of a language: of this package, such as "de", or below the game's assets."""
    if name.endswith(".toml"):
        return assets / name
    return package_assets() / "words" / f"{name}.toml"


def read_words(path: str | Path) -> Words:
    """Return the texts of a language's file, and the English ones where it has none.

    Raises TomlFileError with each key that is unknown and each text that cannot be used.
    """
    source = read_source(Path(path))
    problems = [source.problem(mistake) for mistake in _mistakes(source.data)]
    if problems:
        raise TomlFileError(problems)
    return _words(source.data).over(ENGLISH)


def lint_words(path: Path) -> Words:
    """Return the texts of a language's file as `read_words` does.

    Raises TomlFileError also for each text that is not translated, unless the file is `partial`.
    """
    source = read_source(path)
    problems = [source.problem(mistake) for mistake in _mistakes(source.data)]
    if source.data.get(PARTIAL) is not True:
        problems += _untranslated(source)
    if problems:
        raise TomlFileError(problems)
    return _words(source.data).over(ENGLISH)


def as_file(words: Words = ENGLISH) -> str:
    """Return a table of texts as a language's file."""
    tables = _by_table(words.templates)
    return "\n".join(
        f"[{table}]\n" + "".join(f"{key} = {_quoted(text)}\n" for key, text in texts.items())
        for table, texts in tables.items()
    )


def _words(data: Mapping[str, Any]) -> Words:
    return Words.of({name: texts for name, texts in data.items() if name != PARTIAL})


def _by_table(templates: Mapping[str, str]) -> dict[str, dict[str, str]]:
    tables: dict[str, dict[str, str]] = {}
    for name, text in templates.items():
        table, _, key = name.partition(".")
        tables.setdefault(table, {})[key] = text
    return tables


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


_TABLES = _by_table(ENGLISH.templates)


def _mistakes(data: Mapping[str, Any]) -> Iterator[Mistake]:
    for table, texts in data.items():
        if table == PARTIAL:
            if not isinstance(texts, bool):
                yield Mistake((PARTIAL,), "must be true or false", texts)
        elif table not in _TABLES:
            yield _unknown((table,), "there is no such table", _TABLES)
        elif not isinstance(texts, Mapping):
            yield Mistake((table,), "must be a table of texts", texts, f"[{table}]")
        else:
            for key, text in texts.items():
                yield from _mistakes_of_text((table, key), text)


def _mistakes_of_text(path: tuple[str, str], text: object) -> Iterator[Mistake]:
    table, key = path
    english = _TABLES[table].get(key)
    if english is None:
        yield _unknown(path, "nothing on the screen has this key", _TABLES[table])
    elif not isinstance(text, str):
        yield Mistake(path, "must be a text", text, _quoted(english))
    else:
        try:
            found, wanted = _placeholders(text), _placeholders(english)
        except ValueError as error:
            yield Mistake(path, f"cannot be filled in: {error}", text, "{{ and }} for a brace")
            return
        for name in sorted(found - wanted):
            hint, _ = did_you_mean(name, wanted)
            yield Mistake(path, f"has the placeholder {name}, which has no value here", text, hint)
        for name in sorted(wanted - found):
            yield Mistake(path, f"lacks the placeholder {name}", text, _quoted(english))


def _unknown(path: tuple[str, ...], message: str, known: Mapping[str, object]) -> Mistake:
    hint, sure = did_you_mean(path[-1], known)
    return Mistake(path, message, hint=hint, at="key", replacement=sure)


def _placeholders(text: str) -> set[str]:
    """Return the placeholders as they are written, with their formats. Raises ValueError.

    Those of keys are left out: a text may name any key.
    """
    return {
        "{" + name + (f":{spec}" if spec else "") + "}"
        for _, name, spec, _ in Formatter().parse(text)
        if name is not None and not name.startswith("keys[")
    }


def _untranslated(source: TomlSource) -> Iterator[Problem]:
    message = "is missing: it is shown in English"
    for table, texts in _TABLES.items():
        found = source.data.get(table, {})
        if not found:
            yield source.problem(Mistake((table,), message, hint=f"[{table}]", at="table"))
        elif isinstance(found, Mapping):
            for key in (key for key in texts if key not in found):
                hint = f"{key} = {_quoted(texts[key])}"
                yield source.problem(Mistake((table, key), message, hint=hint, at="table"))
