"""The state of a run on disk: enough to go on as if it had never stopped."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import torch
from torch import nn

from splitsr.errors import TrainingError
from splitsr.training.config import TrainConfig, config_from_dict, config_to_toml
from splitsr.training.ema import EMA
from splitsr.training.optimizers import Optimizers

STATE_FILE = "state.pt"

CHANGEABLE = {"stages", "validation", "checkpoint_every", "log_every"}


@dataclass
class Progress:
    """How far a run is.

    Attributes:
        step: steps that are done.
        seconds: wall-clock time spent in them.
    """

    step: int = 0
    seconds: float = 0.0


def save_state(
    run_dir: Path,
    config: TrainConfig,
    model: nn.Module,
    ema: EMA,
    optimizer: Optimizers,
    progress: Progress,
) -> None:
    """Writes the state atomically: a crash leaves the old one or the new one."""
    state = {
        "config": config_to_toml(config),
        "model": model.state_dict(),
        "ema": ema.model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "step": progress.step,
        "seconds": progress.seconds,
    }
    partial = run_dir / f"{STATE_FILE}.partial"
    with partial.open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(run_dir / STATE_FILE)


def load_state(
    run_dir: Path,
    config: TrainConfig,
    model: nn.Module,
    ema: EMA,
    optimizer: Optimizers,
) -> Progress:
    """Restores what `save_state` wrote into model, average and optimizer.

    The configuration must be the one that the run began with, but for how long it goes on and
    how often it reports: fields in `CHANGEABLE`.

    Raises:
        TrainingError: no state, a damaged one, or one of another configuration.
    """
    path = run_dir / STATE_FILE
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise TrainingError(f"{path}: no state to resume from; leave out --resume") from None
    except Exception as error:
        raise TrainingError(f"{path}: damaged, cannot resume ({error})") from None
    if changed := _changed_fields(state["config"], config_to_toml(config)):
        raise TrainingError(
            f"{path}: is of another configuration ({', '.join(changed)} changed); resume with "
            "the same one, or start a new run with init_from"
        )
    if state["step"] > config.total_steps:
        raise TrainingError(
            f"{path}: is at step {state['step']}; the configuration's stages end before, at "
            f"{config.total_steps}"
        )
    model.load_state_dict(state["model"])
    ema.model.load_state_dict(state["ema"])
    optimizer.load_state_dict(state["optimizer"])
    return Progress(state["step"], state["seconds"])


def _changed_fields(before: str, after: str) -> list[str]:
    """Names of the tables and values that differ between two configurations and may not."""
    # Fields that were renamed since, or have come to a default, are no change.
    old, new = (
        msgspec.to_builtins(config_from_dict(tomllib.loads(text), STATE_FILE))
        for text in (before, after)
    )
    names = sorted((old.keys() | new.keys()) - CHANGEABLE)
    return [name for name in names if old.get(name) != new.get(name)]
