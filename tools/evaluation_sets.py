"""What a model is measured on when it is made to ship."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from splitsr.zoo.catalogue import is_twin

DEGRADED = {"B100-jpeg90": ("B100", "jpeg=90"), "B100-jpeg75": ("B100", "jpeg=75")}
"""What a twin is measured on too, and decided by: a test set, and what its LR images go through."""


def tests_of(name: str, sets: Mapping[str, Path]) -> dict[str, tuple[Path, str | None]]:
    """What a model is measured on: a folder of HR images, and what their LR images go through.

    Args:
        name: of the model; a twin is measured on degraded images too.
        sets: folders by the test set's name.
    """
    tests: dict[str, tuple[Path, str | None]] = {test: (sets[test], None) for test in sets}
    if is_twin(name):
        tests |= {test: (sets[clean], degrade) for test, (clean, degrade) in DEGRADED.items()}
    return tests
