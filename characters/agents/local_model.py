"""Runs llama.cpp with a model from a file, as a process of its own beside the service.

`LocalModel` starts it with the first question and ends it with the service. The process is
`python -m characters.agents.local_model FILE`: it needs the package xllamacpp, listens on a free
port of the loopback address, says where in its first line, and ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import logging
import os
import sys
from contextlib import suppress
from pathlib import Path

from characters.agents.completions import LlmError
from characters.protocol.model_settings import ModelSettings
from engine.core.processes import NO_WINDOW, module_command, module_environment

__all__ = ["LocalModel", "main", "has_runner"]

log = logging.getLogger(__name__)

START_SECONDS = 120.0  # gigabytes from a slow disk
STOP_SECONDS = 3.0


def has_runner() -> bool:
    """Tell whether llama.cpp is installed."""
    return importlib.util.find_spec("xllamacpp") is not None


class LocalModel:
    """One model file, and the process that answers by it. Belongs to one event loop."""

    def __init__(self, file: Path, settings: ModelSettings) -> None:
        self._file = file
        self._context_tokens = settings.context_tokens
        self._process: asyncio.subprocess.Process | None = None
        self._url = ""
        self._starting: asyncio.Task[str] | None = None

    async def url(self) -> str:
        """Return where it answers; start it if it does not run. Raises LlmError."""
        if self._process is not None and self._process.returncode is None and self._url:
            return self._url
        if self._starting is None or self._starting.done():
            self._starting = asyncio.create_task(self._start())
        # Shielded: an answer that is given up must not end the start that others wait for.
        return await asyncio.shield(self._starting)

    async def _start(self) -> str:
        arguments = str(self._file), str(self._context_tokens)
        self._process = await asyncio.create_subprocess_exec(
            *module_command("characters.agents.local_model", *arguments),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=module_environment(sys.path),
            creationflags=NO_WINDOW,
        )
        assert self._process.stdout is not None  # it was started with a pipe
        try:
            async with asyncio.timeout(START_SECONDS):
                said = json.loads(await self._process.stdout.readline())
            self._url = str(said["url"])
        except (TimeoutError, ValueError, KeyError, TypeError) as error:
            await self.close()
            raise LlmError(f"llama.cpp could not open {self._file.name}") from error
        log.info("llama.cpp runs with %s", self._file.name)
        return self._url

    async def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        assert process.stdin is not None  # it was started with a pipe
        process.stdin.close()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


def main(file: str, context_tokens: str) -> None:
    """Serve a model until standard input closes."""
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = file
    parameters.n_ctx = int(context_tokens)
    parameters.n_parallel = 1
    parameters.port = 0
    # Half of the cores: the game draws with the others, and llama.cpp's threads wait for one
    # another in a busy loop.
    parameters.cpuparams.n_threads = max(1, (os.cpu_count() or 2) // 2)
    server = xllamacpp.Server(parameters)
    print(json.dumps({"url": f"{server.listening_address}/v1"}), flush=True)
    with suppress(OSError):
        while os.read(0, 4096):
            pass
    os._exit(0)  # its threads wait for requests


if __name__ == "__main__":
    main(*sys.argv[1:])
