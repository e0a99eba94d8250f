"""The pages are current, lead somewhere, and what they show works as it stands there."""

from __future__ import annotations

import ast
import dataclasses
import io
import re
from pathlib import Path

import pytest

import characters
import engine
from characters.agents.persona import PersonaFiles
from characters.cli import main
from characters.commands.docs import FOLDER, page_names
from characters.headless.script import Script
from characters.protocol.failures import FailureKind, classify_http
from characters.session.policy import ReconnectPolicy
from engine.toml.reader import read_toml
from tests.imports import ROOT
from tests.programs import play
from tests.reference_pages import reference_pages

PAGES = {name: (FOLDER / f"{name}.md").read_text(encoding="utf-8") for name in page_names()}


def blocks(language: str) -> list[object]:
    """Return every block of a language as a parameter, named after its page and place there."""
    return [
        pytest.param(block, id=f"{page}-{number}")
        for page, text in PAGES.items()
        for number, block in enumerate(re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL))
    ]


def run(*arguments: str) -> tuple[int, str]:
    out = io.StringIO()
    return main(arguments, out), out.getvalue()


def test_the_pages_made_from_the_code_are_current() -> None:
    made = reference_pages()
    old = [name for name, text in made.items() if PAGES.get(name) != text]
    assert not old, "run `python -m tests.reference_pages`"


def test_the_list_of_pages_has_a_title_for_each() -> None:
    status, text = run("docs")
    assert status == 0
    assert [line.split()[0] for line in text.splitlines()] == list(PAGES)
    assert all(len(line.split()) > 1 for line in text.splitlines())


def test_a_page_is_printed_by_its_name_or_the_last_word_of_it() -> None:
    assert (
        run("docs", "how-to/own-store")
        == run("docs", "own-store")
        == (
            0,
            PAGES["how-to/own-store"],
        )
    )


def test_a_page_that_is_not_there_is_refused_with_the_one_that_is_meant(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run("docs", "own-shop")[0] == 1
    assert "Did you mean own-store?" in capsys.readouterr().err


@pytest.mark.parametrize("name", PAGES)
def test_each_link_leads_to_a_page(name: str) -> None:
    page = FOLDER / f"{name}.md"
    targets = re.findall(r"\]\((?!https?:)([^)#]+)\)", PAGES[name])
    assert [target for target in targets if not (page.parent / target).exists()] == []


def _modules_of_classes() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for top in ("characters", "engine"):
        for file in (ROOT / top).rglob("*.py"):
            module = ".".join(file.relative_to(ROOT).with_suffix("").parts)
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ClassDef):
                    found.setdefault(node.name, set()).add(module)
    return found


def test_a_class_that_a_page_names_can_be_imported_from_where_the_reader_looks() -> None:
    modules = _modules_of_classes()
    named = re.compile(r"`(?:[\w.]*\.)?([A-Z][a-z]+[A-Za-z]*)\b[^`]*`")
    assert [
        f"{page}: {name}"
        for page, text in PAGES.items()
        for name in sorted(set(named.findall(text)) & modules.keys())
        if not (hasattr(characters, name) or hasattr(engine, name))
        and not any(module in text for module in modules[name])
    ] == []


@pytest.mark.parametrize("name", PAGES)
def test_no_page_tells_of_a_program_that_only_a_checkout_has(name: str) -> None:
    assert "main.py --" not in PAGES[name]


@pytest.mark.parametrize("code", blocks("python"))
def test_the_code_of_a_page_runs(
    code: str, service_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    level = re.findall(r"```toml\n(.*?)```", PAGES["tutorial/my-first-level"], re.DOTALL)[0]
    (tmp_path / "level.toml").write_text(level, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    program = compile(code, "page", "exec", dont_inherit=True)
    has_level = "run()" in code or ".update(" in code
    met = play(lambda: exec(program, {"__name__": "page"}), service_url, tmp_path, monkeypatch)
    assert bool(met) == has_level


@pytest.mark.parametrize("text", blocks("toml"))
def test_the_toml_of_a_page_has_no_mistakes(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "[[step]]" in text or "[[topic]]" in text:
        file = tmp_path / "file.toml"
        file.write_text(text, encoding="utf-8")
        assert read_toml(file, Script) if "[[step]]" in text else PersonaFiles().read(file)
        return
    files = {
        "lamps.py": _LAMP,
        "assets/prefabs/guard.toml": _block_with("# assets/prefabs/guard.toml"),
        "assets/characters/calm.toml": 'reconnect_policy = "patient"\n',
        "assets/maps/level.tmx": _block_with("<map ", "xml"),
        "assets/scenes/lobby.toml": '[scene]\n[[object]]\nname = "In"\n[object.SpawnPoint]\n'
        'label = "from yard"\n',
        "assets/scenes/level.toml": _as_level(text),
    }
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    status, told = run("lint", "--components", "lamps", "assets")
    assert status == 0, told


_LAMP = (
    "import engine\n\n\nclass Lamp(engine.Component):\n    colour: str = ''\n\n"
    "    def flash(self, event: object) -> None: ...\n"
)


def _block_with(words: str, language: str = "toml") -> str:
    pattern = rf"```{language}\n(.*?)```"
    found: list[str] = re.findall(pattern, "\n".join(PAGES.values()), re.DOTALL)
    return next(block for block in found if words in block)


def _as_level(text: str) -> str:
    if "# assets/prefabs" in text:  # it is a file of its own
        text = ""
    scene = "" if "[scene]" in text else "[scene]\n"
    manager = (
        ""
        if "CharacterManager" in text
        else "\n[[object]]\nname = 'M'\n[object.CharacterManager]\n"
    )
    return scene + text + manager


def test_the_page_of_the_policy_has_each_field_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", PAGES["reference/reconnect-policy"], re.M))
    for field in dataclasses.fields(ReconnectPolicy):
        shown = rows[field.name].strip("`")
        value = field.default
        assert shown in {
            str(value),
            f"{value:g}" if isinstance(value, float) else str(value).lower(),
        }


def test_the_answers_that_are_an_error_at_once_are_those_of_the_table() -> None:
    lines = PAGES["reference/reconnect-policy"].splitlines()
    (row,) = (line for line in lines if "| an error at once" in line)
    known = {code: classify_http(code, "") for code in range(400, 430)}
    terminal = {code for code, why in known.items() if why.kind is FailureKind.TERMINAL}
    odd = {code for code, why in known.items() if why.code == "connection.unexpected_status"}
    assert set(map(int, re.findall(r"4\d\d", row))) == terminal - odd


def test_the_package_takes_its_pages_along() -> None:
    assert "docs/**/*.md" in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
