"""What every description of a network has, and how its rules are held."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import ceil
from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import Meta

from splitsr.errors import SpecError
from splitsr.limits import in_words

SCALES = (2, 3, 4)
OUTPUT_PIXELS_720P = 1280 * 720
"""By custom, multiply-adds are given for an output of this size."""

WEIGHTS_SUFFIXES = (".safetensors", ".pth")
"""Of files that have weights of PyTorch: ours, and those that others have published."""

MAX_COUNT = 10_000
"""Largest number of channels, of blocks in all, and of other counts: what lies above is no network,
but would keep a computer busy with its description alone."""

DIV2K_MEAN = (0.4488, 0.4371, 0.4040)

Scale = Annotated[int, Meta(ge=2, le=4)]
Count = Annotated[int, Meta(ge=1, le=MAX_COUNT)]
Share = Annotated[float, Meta(gt=0, le=1)]
_Level = Annotated[float, Meta(ge=0, le=1)]
Mean = tuple[_Level, _Level, _Level]

Rule = tuple[str, Callable[[Any], bool], Callable[[Any], str]]
"""A field, whether its value suits the others, and what is allowed; the spec is the argument."""


class ModelSpec(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="arch"
):
    """A network, down to the last layer. The base of one class a family of networks.

    The families' classes have the fields; `arch` in a file tells which of them it is. Of any
    network the runtime needs no more than what stands here.

    Attributes:
        rules: what the fields' types do not say, held in order.
        scale: the enlargement, 2, 3 or 4.
    """

    rules: ClassVar[tuple[Rule, ...]] = ()

    scale: Scale = 4

    def __post_init__(self) -> None:
        for field, kind in field_types(type(self)).items():
            convert_field(field, getattr(self, field), kind)
        for field, holds, allowed in self.rules:
            if not holds(self):
                raise SpecError(field, getattr(self, field), allowed(self))

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
        return True

    @property
    def receptive_radius(self) -> int:
        """Radius, in LR pixels and rounded up, of what an output pixel depends on.

        What a network takes from the whole image, or from large parts of it, is left out;
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
        """Values that an engine holds at once for an image of so many LR pixels, estimated."""
        return self.values_per_pixel * pixels


class ResidualSpec(ModelSpec, frozen=True, kw_only=True):
    """A body of residual blocks at LR size and a two-step upsampler: EDSR and those after it.

    Attributes:
        n_feats: feature channels of the body.
        rgb_mean: subtracted from the input and added to the output; all zero for none.
    """

    n_feats: Count = 64
    rgb_mean: Mean = DIV2K_MEAN

    @property
    def depth(self) -> int:
        """3x3 convolutions before the upsampler, one after another."""
        raise NotImplementedError

    @property
    def receptive_radius(self) -> int:
        """Of the convolutions and the upsampler; attention over the whole image is left out."""
        return ceil(self.depth + upsampler_radius(two_step_stages(self.scale), True))

    @property
    def values_per_pixel(self) -> int:
        """Values that an engine holds at once for one LR pixel, estimated."""
        return body_values(self.n_feats, self.scale, self.n_feats)


BLOCKS_RULE: Rule = (
    "n_resblocks",
    lambda s: s.n_resgroups * s.n_resblocks <= MAX_COUNT,
    lambda s: f"1 to {MAX_COUNT // s.n_resgroups} in {s.n_resgroups} groups",
)


class AttentionSpec(ResidualSpec, frozen=True, kw_only=True):
    """Groups of residual blocks with attention over the whole image: RCAN and SAN.

    Attributes:
        n_resgroups: residual groups, each closed by a convolution and a short skip.
        n_resblocks: residual blocks in a group.
        reduction: the attention's bottleneck is `n_feats // reduction` channels wide.
    """

    rules = (
        BLOCKS_RULE,
        ("reduction", lambda s: s.reduction <= s.n_feats, lambda s: f"1 to {s.n_feats} (n_feats)"),
    )

    n_resgroups: Count = 10
    n_resblocks: Count = 20
    reduction: Count = 16

    @property
    def tileable(self) -> bool:
        """No."""
        return False

    @property
    def depth(self) -> int:
        """3x3 convolutions before the upsampler, one after another."""
        return 2 + self.n_resgroups * (2 * self.n_resblocks + 1)


@cache
def field_types(kind: type[ModelSpec]) -> dict[str, Any]:
    """The fields of a class of specs, and their types with their limits."""
    return {field.name: field.type for field in msgspec.structs.fields(kind)}


def convert_field(field: str, value: object, kind: Any) -> Any:  # noqa: ANN401 (any type)
    """A field's value, from plain values as TOML and JSON have them.

    Raises:
        SpecError: another type, or beyond the limits; the message says what is allowed.
    """
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        got = f" ({error})" if ", got " in str(error) else ""
        raise SpecError(field, value, in_words(kind) + got) from None


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
    """Values per LR pixel of a body at LR size: 6 feature maps, 2.5 times the largest upsampled.

    Args:
        n_feats: channels of the body.
        scale: the enlargement.
        upsampled: channels that the last shuffle makes.
    """
    return 6 * n_feats + ceil(2.5 * upsampled * scale**2)
