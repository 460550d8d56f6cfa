"""Patches: seeded, aligned, and cut as plain slicing would."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
import skimage.data
import torch
from hypothesis import given
from hypothesis import strategies as st

from splitsr.data.pack import Pack, PackWriter
from splitsr.data.patches import (
    FLIP_COLUMNS,
    FLIP_ROWS,
    TRANSPOSE,
    PairedPixels,
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
    lr, hr, _ = pixels.cut(torch.tensor([[image], [top], [left], [symmetry]]), size)
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
    assert sorted(p.name for p in pack.folder.glob("lr_x4*")) == ["lr_x4.bin", "lr_x4.sha256"]
    assert not list(pack.folder.glob(".*"))


def test_lr_that_cannot_be_written_is_one_line(pack: Pack) -> None:
    path = pack.folder / "lr_x3.bin"
    path.unlink(missing_ok=True)
    path.mkdir()
    with pytest.raises(ImageWriteError, match="is a folder"):
        PairedPixels.open(pack, 3)
    path.rmdir()
