"""Exports that are checked: converted, run in their own runtime, compared, and only then written.

The comparison is made on photographs: both forms of the network enlarge the same LR images, made
by bicubic, and PSNR-Y against the HR images tells what the export loses.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
import torch

from splitsr.data.pairs import read_rgb
from splitsr.data.sources import decode_rgb, find_images
from splitsr.errors import ModelError
from splitsr.evaluation.degrade import Degrade
from splitsr.evaluation.metrics import psnr_y
from splitsr.export.backends import Backend
from splitsr.export.target import RUNTIMES, Format, Layout, Precision, Source, Target
from splitsr.imaging.arrays import from_nchw, to_nchw
from splitsr.imaging.atomic import check_target, write_together
from splitsr.imaging.resize import rescale_bicubic
from splitsr.networks.network import Network
from splitsr.networks.splitsr.inference_form import inference_form
from splitsr.runtime.engine import Engine, FloatArray

Image = npt.NDArray[np.uint8]

LIMITS_DB: dict[Precision, float] = {"fp32": 0.01, "fp16": 0.05, "int8": 0.15}
"""The most PSNR-Y that an export may lose, in dB."""

LEAST_AGREEMENT_DB: dict[Precision, float] = {"fp32": 80.0, "fp16": 60.0, "int8": 35.0}
"""The least PSNR of an export's output against the reference's: two bad images may have the same
PSNR against a third, but are not the same."""

_DEGRADATIONS = ("jpeg=95", "jpeg=90", "jpeg=75", "jpeg=50", "noise=5,jpeg=90")
_MOST_PHOTOS = 48
_LARGEST_SIDE = 128  # of an LR image that exports are compared on


class ExportedFile(msgspec.Struct, frozen=True):
    """One file of an export.

    Attributes:
        path: where it was written.
        size: bytes.
    """

    path: str
    size: int


class CheckedExport(msgspec.Struct, frozen=True, kw_only=True):
    """What an export is, and how it compares with the reference.

    Attributes:
        model: its name.
        restore: the strength of restoration that it has, 0 to 1.
        format: of the files.
        precision: of weights or arithmetic.
        layout: of input and output.
        size: height and width of the LR image; None for any.
        runtime: that the export was run in, with its version.
        images: how many images were compared; 0 where the runtime does not run on this system,
            and the figures are NaN.
        psnr_y: of the export against the HR images, dB, mean.
        reference_psnr_y: of the network in PyTorch, float32.
        loss_db: the difference of the two.
        allowed_loss_db: the most that is allowed.
        agreement_db: PSNR of the export's output, from 0 to 1, against the reference's.
        files: that were written.
    """

    model: str
    restore: float = 0.0
    format: Format
    precision: Precision
    layout: Layout
    size: tuple[int, int] | None
    runtime: str
    images: int
    psnr_y: float
    reference_psnr_y: float
    loss_db: float
    allowed_loss_db: float
    agreement_db: float
    files: tuple[ExportedFile, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether the export may be used. Not where a figure is NaN."""
        least = LEAST_AGREEMENT_DB[self.precision]
        return self.loss_db <= self.allowed_loss_db and self.agreement_db >= least


def export_checked(
    network: Network,
    target: Target,
    path: Path,
    *,
    name: str,
    images: Sequence[Image],
    calibration: Sequence[Image],
    restore: float = 0.0,
    overwrite: bool = False,
) -> CheckedExport:
    """Exports a network and writes it if it computes what the network does.

    An export whose runtime does not run on this system is written and not compared.

    Args:
        network: the reference, in PyTorch.
        target: what to export to.
        path: the file; ncnn's second file goes beside it.
        name: of the model.
        images: HR photographs (H, W, 3) to compare on.
        calibration: HR photographs that int8 is calibrated on.
        restore: the strength of restoration that the network has.
        overwrite: replace files that exist.

    Raises:
        MissingDependencyError: the converter or the runtime is not installed.
        ModelError: the network cannot be converted, or the export is not the network. Nothing was
            written.
        ImageWriteError: a file exists or cannot be written.
    """
    backend = Backend(target.format)
    paths = [path.with_suffix(suffix) for suffix in RUNTIMES[target.format].suffixes]
    for file in paths:  # a package of Core ML is a folder
        package = file.suffix == ".mlpackage" and file.is_dir()
        check_target(file / "Manifest.json" if package else file, overwrite=overwrite)
    lr = calibration_photos(calibration, network.spec.scale, target.size, degraded=restore > 0)
    with tempfile.TemporaryDirectory() as folder:
        trial = Path(folder, paths[0].name)
        source = Source(inference_form(network), network.spec, name, lr)
        backend.build(source, target, trial)
        checked = images if backend.runs_here else ()
        engine = backend.engine(trial, network.spec, target) if checked else None
        export = compare(network, engine, target, checked, name, backend.runtime)
        if checked:
            require(export)
        contents = {
            path.parent / file.relative_to(folder): file.read_bytes()
            for file in sorted(Path(folder).rglob("*"))
            if file.is_file()
        }
    write_together(contents)
    written = tuple(ExportedFile(str(file), len(data)) for file, data in contents.items())
    return msgspec.structs.replace(export, restore=restore, files=written)


