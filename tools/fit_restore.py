"""Fits a model's table of `restore.toml`: which strength restores which image best.

    splitsr data pack held-out -o held-out-pack
    python -m tools.fit_restore held-out-pack --model splitsr-balanced-x4 --write

HR photographs, held out from the tests, are shrunk, made noisy, saved as JPEG and read again, as
`splitsr upscale` reads a photo. Every second one is halved first, as photos for the web are: what
is fine and what is noise looks otherwise in them. Each such image is enlarged at every strength.
The table is fitted to what it loses against the best fixed strength of each degradation: to the
mean, and to each loss the more the larger it is. The losses are printed: they are to be below
0.05 dB, and with --check on images that the table was not fitted on.
"""

from __future__ import annotations

import argparse
import tomllib
from collections.abc import Iterator, Sequence
from itertools import product, takewhile
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
from numpy.polynomial import polynomial

from splitsr.data.pack import Pack
from splitsr.evaluation.degrade import Degrade
from splitsr.evaluation.metrics import psnr_y
from splitsr.imaging.atomic import write_atomic
from splitsr.imaging.degradation import estimate_noise
from splitsr.imaging.files import Photo
from splitsr.imaging.resize import crop_to_multiple, rescale_bicubic
from splitsr.runtime.loading import find_networks
from splitsr.runtime.restore import TABLES, StrengthTable, read_tables
from splitsr.runtime.upscaler import Upscaler

Image8 = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]

QUALITIES = (30, 50, 75, 85, 90, 95, 98, 100)
SHARES = {0.0: 16.0, 2.0: 4.0, 3.5: 3.5, 5.0: 3.0, 7.5: 2.5, 10.0: 2.0, 15.0: 1.0}
"""Of each noise: most photos have little."""
NOISES = tuple(SHARES)
STRENGTHS = np.arange(9) / 8
MEASURED = STRENGTHS[::2]  # between them a polynomial: PSNR changes smoothly with the weights
KNOTS = (
    [30.0, 50.0, 75.0, 85.0, 90.0, 95.0, 98.0, 100.0],
    [0.2, 0.5, 1.0, 2.0, 3.5, 5.5, 8.0],
)  # quality, estimated noise
SWEEPS = 3
UNEVEN = 0.3  # what a dB squared weighs, of what a degradation loses, against a dB of the mean
LEAST_WEIGHT = 3.0  # of images near a knot: with less it has the value of the noise below it
MOST_SIDE = 96  # of an LR image: the middle of a photograph


class Sample(NamedTuple):
    """A degraded image: quality and noise that it was given, its estimate, PSNR-Y by strength."""

    quality: int
    noise: float
    estimate: float
    psnr_y: Floats


def main() -> None:
    """Fits and reports; writes if it is asked to."""
    options = read_options()
    upscaler = Upscaler(networks := find_networks(options.model, options.threads))
    name = networks.twins[upscaler.scale]
    pack = Pack.open(options.pack)
    samples = [
        sample
        for number, index in enumerate(range(0, len(pack), options.every))
        for sample in measure(upscaler, pack[index], str(index), halve=number % 2 == 1)
    ]
    tables = read_tables(options.tables)
    table = tables.get(name, tables["default"]) if options.check else fit(samples)
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
    done = parser.add_mutually_exclusive_group()
    done.add_argument("--write", action="store_true", help="put the table into --tables")
    done.add_argument("--check", action="store_true", help="fit nothing: report on what is there")
    parser.add_argument("--tables", type=Path, default=TABLES)
    return parser.parse_args()


