"""The state of a run on disk: enough to go on as if it had never stopped."""

from __future__ import annotations

import tomllib
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Annotated, Any

import msgspec
import torch
from torch import nn

from splitsr.errors import SplitSRError, TrainingError
from splitsr.imaging.atomic import write_atomic
from splitsr.training.config import (
    TrainConfig,
    config_from_dict,
    config_to_toml,
    weights_path,
)
from splitsr.training.ema import EMA
from splitsr.training.optimizers import Optimizers

STATE_FILE = "state.pt"

CHANGEABLE = {"stages", "validation", "checkpoint_every", "log_every"}


class _State(msgspec.Struct):
    """What the file holds."""

    config: str
    model: dict[str, Any]
    ema: dict[str, Any]
    optimizer: list[dict[str, Any]]
    step: Annotated[int, msgspec.Meta(ge=0)]
    seconds: float


def save_state(
    run_dir: Path,
    config: TrainConfig,
    model: nn.Module,
    ema: EMA,
    optimizer: Optimizers,
    step: int,
    seconds: float,
) -> None:
    """Writes the state atomically: a crash leaves the old one or the new one.

    Args:
        run_dir: where to.
        config: of the run.
        model: the network.
        ema: its average.
        optimizer: what updates it.
        step: steps that are done.
        seconds: spent on them.

    Raises:
        ImageWriteError: it cannot be written.
    """
    state = _State(
        config=config_to_toml(config),
        model=model.state_dict(),
        ema=ema.model.state_dict(),
        optimizer=optimizer.state_dict(),
        step=step,
        seconds=seconds,
    )
    # By way of memory: torch turns an interrupted or full file into errors of its own.
    file = BytesIO()
    torch.save(msgspec.structs.asdict(state), file)
    write_atomic(run_dir / STATE_FILE, file.getvalue(), overwrite=True)


def load_state(
    run_dir: Path, config: TrainConfig, model: nn.Module, ema: EMA, optimizer: Optimizers
) -> tuple[int, float]:
    """Restores what `save_state` wrote into model, average and optimizer.

    The configuration must be the one that the run began with, but for how long it goes on and
    how often it reports: fields in `CHANGEABLE`.

    Returns:
        Steps that are done, and the seconds spent on them.

    Raises:
        TrainingError: no state, a damaged or foreign one, or one of another configuration.
    """
    path = run_dir / STATE_FILE
    state = _read(path)
    if changed := _changed_fields(state.config, config, path):
        raise TrainingError(
            f"{path}: is of another configuration ({', '.join(changed)} changed); resume with "
            "the same one and the same --set, or start a new run with init_from"
        )
    if state.step > config.total_steps:
        raise TrainingError(
            f"{path}: is at step {state.step}; the configuration's stages end before, at "
            f"{config.total_steps}"
        )
    try:
        model.load_state_dict(state.model)
        ema.model.load_state_dict(state.ema)
        optimizer.load_state_dict(state.optimizer)
    except (RuntimeError, ValueError, KeyError, TypeError, AttributeError):
        raise TrainingError(
            f"{path}: its tensors are not those of this version's network and optimizer; resume "
            "with the version that wrote it, or start a new run with init_from"
        ) from None
    return state.step, state.seconds


def _read(path: Path) -> _State:
    """The state in a file, whose every byte is checked: it is a ZIP file, with checksums."""
    try:
        with zipfile.ZipFile(path) as file:
            if file.testzip() is not None:  # torch itself does not look at them
                raise zipfile.BadZipFile
        return msgspec.convert(torch.load(path, map_location="cpu", weights_only=True), _State)
    except FileNotFoundError:
        raise TrainingError(f"{path}: no state to resume from; leave out --resume") from None
    except OSError as error:
        raise TrainingError(f"{path}: cannot be read: {error.strerror}") from None
    except Exception:  # torch and zipfile have many for foreign bytes
        raise TrainingError(_damaged(path)) from None


def _damaged(path: Path) -> str:
    return (
        f"{path}: damaged, or not a state that `splitsr train` wrote; put a copy of it back, or "
        "start again in another folder"
    )


def _changed_fields(before: str, after: TrainConfig, path: Path) -> list[str]:
    """Names of the tables and values that differ between two configurations and may not."""
    try:
        # Fields that were renamed since, or have come to a default, are no change.
        old = _comparable(config_from_dict(tomllib.loads(before), STATE_FILE))
    except (tomllib.TOMLDecodeError, SplitSRError):
        raise TrainingError(_damaged(path)) from None
    new = _comparable(after)
    return [name for name in sorted(new.keys() - CHANGEABLE) if old.get(name) != new.get(name)]


def _comparable(config: TrainConfig) -> dict[str, Any]:
    """The fields, with weights by the end of their path: a name stands for one, folders move.

    How many images are held out decides which are trained on, whatever else may change of how the
    run is watched.
    """
    fields: dict[str, Any] = msgspec.to_builtins(config)
    fields["validation.images"] = config.validation.images
    for name in ("init_from", "teacher"):
        if fields[name] is not None:
            fields[name] = weights_path(fields[name]).parts[-2:]
    return fields
