"""What an ablation study found, in files: JSON by cell and by study, CSV and Markdown."""

from __future__ import annotations

import csv
import io
from statistics import fmean
from typing import Any

import msgspec

from splitsr.benchmark.timing import Machine
from splitsr.experiments.result_files import markdown_table

SIDE = 128
"""Side in LR pixels of the image that latency is measured with."""

LEAST_CURVE = 4
"""Points of a curve that is worth a table."""


class _Fields(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of a file."""


class CellResult(_Fields, frozen=True):
    """One network, trained with one seed.

    Attributes:
        seed: of the initialisation and of the patches.
        psnr_y: dB, by test set; `held out` are images of the pack.
        steps: done.
        seconds: of training, in all slices.
        config: the resolved configuration.
        curve: steps and held-out PSNR-Y in dB, as the run went on.
        pack: sha256 of the training pack's pixels; empty in files that are older than this field.
    """

    seed: int
    psnr_y: dict[str, float]
    steps: int
    seconds: float
    config: dict[str, Any]
    curve: tuple[tuple[int, float], ...] = ()
    pack: str = ""


class Row(_Fields, frozen=True):
    """One network of a study, over its seeds.

    Attributes:
        label: what sets it apart in the study.
        parameters: trained values.
        multi_adds_720p: multiply-adds for a 1280x720 output.
        milliseconds: median for `SIDE` x `SIDE` LR pixels; None until it is measured.
        psnr_y: dB, by test set, one value per planned seed; None where it is not measured.
        curve: of the first seed, as `CellResult` has it.
    """

    label: str
    parameters: int
    multi_adds_720p: int
    milliseconds: float | None
    psnr_y: dict[str, tuple[float | None, ...]]
    curve: tuple[tuple[int, float], ...] = ()

    @property
    def seeds(self) -> int:
        """How many seeds are done."""
        return max((len(self.measured(name)) for name in self.psnr_y), default=0)

    def measured(self, test_set: str) -> tuple[float, ...]:
        """PSNR-Y on a test set, in dB, of the seeds that were measured on it."""
        return tuple(value for value in self.psnr_y.get(test_set, ()) if value is not None)


class StudyResult(_Fields, frozen=True):
    """A study, as far as it is done.

    Attributes:
        name: of the study.
        question: what it asks.
        budget: what every cell was given, in words.
        planned_seeds: how many seeds were asked for.
        machine: that latency was measured on; None until it is.
        threads: of the latency.
        rows: in the study's order.
    """

    name: str
    question: str
    budget: str
    planned_seeds: int
    machine: Machine | None
    threads: int
    rows: tuple[Row, ...]

    @property
    def sets(self) -> tuple[str, ...]:
        """The test sets of its figures."""
        return tuple(dict.fromkeys(name for row in self.rows for name in row.psnr_y))


def gains(row: Row, first: Row, test_set: str) -> tuple[float, ...]:
    """PSNR-Y over that of another network, in dB, seed by seed.

    A seed fixes initialisation and patches, so that what it does to both falls out. Empty where one
    of them lacks a seed that the other has.
    """
    mine, others = row.psnr_y.get(test_set, ()), first.psnr_y.get(test_set, ())
    if row is first or [one is None for one in mine] != [one is None for one in others]:
        return ()
    pairs = zip(row.measured(test_set), first.measured(test_set), strict=True)
    return tuple(one - other for one, other in pairs)


def to_csv(study: StudyResult) -> str:
    """One line a network: sizes, latency, and by test set the mean and the figure of each seed."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    names = [part for name in study.sets for part in (f"psnr_y {name}", f"by seed {name}")]
    writer.writerow(["cell", "parameters", "multi_adds_720p", "milliseconds", "seeds", *names])
    for row in study.rows:
        found = [row.measured(name) for name in study.sets]
        figures = [part for values in found for part in _mean_and_values(values)]
        milliseconds = "" if row.milliseconds is None else f"{row.milliseconds:.2f}"
        sizes = [row.parameters, row.multi_adds_720p, milliseconds, row.seeds]
        writer.writerow([row.label, *sizes, *figures])
    return file.getvalue()


def to_markdown(study: StudyResult) -> str:
    """The table of a study, what its figures are, and of long runs their curves."""
    columns = [part for name in study.sets for part in (name, f"{name}: gain")]
    heading = ("", "parameters", "multi-adds", "ms", *columns)
    usual = max((row.seeds for row in study.rows), default=0)
    rows = [
        (
            f"`{row.label}`",
            f"{row.parameters / 1e3:.1f} K",
            f"{row.multi_adds_720p / 1e9:.2f} G",
            "" if row.milliseconds is None else f"{row.milliseconds:.1f}",
            *(
                part
                for name in study.sets
                for part in (
                    _figure(row, name, usual),
                    _gain(gains(row, study.rows[0], name)),
                )
            ),
        )
        for row in study.rows
    ]
    machine = study.machine
    measured = (
        f"ms: {SIDE}x{SIDE} pixels in, {study.threads} thread{'s' * (study.threads > 1)}, median, "
        f"the cells taken in turn ({machine.cpu}, {machine.runtime})."
        if machine
        else "ms: not measured yet."
    )
    return (
        f"{markdown_table(heading, rows)}\n\n{_seeds(usual, study.planned_seeds)} {study.budget}; "
        f"{measured}{_curves(study)}"
    )


def _curves(study: StudyResult) -> str:
    """Held-out PSNR-Y by steps; nothing where there are no runs with a course to show."""
    curves = [dict(row.curve) for row in study.rows]
    steps = sorted(set().union(*curves))
    if len(steps) < LEAST_CURVE or not all(curves):
        return ""
    heading = ("held out, after steps", *(f"{step:,}" for step in steps))
    rows = [
        (f"`{row.label}`", *(f"{curve[step]:.3f}" if step in curve else "" for step in steps))
        for row, curve in zip(study.rows, curves, strict=True)
    ]
    return f"\n\n{markdown_table(heading, rows)}"


def _gain(values: tuple[float, ...]) -> str:
    """The mean over seeds, and the least and the most of them."""
    if not values:
        return ""
    mean = f"{fmean(values):+.3f}"
    return mean if len(values) == 1 else f"{mean} ({min(values):+.3f} to {max(values):+.3f})"


def _seeds(done: int, planned: int) -> str:
    """What the figures of a table are means of."""
    short = f" ({planned} are planned)" if done < planned else ""
    if done > 1:
        return (
            f"PSNR-Y in dB, mean over {done} seeds{short}; gain over the first row, seed by seed: "
            "mean (least to most)."
        )
    return f"PSNR-Y in dB of {done} seed{short}: how far seeds differ is not known."


def _mean_and_values(values: tuple[float, ...]) -> tuple[str, str]:
    return f"{fmean(values):.4f}" if values else "", " ".join(f"{value:.4f}" for value in values)


def _figure(row: Row, test_set: str, usual: int) -> str:
    values = row.measured(test_set)
    if not values:
        return "not measured" if row.seeds else "not trained"
    text = f"{fmean(values):.3f}"
    return text if len(values) == usual else f"{text} ({len(values)} of {usual} seeds)"
