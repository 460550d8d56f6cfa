"""`splitsr upscale`: enlarges images."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import click

from splitsr.cli.options import (
    BadCall,
    Number,
    Whole,
    engine_options,
    ensemble_option,
    json_option,
    model_options,
    naming_options,
    output_options,
    restore_option,
    size_options,
)
from splitsr.cli.output import say
from splitsr.errors import SplitSRError, UnknownModelError

if TYPE_CHECKING:
    from splitsr.batch.job import Job, Result, Settings, Watch
    from splitsr.batch.upscaler_options import UpscalerOptions
    from splitsr.cli.upscale_plan import Plan
    from splitsr.runtime.restore import Restore
    from splitsr.runtime.upscaler import Upscaler

INTERRUPTED = 130


@dataclass(frozen=True)
class _Call:
    """What all jobs of a call share."""

    options: UpscalerOptions
    upscaler: Upscaler
    settings: Settings


@click.command()
@click.argument("inputs", metavar="INPUT...", nargs=-1, required=True)
@click.option(
    "-o", "--output", metavar="OUT", help="File or folder to write.  [default: beside the input]"
)
@model_options
@size_options
@click.option(
    "--precision",
    type=click.Choice(["fp32", "int8", "bf16"]),
    default="fp32",
    show_default=True,
    help="int8: the model's form in 8-bit integers, faster on CPUs that have instructions for it. "
    "bf16: bfloat16, on a CPU that has it; needs 'splitsr[bf16]'.",
)
@click.option(
    "--dispatch",
    metavar="LIGHT|FILE",
    help="Leave easy parts to a light network (splitsr-fast), bilinear or bicubic; or a file that "
    "`splitsr calibrate` wrote.",
)
@click.option(
    "--dispatch-threshold",
    type=Number(0),
    metavar="T",
    help="Parts harder than this go to --model.  [default: as calibrated]",
)
@restore_option
@ensemble_option
@output_options
@naming_options
@engine_options
@click.option("--recursive", is_flag=True, help="Include subfolders.")
@click.option(
    "--max-pixels",
    type=Whole(1),
    help="Refuse inputs of more pixels than this.  [default: 200000000]",
)
@json_option
def command(
    inputs: tuple[str, ...],
    output: str | None,
    recursive: bool,
    engine: str,
    address: str | None,
    name: str,
    as_json: bool,
    **options: Any,  # noqa: ANN401 (click's values, used by name in _prepare)
) -> None:
    """Enlarge images.

    INPUT is a file, a folder, a pattern, or - for standard input, which is written to standard
    output. Results are named photo_x4.jpg, or as --name says, and stand beside the input, or in the
    folder OUT; with --recursive its folders mirror the input's. The format stays if it can be
    written, and so do EXIF, colour profile, transparency and 16 bits. An input named like a result
    of another input (photo_x2.png beside photo.jpg) is left out. A file that fails does not stop
    the others.

    \b
    Examples:
      splitsr upscale photo.jpg
      splitsr upscale photos/ -o larger/ --recursive --skip-existing
      splitsr upscale photo.png -o poster.webp --scale 6 --quality 90
      splitsr upscale photo.jpg -o wallpaper.jpg --width 3840 --height 2160
      splitsr upscale photos/ -o larger/ --engine ray --address 10.0.0.1:6379
      cat photo.png | splitsr upscale - > larger.png
    """  # noqa: D301 (click reads the \b)
    from splitsr.cli.upscale_plan import plan_jobs

    if address and engine != "ray":
        raise click.UsageError("--address needs --engine ray")
    call = _prepare(**options)
    size = call.settings.size
    name = name.format(stem="{stem}", size=size.label if size else f"x{call.settings.scale:g}")
    output_format = options["output_format"]
    plan = plan_jobs(inputs, output, name=name, output_format=output_format, recursive=recursive)
    _check_streams(plan, engine, as_json=as_json)
    if options["quality"] and plan.jobs and all(map(_loses_nothing, plan.jobs)):
        say("--quality has no effect here: PNG and TIFF lose nothing")
    results = [*_report_unplanned(plan)]
    interrupted = _run_all(plan, call, results, engine, address)
    if as_json:
        _print_json(results)
    counts = Counter(result.status for result in results)
    if interrupted:
        say(f"interrupted; {counts['done']} of {len(plan.jobs)} images done")
        sys.exit(INTERRUPTED)
    if len(results) > 1:
        where = f" to {output}" if output else ""
        rest = "".join(f", {counts[it]} {it}" for it in ("failed", "skipped") if counts[it])
        say(f"wrote {counts['done']} of {len(results)} images{where}{rest}")
    elif not as_json and sys.stderr.isatty():
        _tell(results)
    if any(result.status == "failed" for result in results):
        sys.exit(1)


def _prepare(
    *,
    model: str | None,
    scale: float | None,
    width: int | None,
    height: int | None,
    max_side: int | None,
    tile: int | Literal["auto"],
    threads: int | None,
    precision: str,
    restore: Restore,
    ensemble: bool,
    output_format: str | None,  # noqa: ARG001 (used in planning)
    quality: int | None,
    skip_existing: bool,
    overwrite: bool,
    max_pixels: int | None,
    dispatch: str | None,
    dispatch_threshold: float | None,
    strip_metadata: bool,
    keep_times: bool,
) -> _Call:
    """Loads the networks and gathers what all jobs share."""
    from splitsr.batch.job import Settings
    from splitsr.batch.target_size import TargetSize
    from splitsr.imaging.files import DEFAULT_MAX_PIXELS

    if skip_existing and overwrite:
        raise click.UsageError("use only one of --skip-existing and --overwrite")
    size = TargetSize(width, height, max_side) if width or height or max_side else None
    if scale and size:
        raise click.UsageError("use either --scale or a size in pixels")
    try:
        options = _upscaler_options(model, precision, dispatch, dispatch_threshold, threads)
        options = replace(options, tile=tile, restore=restore, ensemble=ensemble)
        upscaler = options.upscaler()
        scale = scale or upscaler.scale
        networks = upscaler.networks_for(scale)
    except UnknownModelError as error:
        raise BadCall(str(error)) from None
    if upscaler.fixed_strength:
        taken = upscaler.restoration(None, scale)
        if not taken.strength:
            say(f"--restore {upscaler.fixed_strength:g}: {taken.reason}")
    for network in networks:
        if tile != "auto" and not network.spec.tileable:
            say(f"{network.name} averages over all it sees: tiles may differ in tone")
    settings = Settings(
        scale,
        quality=quality,
        skip_existing=skip_existing,
        overwrite=overwrite,
        max_pixels=max_pixels or DEFAULT_MAX_PIXELS,
        size=size,
        strip_metadata=strip_metadata,
        keep_times=keep_times,
    )
    return _Call(options, upscaler, settings)


def _upscaler_options(
    model: str | None,
    precision: str,
    dispatch: str | None,
    threshold: float | None,
    threads: int | None,
) -> UpscalerOptions:
    """What makes the upscaler: a model, or one with a light one beside it."""
    from splitsr.batch.upscaler_options import UpscalerOptions
    from splitsr.zoo.catalogue import DEFAULT_FAMILY

    if dispatch is None and threshold is not None:
        raise click.UsageError("--dispatch-threshold needs --dispatch")
    if dispatch and precision != "fp32":
        raise click.UsageError("--dispatch is calibrated for fp32; leave out --precision")
    if dispatch and model and dispatch.endswith(".json"):
        raise click.UsageError(f"{dispatch} names both networks; leave --model out")
    return UpscalerOptions(model or DEFAULT_FAMILY, dispatch, threshold, threads, precision)


def _check_streams(plan: Plan, engine: str, *, as_json: bool) -> None:
    """Refuses streams that are something else's already, or that workers cannot have."""
    streams = any(job.target is None or job.reads_once for job in plan.jobs)
    if engine == "ray" and streams:
        raise BadCall("--engine ray works on files, not on streams such as -")
    if any(job.source is None for job in plan.jobs) and sys.stdin.isatty():
        raise BadCall("- reads an image from standard input; use < photo.png")
    if any(job.target is None for job in plan.jobs):
        if as_json:
            raise BadCall("--json and the image would both go to standard output; use -o FILE")
        if sys.stdout.isatty():
            raise BadCall("the image would go to the terminal; use > FILE or -o FILE")


