"""What lint checks across the objects of a level: ids, sessions, doors, endpoints and policies.

Each check takes a document and yields its problems; `SCENE_CHECKS` at the end lists them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from characters.components.language import language_path, languages, read_words
from characters.installation import package_assets
from characters.session.policy import ReconnectPolicy, ResumePolicy
from engine.scenes.document import ComponentEntry, ObjectEntry, SceneCheck, SceneDocument
from engine.toml.diagnostics import as_toml, did_you_mean
from engine.toml.reader import Problem, TomlFileError, read_source

__all__ = ["LOCAL_ROOM_TTL_SECONDS", "one_manager", "one_session_each", "SCENE_CHECKS"]

# Letters and signs that look like these of ASCII.
_LOOKALIKES = dict(
    zip(
        "авеѕіјӏкмнорсԁтухԝһοαενικρτυχ‐‑‒–—−аАВЕЅІЈКМНОРСТУХ",  # noqa: RUF001 - the point of it
        "abesijlkmhopcdtyxwhoaevikptux------aABESIJKMHOPCTYX",
        strict=True,
    )
)
_SAME_LOOK = str.maketrans("oli", "011")
_MOST_ACTIONS = 128  # of a character, as many as a service takes


def ids_are_plain(document: SceneDocument) -> Iterator[Problem]:
    """Yield a problem for each id with a character that is invisible or looks like another."""
    for entry, component in document.components("Character"):
        for field in ("character_id", "session_key"):
            value = component.raw.get(field)
            if not isinstance(value, str):
                continue
            if field == "session_key" and not value:
                continue  # the default
            if complaint := _complaint(value):
                hint = as_toml(_plain(value)) if value else "the id that the service knows it by"
                place = entry.index, "Character", field
                yield document.problem(*place, complaint, got=value, hint=hint)


def ids_look_different(document: SceneDocument) -> Iterator[Problem]:
    """Yield a problem for two ids that differ only in what looks the same, such as 0 and O."""
    seen: dict[str, tuple[ObjectEntry, str]] = {}
    for entry, component in document.components("Character"):
        value = component.raw.get("character_id")
        if not isinstance(value, str) or not value:
            continue
        first, other = seen.setdefault(_look(value), (entry, value))
        if other != value:
            where, hint = ("Character", "character_id"), "an id that differs at first sight"
            place = document.position(first.index, *where)
            message = f"looks like that of object {as_toml(first.name)} ({place})"
            yield document.problem(entry.index, *where, message, got=value, hint=hint)


def _complaint(value: str) -> str:
    if not value:
        return "is empty"
    if value != value.strip():
        return "begins or ends with a blank"
    for char in value:
        name = unicodedata.name(char, f"U+{ord(char):04X}").lower()
        if unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp", "Co", "Cn", "Mn", "Me"):
            return f"holds a character that cannot be seen ({name})"
        if char != " " and unicodedata.category(char) == "Zs":
            return f"holds an unusual blank ({name})"
    strange = [char for char in value if _as_ascii(char) != char]
    # A word wholly of another alphabet is intended; one that mixes them is a trap.
    if strange and any(char.isascii() and char.isalnum() for char in value):
        name = unicodedata.name(strange[0], "?").lower()
        return f"holds a {name}, which looks like {as_toml(_as_ascii(strange[0]))}"
    return ""


def _as_ascii(char: str) -> str:
    return _LOOKALIKES.get(char) or (
        plain if (plain := unicodedata.normalize("NFKC", char)).isascii() else char
    )


def _plain(value: str) -> str:
    """Return the id in the characters that it looks like."""
    seen = (char for char in value if unicodedata.category(char) not in ("Cc", "Cf"))
    return "".join(map(_as_ascii, seen)).strip()


def _look(value: str) -> str:
    return _plain(value).casefold().translate(_SAME_LOOK)


LOCAL_ROOM_TTL_SECONDS = 3600.0
"""The longest time that the embedded service keeps an empty room."""


def doors_lead_somewhere(document: SceneDocument) -> Iterator[Problem]:
    """Yield a problem for each door to a level or spawn point that does not exist."""
    folder, labels = document.assets.root / "scenes", cache(_spawn_points)
    levels = sorted(path.stem for path in folder.glob("*.toml"))
    for entry, door in document.components("Door"):
        target = door.raw.get("target")
        if not levels or not isinstance(target, str) or target.endswith(".toml"):
            continue
        if target not in levels:
            hint, _ = did_you_mean(target, levels)
            message = "there is no level of that name"
            yield document.problem(entry.index, "Door", "target", message, got=target, hint=hint)
        elif "spawn" in door.raw:
            yield from _spawn(document, entry, door, target, labels(folder / f"{target}.toml"))


def endpoints_are_known(document: SceneDocument) -> Iterator[Problem]:
    """Yield a problem for an endpoint that is neither "local" nor an address."""
    for entry, manager in document.components("CharacterManager"):
        endpoint = manager.raw.get("endpoint", "local")
        is_known = endpoint == "local" or str(endpoint).startswith(("http://", "https://"))
        if isinstance(endpoint, str) and not is_known:
            message = 'must be "local" or an address that begins with https://'
            place = entry.index, "CharacterManager", "endpoint"
            yield document.problem(*place, message, got=endpoint, hint='"local"')


def words_are_known(document: SceneDocument) -> Iterator[Problem]:
    """Yield a problem for a language that is not there, and those of a file that is."""
    seen: set[str] = set()
    for entry, manager in document.components("CharacterManager"):
        name = manager.raw.get("words")
        if not isinstance(name, str) or not name or name in seen:
            continue
        seen.add(name)
        place = entry.index, "CharacterManager", "words"
        if name.endswith(".toml") and (mistake := document.assets.mistake(name, ())):
            yield document.problem(*place, mistake.message, got=name, hint=mistake.hint)
        elif not name.endswith(".toml") and name not in languages():
            hint = " or ".join(f'"{known}"' for known in languages())
            yield document.problem(
                *place,
                "is no language of this package",
                got=name,
                hint=f'{hint} or "words/my.toml"',
            )
        else:
            try:
                read_words(language_path(name, document.assets.root))
            except TomlFileError as error:
                yield from error.problems


def keys_are_known(document: SceneDocument) -> Iterator[Problem]:
    """Yield a problem for each key that no keyboard or pad has: nothing would ever happen."""
    for name in ("Trigger", "NextVisitor"):
        for entry, component in document.components(name):
            key = component.raw.get("key")
            if not isinstance(key, str) or not key or re.fullmatch(r"[a-z0-9]|f\d|f1[0-2]", key):
                continue
            from engine.ui.events import key_names  # with pygame, which takes a moment

            known = key_names()
            if key not in known:
                hint, _ = did_you_mean(key.casefold(), known)
                message, place = "is no name of a key", (entry.index, name, "key")
                yield document.problem(*place, message, got=key, hint=hint)


def policies_can_be_kept(document: SceneDocument) -> Iterator[Problem]:
    """Yield a problem for what the endpoint cannot do, and for settings that contradict."""
    is_local = all(
        manager.raw.get("endpoint", "local") == "local"
        for _, manager in document.components("CharacterManager")
    )
    for entry, character in document.components("Character"):
        values = document.readable(character)
        for field, message, hint in _contradictions(values, is_local=is_local):
            yield document.problem(entry.index, "Character", field, message, hint=hint)


def _contradictions(values: Any, *, is_local: bool) -> Iterator[tuple[str, str, str]]:
    policy: ReconnectPolicy = values.get("reconnect_policy", ReconnectPolicy.DEFAULT)
    if is_local and policy.room_rejoin_ttl_seconds > LOCAL_ROOM_TTL_SECONDS:
        message = (
            f"is {policy.room_rejoin_ttl_seconds:g}, but the local service keeps an empty room "
            f"for {LOCAL_ROOM_TTL_SECONDS:g} s at most"
        )
        hint = f"{LOCAL_ROOM_TTL_SECONDS:g}; the conversation is resumed after that all the same"
        yield "reconnect_policy.room_rejoin_ttl_seconds", message, hint
    resume = policy.resume_policy
    if values.get("connect") == "when_resumable" and resume is ResumePolicy.ALWAYS_FRESH:
        message = "waits for a conversation to resume, but the policy never resumes one"
        yield "connect", message, 'connect = "on_start" or "manual"'
    if values.get("level_policy") == "drop" and resume is ResumePolicy.ALWAYS_RESUME:
        message = "forgets the conversation that the policy must always resume"
        yield "level_policy", message, 'level_policy = "suspend"'


def _spawn(
    document: SceneDocument,
    entry: ObjectEntry,
    door: ComponentEntry,
    level: str,
    labels: Mapping[str, None] | None,
) -> Iterator[Problem]:
    spawn = door.raw["spawn"]
    if isinstance(spawn, str) and labels is not None and spawn not in labels:
        hint, _ = did_you_mean(spawn, labels)
        message = f"level {as_toml(level)} has no spawn point of that name"
        yield document.problem(entry.index, "Door", "spawn", message, got=spawn, hint=hint)


def _spawn_points(level: Path) -> Mapping[str, None] | None:
    """Return the labels of a level, or None when it cannot be read, which is its own problem."""
    try:
        data = read_source(level).data
        tables = data.get("object", [])
        if data.get("scene", {}).get("tiled") or any("prefab" in table for table in tables):
            return None  # a map or a prefab may bring the spawn point
        points = [table["SpawnPoint"] for table in tables if "SpawnPoint" in table]
        labels = (point.get("label", "default") for point in points)
        return {label: None for label in labels if isinstance(label, str)}
    except (TomlFileError, AttributeError, TypeError):
        return None


def one_session_each(document: SceneDocument) -> Iterator[Problem]:
    """Yield a problem for each character with the session key of an earlier one."""
    first: dict[str, ObjectEntry] = {}
    for entry, component in document.components("Character"):
        key = component.raw.get("session_key") or component.raw.get("character_id")
        if not isinstance(key, str) or not key:
            continue
        other = first.setdefault(key, entry)
        if other is entry:
            continue
        where = document.position(other.index, "Character", "character_id")
        yield document.problem(
            entry.index,
            "Character",
            "session_key" if component.raw.get("session_key") else "character_id",
            f"is that of object {as_toml(other.name)} too ({where})",
            got=key,
            hint='another id, or session_key = "..." for a deliberate clone',
        )


def one_manager(document: SceneDocument) -> Iterator[Problem]:
    """Yield a problem for characters without a manager, and for each manager after the first."""
    if document.is_part:
        return
    managers = [entry for entry, _ in document.components("CharacterManager")]
    characters = [entry for entry, _ in document.components("Character")]
    for entry in managers[1:]:
        message = f"is on object {managers[0].name!r} already; a level has one"
        yield document.problem(entry.index, "CharacterManager", "", message)
    if characters and not managers:
        message = "needs a CharacterManager in the level"
        hint = "an [[object]] with [object.CharacterManager]"
        yield document.problem(characters[0].index, "Character", "", message, hint=hint)


def triggers_reach_a_character(document: SceneDocument) -> Iterator[Problem]:
    """Yield a problem for each trigger that names no character and is on none."""
    characters = {entry.index for entry, _ in document.components("Character")}
    for entry, trigger in document.components("Trigger"):
        if (
            not document.is_part
            and "character" not in trigger.raw
            and entry.index not in characters
        ):
            message = "has nobody to tell: this object has no Character"
            hint = 'character = "the name of an object that has one"'
            yield document.problem(entry.index, "Trigger", "", message, hint=hint)


def events_are_the_personas(document: SceneDocument) -> Iterator[Problem]:
    """Yield a problem for the event of a trigger to which the persona has nothing to say."""
    characters = {entry.name: component for entry, component in document.components("Character")}
    events_of = cache(lambda name: _events(_persona(document, name)))
    for entry, trigger in document.components("Trigger"):
        told, event = trigger.raw.get("character", entry.name), trigger.raw.get("event")
        character = characters.get(told) if isinstance(told, str) else None
        if character is None or not isinstance(event, str) or not event:
            continue
        known = events_of(_persona_name(character))
        if known is not None and event not in known and not trigger.raw.get("message"):
            message = "is no [[event]] of the persona, and without a message its script is silent"
            hint, _ = did_you_mean(event, known)
            yield document.problem(entry.index, "Trigger", "event", message, got=event, hint=hint)


def _events(persona: Mapping[str, Any] | None) -> Mapping[str, None] | None:
    """Return the names of a persona's events, as far as they can be read; None without one."""
    if persona is None:
        return None
    tables = persona.get("event")
    tables = filter(_is_table, tables) if isinstance(tables, list) else ()
    names = (table.get("name") for table in tables)
    return {name: None for name in names if isinstance(name, str) and name}


