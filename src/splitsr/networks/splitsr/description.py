"""`SplitSRSpec`: SplitSR of Liu et al. 2021 (arXiv 2101.07996), and what is built in its slots.

The defaults are the configuration `paper`, with the groups, blocks and features of published
reimplementations.
"""

from __future__ import annotations

from itertools import groupby
from math import ceil
from typing import Any, Literal, get_args

from splitsr.errors import SpecError
from splitsr.networks.base import (
    BLOCKS_RULE,
    DIV2K_MEAN,
    Count,
    Mean,
    ModelSpec,
    Rule,
    Share,
    body_values,
    two_step_stages,
    upsampler_radius,
)

HybridMode = Literal[
    "split_first", "standard_first", "interleaved", "within_group", "spread_within_group"
]
ReplacementLocation = Literal["features", "upsampler", "both"]
LightBlock = Literal[
    "split",
    "split_depthwise",
    "split_pointwise",
    "shuffle",
    "inverted_residual",
    "idle",
    "ghost",
    "depthwise_separable",
]
Upsampler = Literal["two_step", "single_step"]
ImageSkip = Literal["none", "nearest", "bilinear"]

LIGHT_BLOCKS: tuple[LightBlock, ...] = get_args(LightBlock)

# How much a block adds to the receptive radius; of those on a slice, see `_run_radius`.
_BLOCK_RADIUS = {"shuffle": 1, "inverted_residual": 1, "ghost": 2, "depthwise_separable": 1}

# `split_conv`, which `light_block` replaced: the values that files of version 0.1 have.
_SPLIT_CONV = {
    "standard": "split",
    "depthwise": "split_depthwise",
    "pointwise": "split_pointwise",
}


def hybrid_units(mode: HybridMode, groups: int, blocks: int) -> int:
    """The number of units that the hybrid index counts, and its largest value."""
    return blocks if mode in ("within_group", "spread_within_group") else groups


def _units(spec: SplitSRSpec) -> int:
    return hybrid_units(spec.hybrid_mode, spec.n_resgroups, spec.n_resblocks)


_RULES: tuple[Rule, ...] = (
    BLOCKS_RULE,
    (
        "split_ratio",
        lambda s: s.active_channels >= 1,
        lambda s: f"above {0.5 / s.n_feats:g} for {s.n_feats} features (at least 1 active channel)",
    ),
    (
        "hybrid_index",
        lambda s: 0 <= s.hybrid_index <= _units(s),
        lambda s: f"0 to {_units(s)} for hybrid_mode {s.hybrid_mode!r}",
    ),
    (
        "n_feats",
        lambda s: s.light_block != "shuffle" or s.n_feats % 2 == 0,
        lambda _: "an even number for light_block 'shuffle'",
    ),
    (
        "reduction",
        lambda s: s.tileable or s.reduction <= s.n_feats,
        lambda s: f"1 to {s.n_feats} (n_feats), or channel_attention = false",
    ),
)


def _first(count: int, places: int) -> tuple[bool, ...]:
    """Which of so many places are taken: the first ones."""
    return tuple(place < count for place in range(places))


