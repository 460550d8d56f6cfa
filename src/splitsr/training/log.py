"""The record of a run: a JSON line a report, TensorBoard where installed, a picture at the end."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import msgspec

from splitsr.training.config import TrainConfig, config_to_toml

LOG_FILE = "log.jsonl"


class Record(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One report of a run.

    Attributes:
        step: steps that are done.
        learning_rate: of the last step.
        seconds: of training so far, in all slices.
        loss: mean since the last report.
        images_per_second: patches a second in this slice.
        psnr_y: validation, dB.
    """

    step: int
    learning_rate: float
    seconds: float
    loss: float | None = None
    images_per_second: float | None = None
    psnr_y: float | None = None


class RunLog:
    """Writes the records of a run into its directory."""

    def __init__(self, run_dir: Path, config: TrainConfig, *, resume_at: int, writes: bool) -> None:
        self.path = run_dir / LOG_FILE
        self.writes = writes
        self._board: Any = None
        if not writes:
            return
        (run_dir / "config.toml").write_text(config_to_toml(config), encoding="utf-8")
        # Steps after the state that is resumed from will be done again.
        kept = [record for record in read_log(run_dir) if record.step <= resume_at]
        self.path.write_bytes(b"".join(msgspec.json.encode(r) + b"\n" for r in kept))
        self._file = self.path.open("ab", buffering=0)
        self._board = _tensorboard(run_dir, resume_at)

    def write(self, record: Record) -> None:
        """Appends a record."""
        if self.writes:
            self._file.write(msgspec.json.encode(record) + b"\n")
        if self._board is not None:
            for name in ("loss", "learning_rate", "images_per_second", "psnr_y"):
                value = getattr(record, name)
                if value is not None:
                    self._board.add_scalar(name, value, record.step)

    def close(self) -> None:
        """Closes the files."""
        if self.writes:
            self._file.close()
        if self._board is not None:
            self._board.close()

    def draw(self) -> None:
        """Draws curves.png, when matplotlib is installed."""
        try:
            from matplotlib.figure import Figure
        except ImportError:
            return
        records = read_log(self.path.parent)
        figure = Figure(figsize=(9, 3.5), layout="constrained")
        left, right = figure.subplots(1, 2)
        for axes, field, label in ((left, "loss", "loss"), (right, "psnr_y", "PSNR-Y (dB)")):
            points = [(r.step, getattr(r, field)) for r in records if getattr(r, field) is not None]
            if points:
                axes.plot(*zip(*points, strict=True))
            axes.set(xlabel="step", ylabel=label)
            axes.grid(alpha=0.3)
        left.set_yscale("log")
        figure.savefig(self.path.parent / "curves.png", dpi=120)


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
    return SummaryWriter(str(run_dir / "tensorboard"), purge_step=resume_at)
