"""Choosing the winner, and its configuration."""

from __future__ import annotations

import time
from statistics import median

from splitsr.benchmark.timing import time_engine
from splitsr.errors import TrainingError
from splitsr.experiments.search_results import (
    Settings,
    Trial,
    TuneResult,
    Winner,
    describe_budget,
    describe_network,
)
from splitsr.experiments.search_training import FULL_STEPS, search_config
from splitsr.export.random_weights import untrained_engine
from splitsr.networks import ModelSpec, spec_from_dict
from splitsr.training.config import config_to_toml


def latency_of(spec: ModelSpec, settings: Settings) -> float:
    """Median milliseconds of a network on the search's image, by the project's stopwatch."""
    engine = untrained_engine(spec, settings.threads)
    return round(1e3 * median(time_engine(engine, settings.height, settings.width)), 2)


def choose(result: TuneResult, *, remeasure_until: float | None) -> Winner | None:
    """The network of the highest quality whose latency holds when it is measured again.

    Args:
        result: the search. None of it trained gives None.
        remeasure_until: measure again, up to this moment of the monotonic clock, but the best
            network whatever the time; None: what the search measured counts.

    Raises:
        TrainingError: every network that was measured again is over the limit now.
    """
    limit = result.settings.budget.milliseconds
    tried = 0
    for trial in result.trained:
        if remeasure_until is None:
            return Winner(trial.number, trial.milliseconds, remeasured=False)
        if tried and time.monotonic() > remeasure_until:
            break
        milliseconds = latency_of(spec_from_dict(trial.spec), result.settings)
        if limit is None or milliseconds <= limit:
            return Winner(trial.number, milliseconds, remeasured=True)
        tried += 1
    if tried:
        raise TrainingError(
            f"measured again, none of the {tried} best of {len(result.trained)} trained networks "
            f"runs in {limit:g} ms: something else takes the CPU; run the same command when "
            "it is idle"
        )
    return None


def winner_toml(result: TuneResult, trial: Trial, winner: Winner) -> str:
    """The winner's configuration, with a comment that says how it was found."""
    settings = result.settings
    name = f"tuned-x{settings.scale}"
    lines = [
        f"{name}: the best of what was trained, {len(result.trained)} of {len(result.trials)} "
        f"proposals, within {describe_budget(settings.budget)}.",
        "",
        "SplitSR (Liu et al. 2021, arXiv 2101.07996), found by splitsr tune:",
        f"  {describe_network(trial.spec)}",
        f"{trial.parameters:,} parameters, {trial.multi_adds_720p / 1e9:.2f} G multi-adds for a "
        "1280x720 output.",
        *_latency_lines(settings, winner),
        f"After {settings.steps} steps {trial.psnr_y:.3f} dB PSNR-Y on {result.held_out} held-out "
        f"images; bicubic has {result.bicubic_psnr_y:.3f}.",
        f"Its weights are made by the longer run below, of {FULL_STEPS} steps:",
        "",
        "  splitsr train winner.toml --data photos.pack --run-dir runs/tuned",
    ]
    comment = "\n".join(f"# {line}".rstrip() for line in lines)
    config = search_config(spec_from_dict(trial.spec), name, FULL_STEPS)
    return f"{comment}\n{config_to_toml(config)}"


def _latency_lines(settings: Settings, winner: Winner) -> list[str]:
    if winner.milliseconds is None:
        return []
    machine, again = settings.machine, ", measured again at the end" if winner.remeasured else ""
    return [
        f"{winner.milliseconds:.2f} ms for {settings.height}x{settings.width} pixels in on "
        f"{settings.threads} thread{'s' * (settings.threads > 1)}{again}",
        f"({machine.cpu}, {machine.cores} cores, {machine.runtime}).",
    ]
