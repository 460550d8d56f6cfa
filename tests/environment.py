"""What processes that tests start find in their environment."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def of_a_reader() -> dict[str, str]:
    """For commands that a document shows: `splitsr` and `python` are those of this environment."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return {**os.environ, "PATH": path}
