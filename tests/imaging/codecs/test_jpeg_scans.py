"""JPEGs whose markers say that all is well."""

from __future__ import annotations

import io
import random
from time import process_time
from typing import Any

import numpy as np
import pytest
from PIL import Image

from splitsr.errors import ImageReadError
from splitsr.imaging.files import read_photo

OPTIONS: list[dict[str, Any]] = [
    {},
    {"optimize": True, "quality": 100},
    {"progressive": True},
    {"subsampling": 0, "restart_marker_rows": 2},
    {"restart_marker_blocks": 1},
    {"progressive": True, "restart_marker_rows": 1},
]


def encoded(photo: np.ndarray, mode: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(photo[:120, :171]).convert(mode).save(stream, "JPEG", **options)
    return stream.getvalue()


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("ground", ["photo", "gray"])
def test_data_that_end_early_are_noticed_behind_an_end_marker(
    photo: np.ndarray, mode: str, options: dict[str, Any], ground: str
) -> None:
    if ground == "gray":  # what libjpeg fills missing blocks with
        photo = photo.copy()
        photo[70:] = 128
    data = encoded(photo, mode, **options)
    assert read_photo(data).color.shape[:2] == (120, 171)
    rng = random.Random(len(data))
    for _ in range(12):
        cut = rng.randrange(data.index(b"\xff\xda") + 14, len(data) - 40)
        if data[cut - 1] != 0xFF:
            with pytest.raises(ImageReadError, match="JPEG is truncated"):
                read_photo(data[:cut] + b"\xff\xd9")


@pytest.mark.parametrize("height", [121, 4800, 60_000])
def test_a_height_that_is_not_that_of_the_data(photo: np.ndarray, height: int) -> None:
    data = bytearray(encoded(photo, "RGB"))
    place = data.index(b"\xff\xc0") + 5
    data[place : place + 2] = height.to_bytes(2)
    if height == 121:  # within the last block
        assert read_photo(bytes(data)).color.shape[0] == height
        return
    with pytest.raises(ImageReadError, match="truncated"):
        read_photo(bytes(data))


def test_a_missing_scan_is_noticed(photo: np.ndarray) -> None:
    data = encoded(photo, "RGB", progressive=True)
    last = data.rindex(b"\xff\xda")
    with pytest.raises(ImageReadError, match="scans are missing"):
        read_photo(data[:last] + b"\xff\xd9")


def test_thousands_of_scans_are_refused_at_once(photo: np.ndarray) -> None:
    data = encoded(photo, "RGB", progressive=True)
    last = data.rindex(b"\xff\xda")
    begun = process_time()
    with pytest.raises(ImageReadError, match=r"has 30\d\d scans"):
        read_photo(data[:-2] + data[last:-2] * 3000 + b"\xff\xd9")
    assert process_time() - begun < 5


def test_what_follows_the_end_is_no_part_of_it(photo: np.ndarray) -> None:
    data = encoded(photo, "RGB")
    assert np.array_equal(read_photo(data + data[:900]).color, read_photo(data).color)
