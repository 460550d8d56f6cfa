"""Weights as safetensors, with the network's description and its history in the header."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from splitsr.errors import SpecError, WeightsError
from splitsr.imaging.atomic import write_atomic
from splitsr.networks import ModelSpec, spec_from_json, spec_to_json
from splitsr.networks.blocks import ResidualGroup
from splitsr.networks.build import build_model
from splitsr.networks.network import Network
from splitsr.networks.smfanet.published import PUBLISHED_SUFFIX, load_published
from splitsr.zoo.mixing import other_network

SPEC_KEY = "splitsr.spec"


def save_weights(
    path: Path,
    spec: ModelSpec,
    weights: dict[str, Tensor],
    metadata: dict[str, str] | None = None,
) -> None:
    """Writes weights atomically, as safetensors.

    Args:
        path: the file.
        spec: the network that the weights are of; stored in the header.
        weights: the network's `state_dict`.
        metadata: further strings for the header (configuration, commit, figures).

    Raises:
        ImageWriteError: the file cannot be written.
    """
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}
    header = {**(metadata or {}), SPEC_KEY: spec_to_json(spec)}
    write_atomic(path, save(contiguous, header), overwrite=True)


def read_weights(path: Path) -> tuple[ModelSpec, dict[str, Tensor], dict[str, str]]:
    """Reads what `save_weights` wrote: spec, weights and metadata.

    Raises:
        WeightsError: the file is missing, damaged, or has no spec.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = dict(file.metadata() or {})
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return spec_from_json(metadata.pop(SPEC_KEY)), weights, metadata
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"{path}: cannot be read as safetensors ({error})") from None
    except KeyError:
        raise WeightsError(f"{path}: no {SPEC_KEY!r} in its header; not splitsr weights") from None
    except SpecError as error:
        raise WeightsError(f"{path}: its spec cannot be built ({error})") from None


def load_weights(path: Path) -> Network:
    """Builds the network that `path` describes, with its weights, in evaluation mode.

    Args:
        path: what `save_weights` wrote, or a published `.pth` (see `load_published`).

    Raises:
        WeightsError: the file is missing, damaged, or its tensors do not fit its spec.
    """
    if path.suffix == PUBLISHED_SUFFIX:
        return load_published(path)
    spec, weights, _ = read_weights(path)
    model = build_model(spec)
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise WeightsError(f"{path}: tensors do not fit the spec ({error})") from None
    return model.eval()


def load_mixed(path: Path, twin: Path, strength: float) -> Network:
    """Builds the network whose weights are `(1 - strength) * its own + strength * its twin's`.

    Args:
        path: as for `load_weights`, and likewise read.
        twin: weights that were fine-tuned from it.
        strength: 0 to 1.

    Raises:
        WeightsError: a file cannot be read, or the twin is of another network.
    """
    network = load_weights(path)
    spec, theirs, _ = read_weights(twin)
    ours = network.state_dict()
    shapes = [{name: one.shape for name, one in each.items()} for each in (ours, theirs)]
    if spec != network.spec or shapes[0] != shapes[1]:
        raise other_network(str(twin))
    network.load_state_dict({name: ours[name].lerp(theirs[name], strength) for name in ours})
    return network


def warm_start(model: nn.Module, path: Path) -> list[str]:
    """Copies every tensor of `path` whose name and shape the model has.

    Residual groups of which the file has nothing get a closing convolution of zero: a deeper
    network begins as the shallower one that it starts from (Net2Net, Chen et al. 2016, arXiv
    1511.05641).

    Returns:
        Names of the model's tensors that keep their own values (the upsampler, when the
        checkpoint is of another scale).

    Raises:
        WeightsError: the file cannot be read, or nothing in it fits.
    """
    _, weights, _ = read_weights(path)
    own = model.state_dict()
    fitting = {
        name: tensor
        for name, tensor in weights.items()
        if name in own and own[name].shape == tensor.shape
    }
    if not fitting:
        raise WeightsError(f"{path}: no tensor fits the network that is to be trained")
    with torch.no_grad():
        model.load_state_dict(fitting, strict=False)
        for name, group in model.named_modules():
            if isinstance(group, ResidualGroup) and not any(
                tensor.startswith(f"{name}.") for tensor in fitting
            ):
                for parameter in group.tail.parameters():
                    parameter.zero_()
    return sorted(own.keys() - fitting.keys())
