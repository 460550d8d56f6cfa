"""Makes the image of what training does to LR images: a crop, degraded in each way.

    python -m tools.figures.degradations

The crop is of `examples/astronaut.png`, shrunk by 2; its pixels are shown enlarged.
"""

from __future__ import annotations

import argparse
from math import pi
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from splitsr.data.degradations import add_noise, blur, encode, sharpen, shrink

ROOT = Path(__file__).resolve().parents[2]
PHOTO = ROOT / "examples" / "astronaut.png"
SCALE = 2
TOP, LEFT, SIDE = 8, 14, 88  # of the crop, in LR pixels
ZOOM = 3
COLUMNS = 4
GAP = 6
LABEL_HEIGHT = 30
FONT_SIZE = 17

Pixels = npt.NDArray[np.uint8]


def main() -> None:
    """Reads the arguments and writes the image."""
    parser = argparse.ArgumentParser(description="Make the image of the degradations.")
    parser.add_argument(
        "--output", type=Path, default=ROOT / "docs" / "images" / "degradations.png"
    )
    output: Path = parser.parse_args().output
    output.parent.mkdir(parents=True, exist_ok=True)
    page(panels()).save(output, optimize=True)


def panels() -> dict[str, Pixels]:
    """The photo after each degradation, uint8 (H, W, 3), by label."""
    hr = np.asarray(Image.open(PHOTO).convert("RGB"))
    rng = np.random.default_rng(1)
    lr = shrink(hr, SCALE, "bicubic")
    return {
        "clean: MATLAB's bicubic": lr,
        "shrunk by area": shrink(hr, SCALE, "area"),
        "shrunk by bilinear": shrink(hr, SCALE, "bilinear"),
        "shrunk by Lanczos": shrink(hr, SCALE, "lanczos"),
        "blur 0.8": shrink(blur(hr, SCALE * 0.8), SCALE, "bicubic"),
        "blur 1.2 by 0.3, slanted": shrink(
            blur(hr, SCALE * 1.2, SCALE * 0.3, pi / 4), SCALE, "bicubic"
        ),
        "sharpened 0.6": sharpen(lr, 0.6),
        "sharpened 1, radius 1.5": sharpen(lr, 1.0, 1.5),
        "noise 10": add_noise(lr, 10, rng),
        "noise 10, gray": add_noise(lr, 10, rng, gray=True),
        "noise 10, growing with light": add_noise(lr, 10, rng, shot=True),
        "noise 10, correlated 0.5": add_noise(lr, 10, rng, correlation=0.5),
        "JPEG 60, 4:2:0": encode(lr, "JPEG", 60),
        "JPEG 30, 4:4:4": encode(lr, "JPEG", 30, subsample=False),
        "WebP 40": encode(lr, "WEBP", 40),
        "AVIF 35": encode(lr, "AVIF", 35),
    }


def page(pictures: dict[str, Pixels]) -> Image.Image:
    """Lays the crop of each image out in a grid, each under its label."""
    width, height = SIDE * ZOOM + GAP, SIDE * ZOOM + LABEL_HEIGHT
    rows = -(-len(pictures) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * width - GAP, rows * height), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(FONT_SIZE)
    for number, (label, picture) in enumerate(pictures.items()):
        top, left = height * (number // COLUMNS), width * (number % COLUMNS)
        crop = picture[TOP : TOP + SIDE, LEFT : LEFT + SIDE].repeat(ZOOM, 0).repeat(ZOOM, 1)
        middle = (left + (width - GAP) // 2, top + LABEL_HEIGHT // 2)
        draw.text(middle, label, "black", font, anchor="mm")
        sheet.paste(Image.fromarray(crop), (left, top + LABEL_HEIGHT))
    return sheet


if __name__ == "__main__":
    main()
