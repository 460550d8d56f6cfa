from __future__ import annotations

from math import inf
from pathlib import Path
from statistics import fmean

import numpy as np
import pytest
from PIL import Image
from skimage import data

from splitsr.errors import DataError
from splitsr.evaluation.metrics import psnr_y, ssim_y
from splitsr.evaluation.score import (
    Upscale,
    bicubic,
    evaluate_folder,
    evaluate_images,
    load_pairs,
    regardless,
)
from splitsr.imaging.resize import Edge

TEST_SETS = Path(__file__).resolve().parents[3] / "shared" / "data" / "test"


def hr_of(name: str) -> Path:
    folder = TEST_SETS / name / "HR"
    if not folder.is_dir():
        pytest.skip(f"no test images: {folder} is missing")
    return folder


@pytest.fixture(scope="module")
def hr_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two photos whose sizes no scale divides."""
    folder = tmp_path_factory.mktemp("HR")
    Image.fromarray(data.chelsea()[:101, :121]).save(folder / "cat.png")
    Image.fromarray(data.coffee()[:91, :83]).save(folder / "img_001_SRF_4_HR.png")
    return folder


def nearest(scale: int) -> Upscale:
    return lambda lr: lr.repeat(scale, 0).repeat(scale, 1)


@pytest.mark.parametrize(("test_set", "expected"), [("Set5", 28.43), ("Set14", 26.09)])
def test_bicubic_x4_has_the_published_figure(test_set: str, expected: float) -> None:
    result = evaluate_folder(regardless(bicubic(4)), 4, hr_of(test_set))
    assert result.bicubic.psnr_y == pytest.approx(expected, abs=0.01)
    assert result.method == result.bicubic


def test_bicubic_x4_has_the_published_figure_on_b100() -> None:
    pairs = load_pairs(hr_of("B100"), 4)
    upscale = bicubic(4)
    psnr = [psnr_y(upscale(pair.lr), pair.hr, crop_border=4) for pair in pairs]
    assert len(psnr) == 100
    assert fmean(psnr) == pytest.approx(25.96, abs=0.01)


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize(("test_set", "edge"), [("Set5", "mirror"), ("Set14", "clamp")])
def test_given_lr_images_are_those_that_are_made(test_set: str, edge: Edge, scale: int) -> None:
    hr_dir = hr_of(test_set)
    made = load_pairs(hr_dir, scale, edge=edge)
    given = load_pairs(hr_dir, scale, hr_dir.parent / "LR_bicubic")
    for ours, theirs in zip(made, given, strict=True):
        assert ours.name == theirs.name
        np.testing.assert_array_equal(ours.lr, theirs.lr)


@pytest.mark.parametrize(
    ("degrade", "expected"),
    [("jpeg=95", 26.32), ("jpeg=75", 25.78), ("jpeg=50", 25.30), ("noise=5,jpeg=90", 26.02)],
)
def test_bicubic_on_degraded_images_of_b100(tmp_path: Path, degrade: str, expected: float) -> None:
    for path in sorted(hr_of("B100").iterdir())[::5]:
        (tmp_path / path.name).symlink_to(path)
    result = evaluate_folder(regardless(bicubic(4)), 4, tmp_path, degrade=degrade)
    assert len(result.bicubic.images) == 20
    assert result.bicubic.psnr_y == pytest.approx(expected, abs=0.02)
    assert result.method == result.bicubic  # the same LR for both
    assert result.degrade == degrade


def test_scores_are_those_of_the_metrics(hr_dir: Path) -> None:
    calls: list[tuple[int, int]] = []
    result = evaluate_folder(
        regardless(nearest(4)), 4, hr_dir, progress=lambda *call: calls.append(call)
    )
    pairs = load_pairs(hr_dir, 4)
    assert [pair.hr.shape for pair in pairs] == [(100, 120, 3), (88, 80, 3)]
    for scores, upscale in ((result.method, nearest(4)), (result.bicubic, bicubic(4))):
        for score, pair in zip(scores.images, pairs, strict=True):
            sr = upscale(pair.lr)
            assert score.name == pair.name
            assert score.psnr_y == psnr_y(sr, pair.hr, crop_border=4)
            assert score.ssim_y == ssim_y(sr, pair.hr, crop_border=4)
        assert scores.psnr_y == pytest.approx(fmean(s.psnr_y for s in scores.images))
        assert scores.ssim_y == pytest.approx(fmean(s.ssim_y for s in scores.images))
    assert result.method.psnr_y < result.bicubic.psnr_y
    assert calls == [(1, 2), (2, 2)]
    assert evaluate_images(nearest(4), pairs, 4) == result.method


def test_luma_can_be_rounded(hr_dir: Path) -> None:
    pairs = load_pairs(hr_dir, 2)
    plain = evaluate_images(bicubic(2), pairs, 2)
    rounded = evaluate_images(bicubic(2), pairs, 2, round_y=True)
    assert rounded.psnr_y != plain.psnr_y
    assert rounded.psnr_y == pytest.approx(plain.psnr_y, abs=0.2)


def test_a_perfect_method_is_infinitely_good(hr_dir: Path) -> None:
    originals = iter(load_pairs(hr_dir, 4))
    result = evaluate_folder(regardless(lambda _: next(originals).hr), 4, hr_dir)
    assert result.method.psnr_y == inf
    assert result.method.ssim_y == pytest.approx(1)


def test_gray_images_have_three_equal_channels(tmp_path: Path) -> None:
    Image.fromarray(data.camera()[:64, :64]).save(tmp_path / "gray.png")
    [pair] = load_pairs(tmp_path, 4)
    assert pair.lr.shape == (16, 16, 3)
    np.testing.assert_array_equal(pair.lr[..., 0], pair.lr[..., 2])


@pytest.mark.parametrize(
    "pattern", ["{}.png", "{}x4.png", "{}_x4.png", "{}X4.bmp", "{}_LR.png", "{}-x4_LR.png"]
)
def test_lr_images_are_matched_by_name(hr_dir: Path, tmp_path: Path, pattern: str) -> None:
    for pair in load_pairs(hr_dir, 4):
        stem = Path(pair.name).stem.removesuffix("_HR")
        Image.fromarray(255 - pair.lr).save(tmp_path / pattern.format(stem))
    for given, made in zip(load_pairs(hr_dir, 4, tmp_path), load_pairs(hr_dir, 4), strict=True):
        np.testing.assert_array_equal(given.lr, 255 - made.lr)


def test_missing_ambiguous_and_wrong_lr_images_are_named(hr_dir: Path, tmp_path: Path) -> None:
    cat, coffee = load_pairs(hr_dir, 4)
    Image.fromarray(cat.lr).save(tmp_path / "catx4.png")
    with pytest.raises(DataError, match=r"no LR image for img_001_SRF_4_HR\.png; looked for img_"):
        load_pairs(hr_dir, 4, tmp_path)
    Image.fromarray(coffee.lr).save(tmp_path / "img_001_SRF_4_LR.png")
    assert len(load_pairs(hr_dir, 4, tmp_path)) == 2
    Image.fromarray(cat.lr).save(tmp_path / "cat.png")
    with pytest.raises(DataError, match=r"several LR images for cat\.png: cat\.png, catx4\.png"):
        load_pairs(hr_dir, 4, tmp_path)
    (tmp_path / "cat.png").unlink()
    Image.fromarray(cat.lr[:-1]).save(tmp_path / "catx4.png")
    with pytest.raises(DataError, match=r"catx4\.png: 30x24 pixels; .*must have 30x25"):
        load_pairs(hr_dir, 4, tmp_path)


def test_images_that_cannot_be_scored_are_named(tmp_path: Path) -> None:
    Image.new("RGB", (100, 17)).save(tmp_path / "flat.png")
    with pytest.raises(DataError, match=r"flat\.png: too small to score at x4"):
        load_pairs(tmp_path, 4)
    (tmp_path / "flat.png").write_bytes(b"no image")
    with pytest.raises(DataError, match=r"flat\.png: not an image"):
        load_pairs(tmp_path, 4)
