from __future__ import annotations

import inspect
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import splitsr
from splitsr import errors


def test_the_names_are_these() -> None:
    raised = {name for name, value in vars(errors).items() if inspect.isclass(value)}
    others = {"ModelEntry", "ModelSpec", "Progress", "Upscaler", "list_models", "upscale"}
    assert set(splitsr.__all__) == raised | others
    assert splitsr.__all__ == sorted(splitsr.__all__)


def test_every_name_is_there_and_documented() -> None:
    assert set(splitsr.__all__) <= set(dir(splitsr))
    for name in splitsr.__all__:
        assert getattr(splitsr, name).__name__ == name
        assert inspect.getdoc(getattr(splitsr, name))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        splitsr.nothing  # noqa: B018


def test_importing_loads_nothing_heavy() -> None:
    program = (
        "import sys, splitsr; splitsr.SplitSRError\n"
        "print({'numpy', 'PIL', 'onnxruntime', 'torch', 'rich', 'click'} & set(sys.modules))"
    )
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout
    assert shown.strip() == b"set()"


def test_nothing_is_reported_to_anyone(tmp_path: Path, tiny_model: Path) -> None:
    """ONNX Runtime's telemetry keeps what it would send in the user's cache."""
    program = (
        "import sys, splitsr, numpy\n"
        "splitsr.Upscaler(sys.argv[1], threads=1)(numpy.zeros((9, 9, 3), numpy.uint8))"
    )
    home = {**os.environ, "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    home.pop("ORT_DISABLE_TELEMETRY", None)
    done = subprocess.run(
        [sys.executable, "-c", program, tiny_model], env=home, capture_output=True, check=True
    )
    assert done.stderr == b""
    assert not [*tmp_path.rglob("*onnxruntime*")]


def test_upscale_keeps_what_the_photo_says(
    tmp_path: Path, tiny_model: Path, photo: np.ndarray
) -> None:
    source, target = tmp_path / "in.jpg", tmp_path / "out.png"
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees
    exif[0x010F] = "A camera"
    Image.fromarray(photo[:20, :30]).save(source, exif=exif, dpi=(300, 300))

    assert splitsr.upscale(str(source), target, model=tiny_model, scale=2) == target

    with Image.open(target) as image:
        assert image.size == (40, 60)
        assert image.getexif()[0x010F] == "A camera"
        assert image.getexif().get(0x0112, 1) == 1
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)


def test_upscale_refuses_what_would_lose_a_file(tmp_path: Path, tiny_model: Path) -> None:
    source, other = tmp_path / "in.png", tmp_path / "other.png"
    for path in (source, other):
        Image.new("RGB", (4, 4)).save(path)

    with pytest.raises(splitsr.ImageWriteError, match="is the input itself"):
        splitsr.upscale(source, tmp_path / "x" / ".." / "in.png", model=tiny_model, overwrite=True)
    with pytest.raises(splitsr.ImageWriteError, match="already exists"):
        splitsr.upscale(source, other, model=tiny_model)
    splitsr.upscale(source, other, model=tiny_model, overwrite=True)
    with Image.open(other) as image:
        assert image.size == (16, 16)
