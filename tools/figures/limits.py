"""Makes the model cards' images of failures: a fine grid, small text, a small face.

    python -m tools.figures.limits

For every scale: what was there, what bicubic makes of it after it was shrunk, and SplitSR's
balanced network. The grid and the text are drawn here; the face is of `examples/astronaut.png`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from splitsr import Upscaler
from splitsr.imaging.resize import rescale_bicubic, resize_bicubic

ROOT = Path(__file__).resolve().parents[2]
PHOTO = ROOT / "examples" / "astronaut.png"
SCALES = (2, 3, 4)
SIDE = 96  # of a subject; a multiple of every scale
ZOOM = 3
GAP = 6
LABEL_HEIGHT = 30
FONT_SIZE = 19

Pixels = npt.NDArray[np.uint8]


def main() -> None:
    """Reads the arguments and writes an image for every scale."""
    parser = argparse.ArgumentParser(description="Make the cards' images of failures.")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "images", help="a folder")
    folder: Path = parser.parse_args().output
    folder.mkdir(parents=True, exist_ok=True)
    for scale in SCALES:
        picture = limits(Upscaler(f"splitsr-balanced-x{scale}"), scale)
        picture.save(folder / f"limits-x{scale}.png", optimize=True)


def limits(upscaler: Upscaler, scale: int) -> Image.Image:
    """Draws a row of three panels for each subject, under their labels."""
    step = SIDE * ZOOM + GAP
    subjects = (grid(scale), text(scale), face())
    picture = Image.new("RGB", (3 * step - GAP, LABEL_HEIGHT + len(subjects) * step - GAP), "white")
    for row, truth in enumerate(subjects):
        lr = rescale_bicubic(truth, 1 / scale)
        panels = (truth, resize_bicubic(lr, SIDE, SIDE), upscaler(lr, scale))
        for column, panel in enumerate(panels):
            enlarged = panel.repeat(ZOOM, axis=0).repeat(ZOOM, axis=1)
            picture.paste(Image.fromarray(enlarged), (column * step, LABEL_HEIGHT + row * step))
    _label(picture, step, scale)
    return picture


def grid(scale: int) -> Pixels:
    """Slanted bars that grow finer than the LR pixels hold, uint8 (SIDE, SIDE, 3)."""
    y, x = np.mgrid[:SIDE, :SIDE].astype(float)
    period = scale * (3.2 - 2.2 * x / SIDE)  # in pixels: from 3.2 to 1 LR pixel
    phase = 2 * np.pi * np.cumsum(1 / period, axis=1) + 0.35 * y
    bars = 128 + 90 * np.sin(phase)
    pixels: Pixels = np.repeat(bars.round().astype(np.uint8)[..., None], 3, axis=2)
    return pixels


def text(scale: int) -> Pixels:
    """Lines of type whose letters are 4, 3 and 2 LR pixels wide or so."""
    page = Image.new("RGB", (SIDE, SIDE), (236, 232, 222))
    draw = ImageDraw.Draw(page)
    top = 4.0
    for size in (4.6 * scale + 2, 3.4 * scale + 2, 2.6 * scale + 2):
        font = ImageFont.load_default(size)
        for line in ("8B3 rnm cloud", "quick fox 0O6"):
            draw.text((3, top), line, (38, 34, 40), font)
            top += 1.15 * size
    return np.asarray(page)


def face() -> Pixels:
    """A face of about 60 pixels."""
    photo = Image.open(PHOTO).convert("RGB")
    return np.asarray(photo.crop((70, 5, 70 + SIDE, 5 + SIDE)))


def _label(picture: Image.Image, step: int, scale: int) -> None:
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(FONT_SIZE)
    for column, label in enumerate(("what was there", f"bicubic x{scale}", f"SplitSR x{scale}")):
        middle = (column * step + (step - GAP) // 2, LABEL_HEIGHT // 2)
        draw.text(middle, label, "black", font, anchor="mm")


if __name__ == "__main__":
    main()
