"""`splitsr upscale`: enlarges photos."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal

import click

from splitsr.cli.options import BadCall, json_option, model_options, output_options
from splitsr.errors import ImageWriteError, SplitSRError, UnknownModelError

if TYPE_CHECKING:
    from splitsr.cli.jobs import Job, Plan
    from splitsr.cli.upscale_progress import BatchProgress
    from splitsr.imaging.files import Photo
    from splitsr.runtime.upscaler import Upscaler

INTERRUPTED = 130
_STDIN, _STDOUT = "standard input", "standard output"


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
        seconds: from opening the input to the written output.
        error: why it failed.
    """

    input: str
    output: str | None
    status: Literal["done", "skipped", "failed"]
    model: str | None = None
    scale: float | None = None
    size_in: tuple[int, int] | None = None
    size_out: tuple[int, int] | None = None
    seconds: float | None = None
    error: str | None = None


@dataclass(frozen=True)
class _Settings:
    """What all jobs of a call share."""

    upscaler: Upscaler
    scale: float
    quality: int | None
    skip_existing: bool
    overwrite: bool
    max_pixels: int


@click.command()
@click.argument("inputs", metavar="INPUT...", nargs=-1, required=True)
@click.option(
    "-o", "--output", metavar="OUT", help="File or folder to write.  [default: beside the input]"
)
@model_options
@output_options
@click.option("--recursive", is_flag=True, help="Look into folders of folders.")
@click.option(
    "--max-pixels", type=click.IntRange(1), help="Refuse larger inputs.  [default: 200000000]"
)
@json_option
def command(
    inputs: tuple[str, ...],
    output: str | None,
    recursive: bool,
    as_json: bool,
    **options: Any,  # noqa: ANN401 (click's values, used by name in _prepare)
) -> None:
    """Enlarge photos.

    INPUT is a file, a folder, a pattern, or - for standard input, which is written to standard
    output. Results are named photo_x4.jpg and stand beside the input, or in the folder OUT; with
    --recursive its folders mirror the input's. The format stays if it can be written, and so do
    EXIF, colour profile, transparency and 16 bits. An input that is the result of another input of
    the same call is left out. A file that fails does not stop the others.

    \b
    Examples:
      splitsr upscale photo.jpg
      splitsr upscale photos/ -o larger/ --recursive --skip-existing
      splitsr upscale photo.png -o poster.webp --scale 6 --quality 90
      cat photo.png | splitsr upscale - > larger.png
    """  # noqa: D301 (click reads the \b)
    from splitsr.cli.jobs import plan_jobs

    settings = _prepare(**options)
    output_format = options["output_format"]
    plan = plan_jobs(
        inputs, output, scale=settings.scale, output_format=output_format, recursive=recursive
    )
    _check_streams(plan, as_json=as_json)
    results = [*_report_unplanned(plan)]
    interrupted = _run_all(plan, settings, results)
    if as_json:
        _print_json(results)
    if interrupted:
        done = sum(result.status == "done" for result in results)
        click.echo(f"splitsr: interrupted; {done} of {len(plan.jobs)} photos done", err=True)
        sys.exit(INTERRUPTED)
    if any(result.status == "failed" for result in results):
        sys.exit(1)


def _prepare(
    *,
    model: str | None,
    scale: float | None,
    tile: int | Literal["auto"],
    threads: int | None,
    output_format: str | None,  # noqa: ARG001 (used in planning)
    quality: int | None,
    skip_existing: bool,
    overwrite: bool,
    max_pixels: int | None,
) -> _Settings:
    """Loads the networks and gathers what all jobs share."""
    from splitsr.imaging.files import DEFAULT_MAX_PIXELS
    from splitsr.runtime.upscaler import Upscaler
    from splitsr.zoo.catalogue import DEFAULT_FAMILY

    if skip_existing and overwrite:
        raise click.UsageError("--skip-existing and --overwrite exclude each other")
    try:
        upscaler = Upscaler(model or DEFAULT_FAMILY, threads=threads, tile=tile)
    except UnknownModelError as error:
        raise BadCall(str(error)) from None
    scale = scale or upscaler.scale
    for network in upscaler.networks_for(scale):
        if tile != "auto" and not network.spec.tileable:
            click.echo(
                f"splitsr: {network.name} averages over all it sees: tiles may differ in tone",
                err=True,
            )
    limit = max_pixels or DEFAULT_MAX_PIXELS
    return _Settings(upscaler, scale, quality, skip_existing, overwrite, limit)


