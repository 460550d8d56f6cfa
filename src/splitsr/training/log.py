"""The record of a run: a JSON line a report, TensorBoard where installed, an image at the end."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from splitsr.errors import TrainingError
from splitsr.imaging.atomic import write_atomic
from splitsr.training.config import TrainConfig, config_to_toml

LOG_FILE = "log.jsonl"


class Record(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One report of a run.

    Attributes:
        step: steps that are done.
        learning_rate: of the last step.
        seconds: of training so far, in all slices.
        loss: mean since the last report.
        images_per_second: patches a second since the last report.
        psnr_y: validation, dB.
        muon: names of the kernels that Muon trains, in the first record of a run with it.
    """

    step: int
    learning_rate: float
    seconds: float
    loss: float | None = None
    images_per_second: float | None = None
    psnr_y: float | None = None
    muon: tuple[str, ...] | None = None


Report = Callable[[Record], None]


class RunLog:
    """Writes the records of a run into its directory, which it makes; a context manager.

    Args:
        run_dir: the directory.
        config: is written down there.
        report: is given every record too.
        resume_at: steps that are done; what is on record of later ones is dropped.
        writes: whether this process writes at all.

    Raises:
        TrainingError: the directory cannot be written to, here or in any method.
    """

    def __init__(
        self,
        run_dir: Path,
        config: TrainConfig,
        report: Report,
        *,
        resume_at: int,
        writes: bool,
    ) -> None:
        self.run_dir, self.report, self.writes = run_dir, report, writes
        self._board: Any = None
        if not writes:
            return
        with _writing(run_dir):
            run_dir.mkdir(parents=True, exist_ok=True)
            toml = config_to_toml(config).encode()
            write_atomic(run_dir / "config.toml", toml, overwrite=True)
            kept = [record for record in read_log(run_dir) if record.step <= resume_at]
            lines = b"".join(msgspec.json.encode(record) + b"\n" for record in kept)
            write_atomic(run_dir / LOG_FILE, lines, overwrite=True)
            self._file = (run_dir / LOG_FILE).open("ab", buffering=0)
            self._board = _tensorboard(run_dir, resume_at)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with _writing(self.run_dir):
            if self.writes:
                self._file.close()
            if self._board is not None:
                self._board.close()

    def write(self, record: Record) -> None:
        """Appends a record, and reports it."""
        with _writing(self.run_dir):
            if self.writes:
                self._file.write(msgspec.json.encode(record) + b"\n")
            if self._board is not None:
                for name in ("loss", "learning_rate", "images_per_second", "psnr_y"):
                    value = getattr(record, name)
                    if value is not None:
                        self._board.add_scalar(name, value, record.step)
        self.report(record)

    def picture(self, step: int, make: Callable[[], NDArray[np.uint8]]) -> None:
        """Shows what validation sees, uint8 (H, W, 3), where TensorBoard is installed."""
        if self._board is not None:
            with _writing(self.run_dir):
                self._board.add_image("validation", make(), step, dataformats="HWC")

    def draw(self) -> None:
        """Draws curves.png, when matplotlib is installed."""
        try:
            from matplotlib.figure import Figure
        except ImportError:
            return
        records = read_log(self.run_dir)
        figure = Figure(figsize=(9, 3.5), layout="constrained")
        left, right = figure.subplots(1, 2)
        for axes, field, label in ((left, "loss", "loss"), (right, "psnr_y", "PSNR-Y (dB)")):
            points = [(r.step, getattr(r, field)) for r in records if getattr(r, field) is not None]
            if points:
                axes.plot(*zip(*points, strict=True))
            axes.set(xlabel="step", ylabel=label)
            axes.grid(alpha=0.3)
        left.set_yscale("log")
        with _writing(self.run_dir):
            figure.savefig(self.run_dir / "curves.png", dpi=120)


def read_log(run_dir: Path) -> list[Record]:
    """Reads a run's records; a last line that a crash cut short is left out."""
    records = []
    path = run_dir / LOG_FILE
    for line in path.read_bytes().splitlines() if path.exists() else []:
        try:
            records.append(msgspec.json.decode(line, type=Record))
        except msgspec.DecodeError:
            break
    return records


@cache
def commit_of_source() -> str:
    """The git commit of this source tree, or an empty string outside of one."""
    here = Path(__file__).parent
    try:
        answer = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=here, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return answer.stdout.strip()


def _tensorboard(run_dir: Path, resume_at: int) -> Any:  # noqa: ANN401
    """A SummaryWriter, or None when TensorBoard is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(run_dir / "tensorboard"), purge_step=resume_at + 1)


@contextmanager
def _writing(run_dir: Path) -> Iterator[None]:
    """Turns what the system says into one line."""
    try:
        yield
    except OSError as error:
        raise TrainingError(
            f"{run_dir}: cannot be written: {error.strerror or error}; the last state is kept, to "
            "go on from with --resume"
        ) from error
