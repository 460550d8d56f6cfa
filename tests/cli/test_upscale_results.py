"""What a result is like: its size in pixels, its name, and what it has of its input's file."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image, ImageCms

from splitsr.batch.target_size import TargetSize
from splitsr.cli.main import cli
from splitsr.cli.upscale_progress import batch_progress
from splitsr.errors import ImageWriteError
from splitsr.imaging.files import read_photo
from splitsr.runtime.upscaler import Progress


@pytest.fixture
def upscale(tiny_model: Path) -> Callable[..., Result]:
    def run(*words: object) -> Result:
        call = ["upscale", "--model", tiny_model, "--threads", 1, *words]
        return CliRunner().invoke(cli, [str(word) for word in call])

    return run


@pytest.fixture
def image(tmp_path: Path, photo: np.ndarray) -> Path:
    """tree.jpg, 40 columns and 30 rows, with a comment and EXIF's artist."""
    exif = Image.Exif()
    exif[0x013B] = "Ada"
    path = tmp_path / "tree.jpg"
    Image.fromarray(photo[:30, :40]).save(path, exif=exif, comment="a tree", dpi=(72, 72))
    return path


@pytest.mark.parametrize(
    ("words", "name", "size"),
    [
        (("--width", 100), "tree_100w.jpg", (100, 75)),
        (("--height", 101), "tree_101h.jpg", (135, 101)),
        (("--max-side", 111), "tree_111px.jpg", (111, 83)),
        (("--width", 200, "--height", 90), "tree_200w90h.jpg", (120, 90)),
        (("--width", 320), "tree_320w.jpg", (320, 240)),
    ],
)
def test_a_size_in_pixels_is_reached(
    upscale: Callable[..., Result],
    image: Path,
    words: tuple[object, ...],
    name: str,
    size: tuple[int, int],
) -> None:
    result = upscale(image, *words, "--json")
    assert result.exit_code == 0, result.stderr
    larger = read_photo(image.parent / name)
    assert (larger.width, larger.height) == size
    (found,) = json.loads(result.stdout)["results"]
    assert found["scale"] == pytest.approx(size[0] / 40, rel=0.01)
    assert found["size_out"] == list(size[::-1])


def test_an_image_that_cannot_have_the_size_fails_alone(
    upscale: Callable[..., Result], image: Path, photo: np.ndarray
) -> None:
    Image.fromarray(photo[:1, :1]).save(image.parent / "dot.png")
    Image.fromarray(photo[:100, :200]).save(image.parent / "wide.png")
    result = upscale(image.parent, "--width", 100)
    assert result.exit_code == 1
    lines = result.stderr.splitlines()
    assert "dot.png: is 1x1: 100w would be 100 times larger; the limit is 64 times" in lines[0]
    assert "wide.png: is already 200x100: 100w would not enlarge it" in lines[1]
    assert lines[2:] == ["splitsr: wrote 1 of 3 images, 2 failed"]
    # What an earlier call wrote is no input of the next one.
    again = upscale(image.parent, "--width", 100, "--skip-existing")
    assert "tree_100w.jpg: left out" in again.stderr


def test_of_several_bounds_the_tightest_counts() -> None:
    assert TargetSize(width=400, height=400).scale(100, 200) == 2
    assert TargetSize(height=400).scale(100, 200) == 4
    assert TargetSize(side=300).scale(100, 200) == 1.5
    with pytest.raises(ImageWriteError, match="already"):
        TargetSize(side=200).scale(100, 200)


@pytest.mark.parametrize("words", [("--scale", 2, "--width", 100), ("--width", 0)])
def test_wrong_sizes_are_refused(
    upscale: Callable[..., Result], image: Path, words: tuple[object, ...]
) -> None:
    assert upscale(image, *words).exit_code == 2


def test_names_are_made_as_asked_for(upscale: Callable[..., Result], image: Path) -> None:
    out = image.parent / "out"
    assert upscale(image, "-o", f"{out}/", "--name", "{stem}").exit_code == 0
    assert upscale(image, "-o", f"{out}/", "--name", "big {stem} ({size})").exit_code == 0
    assert sorted(path.name for path in out.iterdir()) == ["big tree (x4).jpg", "tree.jpg"]
    itself = upscale(image, "--name", "{stem}", "--overwrite")
    assert itself.exit_code == 1
    assert "its output" in itself.stderr


@pytest.mark.parametrize("name", ["large", "{stem}/{size}", "{stem}_{scale}", "{stem", "{}"])
def test_names_that_name_nothing_are_refused(
    upscale: Callable[..., Result], image: Path, name: str
) -> None:
    result = upscale(image, "--name", name)
    assert result.exit_code == 2
    assert "found" in result.stderr


def test_metadata_is_kept_or_stripped(upscale: Callable[..., Result], image: Path) -> None:
    assert upscale(image, "--name", "kept {stem}").exit_code == 0
    assert upscale(image, "--name", "bare {stem}", "--strip-metadata").exit_code == 0
    kept, bare = (read_photo(image.parent / f"{name} tree.jpg") for name in ("kept", "bare"))
    assert kept.metadata.comment == b"a tree"
    assert b"Ada" in (kept.metadata.exif or b"")
    assert (bare.metadata.comment, bare.metadata.exif, bare.metadata.xmp) == (None, None, None)
    np.testing.assert_array_equal(kept.color, bare.color)


def test_a_stripped_image_keeps_its_colours(upscale: Callable[..., Result], image: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    with Image.open(image) as opened:
        opened.save(image.with_suffix(".png"), icc_profile=profile)
    image.unlink()
    assert upscale(image.with_suffix(".png"), "--strip-metadata").exit_code == 0
    assert read_photo(image.with_name("tree_x4.png")).metadata.icc_profile == profile


def test_times_are_kept_on_request(upscale: Callable[..., Result], image: Path) -> None:
    os.utime(image, (1_000_000_000, 1_100_000_000))
    assert upscale(image, "--name", "new {stem}").exit_code == 0
    assert upscale(image, "--name", "old {stem}", "--keep-times").exit_code == 0
    changed = {name: (image.parent / f"{name} tree.jpg").stat().st_mtime for name in ("new", "old")}
    assert changed["old"] == 1_100_000_000
    assert changed["new"] > 1_100_000_000


def test_a_log_is_told_now_and_then_how_far_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = iter(range(0, 1000, 16))
    monkeypatch.setattr("splitsr.cli.upscale_progress.monotonic", lambda: next(clock))
    with batch_progress([100, 300]) as progress:
        progress.start("a", 100)
        progress.tile(Progress(1, 1, 10, 10))  # after 16 s
        progress.finish()
        progress.start("b", 300)
        progress.tile(Progress(1, 4, 1, 4))  # after 32 s
        progress.tile(Progress(2, 4, 2, 4))
        progress.tile(Progress(3, 4, 3, 4))  # after 64 s
    assert capsys.readouterr().err.splitlines() == [
        "splitsr: image 2 of 2, 44% of all",
        "splitsr: image 2 of 2, 81% of all",
    ]
