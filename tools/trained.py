"""A trained network that may be promoted: its weights and history, and whether it fits its name."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from splitsr.benchmark.flops import Cost
from splitsr.errors import ModelError, WeightsError
from splitsr.networks import ModelSpec
from splitsr.networks.checkpoint import load_weights, read_weights
from splitsr.networks.network import Network
from splitsr.zoo.catalogue import TWIN

WEIGHTS_FILE = "weights.safetensors"  # in a run's folder

_NAME = re.compile(r"(?P<family>[a-z0-9]+(?:-[a-z0-9]+)*)-x(?P<scale>[0-9])")
_HISTORY = ("splitsr.config", "splitsr.step", "splitsr.seconds")


@dataclass(frozen=True)
class Limits:
    """The most that a model of a family may cost; multiply-adds are for a 1280x720 output."""

    parameters: int
    multi_adds_720p: int


FAMILY_LIMITS = {
    "splitsr-fast": Limits(60_000, 3_500_000_000),
    "splitsr-balanced": Limits(165_000, 9_000_000_000),
    "splitsr-accurate": Limits(450_000, 26_000_000_000),
}


@dataclass(frozen=True)
class Candidate:
    """What a training run left.

    Attributes:
        spec: the network.
        network: in torch, in evaluation mode.
        config_text: the resolved configuration, TOML; of a file that it started from, the last two
            parts of the path.
        steps: done.
        seconds: of training.
        commit: of the source that trained; may be empty.
    """

    spec: ModelSpec
    network: Network
    config_text: str
    steps: int
    seconds: float
    commit: str

    @property
    def config(self) -> dict[str, Any]:
        """The configuration, parsed."""
        return tomllib.loads(self.config_text)

    @property
    def planned_steps(self) -> int:
        """Steps of the configuration."""
        stages: list[dict[str, int]] = self.config.get("stages", [])
        return sum(stage["steps"] for stage in stages)


def read_candidate(run: Path) -> Candidate:
    """Reads a run's averaged weights and their history.

    Args:
        run: the run's folder, or a file of weights out of one.

    Raises:
        WeightsError: there are none, they are damaged, not finite, or without their history.
    """
    path = run / WEIGHTS_FILE if run.is_dir() else run
    spec, weights, metadata = read_weights(path)
    missing = [key for key in _HISTORY if not metadata.get(key)]
    if missing:
        raise WeightsError(
            f"{path}: no {', '.join(missing)} in its header; give what `splitsr train` wrote"
        )
    broken = [name for name, tensor in weights.items() if not tensor.isfinite().all()]
    if broken:
        raise WeightsError(f"{path}: {broken[0]} is not finite; give an earlier checkpoint")
    config_text, steps, seconds = (metadata[key] for key in _HISTORY)
    try:
        candidate = Candidate(
            spec=spec,
            network=load_weights(path),
            config_text=_portable(config_text),
            steps=int(steps),
            seconds=float(seconds),
            commit=metadata.get("splitsr.commit", ""),
        )
        _ = candidate.planned_steps  # a configuration that cannot be read fails here
    except (ValueError, KeyError, TypeError) as error:
        raise WeightsError(f"{path}: its header cannot be read ({error})") from error
    return candidate


def check_name(name: str, spec: ModelSpec) -> str:
    """Checks that a name is `<family>-x<scale>` with the network's scale.

    Returns:
        The family.

    Raises:
        ModelError: it is not.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        raise ModelError(
            f"{name}: not a model's name; must read family-xSCALE in lower case, such as "
            f"splitsr-balanced-x{spec.scale}"
        )
    if int(match["scale"]) != spec.scale:
        raise ModelError(f"{name}: the network enlarges x{spec.scale}; give a name that ends so")
    return match["family"]


def check_limits(name: str, family: str, cost: Cost) -> None:
    """Checks that a network is no larger than its family allows.

    Raises:
        ModelError: it is; the message has the figures.
    """
    limits = FAMILY_LIMITS.get(family.removesuffix(f"-{TWIN}"))
    if limits is None:
        return
    if cost.parameters > limits.parameters or cost.multi_adds_720p > limits.multi_adds_720p:
        raise ModelError(
            f"{name}: {cost.parameters / 1e3:.1f} K parameters and "
            f"{cost.multi_adds_720p / 1e9:.2f} G multi-adds; {family} allows "
            f"{limits.parameters / 1e3:g} K and {limits.multi_adds_720p / 1e9:g} G"
        )


def _portable(config_text: str) -> str:
    """The configuration without a path of the machine that trained."""

    def shorten(match: re.Match[str]) -> str:
        parts = PurePosixPath(match[2].replace("\\", "/")).parts
        return f'{match[1]} = "{"/".join(part for part in parts[-2:] if part != "/")}"'

    return re.sub(r'^(init_from|teacher) = "(.*)"$', shorten, config_text, flags=re.MULTILINE)
