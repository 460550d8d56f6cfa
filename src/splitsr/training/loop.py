"""The training loop, from top to bottom.

    pack -> seeded patches -> step -> moving average -> validation -> resumable state -> weights

A step depends on the seed, its number and the weights before it alone. So a run that was killed
and resumed from its last state ends, on a CPU with the same number of threads, with the same bits.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from splitsr.data.pack import Pack
from splitsr.data.patches import PairedPixels, plan_patches, stack_plan
from splitsr.errors import NonFiniteError, TrainingError
from splitsr.models.build import build_model
from splitsr.models.checkpoint import load_weights, save_weights, warm_start
from splitsr.models.network import Network
from splitsr.training.config import Stage, TrainConfig, config_to_toml
from splitsr.training.devices import Place, find_place, leave_place, wait_for_all
from splitsr.training.ema import EMA
from splitsr.training.log import Record, RunLog, commit_of_source
from splitsr.training.reparam import expand, folded_weights
from splitsr.training.schedule import learning_rate
from splitsr.training.state import STATE_FILE, Progress, load_state, save_state
from splitsr.training.step import TrainStep
from splitsr.training.validation import Validator, held_out

WEIGHTS_FILE = "weights.safetensors"

Report = Callable[[Record], None]


@dataclass(frozen=True)
class RunResult:
    """How a call of `train` ended.

    Attributes:
        step: steps that are done.
        total: steps of the run.
        psnr_y: the last validation, dB; None if there was none in this call.
        weights: the file of the averaged weights.
    """

    step: int
    total: int
    psnr_y: float | None
    weights: Path

    @property
    def finished(self) -> bool:
        """Whether the run has reached its end."""
        return self.step == self.total


def train(
    config: TrainConfig,
    pack: Pack,
    run_dir: Path,
    *,
    resume: bool = False,
    max_minutes: float | None = None,
    val_dir: Path | None = None,
    device: str | None = None,
    report: Report = lambda _: None,
    preparing: Callable[[int, int], None] | None = None,
) -> RunResult:
    """Trains the network of a configuration.

    Args:
        config: the run.
        pack: HR training images.
        run_dir: gets config.toml, log.jsonl, state.pt, weights.safetensors and curves.png.
        resume: go on from run_dir's state.
        max_minutes: stop at the first step after that time, with a state to resume from.
        val_dir: HR images to validate on; by default some of the pack are held out for it.
        device: `cpu` or `cuda`; by default CUDA when there is a GPU.
        report: called after every `log_every` steps and every validation.
        preparing: called with (done, all) while the pack's LR images are made.

    Raises:
        TrainingError: the run directory has a run already, or none to resume.
        NonFiniteError: the loss became NaN or infinite; the last state is kept.
    """
    deadline = time.monotonic() + 60 * max_minutes if max_minutes else float("inf")
    if (run_dir / STATE_FILE).exists() and not resume:
        raise TrainingError(f"{run_dir}: has a run already; add --resume, or take another folder")
    run_dir.mkdir(parents=True, exist_ok=True)
    place = find_place(device)
    _check_shares(config, place)
    run = _Run(config, run_dir, place, resume=resume)
    run.load_data(pack, val_dir, preparing)
    run.open_log(report)
    try:
        while run.progress.step < config.total_steps:
            run.advance()
            run.measure()
            if run.progress.step % config.checkpoint_every == 0:
                run.save()
            if time.monotonic() > deadline:  # after a step: every slice gets on
                break
        run.finish()
    except KeyboardInterrupt:
        run.finish()
        raise
    finally:
        run.log.close()
        leave_place(place)
    return RunResult(run.progress.step, config.total_steps, run.score, run_dir / WEIGHTS_FILE)


class _Run:
    """The moving parts of a run, and the few things that are done with them."""

    log: RunLog

    def __init__(self, config: TrainConfig, run_dir: Path, place: Place, *, resume: bool) -> None:
        self.config, self.run_dir, self.place = config, run_dir, place
        torch.manual_seed(config.seed)
        model = build_model(config.model)
        if config.init_from and not resume:
            warm_start(model, Path(config.init_from))
        expand(model, config.expansion)
        self.model = model.to(place.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.ema = EMA(self.model, config.ema)
        self.step_once = TrainStep(self.model, config, place, _load_teacher(config, place))
        self.progress = Progress()
        if resume:
            self.progress = load_state(
                run_dir, config, self.model, self.ema, self.step_once.optimizer
            )
        self.score: float | None = None
        self._losses: list[Tensor] = []
        self._slice = _Slice(self.progress)

    def load_data(
        self,
        pack: Pack,
        val_dir: Path | None,
        preparing: Callable[[int, int], None] | None,
    ) -> None:
        """Maps the training images, or moves them to the GPU, and picks those to validate on."""
        scale, settings = self.config.model.scale, self.config.validation
        if self.place.leads:
            PairedPixels.open(pack, scale, progress=preparing)
        wait_for_all(self.place)
        pixels = PairedPixels.open(pack, scale, targets=self.config.targets)
        self.pixels = pixels.to(self.place.device)
        self.sizes = self.pixels.lr_sizes.copy()
        if val_dir is not None:
            self.validate = Validator.of_folder(val_dir, scale)
            return
        reserved = held_out(pack, settings.images)
        self.sizes[reserved] = 0  # too small for any patch: never drawn
        self.validate = Validator.of_held_out(pack, reserved, scale, settings.crop)

    def open_log(self, report: Report) -> None:
        """Starts the record of this slice."""
        self.report = report
        self.log = RunLog(
            self.run_dir, self.config, resume_at=self.progress.step, writes=self.place.leads
        )
        self._slice = _Slice(self.progress)

    def advance(self) -> None:
        """One step: draw, update, average."""
        step = self.progress.step
        stage = self.config.stage_at(step)
        plan = self._draw(step, stage)
        patches = self.pixels.cut(plan.to(self.place.device), stage.patch_size)
        loss = self.step_once(patches, stage, self._rate(step))
        self._losses.append(loss.clone())  # the next step may overwrite it
        self.ema.update(step)
        self.progress.step += 1
        self.progress.seconds = self._slice.seconds_before + self._slice.elapsed

    def measure(self) -> None:
        """Checks the loss, and logs and validates where that is due."""
        step, config = self.progress.step, self.config
        last = step == config.total_steps
        due_log = last or step % config.log_every == 0
        # Reading a loss waits for a GPU to finish; a CPU has finished anyway.
        if due_log or self.place.device.type == "cpu":
            _check_finite(self._losses, step, self.run_dir)
        if due_log:
            images = (step - self._slice.first_step) * config.stage_at(step - 1).batch_size
            loss = float(torch.stack(self._losses).mean())
            self._record(loss=loss, images_per_second=round(images / self._slice.elapsed, 2))
            self._losses.clear()
        if self.place.leads and (last or step % config.validation.every == 0):
            self.score = self.validate(self.ema.model, self.place.device)
            self._record(psnr_y=self.score)
            self._save_weights()

    def save(self) -> None:
        """Writes the state to resume from."""
        if self.place.leads:
            save_state(
                self.run_dir,
                self.config,
                self.model,
                self.ema,
                self.step_once.optimizer,
                self.progress,
            )

    def finish(self) -> None:
        """Ends a slice: state, averaged weights and curves."""
        self.save()
        if self.place.leads:
            self._save_weights()
            self.log.draw()

    def _save_weights(self) -> None:
        metadata = {
            "splitsr.config": config_to_toml(self.config),
            "splitsr.commit": commit_of_source(),
            "splitsr.step": str(self.progress.step),
            "splitsr.seconds": f"{self.progress.seconds:.0f}",
            "splitsr.validation_psnr_y": "" if self.score is None else f"{self.score:.4f}",
        }
        weights = folded_weights(self.ema.model)
        save_weights(self.run_dir / WEIGHTS_FILE, self.config.model, weights, metadata)

    def _draw(self, step: int, stage: Stage) -> Tensor:
        """This process's part of the step's patches, int64 (4, B)."""
        plan = plan_patches(
            self.sizes,
            seed=self.config.seed,
            step=step,
            batch_size=stage.batch_size,
            patch_size=stage.patch_size,
            sampling=self.config.sampling,
            augment=self.config.augment,
        )
        return stack_plan(plan)[:, self.place.rank :: self.place.world]

    def _rate(self, step: int) -> float:
        config = self.config
        return learning_rate(
            step, config.total_steps, config.optimizer.learning_rate, config.schedule
        )

    def _record(self, **figures: float) -> None:
        record = Record(
            step=self.progress.step,
            learning_rate=self._rate(self.progress.step - 1),
            seconds=round(self.progress.seconds, 1),
            **figures,
        )
        self.log.write(record)
        self.report(record)


@dataclass
class _Slice:
    """Where this call of `train` began."""

    progress: Progress
    first_step: int = field(init=False)
    seconds_before: float = field(init=False)
    _started: float = field(init=False)

    def __post_init__(self) -> None:
        self.first_step = self.progress.step
        self.seconds_before = self.progress.seconds
        self._started = time.monotonic()

    @property
    def elapsed(self) -> float:
        """Seconds since the slice began."""
        return time.monotonic() - self._started


def _load_teacher(config: TrainConfig, place: Place) -> Network | None:
    """The network to learn from, which stays as it is."""
    if config.teacher is None:
        return None
    teacher = load_weights(Path(config.teacher)).requires_grad_(False)
    if teacher.spec.scale != config.model.scale:
        raise TrainingError(
            f"teacher: {config.teacher} enlarges x{teacher.spec.scale}, the network "
            f"x{config.model.scale}; must be the same"
        )
    return teacher.to(place.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def _check_shares(config: TrainConfig, place: Place) -> None:
    """Gradients are averaged over the processes: their shares of a batch must be equal."""
    for number, stage in enumerate(config.stages):
        if stage.batch_size % place.world:
            raise TrainingError(
                f"stages[{number}].batch_size: {stage.batch_size} patches cannot be shared "
                f"equally by {place.world} processes"
            )


def _check_finite(losses: list[Tensor], step: int, run_dir: Path) -> None:
    """Raises if one of the last losses, up to step `step`, is NaN or infinite."""
    if not losses:
        return
    values = torch.stack(losses).cpu().numpy()
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        at = step - len(losses) + int(bad[0]) + 1
        raise NonFiniteError(
            f"the loss became {values[bad[0]]} at step {at}; the last good state is in {run_dir}; "
            "lower the learning rate or set optimizer.clip_norm"
        )
