"""`upscale`: from an image in a file to a larger one in another."""

from __future__ import annotations

import os
from pathlib import Path

from splitsr.errors import ImageWriteError
from splitsr.imaging.codecs.formats import check_writable
from splitsr.imaging.files import (
    DEFAULT_MAX_PIXELS,
    Photo,
    PhotoRows,
    format_for,
    open_photo,
    write_photo,
)
from splitsr.imaging.rows import Rows
from splitsr.runtime.engine import Engine
from splitsr.runtime.restore import Restoration, Restore
from splitsr.runtime.tile_runner import TileSize
from splitsr.runtime.upscaler import OnProgress, Upscaler, enlarge_alpha
from splitsr.zoo.catalogue import DEFAULT_FAMILY


def upscale(
    path_in: str | os.PathLike[str],
    path_out: str | os.PathLike[str],
    *,
    model: str | Path | Engine = DEFAULT_FAMILY,
    scale: float | None = None,
    precision: str = "fp32",
    tile: TileSize = "auto",
    threads: int | None = None,
    restore: Restore = "auto",
    format: str | None = None,  # noqa: A002 - the word that Pillow's users know
    quality: int | None = None,
    overwrite: bool = False,
    max_pixels: int = DEFAULT_MAX_PIXELS,
    progress: OnProgress | None = None,
) -> Path:
    """Enlarges an image, and keeps its EXIF, colour profile, alpha and bit depth.

    For many images, make one `Upscaler` and use it again.

    Args:
        path_in: the image.
        path_out: the file to write; never the same as `path_in`.
        model: as for `Upscaler`.
        scale: 1 to 64, whole or not; by default the network's own.
        precision: as for `Upscaler`.
        tile: as for `Upscaler`.
        threads: as for `Upscaler`.
        restore: as for `Upscaler`.
        format: `png`, `jpeg`, `webp`, `tiff`, `avif` or `jxl`; by default what the ending of
            `path_out` says.
        quality: 1 to 100, for formats that lose detail.
        overwrite: replace `path_out` if it exists.
        max_pixels: most pixels of the input; more are refused before they are decoded.
        progress: called after each tile.

    Returns:
        `path_out` as a `Path`. It is written whole or not at all.

    Raises:
        ImageError: the input cannot be read or the output cannot be written.
        ModelError: an unknown model, or one whose file is damaged.
        ValueError: a scale, precision, tile, strength or number of threads out of range.
    """
    source, target = Path(path_in), Path(path_out)
    if is_same_file(source, target):
        raise ImageWriteError(f"{target}: is the input itself; name another output")
    upscaler = Upscaler(model, precision=precision, threads=threads, tile=tile, restore=restore)
    scale = upscaler.scale if scale is None else scale
    output_format = format_for(target) if format is None else format
    photo = open_photo(source, max_pixels=max_pixels)
    check_result(photo, scale, output_format)
    larger, _ = stream_photo(upscaler, photo, scale, progress)
    write_photo(
        larger, target, format=output_format, quality=quality, overwrite=overwrite, like=source
    )
    return target


def stream_photo(
    upscaler: Upscaler,
    photo: Photo | PhotoRows,
    scale: float | None = None,
    progress: OnProgress | None = None,
) -> tuple[PhotoRows, Restoration]:
    """Enlarges an image as the rows of the result are asked for; metadata and format stay.

    `write_photo` asks for them one band after another, so the result is never in memory whole.

    Args:
        upscaler: does it.
        photo: the photo.
        scale: as for `Upscaler`.
        progress: as for `Upscaler`; called by whoever asks for the rows.

    Returns:
        The result, and how the image is restored in it.

    Raises:
        ImageTooLargeError: as for `Upscaler`.
        ValueError: a scale out of range.
    """
    whole = photo if isinstance(photo, Photo) else None
    found = upscaler.restoration(whole, scale)
    color = Rows.of(whole.opaque_color()) if whole else photo.rows().color
    larger = upscaler.stream(color, scale, progress, found.strength)
    over = None
    if whole and whole.alpha is not None:
        over = enlarge_alpha(whole.alpha, larger.height, larger.width)
    return PhotoRows(larger, over, photo.metadata, photo.format), found


def check_result(photo: Photo | PhotoRows, scale: float, output_format: str) -> None:
    """Refuses a result that the format cannot hold, before any work is put into it.

    Raises:
        ImageWriteError: a side would be too long, or the format cannot be written.
    """
    check_writable(output_format, round(photo.height * scale), round(photo.width * scale))


def is_same_file(source: Path, target: Path) -> bool:
    """Whether two paths are one file, be it by a link or another spelling."""
    try:
        return source.samefile(target)
    except OSError:  # one of them does not exist
        return os.path.realpath(source) == os.path.realpath(target)
