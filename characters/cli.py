"""`python -m characters`: new, demo, lint, set, words, sessions, memory, doctor, serve and so on.

Exit status: 0 all is well, 1 something is not, 2 the command line makes no sense.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from characters.commands.options import add_components
from characters.installation import DEMO
from characters.protocol.failures import CharactersError
from characters.protocol.model_settings import add_model_flags, model_settings
from characters.session.conversation import SessionRecord
from characters.speech.settings import add_speech_flags, speech_settings
from characters.storage.sessions import SessionPersistence
from engine.core.data_folder import data_folder
from engine.core.errors import EngineError
from engine.core.file_system import write_new
from engine.core.processes import python_command
from engine.prefs.prefs import PlayerPrefs
from engine.scenes.file import SceneFile

if TYPE_CHECKING:
    from characters.commands.sessions import ServiceKeys
from engine.scenes.rules import scene_schema
from engine.toml.editor import save_atomically

__all__ = ["main"]

SCHEMA = Path("assets/schemas/scene.schema.json")

Command = Callable[[argparse.Namespace, TextIO], int]


def main(arguments: Sequence[str] | None = None, out: TextIO | None = None) -> int:
    """Run one command; return the exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] == ["serve"]:
        from characters.service.__main__ import main as serve

        return serve(words[1:])
    if words[:1] == ["demo"]:
        from characters.commands.demo import main as demo

        return demo(words[1:], "python -m characters demo")
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A file or a pipe on Windows takes few characters beyond Latin ones: escape the others.
        sys.stdout.reconfigure(errors="backslashreplace")
    options = parser().parse_args(words)
    command: Command = options.command
    try:
        status = command(options, out or sys.stdout)
        if sys.stdout is not None:  # as with pythonw
            sys.stdout.flush()
        return status
    except BrokenPipeError:  # whoever reads it has read enough, such as `head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (CharactersError, EngineError, LookupError, ValueError, OSError, ImportError) as error:
        print(_sentence(error), file=sys.stderr)
        return 1


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    root = argparse.ArgumentParser("python -m characters", description=__doc__)
    commands = root.add_subparsers(required=True, metavar="COMMAND")
    new = commands.add_parser("new", help="write a small game to begin with: level, persona, test")
    new.add_argument("folder", type=Path, help="a folder that is new or empty")
    new.set_defaults(command=_new)
    card = commands.add_parser("import", help="make a persona file of a character card (PNG, JSON)")
    card.add_argument("card", type=Path, help="V1, V2 or V3")
    card.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="the persona; it must be new"
    )
    card.set_defaults(command=_import)
    commands.add_parser("demo", help="open the demo, or a level of yours (see demo --help)")
    _add_scene_commands(commands)
    _add_machine_commands(commands)
    commands.add_parser("serve", help="run the conversation service (see serve --help)")
    docs = commands.add_parser("docs", help="the documentation: list, print, open")
    docs.add_argument("page", nargs="?", help="a page to print, such as own-store")
    docs.add_argument("--open", action="store_true", help="open it with the system's program")
    docs.set_defaults(command=_docs)
    return root


def _add_scene_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    lint = commands.add_parser("lint", help="check levels and their parts: all mistakes at once")
    lint.add_argument("files", nargs="+", type=Path, help="files, or folders with .toml files")
    lint.add_argument("--json", action="store_true", help="for programs")
    lint.add_argument("--fix", action="store_true", help="repair plain typos in place")
    add_components(lint)
    lint.set_defaults(command=_lint)

    change = commands.add_parser("set", help="change one value of a scene file")
    change.add_argument("file", type=Path)
    change.add_argument("target", metavar="OBJECT.FIELD", help='"Mr. Hale.Character.persona"')
    change.add_argument("value", help="as TOML, or a bare text")
    add_components(change)
    change.set_defaults(command=_set)

    words = commands.add_parser("words", help="write the texts on the screen, to translate them")
    words.add_argument("file", type=Path, help="such as assets/words/fr.toml; it must be new")
    words.set_defaults(command=_words)

    schema = commands.add_parser("schema", help=f"write {SCHEMA.as_posix()}, for editors")
    schema.add_argument("--check", action="store_true", help="only tell whether it is current")
    schema.add_argument("--output", type=Path, default=SCHEMA, metavar="FILE")
    add_components(schema)
    schema.set_defaults(command=_schema)


