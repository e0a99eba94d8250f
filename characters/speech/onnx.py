"""Models that run on onnxruntime, which since 1.29 reports to its makers unless told not to.

https://github.com/microsoft/onnxruntime/pull/27379: an event for each process and model, an id of
the machine and a database in the user's cache; on Windows, events of the system.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

__all__ = ["load_onnx", "import_onnxruntime"]


def import_onnxruntime() -> Any:
    """Import onnxruntime with its reports off; call it before a package that imports it itself."""
    # Read when the library is loaded, and never again. It is said of a voice that nothing leaves
    # the machine, so what the environment says elsewhere does not count.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    onnxruntime.disable_telemetry_events()  # those of Windows, where the variable is not read
    return onnxruntime


def load_onnx(path: Path | str, *, keeps_memory: bool = True) -> Any:
    """Load a model, to run on one core. Raises whatever onnxruntime does.

    Args:
        keeps_memory: Keep what a run took for the next one; dear where each has another length.
    """
    onnxruntime = import_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = options.enable_mem_pattern = keeps_memory
    return onnxruntime.InferenceSession(str(path), options)
