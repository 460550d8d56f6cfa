"""The training loop, from top to bottom.

    pack -> seeded patches -> step -> moving average -> validation -> resumable state -> weights

A step depends on the seed, its number and the weights before it alone. So a run that was killed
and resumed from its last state ends, on a CPU with the same number of threads, with the same bits.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from splitsr.data.pack import Pack
from splitsr.data.patches import PairedPixels, plan_patches, stack_plan
from splitsr.errors import NonFiniteError, TrainingError
from splitsr.models.build import build_model
from splitsr.models.checkpoint import save_weights, warm_start
from splitsr.training.config import TrainConfig, config_to_toml
from splitsr.training.devices import Place, find_place, leave_place
from splitsr.training.ema import EMA
from splitsr.training.log import Record, RunLog, commit_of_source
from splitsr.training.schedule import learning_rate
from splitsr.training.state import STATE_FILE, Progress, load_state, save_state
from splitsr.training.step import TrainStep
from splitsr.training.validation import Validator, folder_images, held_out, held_out_crops

WEIGHTS_FILE = "weights.safetensors"


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
    report: Callable[[Record], None] = lambda _: None,
    preparing: Callable[[int, int], None] | None = None,
) -> RunResult:
    """Trains the network of a configuration.

    Args:
        config: the run.
        pack: HR training images.
        run_dir: gets config.toml, log.jsonl, state.pt, weights.safetensors and curves.png.
        resume: go on from run_dir's state.
        max_minutes: stop after that time, with a state to resume from.
        val_dir: HR images to validate on; by default some of the pack are held out for it.
        device: `cpu` or `cuda`; by default CUDA when there is a GPU.
        report: called after every `log_every` steps and every validation.
        preparing: called with (done, all) while the pack's LR images are made.

    Raises:
        TrainingError: the run directory has a run already, or none to resume.
        NonFiniteError: the loss became NaN or infinite; the last state is kept.
    """
    deadline = time.monotonic() + 60 * max_minutes if max_minutes else float("inf")
    place = find_place(device)
    if (run_dir / STATE_FILE).exists() and not resume:
        raise TrainingError(f"{run_dir}: has a run already; add --resume, or take another folder")
    run_dir.mkdir(parents=True, exist_ok=True)

    torch.manual_seed(config.seed)
    model = build_model(config.model)
    if config.init_from and not resume:
        warm_start(model, Path(config.init_from))
    model = model.to(place.device, memory_format=torch.channels_last)
    ema = EMA(model, config.ema)

    scale = config.model.scale
    pixels = PairedPixels.open(pack, scale, progress=preparing).to(place.device)
    sizes = pixels.lr_sizes.copy()
    if val_dir is None:
        reserved = held_out(pack, config.validation.images)
        sizes[reserved] = 0  # too small for any patch: never drawn
        validator = Validator(held_out_crops(pack, reserved, config.validation.crop), scale)
    else:
        validator = Validator(folder_images(val_dir), scale)

    step_once = TrainStep(model, pixels, config, place)
    progress = Progress()
    if resume:
        progress = load_state(run_dir, config, model, ema, step_once.optimizer)
    log = RunLog(run_dir, config, resume_at=progress.step, writes=place.leads)
    score: float | None = None

    def save() -> None:
        if place.leads:
            save_state(run_dir, config, model, ema, step_once.optimizer, progress)

    def finish_slice() -> None:
        save()
        if place.leads:
            metadata = {
                "splitsr.config": config_to_toml(config),
                "splitsr.commit": commit_of_source(),
                "splitsr.step": str(progress.step),
                "splitsr.seconds": f"{progress.seconds:.0f}",
                "splitsr.validation_psnr_y": "" if score is None else f"{score:.4f}",
            }
            save_weights(run_dir / WEIGHTS_FILE, config.model, ema.model.state_dict(), metadata)
            log.draw()

    losses: list[Tensor] = []
    started, first = time.monotonic(), progress.step
    before = progress.seconds
    try:
        while progress.step < config.total_steps and time.monotonic() < deadline:
            step = progress.step
            stage = config.stage_at(step)
            rate = learning_rate(
                step, config.total_steps, config.optimizer.learning_rate, config.schedule
            )
            plan = plan_patches(
                sizes,
                seed=config.seed,
                step=step,
                batch_size=stage.batch_size,
                patch_size=stage.patch_size,
                sampling=config.sampling,
                augment=config.augment,
            )
            losses.append(step_once(_share(stack_plan(plan), place), stage, rate).clone())
            ema.update(step)
            progress.step += 1
            progress.seconds = before + time.monotonic() - started

            last = progress.step == config.total_steps
            due_log = last or progress.step % config.log_every == 0
            due_validation = last or progress.step % config.validation.every == 0
            if due_log or due_validation or place.device.type == "cpu":
                _check_finite(losses, progress.step, run_dir)
            if due_log:
                speed = (progress.step - first) * stage.batch_size / (time.monotonic() - started)
                loss = float(torch.stack(losses).mean())
                report(log.write(progress.step, loss, rate, speed, progress.seconds, None))
                losses.clear()
            if due_validation and place.leads:
                score = validator(ema.model, place.device)
                report(log.write(progress.step, None, rate, None, progress.seconds, score))
            if progress.step % config.checkpoint_every == 0:
                save()
    except KeyboardInterrupt:
        finish_slice()
        raise
    finally:
        log.close()
    finish_slice()
    leave_place(place)
    return RunResult(progress.step, config.total_steps, score, run_dir / WEIGHTS_FILE)


def _share(plan: Tensor, place: Place) -> Tensor:
    """This process's part of a batch."""
    return plan[:, place.rank :: place.world]


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
            "lower optimizer.learning_rate or set optimizer.clip_norm"
        )
