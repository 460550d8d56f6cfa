"""Live progress of a search, on stderr."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn

from splitsr.cli.live_bar import LiveBar

if TYPE_CHECKING:
    from splitsr.experiments.search import Progress as State
    from splitsr.experiments.search_results import Trial


class TuneProgress(LiveBar):
    """A bar on a terminal, a line a network elsewhere."""

    def __init__(self, trials: int) -> None:
        super().__init__(
            TextColumn("{task.completed}/{task.total} trained"),
            BarColumn(),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
        )
        self._task = self._bar.add_task("", total=trials)
        self._told = 0

    def report(self, state: State) -> None:
        """Shows how far the search is."""
        from splitsr.experiments.search import FRUITLESS

        scores = [trial.psnr_y for trial in state.trials if trial.psnr_y is not None]
        over = sum(bool(trial.over) for trial in state.trials)
        best = f", best {max(scores):.2f} dB" if scores else ""
        at = f" {state.at}/{state.of}" if state.of else ""
        text = f"{over} over budget{best}; {state.stage}{at}"
        self._bar.update(self._task, completed=len(scores), description=text)
        if not self._console.is_terminal:
            for trial in state.trials[self._told :]:
                click.echo(_line(trial), err=True)
        self._told = len(state.trials)
        if state.stage == "exhausted":
            self._console.print(
                f"the last {FRUITLESS} proposals had nothing new within the budget, which few "
                f"networks fit: the search ends with {len(scores)} trained",
                highlight=False,
                soft_wrap=True,
            )


def _line(trial: Trial) -> str:
    """A network in one line."""
    from splitsr.experiments.search_results import describe_network, outcome

    quality = "" if trial.psnr_y is None else f" {trial.psnr_y:.2f} dB"
    timing = "" if trial.milliseconds is None else f" {trial.milliseconds:.1f} ms"
    figures = f"{trial.parameters / 1e3:.1f} K{timing}{quality}"
    return f"{trial.number}: {describe_network(trial.spec)}: {figures}, {outcome(trial)}"
