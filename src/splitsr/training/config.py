"""The configuration of a training run: typed, frozen, read from TOML.

`--set section.field=value` changes single values; the resolved configuration is saved beside the
run. The defaults are the paper's training as far as it is published.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from splitsr.data.degradations import Degradation
from splitsr.errors import ConfigError
from splitsr.limits import explain
from splitsr.networks import ModelSpec, SplitSRSpec, spec_from_config
from splitsr.networks.base import WEIGHTS_SUFFIXES
from splitsr.zoo.catalogue import find_model, is_model_path
from splitsr.zoo.reading import read_file

_Positive = Annotated[int, Meta(ge=1)]
_Weight = Annotated[float, Meta(ge=0)]
_Decay = Annotated[float, Meta(ge=0, lt=1)]


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of the file."""


class Stage(_Section, frozen=True):
    """A stretch of the run with its own patches and loss.

    Attributes:
        steps: length of the stage.
        batch_size: patches a step, over all processes.
        patch_size: side of a patch in LR pixels.
        loss: on the output in [0, 1].
        luma_weight: weight of the same loss of the luma, added to it; 0 for none.
        fft_weight: weight of the L1 distance of the spectra, added to the loss; 0 for none.
        hr_weight: weight of the loss against the HR patch; 0 learns from the teacher alone.
        teacher_weight: weight of the same loss against what the run's teacher makes of the patch,
            added to it; 0 for none. Its input is never degraded.
        degradation: what the LR patches go through (`data/degradations.py`); None for nothing.
    """

    steps: _Positive = 600_000
    batch_size: _Positive = 16
    patch_size: _Positive = 24
    loss: Literal["l1", "charbonnier", "l2"] = "l1"
    luma_weight: _Weight = 0.0
    fft_weight: _Weight = 0.0
    hr_weight: _Weight = 1.0
    teacher_weight: _Weight = 0.0
    degradation: Degradation | None = None


class Optimizer(_Section, frozen=True):
    """Adam (Kingma and Ba), or Muon for the kernels of the body and Adam for the rest.

    Attributes:
        kind: `adam`, or `muon` (see `training/muon.py`).
        learning_rate: the peak.
        betas: decay of the first and second moment.
        eps: added to the root of the second moment.
        clip_norm: largest norm of the gradient; 0 for no clipping.
    """

    kind: Literal["adam", "muon"] = "adam"
    learning_rate: Annotated[float, Meta(gt=0)] = 1e-4
    betas: tuple[_Decay, _Decay] = (0.9, 0.999)
    eps: _Weight = 1e-7
    clip_norm: _Weight = 0.0


class Schedule(_Section, frozen=True):
    """How the learning rate runs over the whole of the stages.

    Attributes:
        kind: `cosine` falls towards `final_ratio` of the peak, which it would reach after the last
            step; `step` halves the rate every `halve_every` steps.
        warmup_steps: linear rise from zero to the peak.
        final_ratio: last learning rate over the peak, for `cosine`.
        halve_every: steps, for `step`.
    """

    kind: Literal["cosine", "step"] = "step"
    warmup_steps: Annotated[int, Meta(ge=0)] = 0
    final_ratio: Annotated[float, Meta(ge=0, le=1)] = 0.01
    halve_every: _Positive = 200_000


class Validation(_Section, frozen=True):
    """When and on what the run is measured.

    Attributes:
        every: steps between two measurements.
        images: how many images of the pack are held out, when no folder is given.
        crop: side in HR pixels of the centre crop of a held-out image.
    """

    every: _Positive = 5_000
    images: _Positive = 8
    crop: _Positive = 288


class TrainConfig(_Section, frozen=True):
    """Everything that decides the outcome of a run.

    Attributes:
        name: of the network that is trained.
        model: the network.
        stages: one after another; their steps add up to the run's.
        optimizer: see `Optimizer`.
        schedule: see `Schedule`.
        validation: see `Validation`.
        seed: of the initialisation and of the patches.
        ema: decay of the weights' moving average, which is what is validated and shipped; 0 for
            none.
        sampling: images equally likely, or in proportion to their area.
        augment: random flips and quarter turns.
        precision: `auto` takes bfloat16 where the hardware has it.
        compile: run the step through torch.compile.
        checkpoint_every: steps between two saved states.
        log_every: steps between two lines of the log.
        init_from: weights to start from, of this or another scale: a shipped model's name, or a
            `.safetensors` file, whose path is relative to the configuration's file.
        teacher: weights of a larger network of the same scale to learn from (distillation), named
            in the same way; a published `.pth` will do too.
        targets: name of the pack's targets that a teacher made (`splitsr data teach`), in place of
            `teacher`: a step costs half.
        expansion: width of the branches that every 3x3 kernel is trained with, over its output
            channels, and that are folded into it (see `training/overparam.py`); 0 for none.
        interpolate: train a twin: every step computes with a mixture of the weights in `init_from`
            and the network's, on patches as degraded as the network's share is for (see
            `training/interpolation.py`). What is validated and shipped is the mixture at this
            share, the worst that photos are to be restored by; 0 for none.
    """

    name: str
    model: ModelSpec = SplitSRSpec()
    stages: Annotated[tuple[Stage, ...], Meta(min_length=1)] = (Stage(),)
    optimizer: Optimizer = Optimizer()
    schedule: Schedule = Schedule()
    validation: Validation = Validation()
    seed: int = 1
    ema: _Decay = 0.0
    sampling: Literal["image", "area"] = "image"
    augment: bool = True
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    compile: bool = False
    checkpoint_every: _Positive = 1_000
    log_every: _Positive = 100
    init_from: str | None = None
    teacher: str | None = None
    targets: str | None = None
    expansion: Annotated[int, Meta(ge=0)] = 0
    interpolate: Annotated[float, Meta(ge=0, le=1)] = 0.0

    def __post_init__(self) -> None:
        if not self.model.trainable:
            raise ConfigError(f"model: {self.model.arch} has no weights to train")
        if self.teacher is not None and self.targets is not None:
            raise ConfigError("targets: replace teacher; give one of them")
        if self.teacher is None and self.targets is None:
            for number, stage in enumerate(self.stages):
                if stage.teacher_weight:
                    raise ConfigError(f"stages[{number}].teacher_weight: needs teacher or targets")
        if self.interpolate and self.init_from is None:
            raise ConfigError("interpolate: needs init_from, the weights at the other end")
        if self.interpolate and any(stage.degradation is None for stage in self.stages):
            raise ConfigError("interpolate: needs a degradation in every stage")

    @property
    def total_steps(self) -> int:
        """Steps of all stages."""
        return sum(stage.steps for stage in self.stages)

    def stage_at(self, step: int) -> Stage:
        """The stage that `step` (from 0) belongs to."""
        for stage in self.stages:
            if step < stage.steps:
                return stage
            step -= stage.steps
        raise IndexError(f"step {step} is after the last stage")


