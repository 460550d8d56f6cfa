from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image

from splitsr.data.degradations import encode
from splitsr.imaging.block_grid import former_quality
from splitsr.imaging.files import read_photo
from splitsr.imaging.resize import rescale_bicubic
from splitsr.runtime.restore import choose_restoration


@pytest.mark.parametrize("quality", [40, 50, 65, 75])
def test_a_png_of_a_jpeg_is_found_at_any_offset(photo: np.ndarray, quality: int) -> None:
    saved = encode(photo, "JPEG", quality)
    for top, left in ((0, 0), (3, 5), (7, 1)):
        found = former_quality(saved[top:, left:])
        assert found is not None
        assert abs(found - quality) <= 25
        assert former_quality(saved[top:, left:].astype(np.uint16) * 257) == found
    assert former_quality(photo) is None


def test_a_file_says_so_and_is_restored(photo: np.ndarray, tmp_path: Path) -> None:
    found = []
    for name, pixels in (("once", encode(photo, "JPEG", 50)), ("never", photo)):
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
        read = read_photo(tmp_path / f"{name}.png")
        found.append(choose_restoration("any", read))
    assert found[0].strength > 0.5
    assert found[0].reason.startswith("former JPEG quality ")
    assert found[1] == (0, "lossless file")


def test_what_tells_too_little_is_left_alone(photo: np.ndarray) -> None:
    saved = encode(photo, "JPEG", 50)
    assert former_quality(saved[:300, :300]) is None
    assert former_quality(np.full((512, 512, 3), 90, np.uint8)) is None
    assert former_quality(saved[:1]) is None
    assert former_quality(rescale_bicubic(saved, 0.75)) is None


def test_letters_on_a_grid_are_no_blocks() -> None:
    rng = np.random.default_rng(0)
    letters = (rng.random((40, 16, 8)) < 0.3) * np.uint8(200)
    letters[:, :, 7] = letters[:, 14:] = 0
    text = letters[rng.integers(0, 40, (30, 80))]
    text[rng.random((30, 80)) < 0.4] = 0
    page = text.transpose(0, 2, 1, 3).reshape(480, 640, 1) + np.uint8(30)
    assert former_quality(page) is None


def test_photographs_reduced_by_half_raise_no_alarm(shared_data: Path) -> None:
    """Every 25th of the training photographs; all of them were looked at once."""
    for path in sorted((shared_data / "train").iterdir())[::25]:
        with Image.open(path) as image:
            pixels = np.asarray(image.convert("RGB"))[:1600, :1600]
        assert former_quality(rescale_bicubic(pixels, 0.5)) is None, path.name


def test_pictures_that_come_with_scikit_image_as_png() -> None:
    for name in ("astronaut", "coffee", "chelsea"):
        assert former_quality(getattr(skimage.data, name)()) is None