def measure(upscaler: Upscaler, hr: Image8, name: str, *, halve: bool = False) -> Iterator[Sample]:
    """Every degradation of a photograph, of its middle; its name seeds the noise."""
    if halve:
        hr = rescale_bicubic(hr, 0.5)
    scale = round(upscaler.scale)
    most = MOST_SIDE * scale
    top, left = (max(0, side - most) // 2 for side in hr.shape[:2])
    hr = crop_to_multiple(hr[top : top + most, left : left + most], scale)
    given = list(product(QUALITIES, NOISES))
    photos = [degrade(rescale_bicubic(hr, 1 / scale), name, *each) for each in given]
    found = scores_by_strength(upscaler, photos, hr, MEASURED)
    through = polynomial.polyfit(MEASURED, found.T, len(MEASURED) - 1)
    scores = polynomial.polyval(STRENGTHS, through)
    for (quality, noise), photo, psnr in zip(given, photos, scores, strict=True):
        yield Sample(quality, noise, estimate_noise(photo.color), psnr)


def degrade(lr: Image8, name: str, quality: int | None, noise: float) -> Photo:
    """An LR image with Gaussian noise, as it is read of a JPEG, or of no file."""
    steps = [f"noise={noise:g}"] * (noise > 0) + [f"jpeg={quality}"] * (quality is not None)
    return Degrade(",".join(steps))(lr, name) if steps else Photo(lr)


def scores_by_strength(
    upscaler: Upscaler, photos: Sequence[Photo], hr: Image8, strengths: Floats = STRENGTHS
) -> Floats:
    """(photos, strengths): the PSNR-Y of LR photos of one image at every strength."""

    def score(photo: Photo, strength: float) -> float:
        sr = upscaler.enlarge(Photo(photo.color), scale, None, strength)
        return psnr_y(sr.color, hr, crop_border=scale)

    scale = round(upscaler.scale)
    # One strength after another: an upscaler keeps the networks of few.
    return np.array([[score(photo, one) for photo in photos] for one in strengths]).T


def fit(samples: Sequence[Sample]) -> StrengthTable:
    """The table, which restores more the worse a file is; of equally good strengths the least."""
    scores = np.array([sample.psnr_y for sample in samples])
    near = [
        _nearness([sample.quality for sample in samples], KNOTS[0]),
        _nearness([sample.estimate for sample in samples], KNOTS[1]),
    ]
    weights = near[1][:, :, None] * near[0][:, None, :]
    shares = np.array([SHARES[sample.noise] for sample in samples])
    values = STRENGTHS[np.einsum("snq,sk->nqk", weights, scores * shares[:, None]).argmax(axis=2)]
    values = _in_order(values)
    known = weights.sum(axis=0) >= LEAST_WEIGHT
    degradations = _Degradations(samples, scores)
    for _ in range(SWEEPS):  # knots that are near one image move together
        for row, column in np.argwhere(known):
            trials = [_moved(values, row, column, strength) for strength in STRENGTHS]
            costs = [degradations.cost(np.tensordot(weights, trial)) for trial in trials]
            values = trials[int(np.argmin(costs))]
    for row in range(1, len(values)):
        values[row] = np.where(known[row], values[row], values[row - 1])
    return StrengthTable(quality=KNOTS[0], noise=KNOTS[1], strength=_in_order(values).tolist())


def _moved(values: Floats, row: int, column: int, strength: float) -> Floats:
    """The table with another strength at a knot, and at those that the order takes along."""
    moved = values.copy()
    moved[row:, : column + 1] = np.maximum(moved[row:, : column + 1], strength)
    moved[: row + 1, column:] = np.minimum(moved[: row + 1, column:], strength)
    return moved


def _in_order(values: Floats) -> Floats:
    """Strengths, (noises, qualities), that fall with the quality and rise with the noise."""
    falling = np.minimum.accumulate(values, axis=1)
    return np.asarray(np.maximum.accumulate(falling, axis=0))


class _Degradations:
    """Samples by the quality and the noise that they were given, and what strengths lose there."""

    def __init__(self, samples: Sequence[Sample], scores: Floats) -> None:
        given = np.array([(sample.quality, sample.noise) for sample in samples])
        found, self._numbers = np.unique(given, axis=0, return_inverse=True)
        self._shares = np.array([SHARES[noise] for _, noise in found])
        self._scores = scores
        self._best = np.max([self._means(column) for column in scores.T], axis=0)

    def cost(self, strengths: Floats) -> float:
        """What a strength for each sample loses against the best one of each degradation."""
        places = np.clip(strengths, 0, 1) * (len(STRENGTHS) - 1)
        below = np.minimum(places.astype(int), len(STRENGTHS) - 2)
        index, share = np.arange(len(places)), places - below
        found = (1 - share) * self._scores[index, below] + share * self._scores[index, below + 1]
        losses = self._best - self._means(found)
        uneven = np.square(np.maximum(losses, 0)).mean()
        return float(np.average(losses, weights=self._shares) + UNEVEN * uneven)

    def _means(self, values: Floats) -> Floats:
        counts = np.bincount(self._numbers)
        return np.asarray(np.bincount(self._numbers, values) / counts)


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
