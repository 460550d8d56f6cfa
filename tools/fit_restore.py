"""Fits a model's table of `restore.toml`: which strength restores which image best.

    splitsr data pack held-out -o held-out-pack
    python -m tools.fit_restore held-out-pack --model splitsr-balanced-x4 --write

HR photographs, held out from the tests and from training, are shrunk, made noisy, saved as JPEG
and read again, as `splitsr upscale` reads a photo. Each such image is enlarged at every strength.
A value of the table is the strength with the best mean PSNR-Y for the images whose quality and
estimated noise are near. What the table loses against the best fixed strength of each degradation
is printed: it is to be below 0.05 dB, and on images that it was not fitted on too.
"""

from __future__ import annotations

import argparse
import io
import tomllib
from collections.abc import Iterator, Sequence
from itertools import product, takewhile
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
from PIL import Image

from splitsr.data.pack import Pack
from splitsr.evaluation.metrics import psnr_y
from splitsr.imaging.atomic import write_atomic
from splitsr.imaging.degradation import estimate_noise
from splitsr.imaging.files import Photo, read_photo
from splitsr.imaging.resize import crop_to_multiple, rescale_bicubic
from splitsr.runtime.networks import find_networks
from splitsr.runtime.pixels import Pixels
from splitsr.runtime.restore import TABLES, StrengthTable
from splitsr.runtime.upscaler import Upscaler

Image8 = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]

QUALITIES = (30, 50, 65, 75, 85, 90, 95, 98, 100)
NOISES = (0.0, 2.0, 5.0, 10.0)
STRENGTHS = np.arange(9) / 8
KNOTS = ([30.0, 50.0, 75.0, 90.0, 95.0, 100.0], [0.5, 1.0, 2.0, 4.0])  # quality, estimated noise
LEAST_WEIGHT = 3.0  # of images near a knot: with less it has the value of the noise below it
MOST_SIDE = 512  # of an HR photograph, whose middle is taken


class Sample(NamedTuple):
    """A degraded image: quality and noise that it was given, its estimate, PSNR-Y by strength."""

    quality: int
    noise: float
    estimate: float
    psnr_y: Floats


def main() -> None:
    """Fits and prints; writes if it is asked to."""
    options = read_options()
    upscaler = Upscaler(networks := find_networks(options.model, options.threads))
    name = networks.twins[upscaler.scale]
    pack = Pack.open(options.pack)
    samples = [
        sample
        for index in range(0, len(pack), options.every)
        for sample in measure(upscaler, pack[index], np.random.default_rng(index))
    ]
    table = fit(samples)
    print("\n".join(report(samples, table)))
    if options.write:
        write_atomic(options.tables, tables_with(options.tables, name, table), overwrite=True)


def read_options() -> argparse.Namespace:
    """What the call says."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("pack", type=Path, help="of HR photographs")
    parser.add_argument("--model", required=True, help="a name, or an ONNX file beside its twin")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="take each Nth")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--write", action="store_true", help="put the table into --tables")
    parser.add_argument("--tables", type=Path, default=TABLES)
    return parser.parse_args()


def measure(upscaler: Upscaler, hr: Image8, rng: np.random.Generator) -> Iterator[Sample]:
    """PSNR-Y of every degradation of a photograph at every strength."""
    scale = round(upscaler.scale)
    top, left = (max(0, side - MOST_SIDE) // 2 for side in hr.shape[:2])
    hr = crop_to_multiple(hr[top : top + MOST_SIDE, left : left + MOST_SIDE], scale)
    lr = rescale_bicubic(hr, 1 / scale)
    for quality, noise in product(QUALITIES, NOISES):
        photo = degrade(lr, quality, noise, rng)
        pixels = Pixels(photo.color, None)
        scores = [
            psnr_y(upscaler.enlarge(pixels, scale, None, strength).color, hr, crop_border=scale)
            for strength in STRENGTHS
        ]
        yield Sample(quality, noise, estimate_noise(photo.color), np.array(scores))


def degrade(lr: Image8, quality: int, noise: float, rng: np.random.Generator) -> Photo:
    """The image with Gaussian noise, through a JPEG."""
    noisy = np.clip(np.rint(lr + rng.normal(0, noise, lr.shape)), 0, 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(noisy).save(file, "JPEG", quality=quality)
    return read_photo(file.getvalue())


def fit(samples: Sequence[Sample]) -> StrengthTable:
    """The table; of equally good strengths the least."""
    scores = np.array([sample.psnr_y for sample in samples])
    near = [
        _nearness([sample.quality for sample in samples], KNOTS[0]),
        _nearness([sample.estimate for sample in samples], KNOTS[1]),
    ]
    rows: list[list[float]] = []
    for noise in range(len(KNOTS[1])):
        weights = near[0] * near[1][:, noise : noise + 1]
        best = STRENGTHS[(weights.T @ scores).argmax(axis=1)].tolist()
        if rows:
            known = weights.sum(axis=0) >= LEAST_WEIGHT
            best = [new if ok else old for new, old, ok in zip(best, rows[-1], known, strict=True)]
        rows.append(best)
    return StrengthTable(quality=KNOTS[0], noise=KNOTS[1], strength=rows)


def _nearness(values: Sequence[float], knots: list[float]) -> Floats:
    """(values, knots): the weights that linear interpolation gives each knot."""
    return np.stack([np.interp(values, knots, one) for one in np.eye(len(knots))], axis=1)


def report(samples: Sequence[Sample], table: StrengthTable) -> Iterator[str]:
    """A line for each degradation: the clean model, the best fixed strength, and the table."""
    yield "quality noise  clean  best (strength)  table  loss"
    for quality, noise in product(QUALITIES, NOISES):
        these = [one for one in samples if (one.quality, one.noise) == (quality, noise)]
        means = np.mean([one.psnr_y for one in these], axis=0)
        ours = np.mean(
            [np.interp(table.at(quality, one.estimate), STRENGTHS, one.psnr_y) for one in these]
        )
        best = means.argmax()
        yield (
            f"{quality:7} {noise:5.1f}  {means[0]:.2f}  {means[best]:.2f} "
            f"({STRENGTHS[best]:5.3f})    {ours:.2f}  {means[best] - ours:+.2f}"
        )


def tables_with(path: Path, name: str, table: StrengthTable) -> bytes:
    """The file's content with a model's table added or replaced; the comment at its head stays."""
    text = path.read_text(encoding="utf-8")
    tables = {**tomllib.loads(text), name: msgspec.to_builtins(table)}
    head = list(takewhile(lambda line: line.startswith("#"), text.splitlines()))
    parts = [_table_text(key, tables[key]) for key in ("default", *sorted({*tables} - {"default"}))]
    return "\n".join([*head, "", *parts]).encode()


def _table_text(name: str, table: dict[str, list[object]]) -> str:
    rows = "".join(f"  {row},\n" for row in table["strength"])
    return (
        f"[{name}]\nquality = {table['quality']}\nnoise = {table['noise']}\n"
        f"strength = [ # a row for each noise\n{rows}]\n"
    )


if __name__ == "__main__":
    main()
