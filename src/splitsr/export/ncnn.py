"""Export to ncnn by pnnx, and running such files by ncnn."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import ncnn
import numpy as np
import pnnx
import torch

from splitsr.errors import ModelError
from splitsr.export.target import Layout, Source, Target
from splitsr.networks import ModelSpec
from splitsr.runtime.engine import FloatArray

_ANY_SIZES = ((24, 32), (40, 56))  # pnnx keeps open what differs between two


def build(source: Source, target: Target, path: Path) -> None:
    """Writes `path` (`.param`, the graph) and the `.bin` beside it (the weights).

    Input blob `in0`, output blob `out0`, float32 planes of RGB in [0, 1].

    Raises:
        ModelError: pnnx failed.
    """
    sizes = _ANY_SIZES if target.size is None else (target.size,)
    with tempfile.TemporaryDirectory() as folder:
        traced = Path(folder, "network.pt")
        example = torch.rand(1, 3, *sizes[0])
        torch.jit.save(torch.jit.trace(source.form.eval(), example), traced)  # type: ignore[no-untyped-call]
        shapes = [f"[1,3,{height},{width}]" for height, width in sizes]
        half = int(target.precision == "fp16")
        options = [f"inputshape={shapes[0]}", *(f"inputshape2={shape}" for shape in shapes[1:])]
        options += [f"fp16={half}", f"ncnnparam={path}", f"ncnnbin={path.with_suffix('.bin')}"]
        result = subprocess.run(
            [pnnx.EXEC_PATH, traced.name, *options],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
    if result.returncode or not path.exists():
        reason = (result.stderr.strip() or "it wrote nothing").splitlines()[-1]
        raise ModelError(f"pnnx cannot convert the network: {reason}")
    unknown = [
        line for line in path.read_text().splitlines() if line.startswith(("pnnx.", "aten:"))
    ]
    if unknown:
        raise ModelError(f"ncnn has no operator {unknown[0].split()[0]}; export to onnx instead")


class NcnnEngine:
    """A network in ncnn's two files, run on the CPU."""

    lr_blob, sr_blob = "in0", "out0"

    def __init__(
        self,
        path: Path,
        spec: ModelSpec,
        layout: Layout,  # noqa: ARG002 (ncnn has one)
        threads: int = 1,
        *,
        half: bool = False,
    ) -> None:
        """Loads files that `build` wrote; `half` lets ncnn keep activations in float16 too."""
        self.spec = spec
        self.name = path.name
        self._net = ncnn.Net()
        options = self._net.opt
        options.num_threads = threads
        options.use_vulkan_compute = False
        options.use_fp16_packed = options.use_fp16_storage = half
        options.use_fp16_arithmetic = half
        options.use_bf16_storage = False
        if self._net.load_param(str(path)) or self._net.load_model(str(path.with_suffix(".bin"))):
            raise ModelError(f"{path}: ncnn cannot load it")

    def run(self, lr: FloatArray) -> FloatArray:
        """(N, 3, H, W) float32 in [0, 1] -> (N, 3, scale * H, scale * W) float32."""
        return np.stack([self._run_one(np.ascontiguousarray(picture)) for picture in lr])

    def _run_one(self, picture: FloatArray) -> FloatArray:
        extractor = self._net.create_extractor()
        extractor.input(self.lr_blob, ncnn.Mat(picture).clone())
        failed, sr = extractor.extract(self.sr_blob)
        if failed:
            raise ModelError(f"{self.name}: ncnn failed with code {failed}")
        return np.array(sr)
