from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("onnxruntime", reason="a model needs the extra `voice`")

LOADS = {
    "the voice": "from characters.speech.hibari import load_hibari; load_hibari()",
    "voice activity": (
        "from characters.speech.onnx import find_silero, load_silero; load_silero(find_silero())"
    ),
}


@pytest.mark.parametrize("load", LOADS.values(), ids=LOADS)
def test_a_model_leaves_nothing_in_the_home_of_its_player(load: str, tmp_path: Path) -> None:
    # On a machine of CI the library is silent by itself, and nothing would be tested.
    environment = {key: value for key, value in os.environ.items() if not _is_of_ci(key)}
    environment |= {
        "HOME": str(tmp_path),
        "USERPROFILE": str(tmp_path),
        "ORT_DISABLE_TELEMETRY": "0",
    }
    environment |= {"XDG_CACHE_HOME": "", "PYTHONDONTWRITEBYTECODE": "1"}

    subprocess.run([sys.executable, "-c", load], env=environment, check=True, timeout=120)

    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def _is_of_ci(key: str) -> bool:
    return key in {"CI", "BUILD_ID", "TF_BUILD", "JENKINS_URL"} or key.startswith(
        ("GITHUB_", "GITLAB_")
    )
