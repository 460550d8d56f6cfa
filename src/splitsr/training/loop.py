"""The training loop, from top to bottom.

    pack -> seeded patches -> step -> moving average -> log -> validation -> weights, state

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
from msgspec.structs import replace
from numpy.typing import NDArray
from torch import Tensor

from splitsr.data.pack import Pack
from splitsr.data.patches import PairedPixels, plan_patches, stack_plan
from splitsr.errors import DataError, NonFiniteError, TrainingError
from splitsr.networks.build import build_model
from splitsr.networks.checkpoint import load_weights, save_weights, warm_start
from splitsr.networks.network import Network
from splitsr.training.config import TrainConfig, config_to_toml, weights_path
from splitsr.training.devices import Place, find_place
from splitsr.training.ema import EMA
from splitsr.training.interpolation import interpolate, set_share, severity_at, share_for
from splitsr.training.interrupts import Interrupted, Interrupts
from splitsr.training.log import Record, Report, RunLog, commit_of_source
from splitsr.training.overparam import expand, folded_weights
from splitsr.training.schedule import learning_rate
from splitsr.training.state import STATE_FILE, load_state, save_state
from splitsr.training.step import TrainStep
from splitsr.training.validation import Validator, held_out

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
    report: Report = lambda _: None,
    preparing: Callable[[int, int], None] | None = None,
) -> RunResult:
    """Trains the network of a configuration.

    Ctrl-C and SIGTERM end the run after the step at hand, with a state to resume from.

    Args:
        config: the run.
        pack: HR training images; their checksum is verified.
        run_dir: gets config.toml, log.jsonl, state.pt, weights.safetensors and curves.png.
        resume: go on from run_dir's state.
        max_minutes: stop at the first step after that time, with a state to resume from.
        val_dir: HR images to validate on; by default some of the pack are held out for it.
        device: `cpu` or `cuda`; by default CUDA when there is a GPU.
        report: called after every `log_every` steps and every validation.
        preparing: called with (done, all) while the pack's LR images are made.

    Raises:
        TrainingError: the run directory has a run already, or none to resume, or cannot be written.
        DataError: the pack is damaged, or holds no patch of a stage.
        ImageWriteError: state or weights cannot be written; the last state is kept.
        NonFiniteError: the loss became NaN or infinite; the last state is kept.
        Interrupted: by a signal.
    """
    deadline = time.monotonic() + 60 * max_minutes if max_minutes else float("inf")
    with find_place(device) as place:
        _check_start(config, run_dir, place, resume=resume)

        # The network, the moving average of its weights, and what updates them.
        torch.manual_seed(config.seed)
        model = _build(config, place, warm=not resume)
        ema = EMA(model, config.ema)
        set_share(ema.model, config.interpolate)
        step_once = TrainStep(model, config, place, _load_teacher(config, place))
        optimizer = step_once.optimizer
        step, before = load_state(run_dir, config, model, ema, optimizer) if resume else (0, 0.0)

        # The patches to learn from, and the images to measure on.
        pixels, sizes, validate = _open_data(config, pack, place, val_dir, preparing)

        losses: list[Tensor] = []  # since the last report, as what was drawn
        drawn, score, stopping = 0, None, False
        began = since = time.monotonic()
        seconds = before
        log = RunLog(run_dir, config, report, resume_at=step, writes=place.leads)
        with log, Interrupts() as interrupts:
            if step == 0 and optimizer.muon:
                log.write(Record(step=0, learning_rate=0.0, seconds=0.0, muon=optimizer.muon))
            while step < config.total_steps and not stopping:
                # Draw: the step's patches, of which every process has its share.
                stage = config.stage_at(step)
                severity = severity_at(step) if config.interpolate else None
                plan = plan_patches(
                    sizes,
                    seed=config.seed,
                    step=step,
                    batch_size=stage.batch_size,
                    patch_size=stage.patch_size,
                    sampling=config.sampling,
                    augment=config.augment,
                    degradation=stage.degradation,
                    severity=severity,
                )
                share = stack_plan(plan)[:, place.rank :: place.world].to(place.device)
                patches = pixels.cut(share, stage.patch_size, stage.degradation)

                # Step, with a twin's weights mixed as such patches need it.
                if severity is not None:
                    set_share(model, share_for(severity))
                rate = learning_rate(
                    step, config.total_steps, config.optimizer.learning_rate, config.schedule
                )
                loss = step_once(patches, stage, rate)
                losses.append(loss.clone())  # the next step may overwrite it
                drawn += stage.batch_size

                # Average.
                ema.update(step)

                # What is due? Nothing is written of weights that are not finite.
                step += 1
                last = step == config.total_steps
                log_due = last or step % config.log_every == 0
                validation_due = last or step % config.validation.every == 0
                save_due = step % config.checkpoint_every == 0
                if log_due or validation_due or save_due:
                    _check_finite(model, losses, step, run_dir)

                # Log.
                seconds = round(before + time.monotonic() - began, 1)
                at = Record(step=step, learning_rate=rate, seconds=seconds)
                if log_due:
                    mean = float(torch.stack(losses).mean())
                    speed = round(drawn / (time.monotonic() - since), 2)
                    log.write(replace(at, loss=mean, images_per_second=speed))
                    losses, drawn, since = [], 0, time.monotonic()

                # Validate.
                if validation_due and place.leads:
                    paused = time.monotonic()
                    score = validate(ema.model, place.device)
                    log.write(replace(at, psnr_y=score))
                    log.picture(step, lambda: validate.picture(ema.model, place.device))
                    _save_weights(run_dir, config, ema, step, seconds, score)
                    since += time.monotonic() - paused

                # Save.
                if save_due and place.leads:
                    save_state(run_dir, config, model, ema, optimizer, step, seconds)

                wish = interrupts.noted is not None or time.monotonic() > deadline
                stopping = place.agree_to_stop(step, wish)

            _check_finite(model, losses, step, run_dir)
            if place.leads:
                save_state(run_dir, config, model, ema, optimizer, step, seconds)
                _save_weights(run_dir, config, ema, step, seconds, score)
                log.draw()
    if interrupts.noted is not None:
        more = "; go on with --resume" if step < config.total_steps else ""
        raise Interrupted(f"stopped at step {step} of {config.total_steps}{more}", interrupts.noted)
    return RunResult(step, config.total_steps, score, run_dir / WEIGHTS_FILE)


def _check_start(config: TrainConfig, run_dir: Path, place: Place, *, resume: bool) -> None:
    """Refuses to write over a run, or to share a batch unequally: gradients are averaged."""
    if (run_dir / STATE_FILE).exists() and not resume:
        raise TrainingError(
            f"{run_dir}: already holds a run; add --resume, or choose another folder"
        )
    for number, stage in enumerate(config.stages):
        if stage.batch_size % place.world:
            raise TrainingError(
                f"stages[{number}].batch_size: {stage.batch_size} patches cannot be shared "
                f"equally by {place.world} processes"
            )


def _build(config: TrainConfig, place: Place, *, warm: bool) -> Network:
    """The network, with the weights and the branches that it is trained from."""
    model = build_model(config.model)
    if config.init_from and warm:
        warm_start(model, weights_path(config.init_from))
    expand(model, config.expansion)
    if config.interpolate:
        interpolate(model)
    return _moved(model, place)


def _load_teacher(config: TrainConfig, place: Place) -> Network | None:
    """The network to learn from, which stays as it is."""
    if config.teacher is None:
        return None
    teacher = load_weights(weights_path(config.teacher)).requires_grad_(False)
    if teacher.spec.scale != config.model.scale:
        raise TrainingError(
            f"teacher: {config.teacher} enlarges x{teacher.spec.scale}, the network "
            f"x{config.model.scale}; must be the same"
        )
    return _moved(teacher, place)


def _moved(network: Network, place: Place) -> Network:
    """A network where the run computes."""
    return network.to(place.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def _open_data(
    config: TrainConfig,
    pack: Pack,
    place: Place,
    val_dir: Path | None,
    preparing: Callable[[int, int], None] | None,
) -> tuple[PairedPixels, NDArray[np.int64], Validator]:
    """Pixels, on a GPU if there is one; LR sizes of the images, 0 if held out; how to measure."""
    scale, settings = config.model.scale, config.validation
    if place.leads:
        pack.verify()
    else:  # rank 0 makes what is missing
        place.wait_for_all()
    degradations = {stage.degradation for stage in config.stages if stage.degradation is not None}
    pixels = PairedPixels.open(
        pack, scale, targets=config.targets, degradations=degradations, progress=preparing
    )
    if place.leads:
        place.wait_for_all()
    pixels = pixels.to(place.device)
    sizes = pixels.lr_sizes.copy()
    if val_dir is not None:
        validate = Validator.of_folder(val_dir, scale)
    else:
        reserved = held_out(pack, settings.images)
        sizes[reserved] = 0  # too small for any patch: never drawn
        validate = Validator.of_held_out(pack, reserved, scale, settings.crop)
    if not sizes.any():
        raise DataError(
            f"{pack.folder}: its one image is held out to validate on; make a pack of more "
            "(splitsr data pack), or validate on other images (--val)"
        )
    for stage in config.stages:  # fails now, and not when the stage comes
        plan_patches(sizes, seed=0, step=0, batch_size=1, patch_size=stage.patch_size)
    return pixels, sizes, validate


def _check_finite(network: Network, losses: list[Tensor], step: int, run_dir: Path) -> None:
    """Raises if one of the last losses, up to step `step`, or a weight is not finite."""
    advice = (
        f"the last good state is in {run_dir}; lower the learning rate or set optimizer.clip_norm"
    )
    values = torch.stack(losses).cpu().numpy() if losses else np.zeros(0)
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        at = step - len(losses) + int(bad[0]) + 1
        raise NonFiniteError(f"the loss became {values[bad[0]]} at step {at}; {advice}")
    if not torch.stack([weight.isfinite().all() for weight in network.parameters()]).all():
        raise NonFiniteError(f"the weights became NaN or infinite by step {step}; {advice}")


def _save_weights(
    run_dir: Path, config: TrainConfig, ema: EMA, step: int, seconds: float, score: float | None
) -> None:
    """Writes the averaged weights, with their history."""
    metadata = {
        "splitsr.config": config_to_toml(config),
        "splitsr.commit": commit_of_source(),
        "splitsr.step": str(step),
        "splitsr.seconds": f"{seconds:.0f}",
        "splitsr.validation_psnr_y": "" if score is None else f"{score:.4f}",
    }
    save_weights(run_dir / WEIGHTS_FILE, config.model, folded_weights(ema.model), metadata)
