"""The tables of docs/speed.md, from what the scripts under benchmarks/ found."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import msgspec

from splitsr.errors import DataError
from splitsr.evaluation.bench import BenchReport
from splitsr.evaluation.latency import Machine
from splitsr.evaluation.report import markdown_table

File = TypeVar("File", bound=msgspec.Struct)

MISSING = "Not measured yet."


class MemoryCase(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One process of `benchmarks/memory.py`; MB are 1e6 bytes."""

    name: str
    height: int
    width: int
    suffix_in: str
    suffix_out: str
    scale: int
    model: str
    bound_mb: int
    peak_mb: float
    within: bool
    seconds: float
    output_bytes: int


class MemoryFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What `benchmarks/memory.py` writes."""

    machine: Machine
    threads: int
    cases: tuple[MemoryCase, ...]


class FolderCase(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One model and format of `benchmarks/folder.py`; ratios are over its parts."""

    model: str
    output: str
    photos: int
    size: tuple[int, int]
    seconds: float
    network_seconds: float
    ratio: float
    low: float
    high: float


class FolderFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What `benchmarks/folder.py` writes."""

    machine: Machine
    threads: int
    cases: tuple[FolderCase, ...]


class LaneCase(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Two lanes against one run on all threads, of `benchmarks/speed.py`."""

    model: str
    size: tuple[int, int]
    threads: int
    busy_core: bool
    two_lanes_seconds: float
    one_run_seconds: float
    speedup: float
    low: float
    high: float


class SpeedFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What `benchmarks/speed.py` writes."""

    reports: tuple[BenchReport, ...]
    lanes: tuple[LaneCase, ...]


def speed_blocks(folder: Path) -> dict[str, str]:
    """The blocks `speed`, `lanes`, `folder` and `memory`.

    Args:
        folder: of speed.json, folder.json and memory.json; one that is missing is said to be.

    Raises:
        DataError: a file is not what its script writes.
    """
    speed = _read(folder / "speed.json", SpeedFile)
    files = _read(folder / "folder.json", FolderFile)
    memory = _read(folder / "memory.json", MemoryFile)
    return {
        "speed": MISSING if speed is None else _speed_table(speed),
        "lanes": _lanes_table(speed) if speed and speed.lanes else MISSING,
        "folder": MISSING if files is None else _folder_table(files),
        "memory": MISSING if memory is None else _memory_table(memory),
    }


def _read(path: Path, kind: type[File]) -> File | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise DataError(f"{path}: not a file of results ({error})") from error


def _speed_table(speed: SpeedFile) -> str:
    heading = ("model", "precision", "LR size", "threads", "ms", "GFLOP/s", "of peak", "MB")
    rows = [
        (
            row.model,
            row.precision,
            f"{row.size[0]}x{row.size[1]}",
            str(row.threads),
            f"{row.ms_median:.1f}",
            "" if row.gflops is None else f"{row.gflops:.0f}",
            "" if row.peak_share is None else f"{100 * row.peak_share:.0f} %",
            "" if row.peak_rss_mb is None else f"{row.peak_rss_mb:.0f}",
        )
        for report in speed.reports
        for row in report.rows
    ]
    peaks = ", ".join(
        f"{report.peak_gflops:.0f} ({report.rows[0].threads} threads)" for report in speed.reports
    )
    machine = speed.reports[0].machine
    return (
        f"{markdown_table(heading, rows, left=3)}\n\n"
        f"Float32 peak in the same minutes, GFLOP/s, run by run: {peaks}. {_machine(machine)}."
    )


def _lanes_table(speed: SpeedFile) -> str:
    heading = ("", "two lanes", "one run", "speedup", "rounds")
    rows = [
        (
            "one core kept busy" if case.busy_core else "as it was",
            f"{case.two_lanes_seconds:.2f} s",
            f"{case.one_run_seconds:.2f} s",
            f"{case.speedup:.2f}",
            f"{case.low:.2f} to {case.high:.2f}",
        )
        for case in speed.lanes
    ]
    first = speed.lanes[0]
    return (
        f"{markdown_table(heading, rows)}\n\n{first.model}, {first.size[0]}x{first.size[1]}, "
        f"{first.threads} threads."
    )


def _folder_table(found: FolderFile) -> str:
    heading = ("model", "output", "photos", "files", "network alone", "ratio", "parts")
    rows = [
        (
            case.model,
            case.output,
            str(case.photos),
            f"{case.seconds:.1f} s",
            f"{case.network_seconds:.1f} s",
            f"{case.ratio:.2f}",
            f"{case.low:.2f} to {case.high:.2f}",
        )
        for case in found.cases
    ]
    size = found.cases[0].size
    return (
        f"{markdown_table(heading, rows, left=2)}\n\nJPEGs of {size[1]}x{size[0]}; ratio: median "
        f"over parts of the folder. {_machine(found.machine)}."
    )


def _memory_table(found: MemoryFile) -> str:
    heading = ("photo", "model", "from", "to", "peak", "bound")
    rows = [
        (
            f"{case.name}, {case.width}x{case.height}",
            case.model,
            case.suffix_in,
            case.suffix_out,
            f"{case.peak_mb:.0f} MB",
            f"{case.bound_mb} MB",
        )
        for case in found.cases
    ]
    return (
        f"{markdown_table(heading, rows, left=4)}\n\nPeak resident memory of the whole process, "
        f"{found.threads} threads. {_machine(found.machine)}."
    )


def _machine(machine: Machine) -> str:
    return f"{machine.cpu}, {machine.cores} cores, {machine.system}, {machine.runtime}"
