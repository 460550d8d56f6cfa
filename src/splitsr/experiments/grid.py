"""A study: which networks are trained, and with what budget. Read from TOML.

    question = "What does alpha cost, and what does it give?"
    config = "base.toml"          # a training configuration, beside this file
    seeds = [1, 2]

    set = ["stages.0.steps=500"]  # changes of it, as of `splitsr train --set`

    [model]                       # changes for every cell
    hybrid_index = 4

    [vary]                        # a cell for every combination
    split_ratio = [0.125, 0.25, 0.5, 1.0]

In place of `[vary]`, or beside it, `[[cells]]` names networks one by one: a `label`, and a `model`
table with changes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import msgspec

from splitsr.errors import ConfigError, SpecError
from splitsr.limits import explain
from splitsr.networks import spec_to_dict
from splitsr.training.config import TrainConfig, config_from_dict, read_config, read_toml

# What decides how a cell is watched and not what becomes of it.
_WATCHING = ("name", "seed", "validation", "checkpoint_every", "log_every")


class _CellTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A network that is named in the file."""

    label: str
    model: dict[str, Any] = {}


class _StudyFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A study as it stands in its file."""

    question: str
    config: str
    seeds: tuple[int, ...]
    set: tuple[str, ...] = ()
    model: dict[str, Any] = {}
    vary: dict[str, list[Any]] = {}
    cells: tuple[_CellTable, ...] = ()


@dataclass(frozen=True)
class Cell:
    """One network of a study.

    Attributes:
        label: what sets it apart.
        config: its training; the seed is that of the study's base.
    """

    label: str
    config: TrainConfig

    def seeded(self, seed: int) -> TrainConfig:
        """The configuration of one run."""
        return msgspec.structs.replace(self.config, seed=seed)


@dataclass(frozen=True)
class Study:
    """A study.

    Attributes:
        name: the file's, without its ending.
        question: what it asks.
        seeds: each cell is trained with each of them.
        cells: the networks, in order.
    """

    name: str
    question: str
    seeds: tuple[int, ...]
    cells: tuple[Cell, ...]

    @property
    def budget(self) -> str:
        """What every cell is given, in words."""
        config = self.cells[0].config
        stages = "; then ".join(
            f"{s.steps} steps of {s.batch_size} patches of {s.patch_size}x{s.patch_size} LR pixels"
            for s in config.stages
        )
        return f"{stages}, {config.optimizer.kind} at {config.optimizer.learning_rate:g}"


def read_study(path: Path) -> Study:
    """Reads a study and builds all of its networks' descriptions.

    Raises:
        ConfigError: a file cannot be read, a field is unknown or of the wrong type, or there are
            no cells, no seeds, or two cells of one label.
        SpecError: a network is impossible.
    """
    try:
        file = msgspec.convert(read_toml(path), _StudyFile)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: {explain(error, _StudyFile)}") from None
    base = read_config(path.parent / file.config, file.set)
    cells = tuple(_cell(label, changes, base, path) for label, changes in _changes(file))
    _check(file, cells, path)
    return Study(path.stem, file.question, file.seeds, cells)


def fingerprint(config: TrainConfig) -> str:
    """Names a run by what decides its outcome, so that studies share equal cells."""
    changed = _changed(config)
    decisive = {key: value for key, value in changed.items() if key not in _WATCHING}
    digest = hashlib.sha256(msgspec.json.encode(decisive, order="deterministic")).hexdigest()
    return f"{digest[:12]}-{config.seed}"


def _changed(settings: msgspec.Struct) -> dict[str, Any]:
    """What differs from the defaults, so that a new setting renames no run that is without it."""
    found: dict[str, Any] = {"arch": settings.__struct_config__.tag}
    for field in msgspec.structs.fields(settings):
        value = getattr(settings, field.name)
        if isinstance(value, msgspec.Struct):
            found[field.name] = _changed(value)
        elif field.name == "stages":
            found[field.name] = [_changed(stage) for stage in value]
        elif value != field.default:
            found[field.name] = value
    return found


def _changes(file: _StudyFile) -> list[tuple[str, dict[str, Any]]]:
    """Labels and changed fields of all cells."""
    found = []
    if file.vary:
        for values in product(*file.vary.values()):
            changed = dict(zip(file.vary, values, strict=True))
            label = ", ".join(f"{field} {_shown(value)}" for field, value in changed.items())
            found.append((label, {**file.model, **changed}))
    found += [(cell.label, {**file.model, **cell.model}) for cell in file.cells]
    return found


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _cell(label: str, changes: dict[str, Any], base: TrainConfig, path: Path) -> Cell:
    fields = msgspec.to_builtins(base)
    model = changes if "base" in changes else {**spec_to_dict(base.model), **changes}
    try:
        return Cell(label, config_from_dict({**fields, "name": path.stem, "model": model}, label))
    except SpecError as error:
        raise ConfigError(f"{path}: cell {label!r}: {error}") from None


def _check(file: _StudyFile, cells: tuple[Cell, ...], path: Path) -> None:
    labels = [cell.label for cell in cells]
    twice = sorted({label for label in labels if labels.count(label) > 1})
    if not cells:
        raise ConfigError(f"{path}: no cells; give [vary] or [[cells]]")
    if not file.seeds:
        raise ConfigError(f"{path}: seeds: at least one is needed")
    if len(set(file.seeds)) < len(file.seeds):
        raise ConfigError(f"{path}: seeds: duplicates in {list(file.seeds)}")
    if twice:
        raise ConfigError(
            f"{path}: two cells are called {twice[0]!r}; give each a label of its own"
        )
