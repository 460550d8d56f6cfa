"""The spec of `splitsr evaluate --degrade`: its order, its seed, what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import skimage.data

from splitsr.data.degradations import Pixels, blur, encode, sharpen
from splitsr.errors import ConfigError
from splitsr.evaluation.degrade import Degrade
from splitsr.imaging.degradation import Compression


@pytest.fixture(scope="module")
def lr() -> Pixels:
    return np.ascontiguousarray(skimage.data.coffee()[:75, :101])


def test_the_order_is_fixed(lr: Pixels) -> None:
    degrade = Degrade("jpeg=80, sharpen=0.5,blur=1.20")
    assert str(degrade) == "blur=1.2,sharpen=0.5,jpeg=80"
    expected = encode(sharpen(blur(lr, 1.2), 0.5), "JPEG", 80)
    np.testing.assert_array_equal(degrade(lr, "a.png").color, expected)
    for spec, codec in (("webp=80", "WEBP"), ("avif=60", "AVIF")):
        np.testing.assert_array_equal(
            Degrade(spec)(lr, "a.png").color,
            encode(lr, codec, int(spec[-2:])),  # type: ignore[arg-type]
        )


def test_noise_is_of_the_name() -> None:
    flat = np.full((200, 200, 3), 128, np.uint8)
    noisy = Degrade("noise=6")(flat, "a.png").color
    assert (noisy - 128.0).std() == pytest.approx(6, rel=0.05)
    np.testing.assert_array_equal(noisy, Degrade("noise=6")(flat, "a.png").color)
    assert (noisy != Degrade("noise=6")(flat, "b.png").color).mean() > 0.9


def test_an_image_is_that_of_the_last_file(lr: Pixels) -> None:
    found = {
        spec: Degrade(spec)(lr, "a.png").compression
        for spec in ("noise=5,jpeg=75", "jpeg=90,webp=50", "avif=60", "blur=1")
    }
    assert found["noise=5,jpeg=75"] == Compression("JPEG", 75)
    assert found["avif=60"] == Compression("AVIF", None)
    assert found["blur=1"] is None
    webp = found["jpeg=90,webp=50"]
    assert webp is not None
    assert webp.format == "WEBP"
    assert webp.quality == pytest.approx(50, abs=12)  # its segments differ


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("grain=3", "found 'grain=3'; must be NAME=STRENGTH with a name of blur, noise, sharpen"),
        ("jpeg", "found 'jpeg'; must be NAME=STRENGTH"),
        ("", "found ''; must be NAME=STRENGTH"),
        ("jpeg=75,", "found ''"),
        ("jpeg=0", "jpeg: found '0'; must be a whole number, 1 to 100"),
        ("webp=7.5", "webp: found '7.5'; must be a whole number"),
        ("noise=much", "noise: found 'much'; must be above 0, up to 100"),
        ("noise=nan", "noise: found 'nan'"),
        ("blur=inf", "blur: found 'inf'; must be above 0, up to 20"),
        ("blur=-1", "blur: found '-1'"),
        ("jpeg=75,jpeg=75", "jpeg is given twice"),
    ],
)
def test_impossible_specs_are_one_line(spec: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        Degrade(spec)
    assert str(caught.value).startswith("degrade: ")
    assert "\n" not in str(caught.value)
