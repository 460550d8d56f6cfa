"""Makes the README's image: crops of ordinary JPEGs, as they are, by bicubic and by splitsr.

    python -m tools.figures.compare

The example photos are saved as JPEG of quality 80 first. With the model that ships; another one
(`--model`) and another file (`--output`) for trials.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from splitsr import Upscaler
from splitsr.evaluation.degrade import Degrade
from splitsr.imaging.resize import resize_bicubic

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
SCALE = 4
QUALITY = 80
SIDE = 72  # of a crop, in pixels of the photo
GAP = 6
LABEL_HEIGHT = 30
FONT_SIZE = 19

Pixels = npt.NDArray[np.uint8]


class Crop(NamedTuple):
    """A square of `SIDE` pixels of an example photo, by its upper left corner."""

    file: str
    top: int
    left: int


CROPS = (Crop("chelsea.png", 40, 78), Crop("astronaut.png", 10, 84))


def main() -> None:
    """Reads the arguments and writes the image."""
    parser = argparse.ArgumentParser(description="Make the README's image.")
    parser.add_argument("--model", default="splitsr-balanced-x4", help="name or .onnx file")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "images" / "compare.png")
    arguments = parser.parse_args()
    picture = compare(Upscaler(arguments.model))
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    picture.save(arguments.output, optimize=True)


def compare(upscaler: Upscaler) -> Image.Image:
    """Draws a row of three panels for each of `CROPS`, under their labels.

    Args:
        upscaler: what the third panel is made by.
    """
    rows = [_row(crop, upscaler) for crop in CROPS]
    step = SIDE * SCALE + GAP
    size = (3 * step - GAP, LABEL_HEIGHT + len(rows) * step - GAP)
    picture = Image.new("RGB", size, "white")
    for row, cells in enumerate(rows):
        for column, panel in enumerate(cells):
            corner = (column * step, LABEL_HEIGHT + row * step)
            picture.paste(Image.fromarray(panel), corner)
    _label(picture, step)
    return picture


def panels(lr: Pixels, sr: Pixels, top: int, left: int) -> list[Pixels]:
    """A crop of a photo enlarged in three ways; of the whole one, so that it has no border.

    Args:
        lr: the photo, (H, W, 3).
        sr: what the third panel is of.
        top: of the crop, in pixels of the photo.
        left: the same.
    """
    height, width = lr.shape[0] * SCALE, lr.shape[1] * SCALE
    nearest = lr.repeat(SCALE, axis=0).repeat(SCALE, axis=1)
    rows, columns = (slice(SCALE * at, SCALE * (at + SIDE)) for at in (top, left))
    return [picture[rows, columns] for picture in (nearest, resize_bicubic(lr, height, width), sr)]


def _row(crop: Crop, upscaler: Upscaler) -> list[Pixels]:
    photo = Degrade(f"jpeg={QUALITY}")(
        np.asarray(Image.open(EXAMPLES / crop.file).convert("RGB")), crop.file
    )
    strength = upscaler.restoration(photo, SCALE).strength
    sr = upscaler.enlarge(photo, SCALE, strength=strength).color
    return panels(photo.color, sr, crop.top, crop.left)


def _label(picture: Image.Image, step: int) -> None:
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(FONT_SIZE)
    for column, text in enumerate(
        (f"JPEG, quality {QUALITY}", f"bicubic x{SCALE}", f"splitsr x{SCALE}")
    ):
        middle = (column * step + (step - GAP) // 2, LABEL_HEIGHT // 2)
        draw.text(middle, text, "black", font, anchor="mm")


if __name__ == "__main__":
    main()