def read_config(path: Path, changes: tuple[str, ...] = ()) -> TrainConfig:
    """Reads a configuration and applies changes to it.

    Args:
        path: a TOML file.
        changes: `section.field=value`, the value written as in TOML (a bare word is a string);
            `stages.0.steps=100` reaches into the list of stages. Paths in them are relative to the
            current folder.

    Raises:
        ConfigError: the file cannot be read, or a field is unknown or impossible.
        SpecError: the network is impossible.
    """
    fields = read_toml(path)
    fields.setdefault("name", path.stem)
    _locate(fields, path.parent)
    for change in changes:
        _apply(fields, change)
    _locate(fields, Path())
    return config_from_dict(fields, str(path))


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file.

    Raises:
        ConfigError: the file cannot be read.
    """
    try:
        return tomllib.loads(read_file(path).decode())
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"{path}: not a TOML file ({error})") from None


def weights_path(source: str) -> Path:
    """Where the weights lie that `init_from` or `teacher` names.

    Raises:
        UnknownModelError: it is no file of weights, and no shipped model has that name.
    """
    return Path(source) if source.endswith(WEIGHTS_SUFFIXES) else find_model(source).weights_path


def _locate(fields: dict[str, Any], folder: Path) -> None:
    """Makes paths of weights absolute; names of shipped models stay."""
    for name in ("init_from", "teacher"):
        source = fields.get(name)
        if isinstance(source, str) and (source.endswith(WEIGHTS_SUFFIXES) or is_model_path(source)):
            fields[name] = str((folder / source).resolve())


def config_from_dict(fields: dict[str, Any], source: str) -> TrainConfig:
    """Builds a configuration from plain values; `source` names them in error messages."""
    rest = dict(fields)
    model = _read_model(rest.pop("model", {}))
    try:
        config = msgspec.convert(rest, TrainConfig)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{source}: {explain(error, TrainConfig)}") from None
    return msgspec.structs.replace(config, model=model)


def _read_model(fields: object) -> ModelSpec:
    """The network of the `[model]` table."""
    if not isinstance(fields, dict):
        raise ConfigError(
            f"model: found {fields!r}; must be a table, such as [model] with base = "
            '"edsr-baseline-x4"'
        )
    return spec_from_config(fields)


def _apply(fields: dict[str, Any], change: str) -> None:
    """Sets one value of a nested dictionary, as `--set` says."""
    path, separator, text = change.partition("=")
    if not separator or not path:
        raise ConfigError(f"--set {change}: must read section.field=value")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text
    *sections, last = path.split(".")
    target: Any = fields
    try:
        for section in sections:
            target = (
                target[int(section)] if isinstance(target, list) else target.setdefault(section, {})
            )
        target[int(last) if isinstance(target, list) else last] = value
    except (ValueError, IndexError, TypeError, AttributeError):
        raise ConfigError(f"--set {change}: no such field") from None


def config_to_toml(config: TrainConfig) -> str:
    """The resolved configuration, every field written out, as TOML."""
    fields = msgspec.to_builtins(config)
    stages = fields.pop("stages")
    lines = _table("", fields)
    for stage in stages:
        lines += ["", "[[stages]]", *_table("stages.", stage)]
    return "\n".join(lines) + "\n"


def _table(prefix: str, fields: dict[str, Any]) -> list[str]:
    """Lines of a table: its values, then the tables in it. Values of None are left out."""
    inner = {key: value for key, value in fields.items() if isinstance(value, dict)}
    # JSON's strings, numbers, booleans and lists are TOML's.
    lines = [
        f"{key} = {msgspec.json.encode(value).decode()}"
        for key, value in fields.items()
        if key not in inner and value is not None
    ]
    for key, table in inner.items():
        lines += ["", f"[{prefix}{key}]", *_table(f"{prefix}{key}.", table)]
    return lines
