"""The process of a model file, with a stand-in for `xllamacpp` in a folder on its path."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from characters.agents.completions import LlmError
from characters.agents.local_model import LocalModel
from characters.protocol.model_settings import ModelSettings

STAND_IN = """
import os
from types import SimpleNamespace

class CommonParams:
    def __init__(self):
        self.model, self.cpuparams = SimpleNamespace(), SimpleNamespace()

class Server:
    def __init__(self, parameters):
        if "broken" in parameters.model.path:
            raise RuntimeError("no model")
        self.listening_address = f"http://127.0.0.1:{os.getpid()}/{parameters.n_ctx}"
"""


@pytest.fixture(autouse=True)
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if sys.flags.isolated:
        pytest.skip("this Python takes no folders for its modules from the environment")
    (tmp_path / "xllamacpp.py").write_text(STAND_IN, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)


def model(name: str = "fine.gguf") -> LocalModel:
    return LocalModel(Path(name), ModelSettings(file=name, context_tokens=1234))


def test_all_who_ask_share_one_process_which_ends_with_its_input() -> None:
    async def play() -> None:
        local = model()
        first, second = await asyncio.gather(local.url(), local.url())
        assert first == second == await local.url()
        assert first.endswith("/1234/v1")
        process = local._process
        await local.close()
        assert process is not None
        assert process.returncode is not None
        await local.close()  # there is nothing left to end

    asyncio.run(play())


def test_a_process_that_died_is_started_again() -> None:
    async def play() -> None:
        local = model()
        first = await local.url()
        assert local._process is not None
        local._process.kill()
        await local._process.wait()
        assert await local.url() != first
        await local.close()

    asyncio.run(play())


def test_a_file_that_cannot_be_opened_is_an_error_that_names_it_and_not_its_folder() -> None:
    async def play() -> None:
        local = model("broken.gguf")
        with pytest.raises(LlmError, match=r"could not open broken\.gguf"):
            await local.url()

    asyncio.run(play())