def _report_unplanned(plan: Plan) -> list[Result]:
    """Says which inputs are no jobs."""
    from splitsr.batch.job import Result

    for name, reason in plan.problems:
        say(f"{name}: {reason}")
    if plan.left_out:
        (path, source), more = plan.left_out[0], len(plan.left_out) - 1
        like = f" ({more} more like it)" if more else ""
        say(f"{path}: left out, it is the result of {source}{like}; give it alone to enlarge it")
    if plan.unread:
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(plan.unread.items()))
        say(f"skipped, because splitsr cannot read them: {kinds}; convert them to JPEG or TIFF")
    failed = [Result(name, None, "failed", error=reason) for name, reason in plan.problems]
    return [*failed, *(Result(str(path), None, "skipped") for path, _ in plan.left_out)]


def _run_all(
    plan: Plan, call: _Call, results: list[Result], engine: str, address: str | None
) -> bool:
    """Runs the jobs, adds to `results`, and tells whether Ctrl-C ended it."""
    from splitsr.batch.job import failed, names_of
    from splitsr.cli.upscale_progress import batch_progress

    found: dict[tuple[str, str | None], Result] = {}
    interrupted = False
    try:
        with batch_progress([job.size for job in plan.jobs]) as progress:
            for result in _attempts(plan, call, progress, engine, address):
                _complain(result)
                found[result.input, result.output] = result
    except KeyboardInterrupt:
        interrupted = True
    except SplitSRError as error:  # a cluster's: what it has not done has failed
        say(str(error))
        for job in plan.jobs:
            found.setdefault(names_of(job), failed(job, call.settings, str(error)))
    results += [found[names_of(job)] for job in plan.jobs if names_of(job) in found]
    return interrupted


def _attempts(
    plan: Plan, call: _Call, progress: Watch, engine: str, address: str | None
) -> Iterator[Result]:
    """The results as they come: in order from this process, in any order from a cluster."""
    if engine == "local" or not plan.jobs:
        from splitsr.batch.local import attempt_all

        yield from attempt_all(plan.jobs, call.upscaler, call.settings, progress)
        return
    from splitsr.batch.cluster import attempt_on
    from splitsr.batch.ray_pool import ray_pool

    with ray_pool(address, call.options, call.settings) as pool:
        yield from attempt_on(pool, plan.jobs, call.settings, progress, say)


def _loses_nothing(job: Job) -> bool:
    from splitsr.imaging.codecs.formats import FORMATS

    return job.output_format is not None and FORMATS[job.output_format].quality is None


def _tell(results: list[Result]) -> None:
    """What became of a single image, for whoever waited for it in a terminal."""
    for result in results:
        if result.status == "done" and result.size_out:
            say(f"wrote {result.output} ({result.size_out[1]}x{result.size_out[0]})")


def _complain(result: Result) -> None:
    if result.status == "failed":
        say(result.complaint)
    if result.notes:
        say(f"{result.input}: {'; '.join(result.notes)}")


def _print_json(results: list[Result]) -> None:
    import json

    click.echo(json.dumps({"results": [asdict(result) for result in results]}, indent=2))
