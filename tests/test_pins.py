"""constraints.txt pins every package that an installation brings, and what is pinned is tested."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

EXTRAS = (
    "",
    "train",
    "export",
    "litert",
    "ncnn",
    "executorch",
    "coreml",
    "plot",
    "ray",
    "tune",
    "dev",
)


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.fixture(scope="module")
def pins(repo_root: Path) -> dict[str, str]:
    lines = (repo_root / "constraints.txt").read_text().splitlines()
    pairs = (line.split("==") for line in lines if line and not line.startswith("#"))
    return {canonical(name): version for name, version in pairs}


def needs(name: str, extras: tuple[str, ...]) -> list[Requirement]:
    found = [Requirement(text) for text in distribution(name).requires or []]
    environments = [{"extra": extra} for extra in extras]
    return [r for r in found if not r.marker or any(map(r.marker.evaluate, environments))]


def all_needs() -> dict[str, str]:
    """Every package that splitsr brings, and the version that is installed ("" for none)."""
    versions: dict[str, str] = {}
    queue = needs("splitsr", EXTRAS)
    while queue:
        requirement = queue.pop()
        name = canonical(requirement.name)
        if name in versions or name == "splitsr":
            continue
        try:
            versions[name] = distribution(name).version
        except PackageNotFoundError:
            versions[name] = ""
            continue
        queue += needs(name, ("", *requirement.extras))
    return versions


def test_every_package_is_pinned(pins: dict[str, str]) -> None:
    assert {"torch", "numpy", "onnxruntime", "pluggy"} <= all_needs().keys()
    assert sorted(all_needs().keys() - pins.keys()) == []


def test_torch_is_the_version_that_the_project_is_held_to(pins: dict[str, str]) -> None:
    assert pins["torch"] == "2.13.0"
