"""What processes that tests start find in their environment."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def unmeasured() -> dict[str, str]:
    """Without coverage, which doubles the time of Python: for what others cover already."""
    return {name: value for name, value in os.environ.items() if "COVERAGE" not in name}


def of_a_reader() -> dict[str, str]:
    """For commands that a document shows: `splitsr` and `python` are those of this environment."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return {**unmeasured(), "PATH": path}
