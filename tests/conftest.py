"""What every test run shares: settings of hypothesis, compiled modules, a running service."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from tests.postgres import PostgresServer

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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what the platform does not have, with the reason that its marker gives."""
    foreign = "posix" if sys.platform == "win32" else "windows"
    for item in items:
        for marker in item.iter_markers(foreign):
            item.add_marker(pytest.mark.skip(reason=f"{foreign} only: {marker.args[0]}"))


@pytest.fixture(scope="session")
def service_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a service process that answers at once, for tests that do not break it."""
    from tests.running import running_service  # the whole product: only where it is used

    with running_service(tmp_path_factory.mktemp("service")) as service:
        yield service.url


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server, which a test empties before it uses it: `fresh`."""
    from tests.postgres import running_postgres

    with running_postgres() as server:
        yield server
