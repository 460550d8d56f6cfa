from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from splitsr.imaging.resize import Edge, crop_to_multiple, rescale_bicubic, resize_bicubic

GOLDEN = Path(__file__).parents[1] / "golden" / "bicubic.json"
TEST_SETS = Path(__file__).resolve().parents[3] / "shared" / "data" / "test"
MADE_BY_MATLAB = {
    ("Set5", "mirror"): "baby bird butterfly head woman",
    ("Set14", "clamp"): (
        "baboon barbara bridge coastguard comic face flowers foreman lenna man monarch pepper "
        "ppt3 zebra"
    ),
}
DTYPES = ["uint8", "uint16", "float32", "float64"]

# Keys' cubic, a = -0.5, at distances 0.25, 0.75, 1.25 and 1.75, by hand.
CUBIC = [0.8671875, 0.2265625, -0.0703125, -0.0234375]


def read(path: Path) -> np.ndarray:
    if not path.is_file():
        pytest.skip(f"no test images: {path} is missing")
    with Image.open(path) as image:
        return np.array(image)


def noise(shape: tuple[int, ...], dtype: str = "uint8", seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    if dtype.startswith("f"):
        return rng.random(shape).astype(dtype)
    return rng.integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize(
    ("folder", "edge", "name"),
    [(*key, name) for key, names in MADE_BY_MATLAB.items() for name in names.split()],
)
def test_equals_matlab_to_the_last_bit(folder: str, edge: Edge, name: str, scale: int) -> None:
    hr = read(TEST_SETS / folder / "HR" / f"{name}.png")
    lr = read(TEST_SETS / folder / "LR_bicubic" / f"X{scale}" / f"{name}x{scale}.png")
    hr = crop_to_multiple(hr, scale)
    np.testing.assert_array_equal(rescale_bicubic(hr, 1 / scale, edge=edge), lr)
    np.testing.assert_array_equal(resize_bicubic(hr, *lr.shape[:2], edge=edge), lr)


@pytest.mark.parametrize("golden", json.loads(GOLDEN.read_text())["enlargements"])
def test_enlargements_are_the_golden_ones(golden: dict[str, Any]) -> None:
    height, width, scale = golden["height"], golden["width"], golden["scale"]
    lr = np.array(golden["lr"], np.uint8).reshape(height, width, 3)
    sr = resize_bicubic(lr, height * scale, width * scale)
    assert sr.ravel().tolist() == golden["sr"]


@pytest.mark.parametrize("golden", json.loads(GOLDEN.read_text())["shrinks"])
def test_shrinks_are_the_golden_ones(golden: dict[str, Any]) -> None:
    image = np.array(golden["image"], np.uint8).reshape(golden["height"], golden["width"], 3)
    assert resize_bicubic(image, *golden["to"]).ravel().tolist() == golden["small"]


@pytest.mark.parametrize("axis", [0, 1])
def test_enlarging_an_impulse_gives_the_kernel(axis: int) -> None:
    impulse = np.zeros((9, 1))
    impulse[4] = 1
    image = impulse if axis == 0 else impulse.T
    out = resize_bicubic(image, 18, 1) if axis == 0 else resize_bicubic(image, 1, 18)
    expected = [0, 0, 0, 0, 0, *CUBIC[::-1], *CUBIC, 0, 0, 0, 0, 0]
    np.testing.assert_allclose(out.ravel(), expected, atol=1e-15)


def test_shrinking_widens_the_kernel() -> None:
    # Output pixel 2 lies between input pixels 4 and 5; distances 0.5, 1.5, 2.5 and 3.5 on the
    # input's axis are 0.25, 0.75, 1.25 and 1.75 on the output's.
    weights = [resize_bicubic(row[:, None], 5, 1)[2, 0] for row in np.eye(10)]
    half = [value / 2 for value in CUBIC]
    np.testing.assert_allclose(weights, [0, *half[::-1], *half, 0], atol=1e-15)


def test_edge_rules_by_hand() -> None:
    row = np.array([[0.0, 1, 0, 0, 0, 0]])
    # The first output pixel of a 2x enlargement is at -0.25: its neighbours are -2 ... 1.
    # Mirrored, -1 is pixel 0 and -2 is pixel 1; clamped, both are pixel 0.
    mirrored = resize_bicubic(row, 1, 12)[0, 0]
    clamped = resize_bicubic(row, 1, 12, edge="clamp")[0, 0]
    assert mirrored == pytest.approx(CUBIC[2] + CUBIC[3])
    assert clamped == pytest.approx(CUBIC[2])


def test_integers_are_rounded_between_the_passes() -> None:
    # Rows first: (1 + 0) / 2 is rounded to 1, and so is (1 + 0) / 2 along the columns. Rounded
    # only once, 1 / 4 would give 0.
    image = np.zeros((2, 2), np.uint8)
    image[0, 0] = 1
    once = resize_bicubic(image.astype(np.float64), 1, 1)[0, 0]
    assert once == pytest.approx(0.25)
    assert resize_bicubic(image, 1, 1)[0, 0] == 1


def test_the_axis_that_shrinks_more_comes_first() -> None:
    image = noise((40, 40))
    columns_first = resize_bicubic(resize_bicubic(image, 40, 10), 30, 10)
    rows_first = resize_bicubic(resize_bicubic(image, 30, 40), 30, 10)
    assert not np.array_equal(columns_first, rows_first)
    np.testing.assert_array_equal(resize_bicubic(image, 30, 10), columns_first)


@settings(max_examples=40, deadline=None)
@given(
    dtype=st.sampled_from(DTYPES),
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    out=st.tuples(st.integers(1, 90), st.integers(1, 90)),
    edge=st.sampled_from(["mirror", "clamp"]),
    level=st.integers(0, 255),
)
def test_a_constant_image_stays_constant(
    dtype: str, size: tuple[int, int], out: tuple[int, int], edge: Edge, level: int
) -> None:
    image = np.full((*size, 3), level, dtype)
    resized = resize_bicubic(image, *out, edge=edge)
    assert resized.shape == (*out, 3)
    assert resized.dtype == image.dtype
    np.testing.assert_allclose(resized, level, rtol=1e-6 if dtype.startswith("f") else 0)


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(DTYPES), st.integers(1, 30), st.integers(1, 30), st.integers(0, 99))
def test_the_same_size_is_the_same_image(dtype: str, height: int, width: int, seed: int) -> None:
    image = noise((height, width), dtype, seed)
    np.testing.assert_array_equal(resize_bicubic(image, height, width), image)
    np.testing.assert_array_equal(rescale_bicubic(image, 1), image)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 30), st.integers(1, 30), st.integers(1, 70), st.integers(1, 70))
