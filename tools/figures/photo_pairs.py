"""Makes the images of JPEGs: each as it is, by bicubic and by SplitSR, at four qualities.

    python -m tools.figures.photo_pairs

A face, text, leaves and a flat sky, an image each, with crops at 100 % of the enlarged photo. The
face and the sky are scikit-image's `astronaut` and `rocket`, both in the public domain; the leaves
are of gb82-image-set (CC0), which lies beside the checkout and is left out where it does not.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from skimage import data

from splitsr import Upscaler
from splitsr.evaluation.degrade import Degrade
from tools.figures.compare import (
    FONT_SIZE,
    GAP,
    LABEL_HEIGHT,
    ROOT,
    SCALE,
    SIDE,
    Pixels,
    panels,
)
from tools.figures.limits import text

QUALITIES = (95, 90, 75, 50)
LEAVES = ROOT.parent / "shared" / "data" / "train" / "gb82__flowers-lossless.jpg"
LETTERS = 2  # LR pixels that a stroke of the text is wide or so


class Subject(NamedTuple):
    """A photograph, (H, W, 3) uint8, and the upper left corner of what is shown of it."""

    photo: Pixels
    top: int
    left: int


def main() -> None:
    """Reads the arguments and writes an image for each subject."""
    parser = argparse.ArgumentParser(description="Make the images of JPEGs.")
    parser.add_argument("--model", default="splitsr-balanced-x4", help="name or .onnx file")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "images", help="a folder")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    upscaler = Upscaler(options.model)
    for name, subject in subjects().items():
        picture = pairs(upscaler, subject)
        picture.save(options.output / f"photo-{name}.png", optimize=True)


def subjects() -> dict[str, Subject]:
    """What is shown, by name."""
    found = {
        "face": Subject(data.astronaut(), 76, 184),
        "text": Subject(text(LETTERS), 0, 0),
        "sky": Subject(data.rocket(), 112, 300),
    }
    if LEAVES.is_file():
        found["leaves"] = Subject(np.asarray(Image.open(LEAVES).convert("RGB")), 205, 430)
    return found


def pairs(upscaler: Upscaler, subject: Subject) -> Image.Image:
    """Draws a row of three panels for each of `QUALITIES`."""
    step = SIDE * SCALE + GAP
    picture = Image.new("RGB", (3 * step - GAP, len(QUALITIES) * (step + LABEL_HEIGHT)), "white")
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(FONT_SIZE)
    for row, quality in enumerate(QUALITIES):
        photo = Degrade(f"jpeg={quality}")(subject.photo, "photo")
        strength = upscaler.restoration(photo, SCALE).strength
        sr = upscaler.enlarge(photo, SCALE, strength=strength).color
        labels = (f"JPEG {quality}", f"bicubic x{SCALE}", f"splitsr x{SCALE}, {strength:g}")
        top = row * (step + LABEL_HEIGHT)
        for column, (label, panel) in enumerate(
            zip(labels, panels(photo.color, sr, subject.top, subject.left), strict=True)
        ):
            middle = (column * step + (step - GAP) // 2, top + LABEL_HEIGHT // 2)
            draw.text(middle, label, "black", font, anchor="mm")
            picture.paste(Image.fromarray(panel), (column * step, top + LABEL_HEIGHT))
    return picture


if __name__ == "__main__":
    main()
