"""Measures models on degraded images: results/degraded.json, and the image of it.

    python -m tools.degraded_scores B100/HR --model splitsr-balanced-x4 --model splitsr-fast-x4

LR images of the HR ones are made noisy, saved as JPEG and read again, as `splitsr upscale` reads a
photo, and enlarged by bicubic and at every strength from 0, the model for clean images, to 1, its
twin; `auto` takes one of those. The models that are not named keep their figures; without folders
only the image is drawn. `python -m tools tables` makes the tables of docs/degraded.md of it.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import product
from math import ceil, sqrt
from pathlib import Path

import numpy as np

from splitsr.data.sources import find_images
from splitsr.evaluation.metrics import psnr_y
from splitsr.evaluation.score import ImagePair, read_pairs
from splitsr.experiments.result_files import to_json
from splitsr.imaging.atomic import write_atomic
from splitsr.imaging.resize import rescale_bicubic
from splitsr.runtime.loading import find_networks
from splitsr.runtime.restore import choose_restoration
from splitsr.runtime.upscaler import Upscaler
from tools.degraded_tables import (
    DegradedFile,
    DegradedModel,
    DegradedRow,
    read_degraded,
)
from tools.fit_restore import STRENGTHS, degrade, scores_by_strength

QUALITIES = (97, 95, 90, 75, 50, 30)
NOISES = (0.0, 5.0, 10.0, 15.0)
ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Measures the models that are named, adds them to the file, and draws it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folders", type=Path, nargs="*", help="of HR images")
    parser.add_argument("--model", action="append", default=[], help="a name, or an ONNX file")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="take each Nth image")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--root", type=Path, default=ROOT, help="of results/ and docs/images/")
    options = parser.parse_args()
    path = options.root / "results" / "degraded.json"
    models = dict(read_degraded(path).models)
    for model in options.model if options.folders else ():
        networks = find_networks(model, options.threads)
        name, found = measure(Upscaler(networks), options.folders, options.every)
        models = dict(sorted({**models, name: found}.items()))
        write_atomic(path, to_json(DegradedFile(models)), overwrite=True)
    if not models:
        parser.error("nothing is measured yet: name folders and a --model")
    draw(models, options.root / "docs/images/degraded-gain.png")


def measure(
    upscaler: Upscaler, folders: Sequence[Path], every: int = 1
) -> tuple[str, DegradedModel]:
    """A model's name, and its mean figures on each Nth image of the folders."""
    scale = round(upscaler.scale)
    (model,) = (network.name for network in upscaler.networks_for(scale))
    given = [(None, 0.0), *product(QUALITIES, NOISES)]
    pairs = read_pairs(find_images(folders)[::every], scale)
    scores = np.array([score(upscaler, model, pair, given) for pair in pairs])
    rows = [
        DegradedRow(
            quality=quality,
            noise=noise,
            bicubic=_rounded(means[0]),
            auto=_rounded(means[1]),
            auto_strength=_rounded(means[2]),
            strengths=tuple(map(_rounded, means[3:])),
        )
        for (quality, noise), means in zip(given, scores.mean(axis=0), strict=True)
    ]
    return model, DegradedModel(scale=scale, images=len(scores), rows=tuple(rows))


def score(
    upscaler: Upscaler, model: str, pair: ImagePair, given: Sequence[tuple[int | None, float]]
) -> list[list[float]]:
    """For each quality and noise: bicubic, `auto` and its strength, and every strength."""
    scale = round(upscaler.scale)
    photos = [degrade(pair.lr, pair.name, *each) for each in given]
    rows = []
    for photo, scores in zip(photos, scores_by_strength(upscaler, photos, pair.hr), strict=True):
        bicubic = psnr_y(rescale_bicubic(photo.color, scale), pair.hr, crop_border=scale)
        chosen = choose_restoration(model, photo).strength
        auto = scores[list(STRENGTHS).index(chosen)]
        rows.append([bicubic, auto, chosen, *scores])
    return rows


def draw(models: dict[str, DegradedModel], path: Path) -> None:
    """Draws the gain over bicubic against the quality, without noise, a panel a model."""
    from matplotlib.figure import Figure

    columns = ceil(sqrt(len(models)))
    lines = -(-len(models) // columns)
    figure = Figure(figsize=(4.6 * columns, 4.0 * lines), layout="constrained")
    for place, (name, model) in enumerate(models.items(), 1):
        axes = figure.add_subplot(lines, columns, place)
        rows = [row for row in model.rows if row.quality is not None and not row.noise]
        curves = {
            "best fixed strength": [max(row.strengths) for row in rows],
            "auto": [row.auto for row in rows],
            "clean model": [row.strengths[0] for row in rows],
            "twin": [row.strengths[-1] for row in rows],
        }
        for (label, scores), style in zip(curves.items(), ("k:", "r-", "b--", "g--"), strict=True):
            gains = [score - row.bicubic for score, row in zip(scores, rows, strict=True)]
            axes.plot([row.quality or 0 for row in rows], gains, style, marker=".", label=label)
        axes.set(title=name, xlabel="JPEG quality", ylabel="PSNR-Y over bicubic (dB)")
        axes.axhline(0, color="gray", linewidth=1)
        axes.grid(alpha=0.3)
        axes.legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    # Without the version of matplotlib in it, the file is the same wherever it is drawn.
    figure.savefig(path, dpi=110, metadata={"Software": None})


def _rounded(value: float) -> float:
    return round(float(value), 4)


if __name__ == "__main__":
    main()
