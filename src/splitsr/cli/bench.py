"""`splitsr bench`: how fast networks are on this machine."""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from splitsr.cli.options import (
    FILE,
    BadCall,
    Number,
    Whole,
    json_option,
    size_option,
    threads_option,
)
from splitsr.errors import UnknownModelError, naming_extra

if TYPE_CHECKING:
    from splitsr.benchmark.offload import Link, Offload, Transfer
    from splitsr.benchmark.speed import BenchReport, BenchRow, Contestant
    from splitsr.zoo.catalogue import ModelEntry


def _read_links(
    _context: click.Context, _option: click.Parameter, values: tuple[str, ...]
) -> tuple[Link, ...]:
    from splitsr.benchmark.offload import Link

    links = []
    for value in values:
        found = re.fullmatch(r"(\d+(?:\.\d+)?),(\d+(?:\.\d+)?)", value)
        if not found or not float(found[1]):
            raise click.BadParameter(
                f"found {value!r}; must read MBIT,RTT: megabits a second (above 0) and the round "
                "trip in milliseconds, such as 20,50"
            )
        links.append(Link(float(found[1]), float(found[2])))
    return tuple(links)


@click.command()
@click.argument("models", metavar="[MODEL]...", nargs=-1)
@size_option
@threads_option
@click.option(
    "--precision",
    "precisions",
    type=click.Choice(["fp32", "int8", "bf16"]),
    multiple=True,
    help="May be given several times. bf16 needs 'splitsr[bf16]' and a CPU with bfloat16.  "
    "[default: each model's own]",
)
@click.option(
    "--against", metavar="NAME", help="A model whose float32 form all others are compared with."
)
@click.option(
    "--rounds", type=Whole(5), default=15, show_default=True, help="Runs of each, at most."
)
@click.option(
    "--network",
    "links",
    metavar="MBIT,RTT",
    multiple=True,
    callback=_read_links,
    help="Also compare the device with a server over such a link: megabits per second each way, "
    "round trip in ms. May be given several times.",
)
@click.option(
    "--photo",
    type=FILE,
    help="The photo whose JPEG sizes --network takes, resized to --size.  [needed with --network]",
)
@click.option(
    "--server-ms",
    type=Number(0),
    help="The server's computing time for --network.  [default: 0, the fastest there can be]",
)
@json_option
def command(
    models: tuple[str, ...],
    size: tuple[int, int],
    threads: int | None,
    precisions: tuple[str, ...],
    against: str | None,
    rounds: int,
    links: tuple[Link, ...],
    photo: Path | None,
    server_ms: float | None,
    as_json: bool,
) -> None:
    """Time networks on this machine, in turns, against its own float32 peak.

    MODEL is a model's name, a family, an .onnx file that splitsr exported, or an untrained network
    that `splitsr info` knows, such as edsr-baseline-x4; by default all models that ship. Each round
    runs every model once and, as the peak, the convolutions that suit the CPU best on all threads.
    An image of more than one tile is run in tiles, as `splitsr upscale` does it. Memory is that of
    a process of its own. GFLOP/s count the network's convolutions.

    \b
    Examples:
      splitsr bench
      splitsr bench splitsr-balanced-x4 --against splitsr-fast-x4 --size 256x256 --json
      splitsr bench splitsr-fast-x4 edsr-baseline-x4
      splitsr bench splitsr-fast-x4 --precision fp32 --precision int8 --against splitsr-fast-x4
      splitsr bench splitsr-balanced --network 20,50 --network 100,20 --photo photo.jpg
    """  # noqa: D301 (click reads the \b)
    from splitsr.benchmark.speed import run_bench

    if links and photo is None:
        raise click.UsageError("--network needs --photo: the bytes to send are those of a photo")
    if not links and (photo is not None or server_ms is not None):
        raise click.UsageError("--photo and --server-ms belong to --network")
    with TemporaryDirectory() as folder:
        field = _contestants(models, precisions, threads, Path(folder))
        other = _find_other(field, against, threads, Path(folder))
        report = run_bench(field, *size, against=other, rounds=rounds)
    offloads = _offloads(report, field, links, photo, server_ms or 0.0)
    if as_json:
        _print_json(report, offloads)
    else:
        _print_tables(report, offloads)


def _contestants(
    models: tuple[str, ...], precisions: tuple[str, ...], threads: int | None, folder: Path
) -> list[Contestant]:
    """What is timed; `folder` is for the files of networks that do not ship."""
    from splitsr.runtime.loading import find_entry

    wanted = [
        (name, precision)
        for name in dict.fromkeys(models or _shipped(precisions))
        for precision in dict.fromkeys(precisions or ("fp32",))
    ]
    if not wanted:
        raise BadCall("this build of splitsr ships no such models; name an .onnx file")
    try:
        sources = [(_source(name, folder), precision) for name, precision in wanted]
        entries = [
            (source, find_entry(source, precision), precision) for source, precision in sources
        ]
    except UnknownModelError as error:
        raise BadCall(str(error)) from None
    return [_contestant(name, entry, precision, threads) for name, entry, precision in entries]


def _source(name: str, folder: Path) -> str:
    """A model's name or file; of a network that has a name, a file that is written for it."""
    from splitsr.networks import PRESETS

    if name not in PRESETS:
        return name
    with naming_extra(f"{name}: a network that does not ship", "train,export"):
        from splitsr.export.onnx import export_onnx
        from splitsr.export.random_weights import untrained_network
    path = folder / f"{name}.onnx"
    if not path.exists():
        export_onnx(untrained_network(PRESETS[name]), path, name=name)
    return str(path)


