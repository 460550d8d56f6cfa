"""The networks of other papers: published sizes, shapes, what an output pixel depends on."""

from __future__ import annotations

import msgspec
import pytest
import torch

from splitsr.benchmark.flops import measure_cost
from splitsr.networks import (
    FAMILIES,
    PRESETS,
    EDSRSpec,
    InterpolationSpec,
    ModelSpec,
    RCANSpec,
    SANSpec,
    SMFANetSpec,
    SRCNNSpec,
)
from splitsr.networks.build import build_model

TINY: dict[str, ModelSpec] = {
    "edsr": EDSRSpec(n_feats=8, n_resblocks=2, res_scale=0.5),
    "rcan": RCANSpec(n_feats=8, n_resgroups=2, n_resblocks=1, reduction=4),
    "san": SANSpec(n_feats=8, n_resgroups=2, n_resblocks=1, reduction=4),
    "srcnn": SRCNNSpec(widths=(8, 4)),
    "srcnn on RGB": SRCNNSpec(kernels=(5, 1, 3), widths=(8, 4), channels=3),
    "smfanet": SMFANetSpec(n_feats=8, n_blocks=2),
    "bilinear": InterpolationSpec(kernel="bilinear"),
    "bicubic": InterpolationSpec(),
}


def conv(inputs: int, outputs: int, kernel: int = 3) -> int:
    """Weights and biases of a convolution."""
    return inputs * outputs * kernel**2 + outputs


def upsampler(feats: int, scale: int) -> int:
    stages = {2: conv(feats, 4 * feats), 3: conv(feats, 9 * feats), 4: 2 * conv(feats, 4 * feats)}
    return stages[scale] + conv(feats, 3)


def edsr(feats: int, blocks: int, scale: int) -> int:
    body = 2 * blocks * conv(feats, feats) + conv(feats, feats)
    return conv(3, feats) + body + upsampler(feats, scale)


