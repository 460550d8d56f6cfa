"""A network as a list of operators with its constants, for converters of our own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, fx, nn

from splitsr.export.quantize import sampled, value_range
from splitsr.imaging.arrays import to_nchw
from splitsr.runtime.engine import FloatArray

Range = tuple[float, float]


class Traced:
    """The operators of a network, in the order in which they are computed.

    Attributes:
        nodes: what is computed from the input, constants left out.
        constants: tensors that do not depend on the input, by node.
        lr: the input.
        sr: the node of the output.
    """

    def __init__(self, network: nn.Module, size: tuple[int, int]) -> None:
        """Traces a network for an LR image of a size."""
        example = torch.rand(1, 3, *size)
        program = torch.export.export(network.eval(), (example,))
        self.constants = _stored(program)
        self.nodes: list[fx.Node] = []
        for node in program.graph.nodes:
            if node.op == "placeholder" and node not in self.constants:
                self.lr = node
            elif node.op == "output":
                (self.sr,) = node.args[0]
            elif node.op == "call_function":
                self._take(node)

    def _take(self, node: fx.Node) -> None:
        """Computes a node that has constants only; keeps the others."""
        if all(value in self.constants for value in node.all_input_nodes):
            self.constants[node] = self._call(node, self.constants)
        else:
            self.nodes.append(node)

    def ranges(self, images: Sequence[npt.NDArray[np.uint8]]) -> dict[fx.Node, Range]:
        """The least and the largest value of every node, the rarest values left out.

        Args:
            images: LR images (H, W, 3) uint8.
        """
        kept: dict[fx.Node, list[FloatArray]] = {}
        for image in images:
            for node, value in self._values(torch.from_numpy(to_nchw(image))).items():
                if isinstance(value, Tensor):
                    kept.setdefault(node, []).append(sampled(value.numpy(), len(images)))
        return {node: value_range(parts) for node, parts in kept.items()}

    def _values(self, lr: Tensor) -> dict[fx.Node, Any]:
        values: dict[fx.Node, Any] = {**self.constants, self.lr: lr}
        with torch.inference_mode():
            for node in self.nodes:
                values[node] = self._call(node, values)
        return {node: values[node] for node in [self.lr, *self.nodes]}

    @staticmethod
    def _call(node: fx.Node, values: dict[fx.Node, Any]) -> Any:  # noqa: ANN401
        args = fx.node.map_arg(node.args, lambda value: values[value])
        kwargs = fx.node.map_arg(node.kwargs, lambda value: values[value])
        assert callable(node.target)
        return node.target(*args, **kwargs)


def shape_of(node: fx.Node) -> tuple[int, ...]:
    """Shape of a node's value, as traced."""
    return tuple(int(side) for side in node.meta["val"].shape)


def argument(node: fx.Node, index: int, default: Any = None) -> Any:  # noqa: ANN401
    """An argument by its place, where the trace may leave out defaults."""
    return node.args[index] if len(node.args) > index else default


def pair(value: int | Sequence[int]) -> tuple[int, int]:
    """A number for both axes, or one for each."""
    if isinstance(value, int):
        return value, value
    return (value[0], value[-1])


def _stored(program: torch.export.ExportedProgram) -> dict[fx.Node, Tensor]:
    """Parameters, buffers and other tensors of the network, by the node that stands for them."""
    signature = program.graph_signature
    names = {
        **signature.inputs_to_parameters,
        **signature.inputs_to_buffers,
        **signature.inputs_to_lifted_tensor_constants,
    }
    stored = {**program.constants, **program.state_dict}
    return {
        node: stored[names[node.name]].detach()
        for node in program.graph.nodes
        if node.op == "placeholder" and node.name in names
    }
