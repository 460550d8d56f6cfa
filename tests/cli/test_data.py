from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from splitsr.data.pack import Pack
from splitsr.data.patches import PairedPixels
from splitsr.errors import DataError
from tests.conftest import call_main

SPLITSR = Path(sys.executable).with_name("splitsr")


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return call_main("data", *arguments, text=True)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos [2024]"  # brackets are markup to rich
    (folder / "more").mkdir(parents=True)
    Image.fromarray(data.coffee()).save(folder / "coffee.jpg", quality=90)
    Image.fromarray(data.chelsea()).save(folder / "more" / "cat.png")
    (folder / "cut [b].jpg").write_bytes((folder / "coffee.jpg").read_bytes()[:5000])
    Image.new("RGB", (50, 50)).save(folder / "tiny.png")
    return folder


def test_pack_names_what_it_skips(photos: Path, tmp_path: Path) -> None:
    call = [SPLITSR, "data", "pack", photos, "-o", tmp_path / "out.pack"]
    done = subprocess.run(call, capture_output=True, text=True)
    assert done.returncode == 0
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert lines[0].startswith("skipped cut [b].jpg: the JPEG is truncated")
    assert lines[1] == "skipped tiny.png: 50x50 pixels, smaller than 96"
    assert "2 images, 0.4 megapixels, 2 skipped, sha256 " in lines[2]
    pack = Pack.open(tmp_path / "out.pack")
    assert pack.names == ("coffee.jpg", "more/cat.png")
    np.testing.assert_array_equal(pack[1], data.chelsea())


def test_shards_join_to_the_same_pack(photos: Path, tmp_path: Path) -> None:
    done = run("pack", photos, "-o", tmp_path / "out.pack", "--shard-mb", "0.25")
    assert done.returncode == 0, done.stderr
    shards = sorted((tmp_path / "out.pack.shards").glob("*.shard"))
    assert len(shards) == 2
    assert f"2 shards, {sum(path.stat().st_size for path in shards) / 1e6:.1f} MB" in done.stderr
    done = run("join", *reversed(shards), "-o", tmp_path / "joined.pack")
    assert done.returncode == 0, done.stderr
    for name in ("pixels.bin", "index.json"):
        joined = (tmp_path / "joined.pack" / name).read_bytes()
        assert joined == (tmp_path / "out.pack" / name).read_bytes()


def test_a_missing_shard_is_named(photos: Path, tmp_path: Path) -> None:
    run("pack", photos, "-o", tmp_path / "out.pack", "--shard-mb", "0.25")
    first = tmp_path / "out.pack.shards" / "0001.shard"
    done = run("join", first, "-o", tmp_path / "joined.pack")
    assert done.returncode == 1
    assert done.stderr == "splitsr: missing shards: 2 of 2; give all of them\n"


def test_nothing_usable_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "fake.png").write_bytes(b"no image")
    done = run("pack", tmp_path / "in", "-o", tmp_path / "out.pack")
    assert done.returncode == 1
    assert done.stderr.startswith("splitsr: none of 1 images is usable; the first: fake.png: not")
    assert not (tmp_path / "out.pack").exists()


def test_an_existing_pack_is_kept_without_overwrite(photos: Path, tmp_path: Path) -> None:
    assert run("pack", photos, "-o", tmp_path / "out.pack").returncode == 0
    done = run("pack", photos, "-o", tmp_path / "out.pack", "--min-size", "350")
    assert (done.returncode, "already exists" in done.stderr) == (1, True)
    done = run("pack", photos, "-o", tmp_path / "out.pack", "--min-size", "350", "--overwrite")
    assert done.returncode == 0
    assert Pack.open(tmp_path / "out.pack").names == ("coffee.jpg",)


@pytest.mark.parametrize(
    "arguments",
    [
        ["pack"],
        ["pack", "photos"],
        ["join", "-o", "x"],
        ["pack", ".", "-o", "y", "--shard-mb", "0"],
    ],
)
def test_wrong_calls_have_exit_code_2(arguments: list[str]) -> None:
    assert run(*arguments).returncode == 2


@pytest.mark.parametrize(
    "words", ["pair x.pack --lr x.pack --scale 4", "teach x.pack --model splitsr-fast-x4"]
)
def test_without_torch_it_says_what_to_install(words: str, tmp_path: Path) -> None:
    (tmp_path / "x.pack").mkdir()
    blocked = "import sys; sys.modules['torch'] = None; from splitsr.cli.main import main; main()"
    call = [sys.executable, "-c", blocked, "data", *words.split()]
    done = subprocess.run(call, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 1
    assert "needs torch: pip install 'splitsr[train]'" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.fixture
def pairs(tmp_path: Path) -> tuple[Path, Path]:
    """A pack of one photo and a folder with its LR image, which no bicubic makes."""
    hr, lr = tmp_path / "HR", tmp_path / "LR"
    hr.mkdir()
    lr.mkdir()
    coffee = Image.fromarray(data.coffee())
    coffee.save(hr / "coffee_HR.png")
    coffee.resize((150, 100), Image.Resampling.NEAREST).save(lr / "coffee_LR4.png")
    run("pack", hr, "-o", tmp_path / "out.pack")
    (lr / "coffee_LR4.png").rename(lr / "coffeex4.png")
    return tmp_path / "out.pack", lr


def test_a_pack_takes_given_lr_images(pairs: tuple[Path, Path]) -> None:
    pack, lr = pairs
    done = run("pair", pack, "--lr", lr, "--scale", "4")
    assert done.returncode == 0, done.stderr
    found = PairedPixels.open(Pack.open(pack), 4).lr.image(0)
    np.testing.assert_array_equal(found, np.asarray(Image.open(lr / "coffeex4.png")))


def test_given_lr_images_are_never_replaced(pairs: tuple[Path, Path]) -> None:
    pack, lr = pairs
    run("pair", pack, "--lr", lr, "--scale", "4")
    with (pack / "lr_x4.bin").open("r+b") as file:
        file.write(b"damage")
    with pytest.raises(DataError, match=r"lr_x4\.bin: damaged; take its images again with splitsr"):
        PairedPixels.open(Pack.open(pack), 4)


def test_an_lr_image_of_another_size_is_named(pairs: tuple[Path, Path]) -> None:
    pack, lr = pairs
    done = run("pair", pack, "--lr", lr, "--scale", "3")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        f"splitsr: {lr}: no LR image for coffee_HR.png; looked for coffee_HR and coffee_HRx3"
    )
    done = run("pair", pack, "--lr", lr, "--scale", "2")
    (lr / "coffeex4.png").rename(lr / "coffee.png")
    done = run("pair", pack, "--lr", lr, "--scale", "2")
    assert "coffee.png: 150x100 pixels; the LR image of coffee_HR.png at x2" in done.stderr
    assert not (pack / "lr_x2.bin").exists()


def test_what_was_made_of_other_lr_images_goes_first(pairs: tuple[Path, Path]) -> None:
    pack, lr = pairs
    (pack / "target_teacher_x4.bin").touch()
    done = run("pair", pack, "--lr", lr, "--scale", "4")
    assert done.returncode == 1
    assert "has target_teacher_x4.bin, made of its LR images; remove them first" in done.stderr
