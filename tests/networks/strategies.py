"""Random small networks for property tests."""

from __future__ import annotations

from typing import Any, get_args

from hypothesis import assume
from hypothesis import strategies as st

from splitsr.errors import SpecError
from splitsr.networks import LIGHT_BLOCKS, SplitSRSpec
from splitsr.networks.splitsr.description import HybridMode

MEANS = [(0.0, 0.0, 0.0), (0.5, 0.5, 0.5), (0.4488, 0.4371, 0.4040)]


@st.composite
def specs(draw: st.DrawFn, **fixed: Any) -> SplitSRSpec:
    """Any valid small spec; `fixed` fields are as given."""
    fields: dict[str, Any] = {
        "scale": draw(st.sampled_from([2, 3, 4])),
        "n_feats": draw(st.sampled_from([4, 6, 8, 10, 12])),
        "n_resgroups": draw(st.integers(1, 3)),
        "n_resblocks": draw(st.integers(1, 5)),
        "split_ratio": draw(st.sampled_from([0.25, 0.3, 1 / 3, 0.5, 0.7, 1.0])),
        "hybrid_index": draw(st.integers(0, 3)),
        "hybrid_mode": draw(st.sampled_from(get_args(HybridMode))),
        "replacement_location": draw(st.sampled_from(["features", "upsampler", "both"])),
        "light_block": draw(st.sampled_from(LIGHT_BLOCKS)),
        "expansion": draw(st.integers(1, 2)),
        "block_residual": draw(st.booleans()),
        "channel_attention": draw(st.booleans()),
        "reduction": draw(st.sampled_from([1, 2, 4])),
        "group_kernel": draw(st.sampled_from([1, 3])),
        "trunk_kernel": draw(st.sampled_from([0, 1, 3])),
        "upsampler": draw(st.sampled_from(["two_step", "single_step"])),
        "image_skip": draw(st.sampled_from(["none", "nearest", "bilinear"])),
        "rgb_mean": draw(st.sampled_from(MEANS)),
    }
    try:
        return SplitSRSpec(**{**fields, **fixed})
    except SpecError:
        assume(False)
        raise
