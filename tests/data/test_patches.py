"""Patches: seeded, aligned, and cut as plain slicing would."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec
import numpy as np
import pytest
import skimage.data
import torch
from hypothesis import given
from hypothesis import strategies as st

from splitsr.data.degradations import Degradation
from splitsr.data.pack import Pack, PackWriter
from splitsr.data.patches import (
    FLIP_COLUMNS,
    FLIP_ROWS,
    TRANSPOSE,
    PairedPixels,
    Patches,
    PatchPlan,
    plan_patches,
    stack_plan,
)
from splitsr.errors import DataError, ImageWriteError
from splitsr.imaging.resize import resize_bicubic

SIZES = np.array([[30, 41], [64, 20], [8, 100]])


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    folder = tmp_path_factory.mktemp("data") / "photos.pack"
    folder.mkdir()
    with PackWriter(folder) as writer:
        for number, (height, width) in enumerate([(121, 163), (98, 200)]):
            photo = skimage.data.astronaut()[:height, :width]
            writer.add(f"{number}.png", np.ascontiguousarray(photo))
        writer.finish()
    return Pack.open(folder)


def plan(step: int = 0, **changes: object) -> PatchPlan:
    settings: dict[str, object] = {"seed": 3, "batch_size": 64, "patch_size": 16}
    return plan_patches(SIZES, step=step, **{**settings, **changes})  # type: ignore[arg-type]


def test_same_seed_and_step_same_plan() -> None:
    assert torch.equal(stack_plan(plan(5)), stack_plan(plan(5)))
    assert not torch.equal(stack_plan(plan(5)), stack_plan(plan(6)))
    assert not torch.equal(stack_plan(plan(5)), stack_plan(plan(5, seed=4)))


@given(step=st.integers(0, 10**6))
def test_patches_lie_inside_images_that_hold_them(step: int) -> None:
    drawn = plan(step)
    assert set(drawn.image) <= {0, 1}  # image 2 is 8 pixels high
    assert (drawn.top >= 0).all()
    assert (drawn.left >= 0).all()
    assert (drawn.top + 16 <= SIZES[drawn.image, 0]).all()
    assert (drawn.left + 16 <= SIZES[drawn.image, 1]).all()


def test_no_image_holds_the_patch() -> None:
    with pytest.raises(DataError, match="128x128"):
        plan(patch_size=128)


def test_every_symmetry_and_corner_is_drawn() -> None:
    drawn = plan(batch_size=4000)
    assert set(drawn.symmetry) == set(range(8))
    first = drawn.image == 0
    assert (drawn.top[first].min(), drawn.top[first].max()) == (0, 14)
    assert (drawn.left[first].min(), drawn.left[first].max()) == (0, 25)
    assert set(plan(augment=False).symmetry) == {0}


def test_area_sampling_follows_the_area() -> None:
    drawn = plan(batch_size=20_000, sampling="area")
    assert np.mean(drawn.image == 0) == pytest.approx(1230 / (1230 + 1280), abs=0.02)


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("symmetry", range(8))
def test_cut_equals_slicing(pack: Pack, scale: int, symmetry: int) -> None:
    pixels = PairedPixels.open(pack, scale)
    image, top, left, size = 1, 5, 7, 9
    lr, hr, *_ = pixels.cut(torch.tensor([[image], [top], [left], [symmetry], [-1]]), size)
    photo = pack[image]
    height, width = photo.shape[0] // scale, photo.shape[1] // scale
    whole_lr = resize_bicubic(photo[: height * scale, : width * scale], height, width)
    assert torch.equal(lr[0], expected(whole_lr, top, left, size, symmetry))
    assert torch.equal(hr[0], expected(photo, top * scale, left * scale, size * scale, symmetry))


def expected(image: np.ndarray, top: int, left: int, size: int, symmetry: int) -> torch.Tensor:
    patch = image[top : top + size, left : left + size]
    if symmetry & FLIP_ROWS:
        patch = patch[::-1]
    if symmetry & FLIP_COLUMNS:
        patch = patch[:, ::-1]
    if symmetry & TRANSPOSE:
        patch = patch.swapaxes(0, 1)
    return torch.from_numpy(patch.astype(np.float32).transpose(2, 0, 1) / np.float32(255))


def test_lr_is_made_once_and_remade_when_damaged(pack: Pack) -> None:
    calls: list[tuple[int, int]] = []

    def made() -> bool:
        """Whether opening the pack makes the LR."""
        calls.clear()
        PairedPixels.open(pack, 4, progress=lambda done, total: calls.append((done, total)))
        return calls == [(1, 2), (2, 2)]

    path, sums = pack.folder / "lr_x4.bin", pack.folder / "lr_x4.sha256"
    path.write_bytes(b"short")
    assert made()
    assert not made()
    good = path.read_bytes()
    path.write_bytes(good[:99] + bytes([good[99] ^ 1]) + good[100:])
    assert made()
    assert path.read_bytes() == good
    sums.unlink()
    assert made()
    lines = sums.read_text().splitlines()
    assert lines[0].split() == [hashlib.sha256(good).hexdigest(), "lr_x4.bin"]
    assert lines[1].split() == [pack.index.sha256, "pixels.bin"]
    sums.write_text(sums.read_text().replace(pack.index.sha256, "0" * 64))  # of another pack
    assert made()
    assert not made()
    assert sorted(p.name for p in pack.folder.glob("lr_x4.*")) == ["lr_x4.bin", "lr_x4.sha256"]
    assert not list(pack.folder.glob(".*"))


def test_lr_that_cannot_be_written_is_one_line(pack: Pack) -> None:
    path = pack.folder / "lr_x3.bin"
    path.unlink(missing_ok=True)
    path.mkdir()
    with pytest.raises(ImageWriteError, match="is a folder"):
        PairedPixels.open(pack, 3)
    path.rmdir()


DEGRADATION = Degradation(variants=3, clean=0.25, noise=0.5, jpeg=1, quality=(20, 60))


def drawn(pixels: PairedPixels, step: int, batch_size: int = 32) -> tuple[torch.Tensor, Patches]:
    """A step's plan and its patches."""
    plan = stack_plan(
        plan_patches(
            pixels.lr_sizes,
            seed=3,
            step=step,
            batch_size=batch_size,
            patch_size=12,
            degradation=DEGRADATION,
        )
    )
    return plan, pixels.cut(plan, 12, DEGRADATION)


