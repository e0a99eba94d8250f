"""One contender in a process of its own: a round for each line on stdin, as JSON on stdout."""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__: list[str] = []


def main() -> None:
    make, folder, arguments = sys.argv[1:]
    module, _, function = make.partition(":")
    # What a contender prints must not mix with the figures.
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answers:
        os.dup2(2, 1)
        contender = getattr(importlib.import_module(module), function)
        rounds: Iterator[list[Any]] = contender(Path(folder), **json.loads(arguments))
        for _ in sys.stdin:
            gc.collect()
            print(json.dumps(list(next(rounds))), file=answers, flush=True)


if __name__ == "__main__":
    main()
