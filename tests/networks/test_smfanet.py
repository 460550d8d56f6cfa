"""SMFANet: the published weights give the published scores; pooling is PyTorch's own."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch.nn import functional

from splitsr.errors import WeightsError
from splitsr.networks import SMFANetSpec
from splitsr.networks.smfanet.module import _pool, _variance
from splitsr.networks.smfanet.published import load_published

SHARED = Path(__file__).parents[3] / "shared" / "data"
PUBLISHED = SHARED / "teachers" / "SMFANet_plus_DF2K_100w_x4SR.pth"
needs_weights = pytest.mark.skipif(
    not PUBLISHED.exists(), reason=f"the published weights are not at {PUBLISHED}"
)


@needs_weights
@pytest.mark.parametrize(("folder", "published"), [("Set5", 32.51), ("Set14", 28.87)])
def test_the_published_weights_give_the_published_scores(
    folder: str, published: float, call_splitsr: Callable[..., subprocess.CompletedProcess[bytes]]
) -> None:
    hr = SHARED / "test" / folder / "HR"
    done = call_splitsr("evaluate", PUBLISHED, "--hr", hr, "--json")
    assert json.loads(done.stdout)["psnr_y"] == pytest.approx(published, abs=0.02)


@needs_weights
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_the_description_is_that_of_the_file(scale: int) -> None:
    path = PUBLISHED.with_name(PUBLISHED.name.replace("x4", f"x{scale}"))
    assert load_published(path).spec == SMFANetSpec(scale=scale)


@pytest.mark.parametrize("size", [*range(1, 60), 127, 250])
def test_pooling_is_adaptive_to_an_eighth(size: int) -> None:
    x = torch.randn(1, 2, size, 9)
    bins = max(1, size // 8)
    torch.testing.assert_close(_pool(x, 2), functional.adaptive_max_pool2d(x, (bins, 9)))


def test_the_variance_is_the_unbiased_one() -> None:
    x = torch.randn(2, 3, 17, 5)
    torch.testing.assert_close(_variance(x), x.var(dim=(2, 3), keepdim=True))
    assert _variance(torch.ones(1, 1, 1, 1)).item() == 0


def test_other_files_are_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "net.pth"
    with pytest.raises(WeightsError, match="No such file"):
        load_published(path)
    path.write_bytes(b"no pickle")
    with pytest.raises(WeightsError, match="no weights that PyTorch can read"):
        load_published(path)
    torch.save({"params": {"head.weight": torch.zeros(3)}}, path)
    with pytest.raises(WeightsError, match="not a published SMFANet"):
        load_published(path)
    torch.save([1], path)
    with pytest.raises(WeightsError, match="under 'params_ema' or 'params'"):
        load_published(path)
