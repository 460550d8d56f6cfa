"""What every description of a network has, and how its rules are held."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from typing import Any, Literal

import msgspec

from splitsr.errors import SpecError

Scale = Literal[2, 3, 4]

MAX_COUNT = 10_000
"""Largest number of channels, of blocks in all, and of other counts: what lies above is no network,
but would keep a computer busy with its description alone."""

DIV2K_MEAN = (0.4488, 0.4371, 0.4040)

Rule = tuple[str, Callable[[Any], bool], Callable[[Any], str]]
"""A field, whether its value is possible, and what is allowed; the spec is the argument."""


class ModelSpec(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="arch"
):
    """A network, down to the last layer. The base of one class a family of networks.

    The families' classes have the fields; `arch` in a file tells which of them it is. Of any
    network the runtime needs no more than what stands here.

    Attributes:
        scale: the enlargement, 2, 3 or 4.
    """

    scale: int = 4

    @property
    def arch(self) -> str:
        """The family's name, as files have it."""
        return str(self.__struct_config__.tag)

    @property
    def trainable(self) -> bool:
        """Whether the network has weights."""
        return True

    @property
    def tileable(self) -> bool:
        """Whether an output pixel depends on its neighbourhood alone."""
        raise NotImplementedError

    @property
    def receptive_radius(self) -> int:
        """Radius, in LR pixels and rounded up, of what an output pixel depends on.

        What a network takes from the whole picture, or from large parts of it, is left out;
        `tileable` tells of it.
        """
        raise NotImplementedError

    @property
    def values_per_pixel(self) -> int:
        """Values that an engine holds at once for one LR pixel, estimated.

        Measured in ONNX Runtime, as this package runs it, on 480x320 pixels, against what this
        gives: 273 and 312 (balanced-x4), 418 and 504 (accurate-x4), 215 and 222 (balanced-x2), 182
        and 164 (fast-x3); with 64 features and a two-step upsampler x4 2955 and 2944.
        """
        raise NotImplementedError

    def engine_values(self, pixels: int) -> int:
        """Values that an engine holds at once for a picture of so many LR pixels, estimated."""
        return self.values_per_pixel * pixels


def check_rules(spec: ModelSpec, rules: tuple[Rule, ...]) -> None:
    """Holds a spec to its rules, in order.

    Raises:
        SpecError: one is broken; the message has the field's name and what is allowed.
    """
    for field, holds, allowed in rules:
        if not holds(spec):
            raise SpecError(field, getattr(spec, field), allowed(spec))


def count(field: str, least: int) -> Rule:
    """A field of whole numbers from `least` on, up to what no machine would build."""
    return (
        field,
        lambda s: least <= getattr(s, field) <= MAX_COUNT,
        lambda _: f"{least} to {MAX_COUNT}",
    )


BLOCKS_RULE: Rule = (
    "n_resblocks",
    lambda s: s.n_resgroups * s.n_resblocks <= MAX_COUNT,
    lambda s: f"1 to {MAX_COUNT // s.n_resgroups} in {s.n_resgroups} groups",
)


def one_of(field: str, *values: object) -> Rule:
    """A field with one of some values."""
    listed = ", ".join(str(value) for value in values)
    return field, lambda s: getattr(s, field) in values, lambda _: listed


SCALE_RULE = one_of("scale", 2, 3, 4)

MEAN_RULE: Rule = (
    "rgb_mean",
    lambda s: all(0 <= value <= 1 for value in s.rgb_mean),
    lambda _: "three values from 0 to 1",
)

REDUCTION_RULES: tuple[Rule, ...] = (
    count("reduction", 1),
    ("reduction", lambda s: s.reduction <= s.n_feats, lambda s: f"1 to {s.n_feats} (n_feats)"),
)


def two_step_stages(scale: int) -> tuple[int, ...]:
    """Factors of the sub-pixel stages of EDSR, RCAN and those after them."""
    return (2, 2) if scale == 4 else (scale,)


def upsampler_radius(stages: tuple[int, ...], has_output_conv: bool) -> float:
    """Radius in LR pixels of 3x3 sub-pixel stages and, if there is one, the output convolution."""
    radius, size = 0.0, 1
    for factor in stages:
        radius += 1 / size
        size *= factor
    return radius + (1 / size if has_output_conv else 0)


def body_values(n_feats: int, scale: int, upsampled: int) -> int:
    """Values a LR pixel of a body at LR size: 6 feature maps, and 2.5 times the largest upsampled.

    Args:
        n_feats: channels of the body.
        scale: the enlargement.
        upsampled: channels that the last shuffle makes.
    """
    return 6 * n_feats + ceil(2.5 * upsampled * scale**2)


def residual_radius(convolutions: int, scale: int) -> int:
    """Radius of so many 3x3 convolutions at LR size and a two-step upsampler, rounded up."""
    return ceil(convolutions + upsampler_radius(two_step_stages(scale), has_output_conv=True))
