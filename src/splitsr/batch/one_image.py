"""One image of a batch: read, enlarged, written, and its result told.

Every way to run a batch, in this process or on a cluster, goes through `settle`: there a job
becomes its result, whatever it raises.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import BinaryIO

from splitsr.batch.job import Job, Result, Settings, failed, names_of
from splitsr.errors import ImageWriteError, SplitSRError
from splitsr.imaging.atomic import check_target
from splitsr.imaging.codecs.formats import WRITABLE
from splitsr.imaging.files import Photo, PhotoRows, check_source, open_photo, write_photo
from splitsr.runtime.restore import Restoration
from splitsr.runtime.upscale_file import check_result, stream_photo
from splitsr.runtime.upscaler import OnProgress, Upscaler


def attempt(
    job: Job, upscaler: Upscaler, settings: Settings, progress: OnProgress | None = None
) -> Result:
    """Runs one job, unless it is to be left out.

    Args:
        job: the image.
        upscaler: enlarges it.
        settings: of the batch.
        progress: called after each tile.
    """
    return settle(
        job, settings, lambda: _skip(job, settings) or _run(job, upscaler, settings, progress)
    )


def settle(job: Job, settings: Settings, work: Callable[[], Result]) -> Result:
    """The result of a job: whatever its work raises is its failure, and the other jobs go on.

    Only what is meant for the whole batch, such as Ctrl-C, is no `Exception` and passes.
    """
    try:
        return work()
    except SplitSRError as error:
        return failed(job, settings, str(error))
    except MemoryError:
        return failed(job, settings, "not enough memory")
    except OSError as error:
        return failed(job, settings, error.strerror or str(error))
    except Exception as error:
        return failed(job, settings, f"a fault of splitsr, please report it: {error!r:.200}")


def enlarge_job(
    job: Job,
    target: Path | BinaryIO,
    upscaler: Upscaler,
    settings: Settings,
    progress: OnProgress | None = None,
) -> tuple[Photo | PhotoRows, PhotoRows, Restoration]:
    """Reads a job's image, enlarges it and writes the result, to wherever it is to go.

    Args:
        job: the image, and the format to write.
        target: a file, or a stream that is open for writing.
        upscaler: enlarges it.
        settings: of the batch.
        progress: called after each tile.

    Returns:
        The image that was read, the one that was written, and how it was restored; of the rows of
        both, none are left.

    Raises:
        ImageError: the input cannot be read or the output cannot be written.
        ModelError: the network failed.
    """
    photo = open_photo(job.source or sys.stdin.buffer, max_pixels=settings.max_pixels)
    scale = settings.scale_of(photo)
    output_format = job.output_format or _stream_format(photo)
    check_result(photo, scale, output_format)
    larger, restoration = stream_photo(upscaler, photo, scale, progress)
    if settings.strip_metadata:
        larger = replace(larger, metadata=larger.metadata.colours_alone())
    write_photo(
        larger,
        target,
        format=output_format,
        quality=settings.quality,
        overwrite=settings.overwrite,
        like=job.source,
        keep_times=settings.keep_times,
    )
    return photo, larger, restoration


def _run(job: Job, upscaler: Upscaler, settings: Settings, progress: OnProgress | None) -> Result:
    begun = perf_counter()
    if job.source:
        check_source(job.source)
    if job.target:
        _prepare_target(job.target, overwrite=settings.overwrite, makes_folder=job.makes_folder)
    target = job.target or sys.stdout.buffer
    found = enlarge_job(job, target, upscaler, settings, progress)
    return done(job, upscaler, settings, *found, perf_counter() - begun)


def done(
    job: Job,
    upscaler: Upscaler,
    settings: Settings,
    photo: Photo | PhotoRows,
    larger: PhotoRows,
    restoration: Restoration,
    seconds: float,
) -> Result:
    """The result of a job that was done."""
    scale = settings.scale_of(photo)
    networks = upscaler.networks_for(scale)
    return Result(
        *names_of(job),
        "done",
        model=" + ".join(network.name for network in networks),
        scale=round(scale, 4),
        size_in=(photo.height, photo.width),
        size_out=(larger.height, larger.width),
        restore=restoration.strength,
        restore_reason=restoration.reason,
        seconds=round(seconds, 3),
        notes=photo.metadata.losses,
    )


def _prepare_target(target: Path, *, overwrite: bool, makes_folder: bool) -> None:
    """Makes the output's folder, and refuses an output that cannot be written."""
    if makes_folder:
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ImageWriteError(
                f"{target.parent}: the folder cannot be created: {error.strerror}"
            ) from error
    check_target(target, overwrite=overwrite)


def _stream_format(photo: Photo | PhotoRows) -> str:
    return photo.format if photo.format in WRITABLE else WRITABLE[0]


def _skip(job: Job, settings: Settings) -> Result | None:
    """The result of a job that is to be left out, as its target exists; None for the others."""
    if settings.skip_existing and job.target and job.target.exists():
        return Result(*names_of(job), "skipped")
    return None
