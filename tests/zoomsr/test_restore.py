"""What the app computes of a photo to clean it up, held with the app's own tests to one file."""

from __future__ import annotations

import hashlib
import json
import zlib
from base64 import b64decode
from io import BytesIO
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from PIL import Image

from splitsr.imaging.degradation import compression_of, estimate_noise, jpeg_compression
from splitsr.runtime.restore import StrengthTable
from splitsr.zoo.mixing import mix_weights

GOLDEN = Path(__file__).parents[1] / "golden" / "restore.json"


@pytest.fixture(scope="module")
def golden() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(GOLDEN.read_text())
    return found


def test_qualities_are_the_golden_ones(golden: dict[str, Any]) -> None:
    for row in golden["jpeg"]:
        with Image.open(BytesIO(b64decode(row["file"]))) as image:
            compression = jpeg_compression(image)
        assert compression is not None
        assert compression.quality == row["quality"]


def test_what_webp_lost_is_the_golden(golden: dict[str, Any]) -> None:
    for row in golden["webp"]:
        opened = Image.new("RGB", (1, 1))  # of which nothing is asked
        found = compression_of(opened, "WEBP", BytesIO(b64decode(row["file"])))
        wanted = row["compression"]
        assert (found and found.quality) == (wanted and pytest.approx(wanted["quality"]))
        assert (found is None) == (wanted is None)


def test_noise_is_the_golden_one(golden: dict[str, Any]) -> None:
    for row in golden["noise"]:
        content = np.frombuffer(zlib.decompress(b64decode(row["rgb"])), np.uint8)
        color = content.reshape(row["height"], row["width"], 3)
        assert estimate_noise(color) == pytest.approx(row["noise"], abs=1e-9)


def test_strengths_are_the_golden_ones(golden: dict[str, Any]) -> None:
    table = msgspec.convert(golden["strengths"]["table"], StrengthTable)
    found = [table.at(row["quality"], row["noise"]) for row in golden["strengths"]["at"]]
    assert found == [row["strength"] for row in golden["strengths"]["at"]]


def test_mixed_files_are_the_golden_ones(golden: dict[str, Any]) -> None:
    mixing = golden["mixing"]
    clean, twin = b64decode(mixing["clean"]), b64decode(mixing["twin"])
    for row in mixing["mixed"]:
        mixed = mix_weights(clean, twin, row["strength"], "twin")
        assert hashlib.sha256(mixed).hexdigest() == row["sha256"]