def _is_table(value: object) -> bool:
    return isinstance(value, Mapping)


def actions_are_spelt_as_the_personas(document: SceneDocument) -> Iterator[Problem]:
    """Yield a problem for each action that the persona spells otherwise."""
    done_by = cache(lambda name: frozenset(_done(_persona(document, name))))
    for entry, character in document.components("Character"):
        listed = character.raw.get("actions")
        if not isinstance(listed, list):
            continue
        done = sorted(done_by(_persona_name(character)) - set(map(str, listed)))
        for number, name in enumerate(islice(listed, _MOST_ACTIONS)):
            _, meant = did_you_mean(str(name), done) if done else ("", None)
            if meant is not None:
                place = (entry.index, "Character", f"actions.{number}")
                message, hint = "is spelt otherwise by the persona", as_toml(meant)
                yield document.problem(*place, message, got=name, hint=hint)


def _persona_name(character: ComponentEntry) -> str:
    own = character.raw.get("persona")
    return str(own or f"personas/{character.raw.get('character_id')}.toml")


def _persona(document: SceneDocument, name: str) -> Mapping[str, Any] | None:
    """Return what stands in a persona file, None when there is none to be read."""
    own = document.assets.root / name
    try:
        return read_source(own if own.is_file() else package_assets() / name).data
    except (TomlFileError, ValueError):
        return None  # its own problem, or one of another service


def _done(table: object) -> Iterator[str]:
    """Yield the names of all that is done in a persona's tables."""
    if isinstance(table, Mapping):
        for key, value in table.items():
            if key == "do" and isinstance(value, list):
                yield from (str(item.get("name")) for item in value if isinstance(item, Mapping))
            yield from _done(value)
    elif isinstance(table, list):
        for item in table:
            yield from _done(item)


SCENE_CHECKS: tuple[SceneCheck, ...] = (
    one_session_each,
    one_manager,
    ids_are_plain,
    ids_look_different,
    doors_lead_somewhere,
    endpoints_are_known,
    words_are_known,
    keys_are_known,
    policies_can_be_kept,
    triggers_reach_a_character,
    events_are_the_personas,
    actions_are_spelt_as_the_personas,
)
"""Hand these to `SceneFile.read`."""
