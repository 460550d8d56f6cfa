"""What the app is told of the models: `models/index.json`, and what lies beside it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import partial
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from splitsr import __version__
from splitsr.imaging.files import read_photo
from splitsr.runtime.upscaler import Upscaler
from splitsr.zoo.catalogue import Catalogue, ModelEntry
from splitsr.zoomsr.resources import Resource

FOLDER = "models"
STUDY_PHOTOS = ("astronaut.png", "chelsea.png", "coffee.png")
GOLDEN_PHOTO = "chelsea.png"
GOLDEN_TOP, GOLDEN_LEFT, GOLDEN_SIDE = 60, 100, 64
"""The part of the photo that devices are tried on, in pixels: an eye and fur, flat and fine."""

_GOLDEN_LR = "golden/lr.png"


def offered(catalogue: Catalogue) -> list[ModelEntry]:
    """The models that the app can run, in the catalogue's order.

    In float32 alone: kernels for int8 round differently from device to device, by more than the
    one level that a device is held to. And tileable: the app never runs a photo whole.
    """
    return [
        entry
        for entry in catalogue.values()
        if entry.precision == "fp32" and entry.spec.tileable and entry.spec.scale > 1
        if not entry.is_twin
    ]


def model_resources(catalogue: Catalogue, photos: Path) -> Iterator[Resource]:
    """All that lies under `models/`: the index, networks, golden tiles, the study's photos.

    Args:
        catalogue: the models; each file is read and verified at once.
        photos: the folder of `STUDY_PHOTOS`.

    Raises:
        WeightsError: a model's file is missing or damaged.
    """
    lr = golden_lr(photos)
    study = [photos / name for name in STUDY_PHOTOS]
    entries = offered(catalogue)
    yield _resource("index.json", _index(entries, lr, study))
    yield _resource(_GOLDEN_LR, _png(lr))
    for entry in entries:
        yield _resource(f"{entry.name}.onnx", entry.read())
        golden = partial(golden_sr, entry, lr)
        yield Resource(f"{FOLDER}/{_golden_path(entry)}", golden)
    for photo in study:
        yield Resource.of_file(f"{FOLDER}/{_study_path(photo)}", photo)


def golden_lr(photos: Path) -> npt.NDArray[np.uint8]:
    """The tile that each device is tried on, (GOLDEN_SIDE, GOLDEN_SIDE, 3) uint8."""
    color = read_photo(photos / GOLDEN_PHOTO).color
    rows = slice(GOLDEN_TOP, GOLDEN_TOP + GOLDEN_SIDE)
    tile: npt.NDArray[np.uint8] = color[rows, GOLDEN_LEFT : GOLDEN_LEFT + GOLDEN_SIDE]
    return tile


def golden_sr(entry: ModelEntry, lr: npt.NDArray[np.uint8]) -> bytes:
    """What this program's own runtime makes of the golden tile, as PNG."""
    return _png(Upscaler(entry.name, catalogue={entry.name: entry})(lr))


def _index(entries: list[ModelEntry], lr: npt.NDArray[np.uint8], study: list[Path]) -> bytes:
    """The index; its version changes with whatever the index or its files are made from."""
    index: dict[str, Any] = {
        "models": [_row(entry) for entry in entries],
        "study": [{"kind": "images", "file": _study_path(photo)} for photo in study],
    }
    made_from = [
        index,
        [hashlib.sha256(content).hexdigest() for content in map(Path.read_bytes, study)],
        hashlib.sha256(lr.tobytes()).hexdigest(),
        [__version__, version("onnxruntime")],  # with the models, all that golden tiles hang on
    ]
    digest = hashlib.sha256(msgspec.json.encode(made_from)).hexdigest()
    return msgspec.json.format(msgspec.json.encode({"version": digest[:16], **index}))


def _row(entry: ModelEntry) -> dict[str, Any]:
    return {
        "name": entry.name,
        "label": entry.family.removeprefix("splitsr-"),
        "scale": entry.spec.scale,
        "file": f"{entry.name}.onnx",
        "bytes": entry.path.stat().st_size,
        "sha256": entry.sha256,
        "parameters": entry.parameters,
        "multi_adds_720p": entry.multi_adds_720p,
        "halo": entry.spec.receptive_radius,
        "values_per_pixel": entry.spec.values_per_pixel,
        "psnr_y": {name: figures.psnr_y for name, figures in entry.figures.items()},
        "golden": {"lr": _GOLDEN_LR, "sr": _golden_path(entry)},
    }


def _golden_path(entry: ModelEntry) -> str:
    return f"golden/{entry.name}.png"


def _study_path(photo: Path) -> str:
    return f"study/{photo.name}"


def _resource(path: str, content: bytes) -> Resource:
    return Resource.of(f"{FOLDER}/{path}", content)


def _png(pixels: npt.NDArray[np.uint8]) -> bytes:
    from PIL import Image

    file = BytesIO()
    Image.fromarray(pixels).save(file, "png")
    return file.getvalue()
