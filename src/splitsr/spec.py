"""`ModelSpec`: the complete description of a network.

A spec is stored in every weight file and in the metadata of every exported model, so a network
is never guessed from tensor shapes. The defaults are the configuration `paper`: SplitSR of Liu et
al. 2021 (arXiv 2101.07996) with the groups, blocks and features of published reimplementations.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from typing import Any, Literal, get_args, get_origin

import msgspec

from splitsr.errors import SpecError

Scale = Literal[2, 3, 4]
HybridMode = Literal["split_first", "standard_first", "interleaved", "within_group"]
ReplacementLocation = Literal["features", "upsampler", "both"]
SplitConv = Literal["standard", "depthwise", "pointwise"]
Upsampler = Literal["two_step", "single_step"]
ImageSkip = Literal["none", "nearest", "bilinear"]

DIV2K_MEAN = (0.4488, 0.4371, 0.4040)


class ModelSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A SplitSR network, down to the last layer.

    Attributes:
        arch: the network family.
        scale: the enlargement, 2, 3 or 4.
        n_feats: feature channels of the body.
        n_resgroups: residual groups, each closed by a convolution and a short skip.
        n_resblocks: blocks in a group.
        split_ratio: alpha, in (0, 1]; a SplitSRBlock computes `active_channels` of `n_feats`.
        hybrid_index: HI, how many groups are lightweight (in mode `within_group`: how many
            blocks of every group).
        hybrid_mode: which groups are the lightweight ones.
        replacement_location: the stage in which lightweight units replace standard ones. With
            `upsampler` all groups are standard and `hybrid_index` has no effect.
        split_conv: the convolution on the active channels; `standard` is the paper's 3x3.
        block_residual: add the active channels' input to their output, after the ReLU.
        channel_attention: RCAN's attention in the standard blocks. It averages over the whole
            image, so a network with it is not exactly tileable.
        reduction: the attention's bottleneck is `n_feats // reduction` channels wide.
        group_kernel: kernel of the convolution that closes a group, 3 (RCAN) or 1.
        trunk_kernel: kernel of the convolution that closes the body before the long skip: 3
            (RCAN), 1, or 0 for none.
        upsampler: `two_step` is RCAN's (sub-pixel convolutions by 2, or one by 3, then an output
            convolution); `single_step` makes the picture by one sub-pixel convolution.
        image_skip: interpolation of the LR picture that is added to the output.
        rgb_mean: subtracted from the input and added to the output; all zero for none.
    """

    arch: Literal["splitsr"] = "splitsr"
    scale: int = 4
    n_feats: int = 64
    n_resgroups: int = 6
    n_resblocks: int = 6
    split_ratio: float = 0.25
    hybrid_index: int = 3
    hybrid_mode: HybridMode = "split_first"
    replacement_location: ReplacementLocation = "features"
    split_conv: SplitConv = "standard"
    block_residual: bool = False
    channel_attention: bool = True
    reduction: int = 16
    group_kernel: int = 3
    trunk_kernel: int = 3
    upsampler: Upsampler = "two_step"
    image_skip: ImageSkip = "none"
    rgb_mean: tuple[float, float, float] = DIV2K_MEAN

    def __post_init__(self) -> None:
        for field, holds, allowed in _RULES:
            if not holds(self):
                raise SpecError(field, getattr(self, field), allowed(self))

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
    def group_plan(self) -> tuple[int, ...]:
        """How many of each group's `n_resblocks` blocks, from its start, are lightweight."""
        groups, blocks, index = self.n_resgroups, self.n_resblocks, self.hybrid_index
        if not self.light_features:
            return (0,) * groups
        if self.hybrid_mode == "within_group":
            return (index,) * groups
        if self.hybrid_mode == "split_first":
            light = set(range(index))
        elif self.hybrid_mode == "standard_first":
            light = set(range(groups - index, groups))
        else:
            light = {i * groups // index for i in range(index)}
        return tuple(blocks if i in light else 0 for i in range(groups))

    @property
    def upsampler_stages(self) -> tuple[int, ...]:
        """Factors of the sub-pixel stages, in order."""
        return (2, 2) if self.scale == 4 and self.upsampler == "two_step" else (self.scale,)

    @property
    def has_output_conv(self) -> bool:
        """Whether a convolution at full size makes the picture, or the sub-pixel one itself."""
        return self.upsampler == "two_step" or self.light_upsampler

    @property
    def tileable(self) -> bool:
        """Whether an output pixel depends on its neighbourhood alone: no attention in use."""
        has_standard_blocks = any(light < self.n_resblocks for light in self.group_plan)
        return not (self.channel_attention and has_standard_blocks)

    @property
    def receptive_radius(self) -> int:
        """Radius, in LR pixels and rounded up, of what an output pixel depends on.

        The global average of channel attention is left out; `tileable` tells of it. A run of
        SplitSRBlocks convolves every channel once a round, not once a block.
        """
        radius = 1.0 + self.trunk_kernel // 2  # the input convolution is 3x3
        for light in self.group_plan:
            if self.split_conv != "pointwise":
                radius += ceil(light * self.active_channels / self.n_feats)
            radius += 2 * (self.n_resblocks - light) + self.group_kernel // 2
        size = 1
        for factor in self.upsampler_stages:
            radius += 1 / size
            size *= factor
        if self.has_output_conv:
            radius += 1 / size
        return ceil(radius)


_Rule = tuple[str, Callable[[ModelSpec], bool], Callable[[ModelSpec], str]]


def _least(field: str, least: int) -> _Rule:
    return field, lambda s: getattr(s, field) >= least, lambda _: f"{least} or more"


def _one_of(field: str, *values: object) -> _Rule:
    listed = ", ".join(str(value) for value in values)
    return field, lambda s: getattr(s, field) in values, lambda _: listed


def _units(spec: ModelSpec) -> int:
    """The largest hybrid index: the number of units that it counts."""
    return spec.n_resblocks if spec.hybrid_mode == "within_group" else spec.n_resgroups


_RULES: tuple[_Rule, ...] = (
    _one_of("arch", "splitsr"),
    _one_of("scale", 2, 3, 4),
    _least("n_feats", 1),
    _least("n_resgroups", 1),
    _least("n_resblocks", 1),
    ("split_ratio", lambda s: 0 < s.split_ratio <= 1, lambda _: "above 0, at most 1"),
    (
        "split_ratio",
        lambda s: s.active_channels >= 1,
        lambda s: f"above {0.5 / s.n_feats:g} for {s.n_feats} features (at least 1 active channel)",
    ),
    _one_of("hybrid_mode", "split_first", "standard_first", "interleaved", "within_group"),
    (
        "hybrid_index",
        lambda s: 0 <= s.hybrid_index <= _units(s),
        lambda s: f"0 to {_units(s)} for hybrid_mode {s.hybrid_mode!r}",
    ),
    _one_of("replacement_location", "features", "upsampler", "both"),
    _one_of("split_conv", "standard", "depthwise", "pointwise"),
    _least("reduction", 1),
    (
        "reduction",
        lambda s: s.tileable or s.reduction <= s.n_feats,
        lambda s: f"1 to {s.n_feats} (n_feats), or channel_attention = false",
    ),
    _one_of("group_kernel", 1, 3),
    _one_of("trunk_kernel", 0, 1, 3),
    _one_of("upsampler", "two_step", "single_step"),
    _one_of("image_skip", "none", "nearest", "bilinear"),
    (
        "rgb_mean",
        lambda s: all(0 <= value <= 1 for value in s.rgb_mean),
        lambda _: "three values from 0 to 1",
    ),
)


def spec_from_dict(fields: dict[str, Any]) -> ModelSpec:
    """Builds a spec from plain values, as read from TOML or JSON.

    Raises:
        SpecError: an unknown field, a value of the wrong type or an impossible one.
    """
    known = ModelSpec.__struct_fields__
    for field, value in fields.items():
        if field not in known:
            raise SpecError(field, value, "one of the fields " + ", ".join(known))
        try:
            msgspec.convert(value, _FIELD_TYPES[field])
        except msgspec.ValidationError as error:
            raise SpecError(field, value, _type_message(field, error)) from None
    return msgspec.convert(fields, ModelSpec)


def spec_to_json(spec: ModelSpec) -> str:
    """The spec as one line of JSON, every field written out."""
    return msgspec.json.encode(spec).decode()


def spec_from_json(text: str) -> ModelSpec:
    """Reads what `spec_to_json` wrote.

    Raises:
        SpecError: the text is no JSON object, or `spec_from_dict` refuses it.
    """
    try:
        fields = msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise SpecError("spec", text[:40], f"a JSON object ({error})") from None
    return spec_from_dict(fields)


_FIELD_TYPES: dict[str, Any] = {
    field.name: field.type for field in msgspec.structs.fields(ModelSpec)
}


def _type_message(field: str, error: msgspec.ValidationError) -> str:
    if get_origin(_FIELD_TYPES[field]) is Literal:
        return ", ".join(map(str, get_args(_FIELD_TYPES[field])))
    return str(error)
