"""The picture of a study: quality against each of the three costs."""

from __future__ import annotations

from pathlib import Path
from statistics import fmean

from splitsr.experiments.grid_results import StudyResult, spread


def draw_study(study: StudyResult, path: Path) -> bool:
    """Draws PSNR-Y against parameters, multi-adds and latency, with error bars over seeds.

    Args:
        study: at least one of its cells trained; else nothing is drawn. The figures are those of
            its last test set.
        path: the PNG.

    Returns:
        Whether it was drawn: matplotlib may not be installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return False
    rows = [row for row in study.rows if row.seeds]
    if not rows:
        return False
    test = study.sets[-1]
    costs: dict[str, list[float | None]] = {
        "parameters (K)": [row.parameters / 1e3 for row in rows],
        "multi-adds for 1280x720 (G)": [row.multi_adds_720p / 1e9 for row in rows],
        "ms for 128x128": [row.milliseconds for row in rows],
    }
    shown = {label: [x for x in cost if x is not None] for label, cost in costs.items()}
    shown = {label: cost for label, cost in shown.items() if len(cost) == len(rows)}
    figure = Figure(figsize=(5 * len(shown), 4.2), layout="constrained")
    panels = figure.subplots(1, len(shown), sharey=True, squeeze=False)[0]
    values = [row.psnr_y[test] for row in rows]
    for axes, (label, cost) in zip(panels, shown.items(), strict=True):
        means, errors = [fmean(v) for v in values], [spread(v) or 0.0 for v in values]
        axes.errorbar(cost, means, yerr=errors, fmt="o", capsize=3)
        for row, x, y in zip(rows, cost, means, strict=True):
            axes.annotate(row.label, (x, y), (4, 4), textcoords="offset points", fontsize=8)
        axes.margins(x=0.2)
        axes.set(xlabel=label)
        axes.grid(alpha=0.3)
    panels[0].set(ylabel=f"PSNR-Y, {test} (dB)")
    figure.suptitle(f"{study.name}: {study.budget}", fontsize=9)
    # Without the version of matplotlib in it, the file is the same wherever it is drawn.
    figure.savefig(path, dpi=110, metadata={"Software": None})
    return True