def test_mirrored_images_give_mirrored_images(
    height: int, width: int, out_height: int, out_width: int
) -> None:
    image = noise((height, width, 2), "float64")
    plain = resize_bicubic(image, out_height, out_width)
    turned = resize_bicubic(image[::-1, ::-1], out_height, out_width)
    np.testing.assert_allclose(turned[::-1, ::-1], plain, atol=1e-12)


@pytest.mark.parametrize("factor", [0.25, 1.7])
def test_channels_and_strips_do_not_mix(factor: float) -> None:
    image = noise((150, 1900, 3))  # more than a strip of rows, of columns and of values
    together = rescale_bicubic(image, factor)
    for channel in range(3):
        alone = rescale_bicubic(image[..., channel], factor)  # not contiguous either
        np.testing.assert_array_equal(together[..., channel], alone)


def test_integers_saturate_and_floats_overshoot() -> None:
    step = np.repeat(np.array([0, 1]), 4)[None]
    for dtype, top in (("uint8", 255), ("uint16", 65535)):
        out = resize_bicubic((step * top).astype(dtype), 1, 16)
        assert (out.min(), out.max()) == (0, top)
    out = resize_bicubic(step.astype(np.float32), 1, 16)
    assert out.dtype == np.float32
    assert out.min() < -0.01
    assert out.max() > 1.01


def test_a_scale_gives_the_ceiling_of_the_size_and_its_own_spacing() -> None:
    ramp = np.arange(15.0)[:, None]
    by_scale, by_size = rescale_bicubic(ramp, 0.5), resize_bicubic(ramp, 8, 1)
    assert by_scale.shape == by_size.shape == (8, 1)
    # Centre of output pixel 3, on the input's axis; the kernel touches no edge there.
    assert by_scale[3, 0] == pytest.approx(3.5 * 2 - 0.5)
    assert by_size[3, 0] == pytest.approx(3.5 * 15 / 8 - 0.5, abs=0.02)


def test_memory_stays_bounded() -> None:
    image = np.zeros((2000, 3000, 3), np.uint8)
    tracemalloc.start()
    try:
        resize_bicubic(image, 500, 750)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1.5 * image.nbytes  # a float64 copy alone would be 8 times its size


def test_crop_to_multiple() -> None:
    assert crop_to_multiple(noise((11, 9, 3)), 4).shape == (8, 8, 3)
    assert crop_to_multiple(noise((8, 12)), 4).shape == (8, 12)


@pytest.mark.parametrize(
    ("image", "size", "edge", "error", "message"),
    [
        (np.zeros((4, 4), np.int32), (2, 2), "mirror", TypeError, "found int32"),
        (np.zeros((4, 4), bool), (2, 2), "mirror", TypeError, "found bool"),
        (np.zeros(4), (2, 2), "mirror", ValueError, r"found shape \(4,\)"),
        (np.zeros((0, 4)), (2, 2), "mirror", ValueError, r"found shape \(0, 4\)"),
        (np.zeros((4, 4)), (0, 2), "mirror", ValueError, "found 0x2"),
        (np.zeros((4, 4)), (2, 2), "wrap", ValueError, "found 'wrap'; must be one of mirror, cl"),
    ],
)
def test_bad_calls_say_what_was_found(
    image: np.ndarray, size: tuple[int, int], edge: Edge, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        resize_bicubic(image, *size, edge=edge)


@pytest.mark.parametrize("scale", [0, -1, float("inf"), float("nan")])
def test_bad_scales_are_refused(scale: float) -> None:
    with pytest.raises(ValueError, match="must be above 0"):
        rescale_bicubic(np.zeros((4, 4)), scale)