def _spread(count: int, places: int) -> tuple[bool, ...]:
    """Which of so many places are taken: evenly spread, from the first one on."""
    taken = {one * places // count for one in range(count)}
    return tuple(place in taken for place in range(places))


class SplitSRSpec(ModelSpec, frozen=True, kw_only=True, tag="splitsr"):
    """A SplitSR network, down to the last layer.

    Attributes:
        n_feats: feature channels of the body.
        n_resgroups: residual groups, each closed by a convolution and a short skip.
        n_resblocks: blocks in a group.
        split_ratio: alpha, in (0, 1]; a SplitSRBlock computes `active_channels` of `n_feats`.
        hybrid_index: HI, how many groups are lightweight (in the modes `within_group` and
            `spread_within_group`: how many blocks of every group).
        hybrid_mode: which groups are the lightweight ones. With `within_group` every group
            begins with them; with `spread_within_group` they are spread evenly behind a standard
            one, as in github.com/deepconsc/SplitSR (HI 4 of 6: twice standard, light, light).
        replacement_location: the stage in which lightweight units replace standard ones. With
            `upsampler` all groups are standard and `hybrid_index` has no effect.
        light_block: the lightweight block. `split` is the paper's: a 3x3 on the active channels;
            `split_depthwise` and `split_pointwise` take another convolution there. `shuffle`
            (ShuffleNetV2), `inverted_residual` (MobileNetV2), `idle` (IdleBlock), `ghost`
            (GhostNet) and `depthwise_separable` are what the paper is measured against.
        expansion: hidden channels over channels in `inverted_residual`, `idle` and `ghost`.
        block_residual: add the input of the channels that a block computes to their output; for
            the `split` blocks, `idle` and `depthwise_separable`. The others have a skip of their
            own, or none.
        channel_attention: RCAN's attention in the standard blocks. It averages over the whole
            image, so a network with it is not exactly tileable.
        reduction: the attention's bottleneck is `n_feats // reduction` channels wide.
        group_kernel: kernel of the convolution that closes a group, 3 (RCAN) or 1.
        trunk_kernel: kernel of the convolution that closes the body before the long skip: 3
            (RCAN), 1, or 0 for none.
        upsampler: `two_step` is RCAN's (sub-pixel convolutions by 2, or one by 3, then an output
            convolution); `single_step` makes the image by one sub-pixel convolution.
        image_skip: interpolation of the LR image that is added to the output.
        rgb_mean: subtracted from the input and added to the output; all zero for none.
    """

    rules = _RULES

    n_feats: Count = 64
    n_resgroups: Count = 6
    n_resblocks: Count = 6
    split_ratio: Share = 0.25
    hybrid_index: int = 3
    hybrid_mode: HybridMode = "split_first"
    replacement_location: ReplacementLocation = "features"
    light_block: LightBlock = "split"
    expansion: Count = 6
    block_residual: bool = False
    channel_attention: bool = True
    reduction: Count = 16
    group_kernel: Literal[1, 3] = 3
    trunk_kernel: Literal[0, 1, 3] = 3
    upsampler: Upsampler = "two_step"
    image_skip: ImageSkip = "none"
    rgb_mean: Mean = DIV2K_MEAN

    @property
    def active_channels(self) -> int:
        """The channels that one SplitSRBlock computes, k = round(alpha * n_feats)."""
        return round(self.split_ratio * self.n_feats)

    @property
    def light_features(self) -> bool:
        """Whether lightweight units stand in the feature extraction."""
        return self.replacement_location in ("features", "both")

    @property
    def light_upsampler(self) -> bool:
        """Whether the upsampler's stages are lightweight."""
        return self.replacement_location in ("upsampler", "both")

    @property
    def group_plan(self) -> tuple[tuple[bool, ...], ...]:
        """For each group, for each of its blocks: whether it is lightweight."""
        groups, blocks, index = self.n_resgroups, self.n_resblocks, self.hybrid_index
        if not self.light_features:
            return ((False,) * blocks,) * groups
        if self.hybrid_mode == "within_group":
            return (_first(index, blocks),) * groups
        if self.hybrid_mode == "spread_within_group":
            return (tuple(not standard for standard in _spread(blocks - index, blocks)),) * groups
        if self.hybrid_mode == "interleaved":
            light = _spread(index, groups)
        else:
            light = _first(index, groups)
        if self.hybrid_mode == "standard_first":
            light = light[::-1]
        return tuple((one,) * blocks for one in light)

    @property
    def upsampler_stages(self) -> tuple[int, ...]:
        """Factors of the sub-pixel stages, in order."""
        return two_step_stages(self.scale) if self.upsampler == "two_step" else (self.scale,)

    @property
    def has_output_conv(self) -> bool:
        """Whether a convolution at full size makes the image, or the sub-pixel one itself."""
        return self.upsampler == "two_step" or self.light_upsampler

    @property
    def tileable(self) -> bool:
        """Whether an output pixel depends on its neighbourhood alone: no attention in use."""
        has_standard_blocks = not all(map(all, self.group_plan))
        return not (self.channel_attention and has_standard_blocks)

    @property
    def receptive_radius(self) -> int:
        """Radius, in LR pixels and rounded up, of what an output pixel depends on.

        The global average of channel attention is left out; `tileable` tells of it.
        """
        radius = 1.0 + self.trunk_kernel // 2  # the input convolution is 3x3
        for group in self.group_plan:
            for light, run in groupby(group):
                blocks = len(list(run))
                radius += self._run_radius(blocks) if light else 2 * blocks
            radius += self.group_kernel // 2
        return ceil(radius + upsampler_radius(self.upsampler_stages, self.has_output_conv))

    @property
    def values_per_pixel(self) -> int:
        """Values that an engine holds at once for one LR pixel, estimated."""
        return body_values(self.n_feats, self.scale, self.n_feats if self.has_output_conv else 3)

    def _run_radius(self, blocks: int) -> int:
        """Radius of a run of lightweight blocks.

        Blocks on a slice put it last and mix its channels, so it takes
        `n_feats // active_channels` blocks at least until a value is convolved again. Depthwise
        ones do not mix: there every channel has its share of the blocks.
        """
        if self.light_block == "split_pointwise":
            return 0
        if self.light_block == "split_depthwise":
            return ceil(blocks * self.active_channels / self.n_feats)
        if self.light_block in _BLOCK_RADIUS:
            return blocks * _BLOCK_RADIUS[self.light_block]
        return ceil(blocks / (self.n_feats // self.active_channels))


def upgrade_fields(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields of a file of version 0.1 as they are called today.

    Raises:
        SpecError: `split_conv` has an impossible value, or stands beside `light_block`.
    """
    if "split_conv" not in fields:
        return fields
    rest = {name: value for name, value in fields.items() if name != "split_conv"}
    old = fields["split_conv"]
    if not isinstance(old, str) or old not in _SPLIT_CONV:
        raise SpecError("split_conv", old, ", ".join(_SPLIT_CONV) + "; better, use light_block")
    if "light_block" in rest:
        raise SpecError("split_conv", old, "nothing beside light_block, which replaced it")
    return {**rest, "light_block": _SPLIT_CONV[old]}


PRESETS = {"paper": SplitSRSpec()}
"""The published networks of the family, by name, at x4."""
