from __future__ import annotations

import numpy as np
import pytest
from skimage import data
from skimage.color import rgb2ycbcr

from splitsr.imaging.color import rgb_to_y


@pytest.mark.parametrize(
    ("rgb", "y"),
    [
        ((0, 0, 0), 16),
        ((255, 255, 255), 235),
        ((255, 0, 0), 16 + 65.481),
        ((0, 255, 0), 16 + 128.553),
        ((0, 0, 255), 16 + 24.966),
        ((51, 102, 204), 16 + 0.2 * 65.481 + 0.4 * 128.553 + 0.8 * 24.966),
    ],
)
def test_values_by_hand(rgb: tuple[int, int, int], y: float) -> None:
    assert rgb_to_y(np.array([[rgb]], np.uint8)) == pytest.approx(y)


def test_equals_scikit_image_on_a_photo() -> None:
    photo = data.astronaut()
    y = rgb_to_y(photo)
    assert y.dtype == np.float64
    np.testing.assert_allclose(y, rgb2ycbcr(photo)[..., 0], atol=1e-9)


@pytest.mark.parametrize("shape", [(4, 4), (4, 4, 4), ()])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="must have 3 channels"):
        rgb_to_y(np.zeros(shape))
