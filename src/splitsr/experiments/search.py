"""The search: propose, compute the cost, time, train for a short while, tell the sampler.

OUT/study.journal           Optuna's study: what is resumed from
OUT/trials.json, .csv       every network that was proposed
OUT/pareto.png              quality against every limited figure
OUT/winner.toml             the winner's configuration, for `splitsr train`
OUT/runs/<fingerprint>/     the short training that an interrupt cut off

A network over the budget is never trained: its parameters and multi-adds are counted before it is
built, and its latency is measured before it is trained.
"""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
import optuna
import torch

from splitsr.benchmark.flops import measure_cost
from splitsr.data.pack import Pack
from splitsr.data.patches import PairedPixels
from splitsr.errors import ConfigError, NonFiniteError, TrainingError
from splitsr.experiments.plots import draw_search
from splitsr.experiments.result_files import to_json
from splitsr.experiments.search_results import (
    Budget,
    Settings,
    Trial,
    TuneResult,
    describe_budget,
    to_csv,
)
from splitsr.experiments.search_space import CHEAPEST, suggest
from splitsr.experiments.search_storage import JOURNAL, keep, kept, open_study
from splitsr.experiments.search_training import HELD_OUT, search_config
from splitsr.experiments.winner import choose, latency_of, winner_toml
from splitsr.imaging.atomic import write_atomic
from splitsr.networks import InterpolationSpec, SplitSRSpec, spec_from_dict, spec_to_dict
from splitsr.networks.build import build_model
from splitsr.networks.checkpoint import load_weights
from splitsr.networks.network import Network
from splitsr.training.config import TrainConfig, config_to_toml
from splitsr.training.log import Record
from splitsr.training.loop import train
from splitsr.training.state import STATE_FILE
from splitsr.training.validation import Validator, held_out

FRUITLESS = 50
"""Proposals in a row without one to train, after which a search ends: few networks fit."""

_RESERVE = 20.0  # seconds of the given minutes, at most a fifth, that the winner is measured in
_TIMINGS = 3  # for which there must be time yet: of a proposal, of the winner and of the next best


@dataclass(frozen=True)
class Progress:
    """How far a search is.

    Attributes:
        trials: what became of the proposals, so far.
        stage: what is done now: `preparing`, `timing`, `training`, `exhausted` (nothing that is
            new fits) or `choosing`.
        at: done of it.
        of: in all.
    """

    trials: tuple[Trial, ...]
    stage: str
    at: int = 0
    of: int = 0


Report = Callable[[Progress], None]


def tune(
    settings: Settings,
    pack: Pack,
    out: Path,
    *,
    trials: int,
    minutes: float | None = None,
    report: Report = lambda _: None,
) -> TuneResult:
    """Searches for the network of the highest quality within a budget, and writes its files.

    Quality is PSNR-Y on held-out images after a short training, the same for all. An interrupt
    keeps what is done and writes the winner so far; the same call goes on with what is missing.

    Args:
        settings: what is searched for, and how.
        pack: HR training images.
        out: gets the files; see above.
        trials: how many networks are trained in all, those of earlier calls among them.
        minutes: stop then, with what is done.
        report: called as the work goes on.

    Raises:
        ConfigError: the budget is empty or too small for any network, or `out` has a search of
            other settings.
        DataError: a file of the search is damaged.
        TrainingError: nothing was trained in the time, or nothing keeps the limit at the end.
    """
    end = float("inf") if minutes is None else time.monotonic() + 60 * minutes
    search = _Search(settings, pack, out, report)
    try:
        search.run(trials, end, reserve=min(_RESERVE, 60 * (minutes or 0) / 5))
    except KeyboardInterrupt:
        search.conclude(remeasure_until=None)
        raise
    return search.conclude(remeasure_until=end)


