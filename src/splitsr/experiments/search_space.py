"""The networks that a search may propose: SplitSR with every choice but channel attention.

Attention averages over the whole image, so a network with it cannot be tiled, and the ablation
(docs/ablation.md) finds no gain of it in small networks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

from optuna.trial import BaseTrial

from splitsr.networks import LIGHT_BLOCKS, SplitSRSpec
from splitsr.networks.splitsr.description import (
    HybridMode,
    LightBlock,
    ReplacementLocation,
    Upsampler,
    hybrid_units,
)

_RATIOS = (0.125, 0.25, 0.5, 1.0)
# On a slice of the channels; the others ignore the ratio.
_SLICED = {"split", "split_depthwise", "split_pointwise", "idle"}
_RESIDUAL = _SLICED | {"depthwise_separable"}

_LIGHT: dict[str, Any] = {
    "light_share": 1.0,
    "hybrid_mode": "split_first",
    "light_block": "split",
    "group_kernel": 3,
    "trunk_kernel": 0,
    "upsampler": "single_step",
    "light_upsampler": False,
}

_SMALLEST: dict[str, Any] = {
    **_LIGHT,
    "n_feats": 8,
    "n_resgroups": 1,
    "n_resblocks": 1,
    "split_ratio": 0.125,
    "light_block": "split_pointwise",
    "block_residual": False,
    "group_kernel": 1,
}

CHEAPEST: tuple[dict[str, Any], ...] = (
    _SMALLEST,
    {**_SMALLEST, "light_upsampler": True},
    {**_SMALLEST, "light_upsampler": True, "upsampler": "two_step"},
)
"""For each figure of a budget, one of these is the cheapest network of the space."""

_FAST = {
    **_LIGHT,
    "n_feats": 32,
    "n_resgroups": 3,
    "n_resblocks": 2,
    "split_ratio": 0.5,
    "block_residual": False,
}

STARTS: tuple[dict[str, Any], ...] = (
    *CHEAPEST,
    {**_FAST, "n_feats": 16},
    _FAST,
    {**_FAST, "n_resgroups": 10, "block_residual": True},
)
"""What a search tries first: the cheapest networks, and the plans of those that ship."""


def suggest(trial: BaseTrial, scale: int) -> SplitSRSpec:
    """The network that a trial proposes.

    Choices without an effect are brought to one form, so that equal networks have equal specs.
    """
    choose: Callable[..., Any] = trial.suggest_categorical  # of values of any type
    groups = trial.suggest_int("n_resgroups", 1, 10)
    blocks = trial.suggest_int("n_resblocks", 1, 6)
    mode: HybridMode = choose("hybrid_mode", get_args(HybridMode))
    block: LightBlock = choose("light_block", LIGHT_BLOCKS)
    units = hybrid_units(mode, groups, blocks)
    index = round(trial.suggest_float("light_share", 0.0, 1.0, step=0.25) * units)
    light_upsampler: bool = choose("light_upsampler", (False, True))
    ratio: float = choose("split_ratio", _RATIOS)
    residual: bool = choose("block_residual", (False, True))
    if index in (0, units):
        mode, index = "split_first", groups if index else 0
    if index == 0:
        block = "split"
    if not light_upsampler and (index == 0 or block not in _SLICED):
        ratio = 0.25
    return SplitSRSpec(
        scale=scale,
        n_feats=trial.suggest_int("n_feats", 8, 64, step=8),
        n_resgroups=groups,
        n_resblocks=blocks,
        split_ratio=ratio,
        hybrid_index=index,
        hybrid_mode=mode,
        replacement_location=_location(index > 0, light_upsampler),
        light_block=block,
        expansion=2,
        block_residual=residual and index > 0 and block in _RESIDUAL,
        channel_attention=False,
        group_kernel=choose("group_kernel", (1, 3)),
        trunk_kernel=choose("trunk_kernel", (0, 1, 3)),
        upsampler=choose("upsampler", get_args(Upsampler)),
        image_skip="nearest",
        rgb_mean=(0.0, 0.0, 0.0),
    )


def _location(features: bool, upsampler: bool) -> ReplacementLocation:
    """Where lightweight units stand."""
    if upsampler:
        return "both" if features else "upsampler"
    return "features"
