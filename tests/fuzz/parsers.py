"""A target for atheris: splitsr's own parsers, and reading as a whole.

    pip install atheris
    python -m tests.fuzz.parsers -max_total_time=600 found/ tests/corpus/

Nothing here needs atheris but the last function, so that other tests can use the target.
"""

from __future__ import annotations

import io
import struct
import sys
import warnings
from contextlib import suppress

from splitsr.errors import ImageError
from splitsr.imaging.codecs.formats import FORMATS
from splitsr.imaging.codecs.integrity import check_complete
from splitsr.imaging.codecs.jpeg_scans import has_jpeg_rows
from splitsr.imaging.codecs.tiff_pages import count_pages, is_camera_raw
from splitsr.imaging.files import read_photo

_MOST_PIXELS = 1_000_000


def check(data: bytes) -> None:
    """Gives a file to every parser: each takes it or refuses it in the way that it promises.

    Raises:
        Exception: any other than those.
    """
    with suppress(ImageError, struct.error):
        has_jpeg_rows(data, 1)
    with suppress(struct.error):
        is_camera_raw(io.BytesIO(data))
        count_pages(io.BytesIO(data))
    for name in FORMATS:
        with suppress(ImageError, struct.error):
            check_complete(io.BytesIO(data), name)
    with suppress(ImageError):
        read_photo(data, max_pixels=_MOST_PIXELS)


def main() -> None:
    """Runs the fuzzer; the arguments are libFuzzer's."""
    import atheris  # type: ignore[import-not-found]

    warnings.simplefilter("ignore")
    atheris.instrument_all()
    atheris.Setup(sys.argv, check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
