"""One file through all that `splitsr upscale` does: reading, enlarging, writing."""

from __future__ import annotations

import faulthandler
import random
from collections.abc import Sequence
from pathlib import Path

from splitsr.batch.job import Job, Settings
from splitsr.batch.one_image import enlarge_job
from splitsr.errors import ImageError
from splitsr.imaging.codecs.formats import suffix_for
from splitsr.imaging.files import DEFAULT_MAX_PIXELS, open_photo, pixels_of, read_photo
from splitsr.runtime.interpolation import InterpolationEngine
from splitsr.runtime.upscaler import Upscaler
from tests.fuzz.mutate import mutate
from tests.imaging.carried import BUILT_IN

SECONDS = 10
"""Most that a case may take; beyond it the process ends with a traceback."""
MOST_BYTES = 1_500_000_000
"""Most memory that a case may take."""
_SCALE = 2.0
_ENLARGED_PIXELS = 2_000_000  # a larger image is read only: its cost is that of its size


def peak_bytes() -> int:
    """Most memory that the process has had at once; 0 where the system does not tell."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")), 0)


class WholePath:
    """Enlarges files by bilinear interpolation in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._upscaler = Upscaler(InterpolationEngine("bilinear", int(_SCALE)), threads=1)

    def run(self, data: bytes, format_name: str, name: str = "photo.img") -> str | None:
        """Reads a file, enlarges it and writes a format.

        Returns:
            None if it is done, or the one line that says why not.

        Raises:
            AssertionError: the line is none, or a part of a result is left, or a wrong one.
        """
        source, target = self._folder / name, self._folder / f"result{suffix_for(format_name)}"
        source.write_bytes(data)
        faulthandler.dump_traceback_later(SECONDS, exit=True)
        try:
            size = self._enlarge(source, target, format_name)
        except ImageError as error:
            line = str(error)
            assert line.isprintable(), repr(line)
            assert sorted(p.name for p in self._folder.iterdir()) == [name]
            return line
        finally:
            faulthandler.cancel_dump_traceback_later()
        if size is not None:
            written = read_photo(target)
            assert (written.height, written.width) == size
            target.unlink()
        return None

    def _enlarge(self, source: Path, target: Path, format_name: str) -> tuple[int, int] | None:
        pixels = pixels_of(source)
        if pixels is not None and _ENLARGED_PIXELS < pixels <= DEFAULT_MAX_PIXELS:
            open_photo(source)
            return None
        job = Job(source, target, format_name)
        photo, larger, _ = enlarge_job(job, target, self._upscaler, Settings(_SCALE))
        assert (larger.height, larger.width) == (2 * photo.height, 2 * photo.width)
        return larger.height, larger.width


def case(seeds: Sequence[bytes], seed: int, number: int) -> tuple[bytes, str]:
    """The file of a case and the format that it is to be written as."""
    rng = random.Random(f"{seed} {number}")
    return mutate(rng.choice(seeds), seeds, rng), BUILT_IN[number % len(BUILT_IN)]