def attention(feats: int) -> int:
    return conv(feats, feats // 16, 1) + conv(feats // 16, feats, 1)


def rcan(scale: int) -> int:
    group = 20 * (2 * conv(64, 64) + attention(64)) + conv(64, 64)
    return conv(3, 64) + 10 * group + conv(64, 64) + upsampler(64, scale)


def san(scale: int) -> int:
    group = 10 * 2 * conv(64, 64) + attention(64) + conv(64, 64)
    non_local = 3 * conv(64, 8, 1) + conv(8, 64, 1)
    share = 1
    return conv(3, 64) + non_local + 20 * group + share + conv(64, 64) + upsampler(64, scale)


def smfanet(feats: int, blocks: int, scale: int) -> int:
    wide = 2 * feats
    details = conv(1, wide) + conv(wide, wide, 1) + conv(wide, feats, 1)
    smfa = conv(feats, wide, 1) + 2 * conv(feats, feats, 1) + conv(1, feats) + 2 * feats + details
    pcfn = conv(feats, wide, 1) + conv(feats // 2, feats // 2) + conv(wide, feats, 1)
    return conv(3, feats) + blocks * (smfa + pcfn) + conv(feats, 3 * scale**2)


# By hand, exact; and what papers print, in thousands.
PARAMETERS = [
    ("edsr-baseline-x2", edsr(64, 16, 2), 1_369_859, 1370),
    ("edsr-baseline-x3", edsr(64, 16, 3), 1_554_499, 1555),
    ("edsr-baseline-x4", edsr(64, 16, 4), 1_517_571, 1518),
    ("edsr-x2", edsr(256, 32, 2), 40_729_603, 40_700),
    ("edsr-x3", edsr(256, 32, 3), 43_680_003, 43_700),
    ("edsr-x4", edsr(256, 32, 4), 43_089_923, 43_100),
    ("rcan-x2", rcan(2), 15_444_643, 15_440),
    ("rcan-x3", rcan(3), 15_629_283, 15_630),
    ("rcan-x4", rcan(4), 15_592_355, 15_590),
    ("san-x2", san(2), 15_711_660, 15_710),
    ("san-x3", san(3), 15_896_300, 15_900),
    ("san-x4", san(4), 15_859_372, 15_860),
    ("smfanet-x2", smfanet(36, 8, 2), 185_628, 186),
    ("smfanet-x4", smfanet(36, 8, 4), 197_328, 197),
    ("smfanet-plus-x2", smfanet(48, 12, 2), 480_300, 480),
    ("smfanet-plus-x4", smfanet(48, 12, 4), 495_888, 496),
    *(
        (f"{name}-x{scale}", conv(c, 64, 9) + conv(64, 32, k) + conv(32, c, 5), exact, published)
        for scale in (2, 3, 4)
        for name, c, k, exact, published in [
            ("srcnn", 1, 5, 57_281, 57),
            ("srcnn-915", 1, 1, 8_129, 8),
            ("srcnn-rgb", 3, 5, 69_251, 69),
        ]
    ),
]


@pytest.mark.parametrize(("name", "by_hand", "exact", "published"), PARAMETERS)
def test_parameters_are_the_published_ones(
    name: str, by_hand: int, exact: int, published: int
) -> None:
    with torch.device("meta"):
        model = build_model(PRESETS[name])
    assert sum(p.numel() for p in model.parameters()) == by_hand == exact
    assert exact / 1e3 == pytest.approx(published, rel=0.02)


@pytest.mark.parametrize(
    ("name", "published"),
    [
        ("edsr-baseline-x2", 316.3),
        ("edsr-baseline-x3", 160.2),
        ("edsr-baseline-x4", 114.0),
        ("srcnn-x4", 52.7),
        ("rcan-x4", 917.6),
    ],
)
def test_multi_adds_are_the_published_ones(name: str, published: float) -> None:
    cost = measure_cost(PRESETS[name])
    assert cost.multi_adds_720p / 1e9 == pytest.approx(published, rel=0.003)
    assert sum(layer.parameters for layer in cost.layers) == cost.parameters


def test_every_preset_is_its_scale_and_every_family_has_a_network() -> None:
    classes = {family.spec for family in FAMILIES.values()}
    assert classes == {type(spec) for spec in PRESETS.values()}
    for arch, family in FAMILIES.items():
        assert all(spec.arch == arch for spec in family.presets.values())
    for name, spec in PRESETS.items():
        assert name == "paper" or name.endswith(f"-x{spec.scale}")


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("name", TINY)
def test_every_network_enlarges_by_its_scale(name: str, scale: int) -> None:
    model = build_model(msgspec.structs.replace(TINY[name], scale=scale)).eval()
    for height, width in [(5, 8), (1, 1), (1, 4)]:
        with torch.no_grad():
            sr = model(torch.rand(2, 3, height, width))
        assert sr.shape == (2, 3, height * scale, width * scale)
        assert sr.isfinite().all()


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("name", [name for name in TINY if TINY[name].tileable])
def test_the_receptive_radius_is_what_a_pixel_depends_on(name: str, scale: int) -> None:
    spec = msgspec.structs.replace(TINY[name], scale=scale)
    model = build_model(spec)
    with torch.no_grad():  # no ReLU may hide a path, and no two cancel
        for parameter in model.parameters():
            parameter.abs_()
    radius = spec.receptive_radius
    middle = radius + 2
    lr = torch.rand(1, 3, 2 * middle + 1, 2 * middle + 1, requires_grad=True)
    patch = slice(middle * scale, (middle + 1) * scale)
    model(lr)[:, :, patch, patch].sum().backward()
    assert lr.grad is not None
    touched = lr.grad[0].abs().sum(0).nonzero()
    assert (touched - middle).abs().max() == radius


@pytest.mark.parametrize("name", ["rcan", "san", "smfanet"])
def test_attention_looks_further_and_says_so(name: str) -> None:
    spec = msgspec.structs.replace(TINY[name], scale=2)
    assert not spec.tileable
    torch.manual_seed(0)  # the few hidden units of so small an attention may all be off
    lr = torch.rand(1, 3, 60, 60, requires_grad=True)
    model = build_model(spec)
    for parameter_name, parameter in model.named_parameters():
        if parameter_name.endswith("belt"):  # the share of the picture's variance, zero at first
            parameter.data.fill_(1)
    model(lr)[:, :, :2, :2].sum().backward()
    assert lr.grad is not None
    assert lr.grad[0, :, -1, -1].abs().sum() > 0


def test_srcnn_on_luma_changes_luma_alone() -> None:
    model = build_model(TINY["srcnn"])
    lr = torch.rand(1, 3, 6, 7)
    with torch.no_grad():
        change = model(lr) - build_model(InterpolationSpec())(lr)
    assert change.abs().max() > 0.01
    torch.testing.assert_close(change, change[:, :1].expand(1, 3, 24, 28))


def test_srcnn_on_luma_is_the_published_way_through_ycbcr(photo: object) -> None:
    """RGB -> YCbCr, the network on Y, bicubic Cb and Cr, back to RGB, in scikit-image."""
    from skimage.color import rgb2ycbcr, ycbcr2rgb

    model = build_model(TINY["srcnn"])
    lr = torch.from_numpy(photo[:12, :10].copy()).permute(2, 0, 1)[None].float() / 255  # type: ignore[index]
    with torch.no_grad():
        bicubic = build_model(InterpolationSpec())(lr)[0].permute(1, 2, 0).double().numpy()
        found = model(lr)[0].permute(1, 2, 0).double().numpy()
        ycc = rgb2ycbcr(bicubic)
        luma = torch.from_numpy(ycc[None, None, :, :, 0] / 255).float()
        ycc[:, :, 0] = 255 * model._convolve(luma)[0, 0].double().numpy()  # type: ignore[operator]
    import numpy as np

    np.testing.assert_allclose(found, ycbcr2rgb(ycc), atol=2e-4)


def test_residual_scaling_scales_the_change() -> None:
    spec = EDSRSpec(n_feats=4, n_resblocks=1, res_scale=0.25)
    block = build_model(spec).body[0]  # type: ignore[index, union-attr]
    x = torch.rand(1, 4, 5, 5)
    change = block(x) - x
    block.scale = 1.0
    torch.testing.assert_close(4 * change, block(x) - x)
