"""What a package re-exports is what its public modules export: nothing forgotten, nothing stale."""

from __future__ import annotations

import importlib

import pytest

from tests.imports import modules

PACKAGES = [m.name for m in modules().values() if m.is_package and m.imports]


def exported_by_modules(package: str) -> set[str]:
    """Return what the modules named in the package's own imports export, all of it."""
    named = {i.name for i in modules()[package].imports if i.name.startswith(package + ".")}
    return {name for module in named for name in importlib.import_module(module).__all__}


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_re_exports_all_that_its_public_modules_export(package: str) -> None:
    exported = set(importlib.import_module(package).__all__)
    public = exported_by_modules(package)
    assert exported == public, f"missing {public - exported}, stale {exported - public}"


@pytest.mark.parametrize("package", PACKAGES)
def test_each_exported_name_exists(package: str) -> None:
    root = importlib.import_module(package)
    assert [name for name in root.__all__ if not hasattr(root, name)] == []
