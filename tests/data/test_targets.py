"""Teacher targets: the teacher's own pixels, resumed to the same bytes, checked before use."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from splitsr.data.pack import Pack, PackWriter
from splitsr.data.patches import PairedPixels, lr_images, plan_patches, stack_plan
from splitsr.data.targets import Upscale, find_targets, write_targets
from splitsr.errors import DataError
from splitsr.imaging.resize import rescale_bicubic

Pixels = NDArray[np.uint8]


@pytest.fixture
def pack(tmp_path: Path, photo: Pixels) -> Pack:
    folder = tmp_path / "photos.pack"
    folder.mkdir()
    with PackWriter(folder) as writer:
        for number, (height, width) in enumerate([(99, 163), (98, 120), (100, 101)]):
            writer.add(f"{number}.png", np.ascontiguousarray(photo[:height, :width]))
        writer.finish()
    return Pack.open(folder)


def teacher(lr: Pixels) -> Pixels:
    return rescale_bicubic(lr, 2)


def teach(pack: Pack, upscale: Upscale = teacher, model: str = "cubic") -> Path:
    return write_targets(pack, lr_images(pack, 2), upscale, 2, "cubic", model=model)


def test_targets_are_cut_where_the_patches_are(pack: Pack) -> None:
    teach(pack)
    pixels = PairedPixels.open(pack, 2, targets="cubic")
    plan = plan_patches(pixels.lr_sizes, seed=1, step=0, batch_size=8, patch_size=24)
    lr, _, target, _ = pixels.cut(stack_plan(plan), 24)
    assert target is not None
    for i, image in enumerate(lr):
        own = teacher((image * 255).round().byte().permute(1, 2, 0).numpy())
        wanted = torch.from_numpy(own).permute(2, 0, 1) / 255
        # Away from the borders, where the teacher saw beyond the patch.
        torch.testing.assert_close(
            target[i, :, 8:-8, 8:-8], wanted[:, 8:-8, 8:-8], atol=1.01 / 255, rtol=0
        )


def test_a_stopped_call_goes_on_to_the_same_bytes(pack: Pack) -> None:
    whole = teach(pack).read_bytes()
    calls = 0

    def stopping(lr: Pixels) -> Pixels:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise KeyboardInterrupt
        return teacher(lr)

    path = find_targets(pack, "cubic", 2)
    path.unlink()
    with pytest.raises(KeyboardInterrupt):
        teach(pack, stopping)
    with pytest.raises(DataError, match="no finished targets"):
        find_targets(pack, "cubic", 2)
    with path.with_suffix(".partial").open("ab") as file:
        file.write(b"half an image")
    calls = 3
    assert teach(pack, stopping).read_bytes() == whole
    assert calls == 4


def test_another_teacher_begins_anew(pack: Pack) -> None:
    with pytest.raises(ZeroDivisionError):
        teach(pack, lambda lr: teacher(lr) if lr.shape[0] == 49 and lr.shape[1] == 81 else 1 // 0)
    path = teach(pack, lambda lr: 255 - teacher(lr), "negative")
    assert path.read_bytes()[:3] == (255 - teacher(lr_images(pack, 2)(0)))[0, 0].tobytes()


def test_damaged_or_foreign_targets_are_refused(pack: Pack) -> None:
    path = teach(pack)
    content = bytearray(path.read_bytes())
    content[1000] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match="wrong sha256; make them"):
        PairedPixels.open(pack, 2, targets="cubic")
    with pytest.raises(DataError, match="no finished targets"):
        PairedPixels.open(pack, 2, targets="other")
    record = path.with_suffix(".json")
    record.write_text(record.read_text().replace(pack.index.sha256, "0" * 64))
    with pytest.raises(DataError, match="another pack"):
        PairedPixels.open(pack, 2, targets="cubic")
