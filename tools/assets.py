"""A model's exports for all runtimes, as the files that a release carries."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple, get_args

from splitsr.data.pack import sha256_of
from splitsr.errors import SplitSRError
from splitsr.export.checked import Image, export_checked, own_photos
from splitsr.export.source import find_source
from splitsr.export.target import RUNTIMES, Format, Precision, Target
from splitsr.imaging.atomic import write_atomic
from splitsr.zoo.catalogue import find_model, find_twin

STRENGTH = 0.5
"""Of restoration, in the exports for photos as people have them: a JPEG of a camera, or the web."""

CHECKSUMS = "SHA256SUMS"


class Asset(NamedTuple):
    """An export, as one file.

    Attributes:
        name: of the file; what an export of several files is packed into is a ZIP.
        content: of the file; None where there is no such export.
        remark: how it compares, or why there is none.
    """

    name: str
    content: bytes | None
    remark: str


def write_assets(
    name: str, folder: Path, formats: tuple[Format, ...], say: Callable[[str], None]
) -> None:
    """Writes every export of a model, and of its mix with its twin, and their checksums.

    Args:
        name: of a shipped model.
        folder: gets the files, and `SHA256SUMS` of all that it holds.
        formats: to write.
        say: is told of each file, and of each export that there is none of.
    """
    folder.mkdir(parents=True, exist_ok=True)
    photos = own_photos()
    for strength in (0.0, STRENGTH) if find_twin(find_model(name)) else (0.0,):
        for target in targets(formats):
            asset = export(name, target, strength, photos)
            if asset.content is not None:
                write_atomic(folder / asset.name, asset.content, overwrite=True)
            say(f"{asset.name}: {asset.remark}")
    write_atomic(folder / CHECKSUMS, checksums(folder), overwrite=True)


def targets(formats: tuple[Format, ...]) -> Iterator[Target]:
    """Every export that there is, of any size of image."""
    for kind in formats:
        for precision in get_args(Precision):
            target = Target(format=kind, precision=precision, layout=RUNTIMES[kind].layout)
            if target.refusal is None:
                yield target


def export(name: str, target: Target, strength: float, photos: list[Image]) -> Asset:
    """One export; one that loses too much is none."""
    model, network = find_source(name, strength)
    stem = f"{model}-{target.format}-{target.precision}"
    suffixes = RUNTIMES[target.format].suffixes
    with TemporaryDirectory() as place:
        folder = Path(place, stem)
        folder.mkdir()
        try:
            made = export_checked(
                network,
                target,
                folder / f"{model}{suffixes[0]}",
                name=model,
                images=photos,
                calibration=photos,
                restore=strength,
            )
        except SplitSRError as error:
            return Asset(stem, None, f"none: {error}")
        remark = f"{made.loss_db:+.4f} dB lost" if made.images else "not run here"
        if len(made.files) == 1:
            return Asset(stem + suffixes[0], Path(made.files[0].path).read_bytes(), remark)
        return Asset(f"{stem}.zip", _packed(folder), remark)


def checksums(folder: Path) -> bytes:
    """What `sha256sum --check` reads, of all other files."""
    files = sorted(path for path in folder.iterdir() if path.name != CHECKSUMS)
    return "".join(f"{sha256_of(path)}  {path.name}\n" for path in files).encode()


def _packed(folder: Path) -> bytes:
    """A ZIP of a folder's files, the same bytes for the same files."""
    content = BytesIO()
    with zipfile.ZipFile(content, "w") as packed:
        for file in sorted(file for file in folder.rglob("*") if file.is_file()):
            entry = zipfile.ZipInfo(str(file.relative_to(folder)))
            packed.writestr(entry, file.read_bytes(), zipfile.ZIP_DEFLATED)
    return content.getvalue()
