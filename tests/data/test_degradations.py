"""Degradations: each has its effect, the draws are seeded, impossible ones are refused."""

from __future__ import annotations

from itertools import pairwise
from math import pi

import msgspec
import numpy as np
import pytest
import skimage.data
from PIL import Image

from splitsr.data.degradations import (
    Degradation,
    Pixels,
    Resizer,
    add_noise,
    blur,
    degrade_image,
    encode,
    sharpen,
    shrink,
)
from splitsr.evaluation.metrics import psnr_y
from splitsr.imaging.resize import rescale_bicubic

SCALE = 4
ALL = Degradation(
    blur=0.3,
    resizers=("bicubic", "area", "bilinear", "lanczos"),
    noise=0.5,
    sharpen=0.3,
    jpeg=0.6,
    webp=0.15,
    avif=0.1,
    twice=0.3,
)


@pytest.fixture(scope="module")
def hr() -> Pixels:
    return np.ascontiguousarray(skimage.data.chelsea()[:243, :402])


@pytest.fixture(scope="module")
def lr(hr: Pixels) -> Pixels:
    return rescale_bicubic(hr[:240, :400], 1 / SCALE)


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(seed))


def degraded(hr: Pixels, lr: Pixels, degradation: Degradation, seed: int = 0) -> Pixels:
    return degrade_image(hr, lr, SCALE, degradation, generator(seed))


def distance(first: Pixels, second: Pixels) -> float:
    return float(np.abs(first.astype(float) - second).mean())


def test_the_same_draws_give_the_same_pixels(hr: Pixels, lr: Pixels) -> None:
    made = [degraded(hr, lr, ALL, seed) for seed in range(24)]
    for seed, pixels in enumerate(made):
        assert (pixels.shape, pixels.dtype) == (lr.shape, np.uint8)
        np.testing.assert_array_equal(pixels, degraded(hr, lr, ALL, seed))
    assert len({pixels.tobytes() for pixels in made}) > 20


def test_nothing_is_done_unless_it_is_asked_for(hr: Pixels, lr: Pixels) -> None:
    np.testing.assert_array_equal(degraded(hr, lr, Degradation()), lr)


@pytest.mark.parametrize("field", ["blur", "noise", "sharpen", "jpeg", "webp", "avif"])
def test_a_share_is_how_often(hr: Pixels, lr: Pixels, field: str) -> None:
    for share, low, high in ((0.0, 0, 0), (0.5, 8, 32), (1.0, 40, 40)):
        degradation = msgspec.convert({field: share, "blur_sigma": (0.5, 0.8)}, Degradation)
        changed = sum((degraded(hr, lr, degradation, s) != lr).any() for s in range(40))
        assert low <= changed <= high


@pytest.mark.parametrize("codec", ["JPEG", "WEBP", "AVIF"])
def test_psnr_falls_with_the_quality(lr: Pixels, codec: str) -> None:
    qualities = (95, 75, 50, 30)
    scores = [psnr_y(encode(lr, codec, q), lr, crop_border=0) for q in qualities]  # type: ignore[arg-type]
    assert all(better > worse + 0.5 for better, worse in pairwise(scores))
    assert scores[0] > 33


def test_subsampling_costs_colour_and_not_luma(lr: Pixels) -> None:
    full, halved = (encode(lr, "JPEG", 95, subsample=subsample) for subsample in (False, True))

    def chroma(pixels: Pixels) -> np.ndarray:
        return np.asarray(Image.fromarray(pixels).convert("YCbCr"))[..., 1:]

    assert distance(chroma(halved), chroma(lr)) > 1.5 * distance(chroma(full), chroma(lr))
    assert psnr_y(halved, lr, crop_border=0) > psnr_y(full, lr, crop_border=0) - 2


@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.5])
@pytest.mark.parametrize("sigma", [2.0, 10.0])
@pytest.mark.parametrize("gray", [False, True])
def test_noise_has_its_standard_deviation(sigma: float, gray: bool, correlation: float) -> None:
    flat = np.full((300, 300, 3), 128, np.uint8)
    noise = add_noise(flat, sigma, generator(), gray=gray, correlation=correlation) - 128.0
    assert noise.std() == pytest.approx(sigma, rel=0.05)
    assert abs(noise.mean()) < 0.1 * sigma
    assert (np.ptp(noise, axis=2).max() == 0) == gray
    expected = 2 * correlation / (1 + 2 * correlation**2)  # of neighbours in a row
    beside = np.corrcoef(noise[:, 1:].ravel(), noise[:, :-1].ravel())[0, 1]
    assert beside == pytest.approx(expected, abs=0.05)


