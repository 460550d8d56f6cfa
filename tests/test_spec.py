"""ModelSpec: the defaults, the plan of groups, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from splitsr.errors import SpecError
from splitsr.spec import ModelSpec, spec_from_dict, spec_from_json, spec_to_json


def test_defaults_are_the_papers_configuration() -> None:
    spec = ModelSpec()
    assert (spec.n_resgroups, spec.n_resblocks, spec.n_feats) == (6, 6, 64)
    assert (spec.split_ratio, spec.hybrid_index, spec.hybrid_mode) == (0.25, 3, "split_first")
    assert spec.replacement_location == "features"
    assert spec.active_channels == 16


@pytest.mark.parametrize(
    ("mode", "plan"),
    [
        ("split_first", (6, 6, 6, 0, 0, 0)),
        ("standard_first", (0, 0, 0, 6, 6, 6)),
        ("interleaved", (6, 0, 6, 0, 6, 0)),
        ("within_group", (3, 3, 3, 3, 3, 3)),
    ],
)
def test_hybrid_modes(mode: Any, plan: tuple[int, ...]) -> None:
    assert ModelSpec(hybrid_mode=mode).group_plan == plan


def test_upsampler_alone_leaves_the_groups_standard() -> None:
    spec = ModelSpec(replacement_location="upsampler")
    assert spec.group_plan == (0,) * 6
    assert spec.light_upsampler


@given(groups=st.integers(1, 12), share=st.floats(0, 1))
def test_interleaved_has_hybrid_index_light_groups(groups: int, share: float) -> None:
    index = round(groups * share)
    spec = ModelSpec(n_resgroups=groups, hybrid_index=index, hybrid_mode="interleaved")
    assert sum(light > 0 for light in spec.group_plan) == index


def test_receptive_radius_by_hand() -> None:
    # input 1; 3 light groups: ceil(6 * 16 / 64) = 2 rounds and a 3x3 tail; 3 standard groups:
    # 6 blocks of two 3x3 and a tail; trunk 1; two sub-pixel stages 1 + 1/2; output 1/4.
    assert ModelSpec().receptive_radius == 52  # 1 + 3 * 3 + 3 * 13 + 1 + 1.75, rounded up


@pytest.mark.parametrize(
    ("fields", "field", "allowed"),
    [
        ({"scale": 5}, "scale", "2, 3, 4"),
        ({"split_ratio": 0.0}, "split_ratio", "above 0, at most 1"),
        ({"split_ratio": 1.5}, "split_ratio", "above 0, at most 1"),
        ({"split_ratio": 0.001}, "split_ratio", "at least 1 active channel"),
        ({"hybrid_index": 7}, "hybrid_index", "0 to 6"),
        ({"hybrid_index": -1}, "hybrid_index", "0 to 6"),
        ({"hybrid_index": 3, "hybrid_mode": "within_group", "n_resblocks": 2}, "hybrid_index", "0"),
        ({"hybrid_mode": "sideways"}, "hybrid_mode", "split_first, standard_first"),
        ({"n_feats": 0}, "n_feats", "1 or more"),
        ({"n_feats": "many"}, "n_feats", "int"),
        ({"reduction": 65}, "reduction", "1 to 64"),
        ({"upsampler": "magic"}, "upsampler", "two_step, single_step"),
        ({"image_skip": "cubic"}, "image_skip", "none, nearest, bilinear"),
        ({"rgb_mean": [0.5, 0.5, 2.0]}, "rgb_mean", "from 0 to 1"),
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
    spec = ModelSpec(scale=3, n_feats=24, rgb_mean=(0.0, 0.0, 0.0), hybrid_mode="interleaved")
    assert spec_from_json(spec_to_json(spec)) == spec


def test_json_that_is_no_object() -> None:
    with pytest.raises(SpecError, match="a JSON object"):
        spec_from_json("[1, 2]")


def test_attention_in_standard_blocks_is_not_tileable() -> None:
    assert not ModelSpec().tileable
    assert ModelSpec(channel_attention=False).tileable
    assert ModelSpec(hybrid_index=6).tileable  # no standard block is left
