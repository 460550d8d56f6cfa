"""PyTorch's sub-pixel shuffle for runtimes whose shuffle wants another order of the channels.

PyTorch takes the r^2 channels of an output channel together: c r^2 + r i + j. LiteRT takes the
output channels of a place together: (r i + j) C + c. The permutation between them costs nothing
where it goes into the weights of the convolutions before the shuffle.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import fx

from splitsr.export.litert.traced import Traced, argument, shape_of

aten = torch.ops.aten


def place_first(channels: int, factor: int) -> npt.NDArray[np.int32]:
    """For each channel of the place-first order, the channel-first one that it is.

    Args:
        channels: C, of the output.
        factor: r.
    """
    order = np.arange(channels * factor**2, dtype=np.int32)
    return order.reshape(channels, factor**2).T.reshape(-1)


def plan_orders(traced: Traced) -> dict[fx.Node, npt.NDArray[np.int32]]:
    """The order of every shuffle, and of every node whose channels are to be put in it.

    Convolutions in it get their output channels permuted. A shuffle whose source is not in it
    stands behind something that cannot be permuted.
    """
    orders: dict[fx.Node, npt.NDArray[np.int32]] = {}
    for node in traced.nodes:
        if node.target != aten.pixel_shuffle.default:
            continue
        source = node.all_input_nodes[0]
        order = place_first(shape_of(node)[1], int(argument(node, 1)))
        orders[node] = order
        reached = _reach(source, traced)
        if reached is not None:
            orders.update(dict.fromkeys(reached, order))
    return orders


def _reach(node: fx.Node, traced: Traced) -> list[fx.Node] | None:
    """The convolutions that make a node and the sums between; None where something else does."""
    if len(node.users) != 1 or node in traced.constants:
        return None
    if node.target == aten.conv2d.default and argument(node, 6, 1) == 1:
        return [node]
    if node.target != aten.add.Tensor or len(node.all_input_nodes) != 2:
        return None
    parts = [_reach(part, traced) for part in node.all_input_nodes]
    if any(part is None for part in parts):
        return None
    return [node, *(inner for part in parts if part for inner in part)]