def require_fit(settings: Settings) -> None:
    """Refuses a budget that no network of the space can keep.

    Raises:
        ConfigError: it is empty, or one of its limits is below the cheapest network's figure.
    """
    if not settings.budget.limits:
        raise ConfigError("no budget: give a limit of milliseconds, parameters or multi-adds")
    specs = [suggest(optuna.trial.FixedTrial(start), settings.scale) for start in CHEAPEST]
    for name, limit in settings.budget.limits.items():
        least = min(_figure(name, spec, settings) for spec in specs)
        if least > limit:
            asked = describe_budget(Budget(**{name: limit}))  # type: ignore[arg-type]
            found = describe_budget(Budget(**{name: least}))  # type: ignore[arg-type]
            raise ConfigError(f"no network fits in {asked}: the smallest of the space has {found}")


def _figure(name: str, spec: SplitSRSpec, settings: Settings) -> float:
    """A figure of a budget, of one network."""
    if name == "milliseconds":
        return latency_of(spec, settings)
    return float(getattr(measure_cost(spec), name))


class _Search:
    """A search of one folder, and the few things that are done with it."""

    def __init__(self, settings: Settings, pack: Pack, out: Path, report: Report) -> None:
        self.settings, self.pack, self.out, self.report = settings, pack, out, report
        self.slowest = 0.0  # seconds of a timing so far
        if not (out / JOURNAL).exists():
            require_fit(settings)  # before anything is written
        self.study = open_study(settings, out)
        PairedPixels.open(pack, settings.scale, progress=self._preparing)
        reserved = held_out(pack, HELD_OUT.images)
        self.validator = Validator.of_held_out(pack, reserved, settings.scale, HELD_OUT.crop)
        self.bicubic = self._quality(build_model(InterpolationSpec(scale=settings.scale)).eval())

    def run(self, trials: int, end: float, reserve: float) -> None:
        """Proposes networks until enough are trained, or it is time to stop.

        Args:
            trials: to train.
            end: of the whole search, on the monotonic clock.
            reserve: seconds before the end that are left for the choice, more if timing is slow.
        """
        fruitless = 0
        while fruitless < FRUITLESS and time.monotonic() < self._deadline(end, reserve):
            before = len(self._trained())
            if before >= trials:
                return
            trial = self.study.ask()
            found = self._examine(trial)
            if not found.over and not found.diverged and found.psnr_y is None:
                trained = self._train(found, self._deadline(end, reserve))
                if trained is None:
                    return
                found = trained
            self._tell(trial, found)
            fruitless = 0 if len(self._trained()) > before else fruitless + 1
        if fruitless == FRUITLESS:
            self._tell_progress("exhausted")

    def _deadline(self, end: float, reserve: float) -> float:
        """When the choice has to begin."""
        return end - max(reserve, _TIMINGS * self.slowest)

    def conclude(self, *, remeasure_until: float | None) -> TuneResult:
        """Chooses the winner, measured again up to a moment, and writes all files of the search."""
        self._tell_progress("choosing")
        result = TuneResult(
            settings=self.settings,
            bicubic_psnr_y=self.bicubic,
            held_out=len(self.validator.pairs),
            trials=kept(self.study),
        )
        self._write(result)
        winner = choose(result, remeasure_until=remeasure_until)
        if winner is None and remeasure_until is not None:
            raise TrainingError(
                f"{self.out}: no network within {describe_budget(self.settings.budget)} was "
                f"trained, of {len(result.trials)} that were proposed; give more --minutes, fewer "
                "--steps or a larger budget"
            )
        if winner is None:
            return result
        result = msgspec.structs.replace(result, winner=winner)
        (trial,) = [trial for trial in result.trials if trial.number == winner.number]
        toml = winner_toml(result, trial, winner)
        write_atomic(self.out / "winner.toml", toml.encode(), overwrite=True)
        self._write(result)
        return result

    def _write(self, result: TuneResult) -> None:
        write_atomic(self.out / "trials.json", to_json(result), overwrite=True)
        write_atomic(self.out / "trials.csv", to_csv(result).encode(), overwrite=True)
        draw_search(result, self.out / "pareto.png")

    def _examine(self, trial: optuna.Trial) -> Trial:
        """What a proposal costs, as far as it must be known: up to the first limit it passes."""
        spec = suggest(trial, self.settings.scale)
        fields = spec_to_dict(spec)
        for earlier in kept(self.study):
            if earlier.spec == fields:
                return earlier
        cost = measure_cost(spec)
        found = Trial(
            number=trial.number,
            spec=fields,
            parameters=cost.parameters,
            multi_adds_720p=cost.multi_adds_720p,
        )
        figures: dict[str, float] = {
            "parameters": cost.parameters,
            "multi_adds_720p": cost.multi_adds_720p,
        }
        over = self._over(figures)
        if not over and self.settings.budget.milliseconds is not None:
            self._tell_progress("timing")
            begun = time.monotonic()
            milliseconds = latency_of(spec, self.settings)
            self.slowest = max(self.slowest, time.monotonic() - begun)
            over = self._over({"milliseconds": milliseconds})
            found = msgspec.structs.replace(found, milliseconds=milliseconds)
        return msgspec.structs.replace(found, over=over)

    def _over(self, figures: dict[str, float]) -> tuple[str, ...]:
        excess = self.settings.budget.excess(figures)
        return tuple(name for name, share in excess.items() if share > 0)

    def _train(self, found: Trial, deadline: float) -> Trial | None:
        """Trains a network for the short while; None if time ran out."""
        steps = self.settings.steps
        config = search_config(spec_from_dict(found.spec), "tune", steps)
        run_dir = self.out / "runs" / _fingerprint(config)

        def on_record(record: Record) -> None:
            self._tell_progress("training", record.step, steps)

        self._tell_progress("training", 0, steps)
        left = max(deadline - time.monotonic(), 1e-3)
        try:
            result = train(
                config,
                self.pack,
                run_dir,
                resume=(run_dir / STATE_FILE).exists(),
                max_minutes=None if left == float("inf") else left / 60,
                report=on_record,
            )
        except NonFiniteError:
            shutil.rmtree(run_dir)
            return msgspec.structs.replace(found, diverged=True)
        if not result.finished:
            return None
        quality = self._quality(load_weights(result.weights))
        shutil.rmtree(run_dir)
        return msgspec.structs.replace(found, psnr_y=quality)

    def _quality(self, network: Network) -> float:
        """PSNR-Y on the held-out images, dB."""
        return round(self.validator(network, torch.device("cpu")), 4)

    def _tell(self, trial: optuna.Trial, found: Trial) -> None:
        """Writes a proposal down, and lets the sampler learn from it.

        To the sampler a network over the budget breaks a constraint, and its quality is that of
        bicubic, which takes no training.
        """
        keep(trial, found)
        limits = self.settings.budget.limits
        known = {name: getattr(found, name) for name in limits}
        figures = {name: float(value) for name, value in known.items() if value is not None}
        for name, share in self.settings.budget.excess(figures).items():
            trial.set_constraint(name, share)
        costs = [figures.get(name, limit) for name, limit in limits.items()]
        quality = self.bicubic if found.psnr_y is None else found.psnr_y
        self.study.tell(trial, [quality, *costs])

    def _trained(self) -> list[Trial]:
        return [trial for trial in kept(self.study) if trial.psnr_y is not None]

    def _preparing(self, done: int, total: int) -> None:
        self._tell_progress("preparing", done, total)

    def _tell_progress(self, stage: str, at: int = 0, of: int = 0) -> None:
        self.report(Progress(kept(self.study), stage, at, of))


def _fingerprint(config: TrainConfig) -> str:
    """Names a run."""
    return hashlib.sha256(config_to_toml(config).encode()).hexdigest()[:12]
