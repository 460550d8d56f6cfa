"""How much memory a process took at most."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from splitsr.errors import SplitSRError

_STATUS = Path("/proc/self/status")
_MIB = 2**20


def peak_rss_mb() -> float | None:
    """Largest resident memory that this process has had, MiB; None where it is not known.

    On Linux `VmHWM`, which begins anew with each program: `ru_maxrss` would also count the process
    that started this one.
    """
    try:
        found = re.search(r"^VmHWM:\s*(\d+) kB$", _STATUS.read_text(), re.MULTILINE)
    except OSError:
        found = None
    if found:
        return int(found[1]) / 1024
    try:
        import resource
    except ImportError:  # Windows
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _MIB  # bytes, on macOS


def peak_rss_of(code: str, arguments: Sequence[str], timeout: float = 600) -> float | None:
    """Peak resident memory of a Python process that runs `code`, MiB.

    Args:
        code: the program; what it prints is not looked at.
        arguments: its `sys.argv[1:]`.
        timeout: seconds.

    Raises:
        SplitSRError: the process failed.
    """
    program = f"{code}\nfrom splitsr.benchmark.memory import peak_rss_mb\nprint(peak_rss_mb())"
    try:
        done = subprocess.run(
            [sys.executable, "-c", program, *arguments],
            capture_output=True,
            text=True,
            timeout=timeout,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        last = str(getattr(error, "stderr", "") or error).strip().splitlines()[-1:]
        raise SplitSRError(f"peak memory: the measured process failed ({' '.join(last)})") from None
    answer = done.stdout.splitlines()[-1]
    return None if answer == "None" else float(answer)