def degraded_file(pack: Pack) -> Path:
    [path] = pack.folder.glob("lr_x4_*.bin")
    return path


def test_degraded_patches_are_of_the_variant_and_all_else_stays(pack: Pack) -> None:
    pixels = PairedPixels.open(pack, 4, degradations=[DEGRADATION])
    plan, patches = drawn(pixels, 5)
    same = pixels.cut(plan, 12)
    assert torch.equal(patches.hr, same.hr)
    assert patches.clean is not None
    assert torch.equal(patches.clean, same.lr)
    assert same.clean is None
    assert set(plan[4].tolist()) == {-1, 0, 1, 2}
    bytes_each = pixels.lr_sizes.prod(axis=1) * 3
    stored = np.split(np.fromfile(degraded_file(pack), np.uint8), [3 * bytes_each[0]])
    for (image, top, left, symmetry, variant), lr, clean in zip(
        plan.T.tolist(), patches.lr, patches.clean, strict=True
    ):
        if variant == -1:
            assert torch.equal(lr, clean)
            continue
        whole = stored[image].reshape(3, *pixels.lr_sizes[image], 3)[variant]
        assert torch.equal(lr, expected(whole, top, left, 12, symmetry))
        assert not torch.equal(lr, clean)


def test_variants_are_in_the_order_of_their_error_and_severity_picks_among_them(pack: Pack) -> None:
    pixels = PairedPixels.open(pack, 4, degradations=[DEGRADATION])
    for image in range(2):
        clean = pixels.lr.image(image).astype(int)
        variants = pixels.degraded[DEGRADATION]
        errors = [((variants.image(3 * image + i) - clean) ** 2).mean() for i in range(3)]
        assert 0 < errors[0] < errors[1] < errors[2]
    for severity, variant in ((0.0, 0), (0.32, 0), (0.34, 1), (0.99, 2), (1.0, 2)):
        drawn_so = plan(degradation=DEGRADATION, severity=severity)
        assert set(drawn_so.variant.tolist()) == {variant}
        assert torch.equal(stack_plan(drawn_so)[:4], stack_plan(plan())[:4])


def test_the_clean_share_and_every_place_on_the_grid_of_blocks_are_drawn(pack: Pack) -> None:
    pixels = PairedPixels.open(pack, 4, degradations=[DEGRADATION])
    plan, _ = drawn(pixels, 0, batch_size=8000)
    assert (plan[4] < 0).double().mean() == pytest.approx(0.25, abs=0.02)
    assert len(set(zip((plan[1] % 8).tolist(), (plan[2] % 8).tolist(), strict=True))) == 64


def test_a_degraded_patch_depends_on_seed_and_step_and_not_on_its_neighbours(pack: Pack) -> None:
    pixels = PairedPixels.open(pack, 4, degradations=[DEGRADATION])
    plan, patches = drawn(pixels, 7)
    assert torch.equal(patches.lr, drawn(pixels, 7)[1].lr)
    assert not torch.equal(plan, drawn(pixels, 8)[0])
    backwards = pixels.cut(plan.flip(1), 12, DEGRADATION)
    assert torch.equal(backwards.lr, patches.lr.flip(0))
    one_of_two = pixels.cut(plan[:, 1::2], 12, DEGRADATION)
    assert torch.equal(one_of_two.lr, patches.lr[1::2])


def test_a_degradation_changes_no_other_draw() -> None:
    degraded, clean = plan(5, degradation=DEGRADATION), plan(5)
    assert torch.equal(stack_plan(degraded)[:4], stack_plan(clean)[:4])


def test_degraded_images_are_made_once_and_to_the_same_bits(pack: Pack) -> None:
    calls: list[tuple[int, int]] = []

    def made(degradation: Degradation) -> list[tuple[int, int]]:
        calls.clear()
        PairedPixels.open(
            pack, 4, degradations=[degradation], progress=lambda *call: calls.append(call)
        )
        return calls

    made(DEGRADATION)
    path = degraded_file(pack)
    good = path.read_bytes()
    assert not made(DEGRADATION)
    assert not made(msgspec.structs.replace(DEGRADATION, clean=0.9))
    path.write_bytes(good[:50] + bytes([good[50] ^ 1]) + good[51:])
    assert made(DEGRADATION) == [(done, 2) for done in range(1, 3)]
    assert path.read_bytes() == good
    assert made(msgspec.structs.replace(DEGRADATION, noise=0.6))
    assert path.read_bytes() == good
    other = set(pack.folder.glob("lr_x4_*.bin")) - {path}
    assert {file.read_bytes() != good for file in other} == {True}
    for file in other:
        file.unlink()
