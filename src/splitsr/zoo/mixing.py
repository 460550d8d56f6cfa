"""A model and its twin for degraded images, mixed to one network.

Between a network and one that was fine-tuned from it lie networks whose weights are the mean of
both, at the cost of one (network interpolation: Wang et al. 2019, "Deep Network Interpolation for
Continuous Imagery Effect Transition", arXiv 1811.10515). What is rounded to int8 cannot be mixed:
of two int8 forms the nearer is taken.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from splitsr.errors import WeightsError
from splitsr.zoo.catalogue import Catalogue, ModelEntry, find_twin, no_twin
from splitsr.zoo.onnx_file import find_weights


def read_mixed(
    model: ModelEntry, strength: float = 0.0, catalogue: Catalogue | None = None
) -> bytes:
    """Reads and verifies the ONNX files of a model and of its twin, and mixes them.

    Of int8 forms, from 1/2 on it is the twin's file.

    Args:
        model: for clean images.
        strength: the twin's share, 0 to 1. At 0 the twin is not looked for.
        catalogue: where the twin is looked up; by default what ships.

    Raises:
        UnknownModelError: there is no twin.
        WeightsError: a file is missing or damaged, or the twin is of another network.
    """
    content = model.read()
    if not strength:
        return content
    twin = find_twin(model, catalogue)
    if twin is None:
        raise no_twin(model.name)
    if model.precision == "int8":
        if twin.spec != model.spec:
            raise other_network(twin.name)
        return twin.read() if strength >= 0.5 else content
    return mix_weights(content, twin.read(), strength, twin.name)


def mix_weights(clean: bytes, twin: bytes, strength: float, label: str) -> bytes:
    """`(1 - strength) * clean + strength * twin` of every float32 weight, in the clean file.

    Args:
        clean: an ONNX file.
        twin: another one, whose graph is equal but for the values of its weights.
        strength: 0 to 1; 0 gives the clean file, byte for byte.
        label: what to call the twin in messages.

    Raises:
        WeightsError: the twin is damaged, or of another network.
    """
    mixed, other = bytearray(clean), bytearray(twin)
    graph, places = find_weights(mixed, label)
    twin_graph, twin_places = find_weights(other, label)
    ours, theirs = _take(places), _take(twin_places)
    # Without their values, the graphs are equal: nodes, names, shapes and whatever else there is.
    if bytes(graph) != bytes(twin_graph):
        raise other_network(label)
    for place, one, two in zip(places, ours, theirs, strict=True):
        place[:] = ((1 - strength) * one + strength * two).astype("<f4").tobytes()
    return bytes(mixed)


def other_network(label: str) -> WeightsError:
    """The error for a twin, called `label`, that cannot be mixed."""
    return WeightsError(f"{label}: is of another network than the model that it is mixed with")


def _take(places: list[memoryview]) -> list[npt.NDArray[np.float64]]:
    """The values, in whose place zeros are left."""
    values = [np.frombuffer(place, "<f4").astype(np.float64) for place in places]
    for place in places:
        place[:] = bytes(len(place))
    return values