def _add_machine_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    sessions = commands.add_parser("sessions", help="stored conversations: list, show, clear")
    what: tuple[str, ...] = ("list", "show", "clear", "forget")
    sessions.add_argument("do", metavar="|".join(what), choices=what)
    sessions.add_argument(
        "ids", nargs="*", default=[], metavar="ID", help="character ids; none means all"
    )
    _add_data(sessions)
    sessions.add_argument("--endpoint", metavar="URL", help="forget: a service to ask as well")
    sessions.add_argument("--api-key-env", default="CONVAI_API_KEY", metavar="NAME")
    sessions.set_defaults(command=_sessions)

    slots = commands.add_parser("slots", help="save slots of a game: list, show, delete")
    what = ("list", "show", "delete")
    slots.add_argument("do", metavar="|".join(what), choices=what)
    slots.add_argument("names", nargs="*", default=[], metavar="NAME", help="of slots")
    _add_data(slots)
    slots.set_defaults(command=_slots)

    memory = commands.add_parser("memory", help="what characters know of players: list, correct")
    what = ("list", "correct", "forget")
    memory.add_argument("do", metavar="|".join(what), choices=what)
    memory.add_argument("character", nargs="?", help="a character's id; none means all")
    memory.add_argument("key", nargs="?", help="such as name; forget: none means everything")
    memory.add_argument("value", nargs="?", help="correct: what is so instead")
    memory.add_argument("--player", metavar="ID", help="an end_user_id; without, every player")
    memory.add_argument("--api-key-env", metavar="NAME", help="variable with the service's key")
    memory.add_argument(
        "--admin-key-env", metavar="NAME", help="variable with its administrator's key"
    )
    _add_data(memory)
    memory.set_defaults(command=_memory)

    doctor = commands.add_parser("doctor", help="look at this machine: what works, what to do")
    _add_data(doctor)
    doctor.add_argument("--endpoint", default="local", metavar="URL")
    add_speech_flags(doctor)
    add_model_flags(doctor)
    doctor.set_defaults(command=_doctor)


def _add_data(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--game",
        metavar="NAME",
        help="the game whose data is meant; without, the one in the folder you stand in, or else "
        "the demo",
    )
    command.add_argument("--data", type=Path, metavar="DIR", help="a data folder, instead of that")


def _data(options: argparse.Namespace) -> Path:
    """Return the data folder that a command is about."""
    if options.data is not None or options.game:
        return options.data or data_folder(options.game)
    here = data_folder(Path.cwd().name or DEMO)  # a game is called as its main script's folder
    return here if here.is_dir() else data_folder(DEMO)


def _lint(options: argparse.Namespace, out: TextIO) -> int:
    from characters.commands.own_components import main_script_of
    from characters.commands.scenes import expand, project_linter, report

    files = {file: main_script_of(file) for file in expand(options.files)}
    scripts = dict.fromkeys((None, *files.values()))
    linters = {script: project_linter(options.components, script) for script in scripts}
    if options.fix:
        fixed = sum(linters[script].fix(file) for file, script in files.items())
        print(f"{fixed} repaired.", file=sys.stderr)
    problems = [one for file, script in files.items() for one in linters[script].problems(file)]
    report(list(dict.fromkeys(problems)), len(files), out, as_json=options.json)
    return 1 if problems else 0


def _set(options: argparse.Namespace, out: TextIO) -> int:
    from characters.commands.own_components import main_script_of
    from characters.commands.scenes import project_registry, set_from_text
    from characters.components.checks import SCENE_CHECKS

    registry = project_registry(options.components, main_script_of(options.file))
    file = SceneFile.read(options.file, registry, SCENE_CHECKS, to_mend=True)
    set_from_text(file, options.target, options.value)
    file.save()
    print(f"{options.file}: {options.target} was set.", file=out)
    if file.problems:
        print(f"Mistakes left: {len(file.problems)}; `lint` tells which.", file=sys.stderr)
    return 0


def _words(options: argparse.Namespace, out: TextIO) -> int:
    from characters.components.language import as_file

    options.file.parent.mkdir(parents=True, exist_ok=True)
    write_new(options.file, as_file())
    print(f"Written. Translate it; then: python -m characters lint {options.file}", file=out)
    return 0


def _schema(options: argparse.Namespace, out: TextIO) -> int:
    from characters.commands.own_components import main_script_of
    from characters.commands.scenes import project_registry

    registry = project_registry(options.components, main_script_of(options.output))
    schema = scene_schema(registry)
    text = json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
    is_current = options.output.is_file() and options.output.read_text("utf-8") == text
    if options.check and not is_current:
        print(f"{options.output} is out of date: run `python -m characters schema`.", file=out)
        return 1
    if not options.check and not is_current:
        options.output.parent.mkdir(parents=True, exist_ok=True)
        save_atomically(options.output, text)
    print(f"{options.output} is current.", file=out)
    return 0


