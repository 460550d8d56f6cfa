"""The tables of docs/degraded.md, from what `tools/degraded_scores.py` measured."""

from __future__ import annotations

from pathlib import Path

import msgspec

from splitsr.experiments.result_files import markdown_table, read_json


class DegradedRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Mean PSNR-Y on images that were degraded alike, dB.

    Attributes:
        quality: of the JPEG that the LR images were saved as; None for clean ones.
        noise: that they were given before, standard deviation in levels.
        bicubic: of bicubic.
        auto: of the strength that `--restore auto` takes for each.
        auto_strength: the mean of those.
        strengths: of fixed strengths, evenly from 0 (the model for clean images) to 1 (its twin).
    """

    quality: int | None
    noise: float
    bicubic: float
    auto: float
    auto_strength: float
    strengths: tuple[float, ...]

    @property
    def label(self) -> str:
        """The degradation in words."""
        quality = "clean" if self.quality is None else f"q{self.quality}"
        return f"noise {self.noise:g} + {quality}" if self.noise else quality

    @property
    def best_strength(self) -> float:
        """The fixed strength with the highest PSNR-Y."""
        return self.strengths.index(max(self.strengths)) / (len(self.strengths) - 1)


class DegradedModel(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A model, on how many images it was measured, and the rows."""

    scale: int
    images: int
    rows: tuple[DegradedRow, ...]


class DegradedFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All models by name."""

    models: dict[str, DegradedModel] = {}


def read_degraded(path: Path) -> DegradedFile:
    """Reads the file; empty where there is none yet.

    Raises:
        DataError: it cannot be read, or is another.
    """
    if not path.exists():
        return DegradedFile()
    return read_json(path, DegradedFile, "the figures on degraded images")


def degraded_blocks(path: Path) -> dict[str, str]:
    """The blocks of docs/degraded.md: the gains of all models, and each one's figures.

    Raises:
        DataError: as `read_degraded`.
    """
    models = read_degraded(path).models
    if not models:
        return dict.fromkeys(("gains", "degraded"), "Not measured yet.")
    parts = [f"### {name}\n\n{_table(model)}" for name, model in models.items()]
    return {"gains": _gains(models), "degraded": "\n\n".join(parts)}


def _gains(models: dict[str, DegradedModel]) -> str:
    """What `auto` gains over bicubic: a row a model, a column a quality."""
    first = next(iter(models.values()))
    labels = [row.label for row in first.rows if not row.noise or row.label == "noise 5 + q90"]
    rows = []
    for name, model in models.items():
        gains = {row.label: f"{row.auto - row.bicubic:+.2f}" for row in model.rows}
        rows.append((name, *(gains.get(label, "") for label in labels)))
    picture = "![Gain over bicubic against JPEG quality](images/degraded-gain.png)"
    return f"{markdown_table(('model', *labels), rows)}\n\n{picture}"


def _table(model: DegradedModel) -> str:
    heading = ("LR images", "bicubic", "clean", "twin", "auto", "(strength)", "best", "(strength)")
    rows = [
        (
            row.label,
            f"{row.bicubic:.2f}",
            f"{row.strengths[0]:.2f}",
            f"{row.strengths[-1]:.2f}",
            f"{row.auto:.2f}",
            f"{row.auto_strength:.2f}",
            f"{max(row.strengths):.2f}",
            f"{row.best_strength:.3f}",
        )
        for row in model.rows
    ]
    return (
        f"PSNR-Y in dB, x{model.scale}, {model.images} images.\n\n{markdown_table(heading, rows)}"
    )
