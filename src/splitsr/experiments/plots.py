"""The figures of a study and of a search: quality against every cost.

Nothing is drawn where nothing is trained yet, or matplotlib is not installed.
"""

from __future__ import annotations

from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from splitsr.experiments.grid_results import StudyResult
from splitsr.experiments.search_results import TuneResult, pareto_front

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_AXES = {
    "parameters": ("parameters (K)", 1e3),
    "multi_adds_720p": ("multi-adds for 1280x720 (G)", 1e9),
    "milliseconds": ("ms", 1.0),
}


def draw_study(study: StudyResult, path: Path) -> None:
    """Draws PSNR-Y against parameters, multi-adds and latency; bars: all seeds.

    Args:
        study: at least one of its cells trained. The figures are those of
            its last test set.
        path: the PNG.
    """
    test = study.sets[-1] if study.sets else ""
    rows = [row for row in study.rows if row.measured(test)]
    timed = all(row.milliseconds is not None for row in rows)
    names = [name for name in _AXES if timed or name != "milliseconds"]
    figure = _figure(names) if rows else None
    if figure is None:
        return
    for axes, name in zip(figure.axes, names, strict=True):
        for row in rows:
            values = row.measured(test)
            mean = fmean(values)
            axes.errorbar(
                getattr(row, name) / _AXES[name][1],
                mean,
                yerr=([mean - min(values)], [max(values) - mean]),
                fmt="o",
                capsize=3,
                label=row.label,
            )
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside right upper")
    figure.axes[0].set(ylabel=f"PSNR-Y, {test} (dB)")
    figure.suptitle(f"{study.name}: {study.budget}", fontsize=9)
    _save(figure, path)


def draw_search(result: TuneResult, path: Path) -> None:
    """Draws the trained networks, the Pareto front and the winner, a panel a limit.

    Args:
        result: at least one network trained.
        path: the PNG.
    """
    limits = result.settings.budget.limits
    figure = _figure(list(limits)) if result.trained else None
    if figure is None:
        return
    chosen = [t for t in result.trained if result.winner and t.number == result.winner.number]
    layers: tuple[tuple[str, list[Any], dict[str, Any]], ...] = (
        ("trained", result.trained, {"marker": "o", "color": "tab:gray", "s": 18}),
        ("none beats it", pareto_front(result), {"marker": "o", "color": "tab:blue", "s": 30}),
        ("winner", chosen, {"marker": "*", "color": "tab:red", "s": 160}),
    )
    for axes, (name, limit) in zip(figure.axes, limits.items(), strict=True):
        unit = _AXES[name][1]
        for caption, trials, style in layers:
            costs = [trial.cost(name) / unit for trial in trials]
            axes.scatter(costs, [t.psnr_y for t in trials], label=caption, **style)
        axes.axvline(limit / unit, color="tab:red", linewidth=1, linestyle="--", label="limit")
    figure.axes[0].set(ylabel=f"PSNR-Y after {result.settings.steps} steps (dB)")
    figure.axes[0].legend(loc="lower right")
    _save(figure, path)


def _figure(names: list[str]) -> Figure | None:
    """A panel a cost, side by side; None where matplotlib is not installed."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return None
    figure = Figure(figsize=(5.5 * len(names), 4.2), layout="constrained")
    panels = figure.subplots(1, len(names), sharey=True, squeeze=False)[0]
    for axes, name in zip(panels, names, strict=True):
        axes.set(xlabel=_AXES[name][0])
        axes.grid(alpha=0.3)
    return figure


def _save(figure: Figure, path: Path) -> None:
    # Without the version of matplotlib in it, the file is the same wherever it is drawn.
    figure.savefig(path, dpi=110, metadata={"Software": None})