def _check_streams(plan: Plan, *, as_json: bool) -> None:
    """Refuses streams that are something else's already."""
    reads = any(job.source is None for job in plan.jobs)
    if reads and (sys.stdin is None or sys.stdin.isatty()):
        raise BadCall("- reads a photo from standard input; use < photo.png")
    if any(job.target is None for job in plan.jobs):
        if as_json:
            raise BadCall("--json and the photo would both go to standard output; use -o FILE")
        if sys.stdout.isatty():
            raise BadCall("the photo would go to the terminal; use > FILE or -o FILE")


def _report_unplanned(plan: Plan) -> list[Result]:
    """Says which inputs are no jobs."""
    results = []
    for name, reason in plan.problems:
        click.echo(f"splitsr: {name}: {reason}", err=True)
        results.append(Result(name, None, "failed", error=reason))
    for path, source in plan.left_out:
        click.echo(f"splitsr: {path}: left out, it is the result of {source}", err=True)
        results.append(Result(str(path), None, "skipped"))
    return results


def _run_all(plan: Plan, settings: _Settings, results: list[Result]) -> bool:
    """Runs the jobs, adds to `results`, and tells whether Ctrl-C ended it."""
    from splitsr.cli.upscale_progress import batch_progress

    try:
        with batch_progress([job.size for job in plan.jobs]) as progress:
            for job in plan.jobs:
                progress.start(_name(job.source, _STDIN), job.size)
                results.append(_attempt(job, settings, progress))
                progress.finish()
    except KeyboardInterrupt:
        return True
    return False


def _attempt(job: Job, settings: _Settings, progress: BatchProgress) -> Result:
    """Runs one job; an error becomes a line and a result."""
    source, target = _name(job.source, _STDIN), _name(job.target, _STDOUT)
    if settings.skip_existing and job.target and job.target.exists():
        return Result(source, target, "skipped")
    try:
        return _run(job, settings, progress)
    except (SplitSRError, MemoryError) as error:
        message = str(error) or "not enough memory"
        # Errors about a file begin with its name; the others do not know it.
        known = message.startswith((source, target))
        click.echo(f"splitsr: {message}" if known else f"splitsr: {source}: {message}", err=True)
        return Result(source, target, "failed", scale=settings.scale, error=message)


def _run(job: Job, settings: _Settings, progress: BatchProgress) -> Result:
    from splitsr.imaging.files import read_photo
    from splitsr.runtime.photos import check_result, upscale_photo

    begun = perf_counter()
    upscaler, scale = settings.upscaler, settings.scale
    if job.target:
        _prepare_target(job, overwrite=settings.overwrite)
    data = job.source or sys.stdin.buffer.read()
    photo = read_photo(data, max_pixels=settings.max_pixels)
    output_format = job.output_format or _stream_format(photo)
    check_result(photo, scale, output_format)
    larger = upscale_photo(upscaler, photo, scale, progress.tile)
    _write(larger, job, output_format, settings)
    return Result(
        input=_name(job.source, _STDIN),
        output=_name(job.target, _STDOUT),
        status="done",
        model=" + ".join(network.name for network in upscaler.networks_for(scale)),
        scale=scale,
        size_in=(photo.height, photo.width),
        size_out=(larger.height, larger.width),
        seconds=round(perf_counter() - begun, 3),
    )


def _prepare_target(job: Job, *, overwrite: bool) -> None:
    """Makes the output's folder, and refuses an output that cannot be written."""
    from splitsr.imaging.atomic import check_target

    assert job.target is not None
    if job.makes_folder:
        try:
            job.target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ImageWriteError(
                f"{job.target.parent}: the folder cannot be made: {error.strerror}"
            ) from error
    check_target(job.target, overwrite=overwrite)


def _stream_format(photo: Photo) -> str:
    from splitsr.imaging.formats import WRITABLE

    return photo.format if photo.format in WRITABLE else WRITABLE[0]


def _write(photo: Photo, job: Job, output_format: str, settings: _Settings) -> None:
    from splitsr.imaging.files import write_photo

    target = job.target or sys.stdout.buffer
    try:
        write_photo(
            photo,
            target,
            format=output_format,
            quality=settings.quality,
            overwrite=settings.overwrite,
        )
    except ImageWriteError:
        if job.target is None:
            _drop_stdout()
        raise


def _drop_stdout() -> None:
    """Keeps Python from flushing to a broken standard output once more when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _print_json(results: list[Result]) -> None:
    import json

    click.echo(json.dumps({"results": [asdict(result) for result in results]}, indent=2))


def _name(path: object, stream: str) -> str:
    return stream if path is None else str(path)
