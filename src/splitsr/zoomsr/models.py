"""What the app is told of the models: `models/index.json`, and what lies beside it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import partial
from importlib.metadata import version
from io import BytesIO
from itertools import product
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from splitsr import __version__
from splitsr.imaging.files import read_photo
from splitsr.runtime.restore import ASSUMED_QUALITY, StrengthTable, read_tables
from splitsr.runtime.upscaler import Upscaler
from splitsr.zoo.catalogue import Catalogue, ModelEntry, find_twin
from splitsr.zoo.mixing import read_mixed
from splitsr.zoomsr.resources import Resource

FOLDER = "models"
STUDY_PHOTOS = ("astronaut.png", "chelsea.png", "coffee.png")
STUDY_QUALITIES = (75, 90)
"""Of the JPEGs that the study has of each photo: as most of those that people have."""
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
        if entry.precision == "fp32" and entry.spec.tileable and not entry.is_twin
    ]


def model_resources(catalogue: Catalogue, photos: Path) -> Iterator[Resource]:
    """All that lies under `models/`: the index, networks, golden tiles, the study's photos.

    Args:
        catalogue: the models and their twins; each file is read and verified at once.
        photos: the folder of `STUDY_PHOTOS`.

    Raises:
        WeightsError: a model's file is missing or damaged, or its twin is of another network.
    """
    lr = golden_lr(photos)
    study = _study_files(photos)
    pairs = [(entry, find_twin(entry, catalogue)) for entry in offered(catalogue)]
    yield _resource("index.json", _index(pairs, lr, study))
    yield _resource(_GOLDEN_LR, _png(lr))
    for entry, twin in pairs:
        yield _resource(_model_path(entry), entry.read())
        golden = partial(golden_sr, entry, lr)
        yield Resource(f"{FOLDER}/{_golden_path(entry)}", golden)
        if twin:
            read_mixed(entry, 1.0, catalogue)  # the app mixes them, and does not compare them
            yield _resource(_model_path(twin), twin.read())
    for path, content in study.items():
        yield _resource(path, content)


def golden_lr(photos: Path) -> npt.NDArray[np.uint8]:
    """The tile that each device is tried on, (GOLDEN_SIDE, GOLDEN_SIDE, 3) uint8."""
    color = read_photo(photos / GOLDEN_PHOTO).color
    rows = slice(GOLDEN_TOP, GOLDEN_TOP + GOLDEN_SIDE)
    tile: npt.NDArray[np.uint8] = color[rows, GOLDEN_LEFT : GOLDEN_LEFT + GOLDEN_SIDE]
    return tile


def golden_sr(entry: ModelEntry, lr: npt.NDArray[np.uint8]) -> bytes:
    """What this program's own runtime makes of the golden tile, as PNG."""
    return _png(Upscaler(entry.name, catalogue={entry.name: entry})(lr))


def _index(
    pairs: list[tuple[ModelEntry, ModelEntry | None]],
    lr: npt.NDArray[np.uint8],
    study: dict[str, bytes],
) -> bytes:
    """The index; its version changes with whatever the index or its files are made from."""
    index: dict[str, Any] = {
        "assumed_quality": ASSUMED_QUALITY,
        "models": [_row(entry, twin) for entry, twin in pairs],
        "study": [
            {"kind": "jpeg" if path.endswith(".jpg") else "images", "file": path} for path in study
        ],
    }
    made_from = [
        index,
        [hashlib.sha256(content).hexdigest() for content in study.values()],
        hashlib.sha256(lr.tobytes()).hexdigest(),
        [__version__, version("onnxruntime")],  # with the models, all that golden tiles hang on
    ]
    digest = hashlib.sha256(msgspec.json.encode(made_from)).hexdigest()
    return msgspec.json.format(msgspec.json.encode({"version": digest[:16], **index}))


def _row(entry: ModelEntry, twin: ModelEntry | None) -> dict[str, Any]:
    return {
        **_file(entry),
        "label": entry.family.removeprefix("splitsr-"),
        "scale": entry.spec.scale,
        "parameters": entry.parameters,
        "multi_adds_720p": entry.multi_adds_720p,
        "halo": entry.spec.receptive_radius,
        "values_per_pixel": entry.spec.values_per_pixel,
        "psnr_y": {name: figures.psnr_y for name, figures in entry.figures.items()},
        "golden": {"lr": _GOLDEN_LR, "sr": _golden_path(entry)},
        "twin": _file(twin) | {"strengths": _strengths(entry)} if twin else None,
    }


def _strengths(entry: ModelEntry) -> StrengthTable:
    """By quality and noise, as `splitsr upscale --restore auto` has them."""
    tables = read_tables()
    return tables.get(entry.name, tables["default"])


def _file(entry: ModelEntry) -> dict[str, Any]:
    return {
        "name": entry.name,
        "file": _model_path(entry),
        "bytes": entry.path.stat().st_size,
        "sha256": entry.sha256,
    }


def _study_files(photos: Path) -> dict[str, bytes]:
    """The study's photos by their path: as they are, and as ordinary JPEGs."""
    files = {_study_path(name): (photos / name).read_bytes() for name in STUDY_PHOTOS}
    for quality, name in product(STUDY_QUALITIES, STUDY_PHOTOS):
        jpeg = _encoded(read_photo(photos / name).color, "jpeg", quality=quality)
        files[_study_path(name.replace(".png", f"-q{quality}.jpg"))] = jpeg
    return files


def _model_path(entry: ModelEntry) -> str:
    return f"{entry.name}.onnx"


def _golden_path(entry: ModelEntry) -> str:
    return f"golden/{entry.name}.png"


def _study_path(name: str) -> str:
    return f"study/{name}"


def _resource(path: str, content: bytes) -> Resource:
    return Resource.of(f"{FOLDER}/{path}", content)


def _png(pixels: npt.NDArray[np.uint8]) -> bytes:
    return _encoded(pixels, "png")


def _encoded(pixels: npt.NDArray[np.uint8], format_name: str, **options: int) -> bytes:
    from PIL import Image

    file = BytesIO()
    Image.fromarray(pixels).save(file, format_name, **options)
    return file.getvalue()
