"""Live progress of a training run, on stderr."""

from __future__ import annotations

import click
from rich.progress import BarColumn, TaskID, TextColumn, TimeRemainingColumn

from splitsr.cli.live_bar import LiveBar
from splitsr.training.config import TrainConfig
from splitsr.training.log import Record


class TrainProgress(LiveBar):
    """A bar on a terminal, a line a validation elsewhere."""

    def __init__(self, config: TrainConfig) -> None:
        super().__init__(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed}/{task.total} {task.fields[figures]}"),
            TimeRemainingColumn(),
        )
        self._config = config
        self._task: TaskID | None = None
        self._preparing: TaskID | None = None
        self._figures: dict[str, str] = {}

    def preparing(self, done: int, total: int) -> None:
        """Shows how many of the pack's LR images are made."""
        if self._preparing is None:
            self._preparing = self._bar.add_task("making LR", total=total, figures="images")
        self._bar.update(self._preparing, completed=done, total=total, visible=done < total)

    def report(self, record: Record) -> None:
        """Shows a record of the run."""
        if record.muon is not None:
            kernels = f"{len(record.muon)} kernels of the body (named in log.jsonl)"
            self._console.print(f"Muon trains {kernels}, Adam the rest", highlight=False)
            return
        if record.loss is not None:
            self._figures["loss"] = f"loss {record.loss:.4f}"
        if record.psnr_y is not None:
            self._figures["psnr"] = f"{record.psnr_y:.2f} dB"
        if record.images_per_second is not None:
            self._figures["speed"] = f"{record.images_per_second:.0f} images/s"
        self._figures["rate"] = f"lr {record.learning_rate:.1e}"
        figures = ", ".join(self._figures.values())
        if self._task is None:
            self._task = self._bar.add_task(
                self._config.name, total=self._config.total_steps, figures=""
            )
        self._bar.update(self._task, completed=record.step, figures=figures)
        if record.psnr_y is not None and not self._console.is_terminal:
            click.echo(f"step {record.step}: {figures}", err=True)
