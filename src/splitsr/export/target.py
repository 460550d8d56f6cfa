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

SUFFIXES: dict[Format, tuple[str, ...]] = {
    "onnx": (".onnx",),
    "litert": (".tflite",),
    "ncnn": (".param", ".bin"),
    "upscayl": (".param", ".bin"),
    "executorch": (".pte",),
    "coreml": (".mlpackage",),
}
"""Endings of the files of an export; the first is the one that is named."""

TITLES: dict[Format, str] = {
    "onnx": "ONNX",
    "litert": "LiteRT",
    "ncnn": "ncnn",
    "upscayl": "Upscayl",
    "executorch": "ExecuTorch",
    "coreml": "Core ML",
}

EXTRAS: dict[Format, str] = {
    "onnx": "export",
    "litert": "litert",
    "ncnn": "ncnn",
    "upscayl": "ncnn",
    "executorch": "executorch",
    "coreml": "coreml",
}
"""The extra of splitsr that brings a format's packages."""

NATIVE_LAYOUT: dict[Format, Layout] = {
    "onnx": "nchw",
    "litert": "nhwc",
    "ncnn": "nchw",
    "upscayl": "nchw",
    "executorch": "nchw",
    "coreml": "nchw",
}
"""The layout that costs a runtime no transposition."""


SIDES: dict[Format, tuple[int, int]] = {"executorch": (8, 512), "coreml": (8, 2048)}
"""The least and the largest side of an LR image without `size`, where it is not any."""


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


_COREML = {("nchw", "fp32"), ("nchw", "fp16")}


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """One export.

    Attributes:
        format: the runtime's file format.
        precision: of the weights and, in int8, of the arithmetic. Input and output are float32.
        size: height and width of the LR image; None for any, within `SIDES`.
        layout: of input and output.
    """

    format: Format
    precision: Precision = "fp32"
    size: tuple[int, int] | None = None
    layout: Layout = "nchw"

    @property
    def refusal(self) -> str | None:
        """Why there is no such export; None where there is."""
        if self.format in ("ncnn", "upscayl") and self.layout == "nhwc":
            return "ncnn keeps images as planes: --layout nchw"
        if self.format in ("ncnn", "upscayl") and self.precision == "int8":
            return (
                "ncnn's int8 is made by its own tools (ncnn2table, ncnn2int8) from the fp32 "
                "export; here: fp32 or fp16"
            )
        if self.format == "coreml" and (self.layout, self.precision) not in _COREML:
            return "Core ML exports are --layout nchw, in fp32 or fp16"
        return None
