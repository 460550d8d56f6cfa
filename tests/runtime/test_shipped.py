"""What ships, on real photographs."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from splitsr.imaging.color import rgb_to_y
from splitsr.imaging.resize import resize_bicubic
from splitsr.runtime.upscaler import Upscaler
from splitsr.zoo import ModelEntry, list_models

MODELS = list_models() or [
    pytest.param(None, marks=pytest.mark.skip(reason="no models in the catalogue yet"))
]


def name_of(entry: ModelEntry | None) -> str:
    return entry.name if entry else "none"


def as_jpeg(image: np.ndarray) -> np.ndarray:
    file = BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=75)
    return np.asarray(Image.open(file))


@pytest.mark.parametrize("entry", MODELS, ids=name_of)
def test_tiles_of_a_shipped_model_leave_no_seam(entry: ModelEntry, photo: np.ndarray) -> None:
    lr = photo[40:171, 100:251]

    whole = Upscaler(entry.name, tile=1000)(lr).astype(int)
    for tile in (24, 50):
        difference = np.abs(whole - Upscaler(entry.name, tile=tile)(lr))
        assert difference.max() <= 1
        assert np.count_nonzero(difference) < max(1e-5 * difference.size, 1)


@pytest.mark.parametrize("entry", MODELS, ids=name_of)
def test_a_shipped_model_beats_bicubic_on_each_image(entry: ModelEntry, shared_data: Path) -> None:
    scale, upscaler = entry.spec.scale, Upscaler(entry.name)
    for path in sorted((shared_data / "test" / "Set5" / "HR").glob("*.png")):
        hr = np.asarray(Image.open(path).convert("RGB"))
        height, width = (side // scale for side in hr.shape[:2])
        hr = hr[: height * scale, : width * scale]
        lr = resize_bicubic(hr, height, width)
        if entry.is_twin:  # a network for degraded images alone is softer on clean ones
            lr = as_jpeg(lr)

        errors = [
            np.mean((rgb_to_y(sr) - rgb_to_y(hr)) ** 2)
            for sr in (upscaler(lr), resize_bicubic(lr, *hr.shape[:2]))
        ]
        assert errors[0] < errors[1], path.name
