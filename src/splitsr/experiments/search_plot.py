"""The picture of a search: quality against every limited figure."""

from __future__ import annotations

from pathlib import Path

from splitsr.experiments.search_results import TuneResult, pareto_front

_AXES = {
    "parameters": ("parameters (K)", 1e3),
    "multi_adds_720p": ("multi-adds for 1280x720 (G)", 1e9),
    "milliseconds": ("ms", 1.0),
}


def draw_search(result: TuneResult, path: Path) -> bool:
    """Draws the trained networks, the Pareto front and the winner, a panel a limit.

    Args:
        result: at least one network trained; else nothing is drawn.
        path: the PNG.

    Returns:
        Whether it was drawn: matplotlib may not be installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return False
    limits = result.settings.budget.limits
    if not result.trained:
        return False
    figure = Figure(figsize=(5.5 * len(limits), 4.2), layout="constrained")
    panels = figure.subplots(1, len(limits), sharey=True, squeeze=False)[0]
    front = pareto_front(result)
    chosen = [t for t in result.trained if result.winner and t.number == result.winner.number]
    layers = (
        ("trained", result.trained, {"marker": "o", "color": "tab:gray", "s": 18}),
        ("none beats it", front, {"marker": "o", "color": "tab:blue", "s": 30}),
        ("winner", chosen, {"marker": "*", "color": "tab:red", "s": 160}),
    )
    for axes, (name, limit) in zip(panels, limits.items(), strict=True):
        label, unit = _AXES[name]
        for caption, trials, style in layers:
            costs = [trial.cost(name) / unit for trial in trials]
            axes.scatter(costs, [t.psnr_y for t in trials], label=caption, **style)
        axes.axvline(limit / unit, color="tab:red", linewidth=1, linestyle="--", label="limit")
        axes.set(xlabel=label)
        axes.grid(alpha=0.3)
    panels[0].set(ylabel=f"PSNR-Y after {result.settings.steps} steps (dB)")
    panels[0].legend(loc="lower right")
    # Without the version of matplotlib in it, the file is the same wherever it is drawn.
    figure.savefig(path, dpi=110, metadata={"Software": None})
    return True
