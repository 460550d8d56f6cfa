"""ModelSpec: the defaults, the plan of groups, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from splitsr.errors import SpecError
from splitsr.networks import (
    FAMILIES,
    PRESETS,
    RCANSpec,
    SANSpec,
    SplitSRSpec,
    spec_from_config,
    spec_from_dict,
    spec_from_json,
    spec_to_json,
)
from splitsr.runtime.tile_plan import WHOLE_IMAGE_BYTES, whole_image_pixels
from splitsr.zoo import list_models
from splitsr.zoo.onnx_file import read_metadata, spec_from_metadata


def test_defaults_are_the_papers_configuration() -> None:
    spec = SplitSRSpec()
    assert (spec.n_resgroups, spec.n_resblocks, spec.n_feats) == (6, 6, 64)
    assert (spec.split_ratio, spec.hybrid_index, spec.hybrid_mode) == (0.25, 3, "split_first")
    assert spec.replacement_location == "features"
    assert spec.active_channels == 16


@pytest.mark.parametrize(
    ("mode", "index", "plan"),
    [
        ("split_first", 3, "LLLLLL LLLLLL LLLLLL SSSSSS SSSSSS SSSSSS"),
        ("standard_first", 3, "SSSSSS SSSSSS SSSSSS LLLLLL LLLLLL LLLLLL"),
        ("interleaved", 3, "LLLLLL SSSSSS LLLLLL SSSSSS LLLLLL SSSSSS"),
        ("within_group", 2, "LLSSSS LLSSSS LLSSSS LLSSSS LLSSSS LLSSSS"),
        ("spread_within_group", 4, "SLLSLL SLLSLL SLLSLL SLLSLL SLLSLL SLLSLL"),
        ("spread_within_group", 6, "LLLLLL LLLLLL LLLLLL LLLLLL LLLLLL LLLLLL"),
        ("spread_within_group", 0, "SSSSSS SSSSSS SSSSSS SSSSSS SSSSSS SSSSSS"),
    ],
)
def test_hybrid_modes(mode: Any, index: int, plan: str) -> None:
    spec = SplitSRSpec(hybrid_mode=mode, hybrid_index=index)
    found = ["".join("L" if light else "S" for light in group) for group in spec.group_plan]
    assert " ".join(found) == plan


def test_upsampler_alone_leaves_the_groups_standard() -> None:
    spec = SplitSRSpec(replacement_location="upsampler")
    assert not any(map(any, spec.group_plan))
    assert spec.light_upsampler


@given(groups=st.integers(1, 12), share=st.floats(0, 1))
def test_interleaved_has_hybrid_index_light_groups(groups: int, share: float) -> None:
    index = round(groups * share)
    spec = SplitSRSpec(n_resgroups=groups, hybrid_index=index, hybrid_mode="interleaved")
    assert sum(map(all, spec.group_plan)) == index


def test_receptive_radius_by_hand() -> None:
    # input 1; 3 light groups: ceil(6 * 16 / 64) = 2 rounds and a 3x3 tail; 3 standard groups:
    # 6 blocks of two 3x3 and a tail; trunk 1; two sub-pixel stages 1 + 1/2; output 1/4.
    assert SplitSRSpec().receptive_radius == 52  # 1 + 3 * 3 + 3 * 13 + 1 + 1.75, rounded up


@pytest.mark.parametrize(
    ("fields", "field", "allowed"),
    [
        ({"scale": 5}, "scale", "2 to 4"),
        ({"split_ratio": 0.0}, "split_ratio", "above 0, at most 1"),
        ({"split_ratio": 1.5}, "split_ratio", "above 0, at most 1"),
        ({"split_ratio": 0.001}, "split_ratio", "at least 1 active channel"),
        ({"hybrid_index": 7}, "hybrid_index", "0 to 6"),
        ({"hybrid_index": -1}, "hybrid_index", "0 to 6"),
        ({"hybrid_index": 3, "hybrid_mode": "within_group", "n_resblocks": 2}, "hybrid_index", "0"),
        ({"hybrid_mode": "sideways"}, "hybrid_mode", "interleaved, split_first, "),
        ({"n_feats": 0}, "n_feats", "1 to 10000"),
        ({"n_feats": "many"}, "n_feats", "int"),
        ({"reduction": 65}, "reduction", "1 to 64"),
        ({"upsampler": "magic"}, "upsampler", "single_step or two_step"),
        ({"image_skip": "cubic"}, "image_skip", "bilinear, nearest or none"),
        ({"rgb_mean": [0.5, 0.5, 2.0]}, "rgb_mean", "three values, each 0 to 1"),
        ({"colour": 1}, "colour", "one of the fields arch, scale"),
        ({"arch": "esrgan"}, "arch", "splitsr"),
    ],
)
def test_impossible_values_name_field_and_range(
    fields: dict[str, Any], field: str, allowed: str
) -> None:
    with pytest.raises(SpecError) as caught:
        spec_from_dict(fields)
    assert caught.value.field == field
    assert str(caught.value).startswith(f"{field}: found")
    assert allowed in str(caught.value)
    assert "\n" not in str(caught.value)


def test_json_round_trip() -> None:
    spec = SplitSRSpec(scale=3, n_feats=24, rgb_mean=(0.0, 0.0, 0.0), hybrid_mode="interleaved")
    assert spec_from_json(spec_to_json(spec)) == spec


def test_json_that_is_no_object() -> None:
    with pytest.raises(SpecError, match="a JSON object"):
        spec_from_json("[1, 2]")


def test_attention_in_standard_blocks_is_not_tileable() -> None:
    assert not SplitSRSpec().tileable
    assert SplitSRSpec(channel_attention=False).tileable
    assert SplitSRSpec(hybrid_index=6).tileable  # no standard block is left


@pytest.mark.parametrize("old", ["standard", "depthwise", "pointwise"])
def test_files_of_the_first_version_are_read(old: str) -> None:
    light = {"standard": "split"}.get(old, f"split_{old}")
    assert spec_from_dict({"split_conv": old}) == SplitSRSpec(light_block=light)  # type: ignore[arg-type]


def test_the_models_that_ship_are_read() -> None:
    for entry in list_models():
        assert isinstance(entry.spec, SplitSRSpec)
        assert entry.spec.light_block == "split"
        content = entry.read()
        assert spec_from_metadata(read_metadata(content, entry.name), entry.name) == entry.spec


@pytest.mark.parametrize(
    ("fields", "field", "allowed"),
    [
        ({"split_conv": "5x5"}, "split_conv", "standard, depthwise, pointwise"),
        ({"split_conv": "standard", "light_block": "ghost"}, "split_conv", "nothing beside"),
        ({"light_block": "gost"}, "light_block", "split, split_depthwise"),
        ({"light_block": "shuffle", "n_feats": 7}, "n_feats", "an even number"),
        ({"expansion": 0}, "expansion", "1 to 10000"),
        ({"arch": "edsr", "n_resgroups": 3}, "n_resgroups", "one of the fields arch, scale"),
        ({"arch": "edsr", "res_scale": 0.0}, "res_scale", "above 0, at most 1"),
        ({"arch": "edsr", "scale": 5}, "scale", "2 to 4"),
        ({"arch": "rcan", "reduction": 65}, "reduction", "1 to 64"),
        ({"arch": "san", "n_feats": 4}, "n_feats", "8 to 10000"),
        ({"arch": "srcnn", "kernels": [9, 4, 5]}, "kernels", "odd numbers"),
        ({"arch": "srcnn", "widths": [0, 5]}, "widths", "two values, each 1 to 10000"),
        ({"arch": "smfanet", "n_feats": 7}, "n_feats", "an even number, 2 to 10000"),
        ({"hybrid_index": "many"}, "hybrid_index", "a whole number (Expected `int`, got `str`)"),
        ({"arch": "srcnn", "kernels": [9, 5]}, "kernels", "length 3"),
        ({"arch": "srcnn", "channels": 2}, "channels", "1 or 3"),
        ({"arch": "interpolation", "kernel": "lanczos"}, "kernel", "bicubic or bilinear"),
        ({"arch": ["edsr"]}, "arch", ", ".join(FAMILIES)),
        ({"base": "edsr-baseline-x5"}, "base", "edsr-baseline-x"),
        ({"base": "edsr-x4", "arch": "rcan"}, "arch", "edsr, as in base"),
        ({"base": "edsr-x4", "n_feats": 0}, "n_feats", "1 to 10000"),
    ],
)
def test_every_family_names_field_and_range(
    fields: dict[str, Any], field: str, allowed: str
) -> None:
    with pytest.raises(SpecError) as caught:
        spec_from_config(fields)
    assert caught.value.field == field
    assert allowed in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_goes_through_json_and_is_a_base(name: str) -> None:
    spec = PRESETS[name]
    assert spec_from_json(spec_to_json(spec)) == spec
    assert spec_from_config({"base": name}) == spec
    assert spec_from_config({"base": name, "scale": 3}).scale == 3


def test_a_network_that_cannot_be_tiled_has_a_limit_that_memory_sets() -> None:
    rcan, san = RCANSpec(), SANSpec()
    limit = whole_image_pixels(rcan)
    assert 4 * rcan.engine_values(limit) <= WHOLE_IMAGE_BYTES < 4 * rcan.engine_values(limit + 1)
    # Pairs of pixels: 512x512 would need 4 * 2 * 65536^2 bytes, 32 GiB.
    assert 128 * 128 < whole_image_pixels(san) < 512 * 256
