"""What is exported: for which runtime, in which precision, of which size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from torch import nn

    from splitsr.networks import ModelSpec

Format = Literal["onnx", "litert", "ncnn", "upscayl", "executorch", "coreml"]
Precision = Literal["fp32", "fp16", "int8"]
Layout = Literal["nchw", "nhwc"]


@dataclass(frozen=True)
class Runtime:
    """What a format's runtime is called, and what it wants.

    Attributes:
        title: its name.
        extra: of splitsr, that brings its packages.
        suffixes: of an export's files; the first is the one that is named.
        layout: that costs it no transposition.
        sides: the least and the largest side of an LR image without a `size`; none for any.
    """

    title: str
    extra: str
    suffixes: tuple[str, ...]
    layout: Layout = "nchw"
    sides: tuple[int, ...] = ()


RUNTIMES: dict[Format, Runtime] = {
    "onnx": Runtime("ONNX", "export", (".onnx",)),
    "litert": Runtime("LiteRT", "litert", (".tflite",), layout="nhwc"),
    "ncnn": Runtime("ncnn", "ncnn", (".param", ".bin")),
    "upscayl": Runtime("Upscayl", "ncnn", (".param", ".bin")),
    "executorch": Runtime("ExecuTorch", "executorch", (".pte",), sides=(8, 512)),
    "coreml": Runtime("Core ML", "coreml", (".mlpackage",), sides=(8, 2048)),
}


@dataclass(frozen=True)
class Source:
    """A network that is exported.

    Attributes:
        form: its inference form.
        spec: its description.
        name: of the model; metadata where the format has a place for it.
        photos: LR images that int8 is calibrated on.
    """

    form: nn.Module
    spec: ModelSpec
    name: str = ""
    photos: Sequence[npt.NDArray[np.uint8]] = ()

    @property
    def metadata(self) -> dict[str, str]:
        """What a file says of itself."""
        from splitsr.networks import spec_to_json

        return {"splitsr.spec": spec_to_json(self.spec), "splitsr.name": self.name}


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """One export.

    Attributes:
        format: the runtime's file format.
        precision: of the weights and, in int8, of the arithmetic. Input and output are float32.
        size: height and width of the LR image; None for any that the runtime takes.
        layout: of input and output.
    """

    format: Format
    precision: Precision = "fp32"
    size: tuple[int, int] | None = None
    layout: Layout = "nchw"

    @property
    def refusal(self) -> str | None:
        """Why there is no such export; None where there is."""
        ncnn = self.format in ("ncnn", "upscayl")
        if ncnn and self.layout == "nhwc":
            return "ncnn keeps images as planes: --layout nchw"
        if ncnn and self.precision == "int8":
            return (
                "ncnn's int8 is made by its own tools (ncnn2table, ncnn2int8) from the fp32 "
                "export; here: fp32 or fp16"
            )
        if self.format == "coreml" and (self.layout == "nhwc" or self.precision == "int8"):
            return "Core ML exports are --layout nchw, in fp32 or fp16"
        return None
