"""Export to ExecuTorch with the XNNPACK partitioner, and running such a file by executorch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from splitsr.export.forms import ChannelsLast, HalfInside, with_dense_convolutions, without_shuffle
from splitsr.export.quiet import quiet
from splitsr.export.target import RUNTIMES, Layout, Source, Target
from splitsr.imaging.arrays import to_nchw
from splitsr.networks import ModelSpec
from splitsr.runtime.engine import FloatArray

with quiet():
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
    from executorch.exir import to_edge_transform_and_lower
    from executorch.runtime import Runtime

_EXAMPLE = (64, 96)


def build(source: Source, target: Target, path: Path) -> None:
    """Writes a `.pte` file: one float32 image in, one out, method `forward`."""
    # XNNPACK computes transposed convolutions and no sub-pixel shuffle.
    network = without_shuffle(source.form)
    if target.precision == "int8":
        network = with_dense_convolutions(network)
    with quiet():
        if target.precision == "fp16":
            network = HalfInside(network)
        if target.layout == "nhwc":
            network = ChannelsLast(network).eval()
        if target.precision == "int8":
            network = _quantized(network, target, source.photos)
        program = torch.export.export(
            network, (_example(target),), dynamic_shapes=(_dynamic(target),)
        )
        edge = to_edge_transform_and_lower(program, partitioner=[XnnpackPartitioner()])
        path.write_bytes(edge.to_executorch().buffer)


def _axes(target: Target) -> tuple[int, int]:
    return (1, 2) if target.layout == "nhwc" else (2, 3)


def _example(target: Target) -> torch.Tensor:
    picture = torch.rand(1, 3, *(target.size or _EXAMPLE))
    return picture.permute(0, 2, 3, 1).contiguous() if target.layout == "nhwc" else picture


def _dynamic(target: Target) -> dict[int, torch.export.Dim] | None:
    if target.size is not None:
        return None
    least, most = RUNTIMES["executorch"].sides
    return {
        axis: torch.export.Dim(title, min=least, max=most)
        for axis, title in zip(_axes(target), ("height", "width"), strict=True)
    }


def _quantized(
    network: nn.Module, target: Target, photos: Sequence[npt.NDArray[np.uint8]]
) -> nn.Module:
    """The network with int8 operators, calibrated."""
    from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import (
        XNNPACKQuantizer,
        get_symmetric_quantization_config,
    )
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

    config = get_symmetric_quantization_config(is_per_channel=True)
    program = torch.export.export(network, (_example(target),), dynamic_shapes=(_dynamic(target),))
    prepared = prepare_pt2e(program.module(), XNNPACKQuantizer().set_global(config))
    for photo in photos:
        picture = torch.from_numpy(to_nchw(photo))
        prepared(picture.permute(0, 2, 3, 1) if target.layout == "nhwc" else picture)
    converted: nn.Module = convert_pt2e(prepared)
    return converted


class ExecuTorchEngine:
    """A network in a `.pte` file, run on the CPU (XNNPACK)."""

    def __init__(
        self,
        path: Path,
        spec: ModelSpec,
        layout: Layout,
        threads: int = 1,  # noqa: ARG002
    ) -> None:
        """Loads a file that `build` wrote."""
        self.spec = spec
        self.name = path.name
        self._layout = layout
        with quiet():
            self._program = Runtime.get().load_program(path)
            self._method = self._program.load_method("forward")

    def run(self, lr: FloatArray) -> FloatArray:
        """(1, 3, H, W) float32 in [0, 1] -> (1, 3, scale * H, scale * W) float32."""
        turned = lr.transpose(0, 2, 3, 1) if self._layout == "nhwc" else lr
        with quiet():
            (sr,) = self._method.execute([torch.from_numpy(np.ascontiguousarray(turned))])
        array: FloatArray = sr.clone().numpy()
        return array.transpose(0, 3, 1, 2) if self._layout == "nhwc" else array