@pytest.mark.parametrize("level", [32, 128, 200])
def test_noise_of_photons_grows_with_the_light(level: int) -> None:
    flat = np.full((300, 300, 3), level, np.uint8)
    noise = add_noise(flat, 8, generator(), shot=True).astype(float)
    assert noise.std() == pytest.approx(8 * (level / 128) ** 0.5, rel=0.05)


@pytest.mark.parametrize(("across", "angle"), [(1.5, 0.0), (4.0, 0.0), (4.0, pi / 3)])
def test_blur_is_a_gaussian(across: float, angle: float) -> None:
    point = np.zeros((81, 81, 3), np.uint8)
    point[40, 40] = 255
    line = np.arange(-40, 41)
    x = line[None] * np.cos(angle) + line[:, None] * np.sin(angle)
    y = line[:, None] * np.cos(angle) - line[None] * np.sin(angle)
    kernel = np.exp(-0.5 * ((x / 1.5) ** 2 + (y / across) ** 2))
    made = blur(point, 1.5, across, angle)[..., 0]
    assert np.abs(made - 255 * kernel / kernel.sum()).max() <= 0.51  # rounded


def test_blur_repeats_the_edges_and_keeps_flat_areas(lr: Pixels) -> None:
    flat = np.full((20, 31, 3), (0, 77, 255), np.uint8)
    np.testing.assert_array_equal(blur(flat, 3.0, 1.0, 0.4), flat)
    doubled = np.pad(lr, ((12, 12), (12, 12), (0, 0)), mode="edge")
    assert np.abs(blur(doubled, 2.0)[12:-12, 12:-12].astype(int) - blur(lr, 2.0)).max() <= 1


@pytest.mark.parametrize("resizer", ["bicubic", "area", "bilinear", "lanczos"])
def test_resizers_stay_aligned_and_differ(hr: Pixels, lr: Pixels, resizer: Resizer) -> None:
    made = shrink(hr[:240, :400], SCALE, resizer)
    assert made.shape == lr.shape
    assert distance(made, lr) < 2.5
    assert distance(made[:, 1:], lr[:, :-1]) > 2 * distance(made, lr)
    assert (resizer == "bicubic") == np.array_equal(made, lr)
    np.testing.assert_array_equal(degraded(hr, lr, Degradation(resizers=(resizer,))), made)


def test_sharpening_overshoots_at_edges() -> None:
    step = np.full((20, 40, 3), 80, np.uint8)
    step[:, 20:] = 160
    made = sharpen(step, 0.8)
    assert made[10, 19, 0] < 75
    assert made[10, 20, 0] > 165
    assert (made[10, 0, 0], made[10, -1, 0]) == (80, 160)
    assert sharpen(step, 0.4)[10, 20, 0] < made[10, 20, 0]


def grid_row(pixels: Pixels) -> int:
    """The row modulo 8 after which levels jump most: 7 on a grid that begins with the image."""
    jumps = np.abs(np.diff(pixels.astype(float).mean(axis=2), axis=0)).mean(axis=1)
    return int(np.argmax([jumps[row::8].mean() for row in range(8)]))


def test_a_file_before_the_last_may_have_another_grid() -> None:
    photo = Image.fromarray(skimage.data.chelsea())
    smooth = np.asarray(photo.resize((224, 224)))
    rows = []
    for twice in (0, 1):
        degradation = Degradation(jpeg=1, quality=(10, 100), twice=twice)
        made = [degrade_image(smooth, smooth, 1, degradation, generator(s)) for s in range(40)]
        rows.append({grid_row(pixels) for pixels in made})
    assert rows[0] == {7}
    assert len(rows[1]) > 2


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"noise": 1.5}, r"Expected `float` <= 1.0 - at `\$.noise`"),
        ({"noise_sigma": [9, 2]}, "noise_sigma: found 9.0 to 2.0; the lower end comes first"),
        ({"quality": [97, 30]}, "quality: found 97 to 30; the lower end comes first"),
        ({"quality": [0, 30]}, r"Expected `int` >= 1 - at `\$.quality"),
        ({"jpeg": 0.9, "webp": 0.2}, "jpeg, webp and avif: found shares of more than 1 in all"),
        ({"resizers": []}, "resizers"),
        ({"resizers": ["nearest"]}, "Invalid enum value 'nearest'"),
        ({"variants": 0}, "variants"),
        ({"grain": 1}, "unknown field `grain`"),
    ],
)
def test_impossible_ones_are_refused_in_one_line(fields: dict[str, object], message: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=message) as caught:
        msgspec.convert(fields, Degradation)
    assert "\n" not in str(caught.value)


def test_the_digest_is_of_what_decides_the_pixels() -> None:
    assert Degradation(jpeg=1).digest == Degradation(jpeg=1, clean=0.5).digest
    assert Degradation(jpeg=1).digest != Degradation(jpeg=0.9).digest
