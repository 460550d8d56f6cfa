"""The network that an export is made of, by its name or the file of its weights."""

from __future__ import annotations

from pathlib import Path

from splitsr.export.random_weights import untrained_network
from splitsr.networks import PRESETS
from splitsr.networks.checkpoint import load_mixed, load_weights
from splitsr.networks.network import Network
from splitsr.zoo.catalogue import find_model, find_twin, no_twin, twin_name, twin_path


def find_source(model: str, restore: float = 0.0) -> tuple[str, Network]:
    """The network in PyTorch, mixed with its twin's to restore, and its name.

    Args:
        model: a shipped model's name, a `.safetensors` file, or a published network's name, which
            is untrained.
        restore: the twin's share of the weights, 0 to 1.

    Raises:
        UnknownModelError: no such name, or it has no twin to restore.
        WeightsError: a file cannot be read.
    """
    if model in PRESETS:
        if restore:
            raise no_twin(model)
        return model, untrained_network(PRESETS[model])
    weights, twin = _weights(model)
    if not restore:
        return weights.stem, load_weights(weights)
    if twin is None or not twin.is_file():
        raise no_twin(weights.stem)
    return twin_name(weights.stem, restore), load_mixed(weights, twin, restore)


def _weights(model: str) -> tuple[Path, Path | None]:
    """The files of the weights and of the twin's."""
    path = Path(model)
    if path.suffix == ".safetensors":
        return path, twin_path(path)
    twin = find_twin(entry := find_model(model))
    return entry.weights_path, twin.weights_path if twin else None