def _sessions(options: argparse.Namespace, out: TextIO) -> int:
    from characters.commands import sessions

    data = _data(options)
    is_reading = options.do in ("list", "show")
    prefs, stored = sessions.open_persistence(data, read_only=is_reading)
    with prefs:
        if options.do == "list":
            sessions.list_sessions(stored, out, time.time())
        elif options.do == "show":
            sessions.show_all(stored, options.ids, out, time.time(), data)
        elif options.do == "clear":
            print(f"{sessions.clear(stored, options.ids)} forgotten here.", file=out)
        else:
            _forget(options, data, prefs, stored, out)
    return 0


def _slots(options: argparse.Namespace, out: TextIO) -> int:
    from characters.commands.sessions import open_persistence
    from characters.commands.slots import delete_slots, list_slots, show_slot
    from characters.storage.slots import SlotStore

    data = _data(options)
    if options.do != "list" and not options.names:
        raise ValueError(f"Say which slot: slots {options.do} NAME; `slots list` names them.")
    prefs, _ = open_persistence(data, read_only=options.do != "delete")
    with prefs:
        store = SlotStore(prefs)
        if options.do == "list":
            list_slots(store, out)
        elif options.do == "show":
            for name in options.names:
                show_slot(store, name, out)
        else:
            print(f"{delete_slots(store, data, options.names)} deleted.", file=out)
    return 0


def _forget(
    options: argparse.Namespace,
    data: Path,
    prefs: PlayerPrefs,
    stored: SessionPersistence,
    out: TextIO,
) -> None:
    """Delete sessions everywhere: at the services first, which need the ids stored here."""
    from characters.commands import sessions
    from characters.storage.slots import SlotStore

    records = stored.all()
    keys = options.ids or list(records)
    stored_here = [records[key] for key in keys if key in records]
    slots = SlotStore(prefs)
    saved = [it for it in slots.minds() if not options.ids or it.key in options.ids]
    stored_here += [SessionRecord(it.session_id or "", it.endpoint_id) for it in saved]
    if options.endpoint:
        ids = [record.session_id for record in stored_here]
        sessions.forget_at(options.endpoint, ids, _keys(options))
        print(f"{len(ids)} forgotten at {options.endpoint}.", file=out)
    local = [record.session_id for record in stored_here if record.endpoint_id in ("", "local")]
    count = sessions.forget_at_home(data, local if options.ids else None)
    slots.forget(saved)
    print(f"{sessions.clear(stored, options.ids)} forgotten here.", file=out)
    if count:
        print("What the embedded service kept of that is deleted.", file=out)


def _keys(options: argparse.Namespace) -> ServiceKeys:
    """Return the keys for a service, from the environment variables that are named."""
    from characters.commands.sessions import ServiceKeys

    names = (options.api_key_env, getattr(options, "admin_key_env", None))
    return ServiceKeys(*(os.environ.get(name) if name else None for name in names))


def _memory(options: argparse.Namespace, out: TextIO) -> int:
    from characters.commands.known_facts import correct, forget, list_facts

    data, who = _data(options), (options.player, options.character)
    if options.do == "list":
        list_facts(data, *who, out)
        return 0
    if options.do == "correct":
        count, done = correct(data, *who, options.key, options.value, _keys(options)), "corrected"
    else:
        count, done = forget(data, *who, options.key, _keys(options)), "forgotten"
    print(f"{count} {done}.", file=out)
    return 0 if count else 1


def _doctor(options: argparse.Namespace, out: TextIO) -> int:
    from characters.commands.doctor import Machine, examine, print_findings

    data = _data(options)
    settings = speech_settings(options), model_settings(options)
    findings = examine(Machine.this(), data, options.endpoint, *settings)
    return 0 if print_findings(findings, out) else 1


def _new(options: argparse.Namespace, out: TextIO) -> int:
    from characters.commands.new import make_game

    make_game(options.folder)
    print(f"Written. Play it: {python_command(options.folder / 'main.py')}", file=out)
    return 0


def _import(options: argparse.Namespace, out: TextIO) -> int:
    from characters.commands.cards import import_card

    target = options.output or options.card.with_suffix(".toml")
    left_out = import_card(options.card, target)
    print(f"Written: {target}. Check it: python -m characters lint {target}", file=out)
    for sentence in left_out:
        print(sentence, file=sys.stderr)
    return 0


def _docs(options: argparse.Namespace, out: TextIO) -> int:
    from characters.commands.docs import open_page, print_page

    if options.open:
        open_page(options.page)
    else:
        print_page(options.page, out)
    return 0


def _sentence(error: Exception) -> str:
    """Return the message of an error; str() of a KeyError would put it in quotes."""
    if isinstance(error, OSError) and error.filename is not None:
        if isinstance(error, FileExistsError):
            return f"{error.filename} is there already: name a file that is new."
        if isinstance(error, FileNotFoundError):
            return f"There is no {error.filename}."
        return f"{error.filename}: {error.strerror}."
    return str(error.args[0]) if len(error.args) == 1 else str(error)
