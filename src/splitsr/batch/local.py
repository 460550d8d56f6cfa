"""A batch of images: what is asked for, one image after another, and what became of each.

Every way to run a batch, in this process or on a cluster, goes through `settle`: there a job
becomes its result, whatever it raises.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic, perf_counter
from typing import Any, BinaryIO, Literal, Protocol

from splitsr.batch.target_size import TargetSize
from splitsr.errors import ImageWriteError, SplitSRError
from splitsr.imaging.atomic import check_target, is_device
from splitsr.imaging.codecs.formats import WRITABLE
from splitsr.imaging.files import (
    DEFAULT_MAX_PIXELS,
    Photo,
    PhotoRows,
    check_source,
    open_photo,
    pixels_of,
    write_photo,
)
from splitsr.runtime.restore import Restoration
from splitsr.runtime.upscale_file import check_result, stream_photo
from splitsr.runtime.upscaler import OnProgress, Progress, Upscaler

STDIN, STDOUT = "standard input", "standard output"


SMALL_PIXELS = 2_000_000
"""Most pixels of an image that is run beside others: memory holds a few of them at once."""


TURN_S = 0.25
"""The longest that a batch takes to hear of Ctrl-C while it waits."""


class Watch(Protocol):
    """Is told how far a batch is."""

    def start(self, name: str, size: int) -> None:
        """An image is waited for: its name and size, as `Job.size` has it."""

    def tile(self, progress: Progress) -> None:
        """A tile of it is done; of small images, that all are."""

    def finish(self) -> None:
        """It is done, or given up."""


@dataclass(frozen=True)
class Job:
    """One image to enlarge.

    Attributes:
        source: the file; None for standard input.
        target: the file to write; None for standard output.
        output_format: Pillow's name of the format; None for that of the input, or PNG.
        makes_folder: whether the target's folder is created if it is missing.
    """

    source: Path | None
    target: Path | None
    output_format: str | None
    makes_folder: bool = False

    @property
    def reads_once(self) -> bool:
        """Whether the input is a pipe or a device."""
        return self.source is None or is_device(self.source)

    @property
    def size(self) -> int:
        """Bytes of the input, the best measure of work before it is opened; at least 1."""
        try:
            return max(1, self.source.stat().st_size) if self.source else 1
        except OSError:
            return 1


@dataclass(frozen=True)
class Settings:
    """What all jobs of a batch share, beside the upscaler.

    Attributes:
        scale: the enlargement, from 1 to 64.
        quality: 1 to 100, for formats that lose detail; None for the format's default.
        skip_existing: leave out a job whose target exists.
        overwrite: replace a target that exists.
        max_pixels: most pixels of an input; more are refused before they are decoded.
        size: what each image is to reach instead of `scale`.
        strip_metadata: write nothing of the input's but its colour profile.
        keep_times: give an output the input's time of last change.
    """

    scale: float
    quality: int | None = None
    skip_existing: bool = False
    overwrite: bool = False
    max_pixels: int = DEFAULT_MAX_PIXELS
    size: TargetSize | None = None
    strip_metadata: bool = False
    keep_times: bool = False

    def scale_of(self, image: Photo | PhotoRows) -> float:
        """The enlargement of one image.

        Raises:
            ImageWriteError: it cannot reach `size`.
        """
        return self.size.scale(image.height, image.width) if self.size else self.scale


@dataclass(frozen=True)
class Result:
    """What became of one input; one item of the JSON.

    Attributes:
        input: the file.
        output: the file that was written, or would have been.
        status: `done`, `skipped` (the output was there, or the input is another's output) or
            `failed`.
        model: the networks that were used, in order, joined by ` + `.
        scale: the enlargement.
        size_in: height and width of the input.
        size_out: height and width of the output.
        restore: strength of restoration, 0 to 1.
        restore_reason: what it was chosen for, such as `JPEG quality 75, noise 1.2`.
        seconds: from opening the input to the written output.
        error: why it failed.
        notes: what of the input is not in the output, each in a few words.
    """

    input: str
    output: str | None
    status: Literal["done", "skipped", "failed"]
    model: str | None = None
    scale: float | None = None
    size_in: tuple[int, int] | None = None
    size_out: tuple[int, int] | None = None
    restore: float | None = None
    restore_reason: str | None = None
    seconds: float | None = None
    error: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def complaint(self) -> str:
        """Why it failed, in one line that begins with the file that it is about."""
        message = self.error or ""
        # Errors about a file begin with its name; the others do not know it.
        names = (self.input, self.output or self.input)
        return message if message.startswith(names) else f"{self.input}: {message}"


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


def attempt_all(
    jobs: Sequence[Job], upscaler: Upscaler, settings: Settings, watch: Watch
) -> Iterator[Result]:
    """Runs jobs, and gives their results in order.

    A large image has all threads to itself; its own rows are decoded, computed and encoded side by
    side. Small ones are run several at a time, so that none of them keeps the CPUs waiting.

    Args:
        jobs: the images.
        upscaler: enlarges them.
        settings: of the batch.
        watch: is told of every image. What it raises ends the batch; so does closing the iterator.

    Raises:
        KeyboardInterrupt: after the results of those that had their last tile and were written.
    """
    at_once = upscaler.lanes
    shared = upscaler.shared()
    at_work: deque[_Errand] = deque()
    pool = ThreadPoolExecutor(at_once + 2)  # two are read, encoded or synced while others compute
    try:
        for job in jobs:
            if at_once > 1 and len(jobs) > 1 and _is_small(job):
                at_work.append(_Errand(job, pool, shared, settings))
                if len(at_work) > 2 * at_once:
                    yield _take(at_work, watch)
                continue
            while at_work:
                yield _take(at_work, watch)
            watch.start(names_of(job)[0], job.size)
            result = attempt(job, upscaler, settings, watch.tile)
            watch.finish()
            yield result
        while at_work:
            yield _take(at_work, watch)
    except KeyboardInterrupt:
        _stop(at_work, pool)
        yield from filter(None, [errand.outcome for errand in at_work])
        raise
    finally:
        _stop(at_work, pool)


def wait_for_first(
    futures: Collection[Future[Any]], patience: float | None = None
) -> set[Future[Any]]:
    """Futures that are done; waits for the first, in turns.

    A Ctrl-C that the system hands to another thread does not wake the main one, which hears of it
    after its turn.

    Args:
        futures: at least one.
        patience: seconds after which none are done, at most; None for no limit.
    """
    end = None if patience is None else monotonic() + patience
    while True:
        turn = TURN_S if end is None else min(TURN_S, max(0.0, end - monotonic()))
        found = wait(futures, turn, FIRST_COMPLETED).done
        if found or (end is not None and monotonic() >= end):
            return found


def _stop(errands: Iterable[_Errand], pool: ThreadPoolExecutor) -> None:
    for errand in errands:
        errand.stop()
    pool.shutdown(cancel_futures=True)


def _is_small(job: Job) -> bool:
    try:
        pixels = None if job.source is None or job.reads_once else pixels_of(job.source)
    except Exception:  # whatever it is, the job's result will say it
        return False
    return pixels is not None and pixels <= SMALL_PIXELS


class _Errand:
    """A small image at work in a thread of its own."""

    def __init__(
        self, job: Job, pool: ThreadPoolExecutor, upscaler: Upscaler, settings: Settings
    ) -> None:
        self._job = job
        self._stop = False
        self._progress: Progress | None = None
        self._future = pool.submit(attempt, job, upscaler, settings, self._on_tile)

    def wait(self, watch: Watch) -> Result:
        watch.start(names_of(self._job)[0], self._job.size)
        wait_for_first([self._future])
        result = self._future.result()
        if self._progress:
            watch.tile(self._progress)
        watch.finish()
        return result

    def stop(self) -> None:
        """Ends it after its next tile, if there is one; its part of a file goes with it."""
        self._stop = True

    @property
    def outcome(self) -> Result | None:
        """Its result, once it has ended; None if it was stopped before."""
        stopped = self._future.cancelled() or self._future.exception()
        return None if stopped else self._future.result()

    def _on_tile(self, progress: Progress) -> None:
        if self._stop:
            raise KeyboardInterrupt
        self._progress = progress


def _take(at_work: deque[_Errand], watch: Watch) -> Result:
    """The first one's result. Only then it leaves: it is stopped if the wait is broken off."""
    result = at_work[0].wait(watch)
    at_work.popleft()
    return result


def _skip(job: Job, settings: Settings) -> Result | None:
    """The result of a job that is to be left out, as its target exists; None for the others."""
    if settings.skip_existing and job.target and job.target.exists():
        return Result(*names_of(job), "skipped")
    return None


def failed(job: Job, settings: Settings, error: str) -> Result:
    """The result of a job that failed."""
    scale = None if settings.size else settings.scale
    return Result(*names_of(job), "failed", scale=scale, error=error)


def names_of(job: Job) -> tuple[str, str]:
    """What to call a job's input and output."""
    return _name(job.source, STDIN), _name(job.target, STDOUT)


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
                f"{target.parent}: the folder cannot be made: {error.strerror}"
            ) from error
    check_target(target, overwrite=overwrite)


def _stream_format(photo: Photo | PhotoRows) -> str:
    return photo.format if photo.format in WRITABLE else WRITABLE[0]


def _name(path: Path | None, stream: str) -> str:
    return stream if path is None else str(path)
