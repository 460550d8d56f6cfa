from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from splitsr.imaging.degradation import (
    Compression,
    compression_of,
    estimate_noise,
    former_compression,
)
from splitsr.imaging.files import read_photo
from splitsr.imaging.resize import rescale_bicubic


def encoded(photo: np.ndarray, fmt: str, **options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(photo).save(file, fmt, **options)
    return file.getvalue()


@pytest.mark.parametrize("quality", [1, 10, 25, 49, 50, 51, 75, 90, 95, 99, 100])
def test_the_quality_of_libjpeg_is_found(photo: np.ndarray, quality: int) -> None:
    for pixels in (photo[:40, :40], photo[:40, :40, 0]):
        found = read_photo(encoded(pixels, "JPEG", quality=quality)).compression
        assert found == Compression("JPEG", quality)


def test_a_table_of_ones_own_has_the_quality_of_the_nearest(photo: np.ndarray) -> None:
    # As cameras have them: flatter than the standard's.
    flat = [min(2 + (row + column) // 2, 6) for row in range(8) for column in range(8)]
    found = read_photo(encoded(photo[:40, :40], "JPEG", qtables=[flat, flat])).compression
    assert found is not None
    assert 93 <= (found.quality or 0) <= 97


def test_a_table_of_zeros_is_no_reason_to_refuse_a_photo(photo: np.ndarray) -> None:
    data = bytearray(encoded(photo[:40, :40], "JPEG"))
    at = 0
    while (at := data.find(b"\xff\xdb", at)) >= 0:
        data[at + 5 : at + 5 + 64] = bytes(64)
        at += 5
    assert read_photo(bytes(data)).compression == Compression("JPEG", None)


@pytest.mark.parametrize("quality", [20, 50, 75, 90, 100])
def test_the_quality_of_a_webp_is_close(photo: np.ndarray, quality: int) -> None:
    found = read_photo(encoded(photo, "WEBP", quality=quality)).compression
    assert found is not None
    assert abs((found.quality or 0) - quality) < 8


def test_a_webp_with_more_chunks_is_read_alike(photo: np.ndarray) -> None:
    alpha = np.dstack([photo, photo[..., 0]])
    found = read_photo(encoded(alpha, "WEBP", quality=80, icc_profile=b"x" * 33)).compression
    assert found is not None
    assert abs((found.quality or 0) - 80) < 8


def test_formats_that_tell_nothing_and_lossless_ones(photo: np.ndarray) -> None:
    small = photo[:32, :32]
    assert read_photo(encoded(small, "AVIF")).compression == Compression("AVIF", None)
    read = read_photo(encoded(small, "PNG"))
    assert read.compression == Compression("PNG", None)
    assert former_compression(read.compression, read.color) is None
    for fmt in ("TIFF", "BMP", "PPM", "GIF"):
        assert read_photo(encoded(small, fmt)).compression is None
    assert read_photo(encoded(small, "WEBP", lossless=True)).compression is None


def test_no_damage_to_a_header_raises(photo: np.ndarray) -> None:
    data = encoded(photo[:64, :64], "WEBP", quality=50)
    image = Image.open(io.BytesIO(data))
    rng = np.random.default_rng(0)
    for _ in range(300):
        changed = bytearray(data[: rng.integers(len(data))])
        for at in rng.integers(0, max(1, min(len(changed), 60)), 8):
            changed[at : at + 1] = bytes([rng.integers(256)])
        found = compression_of(image, "WEBP", io.BytesIO(changed))
        assert found is None or found.quality is None or 0 <= found.quality <= 100


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_noise_is_told_from_texture(photo: np.ndarray, channels: int, dtype: type) -> None:
    levels = np.iinfo(dtype).max / 255
    rng = np.random.default_rng(0)
    found = []
    for noise in (0, 2, 5, 10):
        noisy = photo[..., :1] + rng.normal(0, noise, (512, 512, 1))
        values = np.clip(np.rint(noisy), 0, 255) * levels
        found.append(estimate_noise(np.repeat(values, channels, axis=2).astype(dtype)))
    assert found == sorted(found)
    assert found[0] < 2
    for noise, estimate in zip((5, 10), found[2:], strict=True):
        assert 0.7 * noise < estimate < 1.3 * noise


@pytest.mark.parametrize("shape", [(1, 1), (3, 4000), (15, 15), (16, 16), (16, 40_000), (4000, 16)])
def test_every_shape_has_an_estimate(shape: tuple[int, int]) -> None:
    assert estimate_noise(np.full((*shape, 3), 128, np.uint8)) == 0.0


def test_where_values_are_clipped_there_is_no_estimate() -> None:
    noise = np.random.default_rng(0).normal(128, 5, (512, 512, 1))
    half = np.clip(noise, 0, 255).astype(np.uint8)
    half[:256] = 255  # a burnt-out sky
    assert 3 < estimate_noise(half) < 6


def test_dense_texture_is_hardly_taken_for_noise(photo: np.ndarray) -> None:
    small = rescale_bicubic(photo, 1 / 4)
    noise = np.random.default_rng(0).normal(0, 5, small.shape)
    noisy = np.clip(np.rint(small + noise), 0, 255).astype(np.uint8)
    assert estimate_noise(small) < 0.5
    assert estimate_noise(noisy) > 2
