"""The tables of docs/speed.md, from what the scripts of tools/benchmarks/ found."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import msgspec

from splitsr.benchmark.speed import BenchReport, BenchRow
from splitsr.benchmark.timing import Machine
from splitsr.errors import DataError
from splitsr.experiments.result_files import markdown_table

File = TypeVar("File", bound=msgspec.Struct)

MISSING = "Not measured yet."


class MemoryCase(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One process of `tools/benchmarks/memory.py`; MB are 1e6 bytes."""

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
    """What `tools/benchmarks/memory.py` writes."""

    machine: Machine
    threads: int
    cases: tuple[MemoryCase, ...]


class FolderCase(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One model and format of `tools/benchmarks/folder.py`; ratios are over its parts."""

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
    """What `tools/benchmarks/folder.py` writes."""

    machine: Machine
    threads: int
    cases: tuple[FolderCase, ...]


class LaneCase(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Two lanes against one run on all threads, of `tools/benchmarks/speed.py`."""

    model: str
    size: tuple[int, int]
    threads: int
    busy_core: bool
    two_lanes_seconds: float
    one_run_seconds: float
    speedup: float
    low: float
    high: float


class ThreadCase(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One way to use threads, of `tools/benchmarks/settings.py`; speed is against the first."""

    setting: str
    busy_core: bool
    milliseconds: float
    speed: float


class TileCase(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One size of tiles: what is computed, over what is kept, and speed against the first."""

    mebibytes: int
    window: tuple[int, int]
    tiles: int
    computed: float
    seconds: float
    speed: float


class SettingsFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What `tools/benchmarks/settings.py` writes."""

    machine: Machine
    model: str
    threads: int
    side: int
    photo: tuple[int, int]
    thread_cases: tuple[ThreadCase, ...]
    tile_cases: tuple[TileCase, ...]


class SpeedFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What `tools/benchmarks/speed.py` writes.

    Attributes:
        load: mean number of busy processes in the minute before it began.
        reports: each a model on a number of threads, its precisions compared with float32.
        lanes: with nothing beside them and with a busy core.
    """

    load: float
    reports: tuple[BenchReport, ...]
    lanes: tuple[LaneCase, ...]


class NetworksFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What `tools/benchmarks/networks.py` writes: a report for each size and number of threads."""

    load: float
    reports: tuple[BenchReport, ...]


def networks_blocks(folder: Path) -> dict[str, str]:
    """The block `time`: the paper's network, its baselines and ours on one stopwatch.

    Args:
        folder: of networks.json; if it is missing, that is said.

    Raises:
        DataError: the file is not what its script writes.
    """
    found = _read(folder / "networks.json", NetworksFile)
    return {"time": MISSING if found is None else _networks_table(found)}


def speed_blocks(folder: Path) -> dict[str, str]:
    """The blocks `speed`, `lanes`, `threads`, `tiles`, `folder` and `memory`.

    Args:
        folder: of speed.json, settings.json, folder.json and memory.json; one that is missing is
            said to be.

    Raises:
        DataError: a file is not what its script writes.
    """
    speed = _read(folder / "speed.json", SpeedFile)
    settings = _read(folder / "settings.json", SettingsFile)
    files = _read(folder / "folder.json", FolderFile)
    memory = _read(folder / "memory.json", MemoryFile)
    return {
        "speed": MISSING if speed is None else _speed_table(speed),
        "lanes": _lanes_table(speed) if speed and speed.lanes else MISSING,
        "threads": MISSING if settings is None else _threads_table(settings),
        "tiles": MISSING if settings is None else _tiles_table(settings),
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
    heading = ("model", "threads", "precision", "ms", "speed", "GFLOP/s", "of peak", "MiB")
    rows = [
        (
            row.model,
            str(row.threads),
            row.precision,
            f"{row.ms_median:.1f}",
            _speed_of(row, report),
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
    machine, size = speed.reports[0].machine, speed.reports[0].rows[0].size
    return (
        f"{markdown_table(heading, rows, left=3)}\n\n"
        f"LR images of {size[0]}x{size[1]}. Speed: against float32 in the same rounds, with the "
        "middle half of the rounds. Float32 peak in the same minutes, GFLOP/s, model by model: "
        f"{peaks}. Load of the machine when it began: {speed.load:.1f}. {_machine(machine)}."
    )


def _speed_of(row: BenchRow, report: BenchReport) -> str:
    mine = (ratio for ratio in report.ratios if (ratio.model, ratio.precision) == _key(row))
    ratio = next(mine, None)
    return f"{ratio.speedup:.2f} ({ratio.low:.2f} to {ratio.high:.2f})" if ratio else "1"


def _key(row: BenchRow) -> tuple[str, str]:
    return row.model, row.precision


def _networks_table(found: NetworksFile) -> str:
    """A row for each network, the slowest first; a column for each size and number of threads."""
    times: dict[str, list[str]] = {}
    for report in found.reports:
        for row in sorted(report.rows, key=lambda row: -row.ms_median):
            times.setdefault(row.model, []).append(f"{row.ms_median:.1f}")
    heading = ["network"]
    for report in found.reports:
        first = report.rows[0]
        threads = f"{first.threads} thread{'s' * (first.threads > 1)}"
        heading.append(f"{first.size[0]}x{first.size[1]}, {threads}")
    return (
        f"{markdown_table(tuple(heading), [(name, *row) for name, row in times.items()])}\n\n"
        "Milliseconds, median; in each column all networks took turns. Load of the machine when it "
        f"began: {found.load:.1f}. {_machine(found.reports[0].machine)}."
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


def _threads_table(found: SettingsFile) -> str:
    heading = ("threads", "alone", "speed", "one core kept busy", "speed")
    settings = dict.fromkeys(case.setting for case in found.thread_cases)
    cases = {(case.setting, case.busy_core): case for case in found.thread_cases}
    rows = [
        (
            setting,
            *(
                text
                for busy in (False, True)
                for text in (
                    f"{cases[setting, busy].milliseconds:.1f} ms",
                    f"{cases[setting, busy].speed:.2f}",
                )
            ),
        )
        for setting in settings
    ]
    return (
        f"{markdown_table(heading, rows)}\n\n{found.model}, {found.side}x{found.side}, "
        f"{found.threads} threads. {_machine(found.machine)}."
    )


def _tiles_table(found: SettingsFile) -> str:
    heading = ("memory", "window", "tiles", "computed", "seconds", "speed")
    rows = [
        (
            f"{case.mebibytes} MiB",
            f"{case.window[0]}x{case.window[1]}",
            str(case.tiles),
            f"{case.computed:.2f}",
            f"{case.seconds:.2f}",
            f"{case.speed:.2f}",
        )
        for case in found.tile_cases
    ]
    return (
        f"{markdown_table(heading, rows)}\n\n{found.model}, {found.photo[0]}x{found.photo[1]}, "
        f"{found.threads} threads; computed: pixels of all windows over those of the photo. "
        f"{_machine(found.machine)}."
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
