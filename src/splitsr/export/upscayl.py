"""Export to ncnn for Upscayl, Real-ESRGAN's own program and others of its kind.

They have ncnn built in with few of its operators, look for blobs `data` and `output`, and turn what
comes out into bytes as it is: values beyond [0, 1] become specks.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from splitsr.errors import ModelError
from splitsr.export import ncnn
from splitsr.export.forms import Clamped, with_dense_convolutions
from splitsr.export.target import Source, Target

_BLOBS = {"in0": "data", "out0": "output"}
_OPERATORS = {
    *("BinaryOp", "Concat", "Convolution", "Crop", "Eltwise", "Input", "Interp", "Padding"),
    *("PixelShuffle", "ReLU", "Split"),
}
"""Of realesrgan-ncnn-vulkan, which has the fewest."""


def build(source: Source, target: Target, path: Path) -> None:
    """Writes what `ncnn.build` does, in the operators that these programs have.

    Input blob `data`, output blob `output`, float32 planes of RGB, both in [0, 1].

    Raises:
        ModelError: pnnx failed, they lack an operator, or the name tells another scale.
    """
    _check_name(path.stem, source.spec.scale)
    form = Clamped(with_dense_convolutions(source.form))
    ncnn.build(replace(source, form=form), target, path)
    text = path.read_text()
    missing = {line.split()[0] for line in text.splitlines()[2:]} - _OPERATORS
    if missing:
        raise ModelError(f"Real-ESRGAN has no {sorted(missing)[0]}; export to ncnn instead")
    path.write_text(re.sub(r"\b(in0|out0)\b", lambda found: _BLOBS[found[0]], text))


def _check_name(stem: str, scale: int) -> None:
    """Upscayl reads the scale of a model from its file's name, as x4 or 4x; without one it is 4."""
    read = next((s for s in (2, 3) if f"x{s}" in stem.lower() or f"{s}x" in stem.lower()), 4)
    if read != scale:
        raise ModelError(
            f"{stem}.param: Upscayl reads scale {read} from this name, the model's is {scale}: "
            f"choose a name such as mine-x{scale}.param"
        )


class UpscaylEngine(ncnn.NcnnEngine):
    """A network in files that `build` wrote, run on the CPU."""

    lr_blob, sr_blob = "data", "output"
