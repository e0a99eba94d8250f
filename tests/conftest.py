"""What every test run shares: hypothesis's settings and the cache of compiled modules."""

from __future__ import annotations

import os
import sys

from hypothesis import HealthCheck, settings

# One profile: a busy machine must not fail a test by its slowness, and a run repeats the last one.
# `make test-all` looks further and by chance: --hypothesis-profile=thorough.
settings.register_profile(
    "short",
    deadline=None,
    max_examples=25,
    derandomize=True,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.function_scoped_fixture,
    ],
)
settings.register_profile(
    "thorough", settings.get_profile("short"), max_examples=200, derandomize=False
)
settings.load_profile("short")


def pytest_configure() -> None:
    """Keep compiled modules, here and in the processes that tests start: they start in a third."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
