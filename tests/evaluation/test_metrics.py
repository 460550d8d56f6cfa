from __future__ import annotations

from collections.abc import Callable
from math import inf, log10

import numpy as np
import pytest
from skimage import data
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from splitsr.evaluation.metrics import psnr_y, ssim_y
from splitsr.imaging.color import rgb_to_y


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return data.chelsea()


def disturbed(image: np.ndarray, strength: int, seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(-strength, strength, image.shape, endpoint=True)
    return (image.astype(int) + noise).clip(0, 255).astype(np.uint8)


def gray(level: int, size: int = 24) -> np.ndarray:
    return np.full((size, size, 3), level, np.uint8)


def test_one_level_of_gray_by_hand() -> None:
    # A step of 1 in R, G and B is one of 219 / 255 in studio-range Y.
    assert psnr_y(gray(101), gray(100), crop_border=0) == pytest.approx(
        20 * log10(255 * 255 / 219), abs=1e-9
    )


def test_rounding_luma_by_hand() -> None:
    # Gray 100 has Y = 16 + 100 * 219 / 255 = 101.88, gray 101 has 102.74: rounded, 102 and 103.
    psnr = psnr_y(gray(101), gray(100), crop_border=0, round_y=True)
    assert psnr == pytest.approx(20 * log10(255), abs=1e-9)
    # Gray 102 has 103.6 and gray 103 has 104.46: both are 104.
    assert psnr_y(gray(103), gray(102), crop_border=0, round_y=True) == inf


def test_ssim_of_flat_images_by_hand() -> None:
    # No variance: what is left is the luminance term.
    x, y, c1 = 16 + 219 * 20 / 255, 16 + 219 * 200 / 255, (0.01 * 255) ** 2
    expected = (2 * x * y + c1) / (x * x + y * y + c1)
    assert ssim_y(gray(20), gray(200), crop_border=0) == pytest.approx(expected, abs=1e-9)


def test_equal_images() -> None:
    image = data.coffee()[:64, :64]
    assert psnr_y(image, image, crop_border=4) == inf
    assert ssim_y(image, image, crop_border=4) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("border", [0, 2, 4])
@pytest.mark.parametrize("strength", [1, 8, 60])
def test_equal_scikit_image(photo: np.ndarray, border: int, strength: int) -> None:
    sr = disturbed(photo, strength)
    inside = (slice(border, photo.shape[0] - border), slice(border, photo.shape[1] - border))
    luma, luma_sr = rgb_to_y(photo[inside]), rgb_to_y(sr[inside])
    psnr = peak_signal_noise_ratio(luma, luma_sr, data_range=255)
    ssim = structural_similarity(
        luma, luma_sr, data_range=255, gaussian_weights=True, use_sample_covariance=False
    )
    assert psnr_y(sr, photo, crop_border=border) == pytest.approx(psnr, abs=1e-9)
    assert ssim_y(sr, photo, crop_border=border) == pytest.approx(ssim, abs=1e-9)


def test_the_border_does_not_count(photo: np.ndarray) -> None:
    sr = disturbed(photo, 5)
    spoiled = sr.copy()
    spoiled[:3] = spoiled[-3:] = 0
    spoiled[:, :3] = spoiled[:, -3:] = 0
    for metric in (psnr_y, ssim_y):
        assert metric(spoiled, photo, crop_border=3) == metric(sr, photo, crop_border=3)
        assert metric(spoiled, photo, crop_border=2) < metric(sr, photo, crop_border=2)


def test_the_smallest_image_for_ssim() -> None:
    sr, hr = disturbed(gray(99, 15), 9), gray(99, 15)
    assert 0 < ssim_y(sr, hr, crop_border=2) < 1
    with pytest.raises(ValueError, match="leave 11x11"):
        ssim_y(sr, hr, crop_border=3)


@pytest.mark.parametrize(
    ("sr", "hr", "border", "message"),
    [
        (gray(1, 20), gray(1, 24), 0, "different shapes"),
        (gray(1)[..., 0], gray(1)[..., 0], 0, r"uint8 \(H, W, 3\)"),
        (gray(1) / 255, gray(1), 0, "found float64"),
        (gray(1), gray(1), 12, "found 12 for 24x24"),
        (gray(1), gray(1), -1, "found -1"),
    ],
)
@pytest.mark.parametrize("metric", [psnr_y, ssim_y])
def test_bad_calls_say_what_was_found(
    metric: Callable[..., float], sr: np.ndarray, hr: np.ndarray, border: int, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        metric(sr, hr, crop_border=border)