def compare(
    network: Network,
    engine: Engine | None,
    target: Target,
    images: Sequence[Image],
    name: str,
    runtime: str,
) -> CheckedExport:
    """Runs the network and its export on photographs.

    Args:
        network: the reference.
        engine: the export, in its runtime; None with no images.
        target: what it was exported to.
        images: HR photographs (H, W, 3).
        name: of the model.
        runtime: its name and version.
    """
    scale = network.spec.scale
    scores, reference_scores, errors = [], [], []
    for hr in fitted(images, scale, target.size):
        assert engine is not None
        lr = to_nchw(rescale_bicubic(hr, 1 / scale))
        with torch.inference_mode():
            expected = network(torch.from_numpy(lr)).numpy()
        found = engine.run(lr)
        if found.shape != expected.shape:
            raise ModelError(f"{name}: the export gives {found.shape}, not {expected.shape}")
        scores.append(_psnr(found, hr, scale))
        reference_scores.append(_psnr(expected, hr, scale))
        errors.append(float(np.mean((np.clip(found, 0, 1) - np.clip(expected, 0, 1)) ** 2)))
    psnr, reference = _mean(scores), _mean(reference_scores)
    return CheckedExport(
        model=name,
        format=target.format,
        precision=target.precision,
        layout=target.layout,
        size=target.size,
        runtime=runtime,
        images=len(scores),
        psnr_y=psnr,
        reference_psnr_y=reference,
        loss_db=reference - psnr,
        allowed_loss_db=LIMITS_DB[target.precision],
        agreement_db=float(-10 * np.log10(_mean(errors) + 1e-12)),
    )


def require(export: CheckedExport) -> None:
    """Refuses an export that is not the network.

    Raises:
        ModelError: it is not; the message has the figures and the limits.
    """
    if not export.holds:
        least = LEAST_AGREEMENT_DB[export.precision]
        raise ModelError(
            f"{export.model}: the {export.precision} {export.format} export loses "
            f"{export.loss_db:.3f} dB and agrees to {export.agreement_db:.1f} dB; allowed: at "
            f"most {export.allowed_loss_db:g} dB, at least {least:g} dB; nothing was written"
        )


def fitted(images: Sequence[Image], scale: int, size: tuple[int, int] | None) -> list[Image]:
    """HR images for LR images of a size: cut from the middle, or continued by mirroring.

    Args:
        images: (H, W, 3).
        scale: of the network.
        size: height and width of the LR image; None for at most 128 pixels each.
    """
    return [_fit(image, scale, size) for image in images]


def calibration_photos(
    images: Sequence[Image], scale: int, size: tuple[int, int] | None, *, degraded: bool
) -> list[Image]:
    """LR images that int8 is calibrated on.

    Args:
        images: HR photographs (H, W, 3).
        scale: as for `fitted`.
        size: as for `fitted`.
        degraded: each in one of several ways, as those are that a network restores.
    """
    photos = [rescale_bicubic(crop, 1 / scale) for crop in fitted(images, scale, size)]
    if not degraded:
        return photos
    ways = [Degrade(spec) for spec in _DEGRADATIONS]
    return [ways[at % len(ways)](lr, str(at)).color for at, lr in enumerate(photos)]


def own_photos() -> list[Image]:
    """Three small photographs that come with splitsr, (192, 192, 3)."""
    folder = files("splitsr.export") / "photos"
    found = sorted(folder.iterdir(), key=lambda file: file.name)
    return [decode_rgb(file.read_bytes()) for file in found if file.name.endswith(".png")]


def some_photos(folder: Path) -> list[Image]:
    """Photographs of a folder as (H, W, 3), evenly taken if there are many.

    Raises:
        DataError: one is broken, or there is none.
    """
    sources = find_images([folder])
    return [read_rgb(source) for source in sources[:: -(-len(sources) // _MOST_PHOTOS)]]


def _fit(image: Image, scale: int, size: tuple[int, int] | None) -> Image:
    height, width = size or (min(side // scale, _LARGEST_SIDE) for side in image.shape[:2])
    wanted = (height * scale, width * scale)
    missing = [max(0, want - have) for want, have in zip(wanted, image.shape[:2], strict=True)]
    if any(missing):
        image = np.pad(image, ((0, missing[0]), (0, missing[1]), (0, 0)), mode="symmetric")
    top, left = ((have - want) // 2 for want, have in zip(wanted, image.shape[:2], strict=True))
    return image[top : top + wanted[0], left : left + wanted[1]]


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else float("nan")


def _psnr(sr: FloatArray, hr: Image, scale: int) -> float:
    levels = from_nchw(np.nan_to_num(sr), np.uint8, 3)  # a NaN shows in the agreement
    return psnr_y(levels, hr, crop_border=scale)
