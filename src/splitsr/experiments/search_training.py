"""How networks of a search are trained: alike, for the short trials and for the winner."""

from __future__ import annotations

from splitsr.networks import ModelSpec
from splitsr.training.config import Optimizer, Schedule, Stage, TrainConfig, Validation

FULL_STEPS = 30_000
"""Of the winner's configuration; those of the shipped models are of this length."""

HELD_OUT = Validation(every=1_000, images=16, crop=256)
"""What quality is measured on."""

_EMA_SPAN = 0.1  # of the run, that the weights' average looks back on


def search_config(spec: ModelSpec, name: str, steps: int, seed: int = 1) -> TrainConfig:
    """The training of a network: Muon, cosine decay and luma weighted, as of the shipped models.

    Args:
        spec: the network.
        name: of the configuration.
        steps: of the run. The warm-up, and how far the moving average looks back, are shares of it.
        seed: of the initialisation and of the patches.
    """
    return TrainConfig(
        name=name,
        model=spec,
        stages=(Stage(steps=steps, batch_size=16, patch_size=24, luma_weight=8.0),),
        optimizer=Optimizer(kind="muon", learning_rate=3e-3, clip_norm=1.0),
        schedule=Schedule(kind="cosine", warmup_steps=min(300, steps // 10)),
        validation=HELD_OUT,
        seed=seed,
        ema=round(min(0.999, 1 - 1 / max(1.0, _EMA_SPAN * steps)), 4),
        checkpoint_every=100 if steps < FULL_STEPS else 1_000,
    )
