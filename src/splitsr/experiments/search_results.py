"""What a search for a network found, in files: JSON, CSV and a table in Markdown."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

import msgspec

from splitsr.benchmark.timing import Machine
from splitsr.experiments.result_files import markdown_table
from splitsr.networks.splitsr.description import hybrid_units


class _Fields(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of a file."""


class Budget(_Fields, frozen=True):
    """What a network may cost. The fields are called as the figures that they limit.

    Attributes:
        parameters: trained values.
        multi_adds_720p: multiply-adds for a 1280x720 output.
        milliseconds: of a run on the image and the threads of the search.
    """

    parameters: int | None = None
    multi_adds_720p: int | None = None
    milliseconds: float | None = None

    @property
    def limits(self) -> dict[str, float]:
        """The limits that are set, by the figure's name."""
        fields: dict[str, float | None] = msgspec.to_builtins(self)
        return {name: limit for name, limit in fields.items() if limit is not None}

    def excess(self, figures: Mapping[str, float]) -> dict[str, float]:
        """How far figures are over their limits, as a share of them; at most 0 is within.

        Args:
            figures: by name; those that are not limited are left out of the answer.
        """
        return {
            name: figures[name] / limit - 1
            for name, limit in self.limits.items()
            if name in figures
        }


class Settings(_Fields, frozen=True):
    """What decides what a search finds, apart from how long it lasts.

    Attributes:
        scale: the enlargement.
        budget: the limits.
        height: of the LR image that latency is measured with, pixels.
        width: of it.
        threads: of the latency, and of the training.
        steps: of the short training.
        seed: of the search.
        pack: sha256 of the training pack's pixels.
        machine: that latency was measured on.
    """

    scale: int
    budget: Budget
    height: int
    width: int
    threads: int
    steps: int
    seed: int
    pack: str
    machine: Machine


class Trial(_Fields, frozen=True):
    """One network of a search.

    Attributes:
        number: of the proposal.
        spec: the network.
        parameters: trained values.
        multi_adds_720p: multiply-adds for a 1280x720 output.
        milliseconds: median; None where nothing limits it or another limit was passed first.
        psnr_y: after the short training, on held-out images, dB; None if it was not trained.
        over: the limits that it passes, by the figure's name; it was not trained then.
        diverged: whether its training ended in NaN or infinity.
    """

    number: int
    spec: dict[str, Any]
    parameters: int
    multi_adds_720p: int
    milliseconds: float | None = None
    psnr_y: float | None = None
    over: tuple[str, ...] = ()
    diverged: bool = False

    def cost(self, name: str) -> float:
        """A figure of the budget that was measured."""
        return float(getattr(self, name))


class Winner(_Fields, frozen=True):
    """The network that was chosen.

    Attributes:
        number: of its trial.
        milliseconds: measured once more at the end; None if the search was interrupted and there
            is no limit.
        remeasured: whether it was.
    """

    number: int
    milliseconds: float | None
    remeasured: bool


class TuneResult(_Fields, frozen=True):
    """A search, as far as it is done.

    Attributes:
        settings: of it.
        held_out: images of the pack that quality is measured on.
        bicubic_psnr_y: of these, dB.
        trials: every network that was proposed, once, in order.
        winner: of those that were trained; None as long as there is none.
    """

    settings: Settings
    held_out: int
    bicubic_psnr_y: float
    trials: tuple[Trial, ...]
    winner: Winner | None = None

    @property
    def trained(self) -> list[Trial]:
        """The networks within the budget that were trained, best first."""
        done = [trial for trial in self.trials if trial.psnr_y is not None]
        return sorted(done, key=lambda trial: (-(trial.psnr_y or 0.0), trial.parameters))


def pareto_front(result: TuneResult) -> list[Trial]:
    """The trained networks that no other beats in quality and in every limited figure."""
    names = tuple(result.settings.budget.limits)
    front: list[Trial] = []
    for trial in result.trained:  # best first: only one before it can beat a network
        if not any(all(other.cost(n) <= trial.cost(n) for n in names) for other in front):
            front.append(trial)
    return front