def _shipped(precisions: tuple[str, ...]) -> list[str]:
    """Names of all models that ship; of those in float32 that have each form, if it is named.

    Twins for degraded images are left out: each is the network of its model.
    """
    from splitsr.zoo.catalogue import list_models, variant_name

    entries = [entry for entry in list_models() if not entry.is_twin]
    names = {entry.name for entry in entries}
    if not precisions:
        return [entry.name for entry in entries]
    return [
        entry.name
        for entry in entries
        if entry.precision == "fp32"
        and ("int8" not in precisions or variant_name(entry.name, "int8") in names)
    ]


def _contestant(source: str, entry: ModelEntry, precision: str, threads: int | None) -> Contestant:
    from splitsr.benchmark.speed import Contestant
    from splitsr.runtime.loading import load_engine
    from splitsr.runtime.onnx_engine import available_cpus

    threads = threads or available_cpus()
    engine = load_engine(source, threads, precision)
    # A form that is int8 itself is so without being asked for it.
    precision = entry.precision if precision == "fp32" else precision
    return Contestant(entry.name, source, precision, engine, threads, _multi_adds(entry))


def _multi_adds(entry: ModelEntry) -> int | None:
    """Multiply-adds of a model: the catalogue's, or counted where PyTorch is installed."""
    if entry.multi_adds_720p is not None:
        return entry.multi_adds_720p
    try:
        from splitsr.benchmark.flops import measure_cost
    except ImportError:
        return None
    return measure_cost(entry.spec).multi_adds_720p


def _find_other(
    field: list[Contestant], against: str | None, threads: int | None, folder: Path
) -> Contestant | None:
    """What the others are compared with: one of the field, or a further one."""
    if against is None:
        return None
    (other,) = _contestants((against,), ("fp32",), threads, folder)
    same = (one for one in field if (one.name, one.precision) == (other.name, other.precision))
    return next(same, other)


def _offloads(
    report: BenchReport,
    field: list[Contestant],
    links: tuple[Link, ...],
    photo: Path | None,
    server_ms: float,
) -> list[Offload]:
    from splitsr.benchmark.offload import compare

    if photo is None:
        return []
    sent = {
        scale: _transfer(photo, report.rows[0].size, scale)
        for scale in {one.engine.spec.scale for one in field}
    }
    rows = zip(field, report.rows, strict=False)  # one that only serves as --against comes last
    return [
        compare(
            row.model, row.precision, row.ms_median, sent[one.engine.spec.scale], link, server_ms
        )
        for one, row in rows
        for link in links
    ]


def _transfer(photo: Path, size: tuple[int, int], scale: int) -> Transfer:
    from splitsr.benchmark.offload import measure_transfer
    from splitsr.imaging.arrays import to_uint8
    from splitsr.imaging.files import read_photo

    return measure_transfer(to_uint8(read_photo(photo).color), *size, scale)


def _print_json(report: BenchReport, offloads: list[Offload]) -> None:
    import json

    import msgspec

    found = msgspec.to_builtins(report)
    found["network"] = msgspec.to_builtins(offloads)
    click.echo(json.dumps(found, indent=2))


def _print_tables(report: BenchReport, offloads: list[Offload]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    console = Console()
    headings = ("model", "ms", "p95", "MP/s", "GFLOP/s", "of peak", "MiB")
    table = Table(*headings, box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    height, width = report.rows[0].size
    table.caption = (
        f"{height}x{width}, {report.rows[0].threads} threads; float32 peak "
        f"{report.peak_gflops:.0f} GFLOP/s; {report.machine.cpu}"
    )
    table.columns[0].no_wrap = True
    for row in report.rows:
        table.add_row(*_cells(row))
    console.print(table)
    for ratio in report.ratios:
        console.print(
            f"{ratio.model} {ratio.precision} is {ratio.speedup:.2f} times as fast as "
            f"{ratio.against} {ratio.against_precision} "
            f"(half of the rounds: {ratio.low:.2f} to {ratio.high:.2f})",
            highlight=False,
        )
    if offloads:
        console.print(_offload_table(offloads))


def _cells(row: BenchRow) -> tuple[str, ...]:
    return (
        f"{row.model} {row.precision}",
        f"{row.ms_median:.1f}",
        f"{row.ms_p95:.1f}",
        f"{row.mp_per_s:.2f}",
        "" if row.gflops is None else f"{row.gflops:.0f}",
        "" if row.peak_share is None else f"{100 * row.peak_share:.0f} %",
        "" if row.peak_rss_mb is None else f"{row.peak_rss_mb:.0f}",
    )


def _offload_table(offloads: list[Offload]) -> object:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from splitsr.benchmark.offload import INPUT_QUALITY, OUTPUT_QUALITY

    headings = ("model", "Mbit/s", "RTT", "device", "up", "server", "down", "sum", "factor")
    table = Table(*headings, box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    first = offloads[0]
    table.caption = (
        f"milliseconds; JPEG up {first.up_bytes / 1e3:.0f} kB (quality {INPUT_QUALITY}), down "
        f"{first.down_bytes / 1e3:.0f} kB ({OUTPUT_QUALITY}); no queue, no connection set-up, no "
        "loss; factor: sum over device"
    )
    table.columns[0].no_wrap = True
    for one in offloads:
        times = (one.device_ms, one.upload_ms, one.server_ms, one.download_ms, one.offload_ms)
        table.add_row(
            f"{one.model} {one.precision}",
            f"{one.mbit:g}",
            f"{one.rtt_ms:g}",
            *(f"{time:.0f}" for time in times),
            f"{one.speedup:.2f}",
        )
    return table
