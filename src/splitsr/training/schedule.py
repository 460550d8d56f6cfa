"""The learning rate as a pure function of the step."""

from __future__ import annotations

from math import cos, pi

from splitsr.training.config import Schedule


def learning_rate(step: int, total: int, peak: float, schedule: Schedule) -> float:
    """The learning rate of a step.

    Args:
        step: from 0 to total - 1.
        total: steps of the run.
        peak: the largest learning rate.
        schedule: its shape.
    """
    if step < schedule.warmup_steps:
        return peak * (step + 1) / schedule.warmup_steps
    if schedule.kind == "step":
        return float(peak * 0.5 ** (step // schedule.halve_every))
    span = max(1, total - schedule.warmup_steps)
    progress = (step - schedule.warmup_steps) / span
    floor = schedule.final_ratio
    return peak * (floor + (1 - floor) * 0.5 * (1 + cos(pi * progress)))