def to_csv(result: TuneResult) -> str:
    """One line a proposal: what became of it, its figures, and its fields."""
    front = {trial.number for trial in pareto_front(result)}
    fields = list(result.trials[0].spec) if result.trials else []
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    figures = ["parameters", "multi_adds_720p", "milliseconds", "psnr_y"]
    writer.writerow(["number", "outcome", "pareto", *figures, *fields])
    for trial in result.trials:
        costs = ["" if getattr(trial, name) is None else getattr(trial, name) for name in figures]
        values = [trial.spec.get(field) for field in fields]
        pareto = int(trial.number in front)
        writer.writerow([trial.number, outcome(trial), pareto, *costs, *values])
    return file.getvalue()


def outcome(trial: Trial) -> str:
    """What became of a proposal, in words."""
    if trial.over:
        return "over " + " and ".join(trial.over)
    if trial.diverged:
        return "diverged"
    return "not trained" if trial.psnr_y is None else "trained"


def describe_network(spec: Mapping[str, Any]) -> str:
    """A SplitSR network of the search space in a few words."""
    groups, blocks, index = (spec[n] for n in ("n_resgroups", "n_resblocks", "hybrid_index"))
    parts = [f"{spec['n_feats']} features, {groups} x {blocks}"]
    location, mode = spec["replacement_location"], spec["hybrid_mode"]
    if index and location != "upsampler":
        units = hybrid_units(mode, groups, blocks)
        hybrid = f"HI {index} of {units}" + ("" if index == units else f" {mode}")
        residual = " + residual" if spec["block_residual"] else ""
        parts.append(f"{spec['light_block']}{residual}, alpha {spec['split_ratio']:g}, {hybrid}")
    else:
        parts.append("standard blocks")
    parts.append(f"kernels {spec['group_kernel']} and {spec['trunk_kernel']}")
    light = " light" if location in ("upsampler", "both") else ""
    parts.append(f"{spec['upsampler']}{light}")
    return "; ".join(parts)


def to_markdown(result: TuneResult) -> str:
    """The Pareto front as a table, and how it was found."""
    chosen = result.winner.number if result.winner else None
    rows = [
        (
            f"**{describe_network(trial.spec)}**"
            if trial.number == chosen
            else describe_network(trial.spec),
            f"{trial.parameters / 1e3:.1f} K",
            f"{trial.multi_adds_720p / 1e9:.2f} G",
            "" if trial.milliseconds is None else f"{trial.milliseconds:.1f}",
            f"{trial.psnr_y:.3f}",
        )
        for trial in pareto_front(result)
    ]
    table = markdown_table(("network", "parameters", "multi-adds", "ms", "PSNR-Y"), rows)
    return f"{table}\n\n{_notes(result)}"


def _notes(result: TuneResult) -> str:
    """What was asked for, what became of the proposals, and where."""
    settings, trials = result.settings, result.trials
    timed = [trial for trial in trials if trial.over == ("milliseconds",)]
    early = [trial for trial in trials if trial.over and trial not in timed]
    machine = settings.machine
    return (
        f"x{settings.scale}, within {describe_budget(settings.budget)}. {len(trials)} networks "
        f"proposed: {len(early)} over the budget as computed, {len(timed)} as timed, "
        f"{len(result.trained)} trained for {settings.steps} steps; those that none beats in both "
        f"quality and cost are shown, the winner in bold. {_winner_note(result)}PSNR-Y in dB on "
        f"{result.held_out} held-out images (bicubic {result.bicubic_psnr_y:.3f}); ms: "
        f"{settings.height}x{settings.width} pixels in, {settings.threads} "
        f"thread{'s' * (settings.threads > 1)} "
        f"({machine.cpu}, {machine.cores} cores, {machine.runtime})."
    )


def _winner_note(result: TuneResult) -> str:
    winner = result.winner
    if winner is None or winner.milliseconds is None or not winner.remeasured:
        return ""
    return f"Measured again at the end, it took {winner.milliseconds:.1f} ms. "


def describe_budget(budget: Budget) -> str:
    """The limits in words."""
    parts = {
        "parameters": lambda n: f"{n / 1e3:g} K parameters",
        "multi_adds_720p": lambda n: f"{n / 1e9:g} G multi-adds",
        "milliseconds": lambda n: f"{n:g} ms",
    }
    return " and ".join(parts[name](limit) for name, limit in budget.limits.items())
