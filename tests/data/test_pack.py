from __future__ import annotations

import hashlib
import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from skimage import data

from splitsr.data.pack import Pack, build_pack
from splitsr.data.sources import ImageSource, decode_rgb, find_images
from splitsr.errors import DataError

TRAIN = Path(__file__).resolve().parents[3] / "shared" / "data" / "train"


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for name in ("astronaut", "coffee", "chelsea"):
        Image.fromarray(getattr(data, name)()).save(folder / f"{name}.jpg", quality=90)
    Image.fromarray(data.camera()).save(folder / "camera.png")
    return folder


@pytest.fixture
def pack(photos: Path, tmp_path: Path) -> Path:
    build_pack(find_images([photos]), tmp_path / "photos.pack")
    return tmp_path / "photos.pack"


def edit_index(pack: Path, edit: Callable[[dict], object]) -> None:
    index = json.loads((pack / "index.json").read_text())
    edit(index)
    (pack / "index.json").write_text(json.dumps(index))


def test_a_pack_holds_the_decoded_images(photos: Path, pack: Path) -> None:
    opened = Pack.open(pack)
    assert opened.names == ("astronaut.jpg", "camera.png", "chelsea.jpg", "coffee.jpg")
    assert opened.sizes.dtype == np.int64
    np.testing.assert_array_equal(opened.sizes, [(512, 512), (512, 512), (300, 451), (400, 600)])
    assert len(opened) == 4
    for position, name in enumerate(opened.names):
        expected = decode_rgb((photos / name).read_bytes())
        np.testing.assert_array_equal(opened[position], expected)
    opened.verify()


def test_images_are_read_only_views_of_the_file(pack: Path) -> None:
    image = Pack.open(pack)[1]
    assert not image.flags.owndata
    with pytest.raises(ValueError, match="read-only"):
        image[0, 0, 0] = 1


def test_positions_are_those_of_a_sequence(pack: Path) -> None:
    opened = Pack.open(pack)
    np.testing.assert_array_equal(opened[-1], opened[3])
    assert [image.shape for image in opened] == [(*size, 3) for size in opened.sizes.tolist()]
    with pytest.raises(IndexError):
        opened[4]


def test_the_report_counts_and_names(photos: Path, tmp_path: Path) -> None:
    for photo in photos.iterdir():
        (tmp_path / photo.name).write_bytes(photo.read_bytes())
    (tmp_path / "fake.jpg").write_bytes(b"no image")
    (tmp_path / "cut.jpg").write_bytes((photos / "coffee.jpg").read_bytes()[:4000])
    Image.new("RGB", (400, 95)).save(tmp_path / "tiny.png")
    sources = find_images([tmp_path])
    sources.append(ImageSource("gone.png", (tmp_path / "gone.png").read_bytes))
    calls: list[tuple[int, int]] = []
    report = build_pack(sources, tmp_path / "out", progress=lambda *call: calls.append(call))
    assert report.packed == 4
    assert report.pixels == 2 * 512 * 512 + 300 * 451 + 400 * 600
    reasons = dict(report.skipped)
    assert list(reasons) == ["cut.jpg", "fake.jpg", "tiny.png", "gone.png"]
    assert "truncated" in reasons["cut.jpg"]
    assert "not an image" in reasons["fake.jpg"]
    assert reasons["tiny.png"] == "400x95 pixels, smaller than 96"
    assert "No such file" in reasons["gone.png"]
    assert calls == [(done, 8) for done in range(1, 9)]
    pixels = (tmp_path / "out" / "pixels.bin").read_bytes()
    assert report.sha256 == hashlib.sha256(pixels).hexdigest()


def test_least_size_can_be_chosen(photos: Path, tmp_path: Path) -> None:
    report = build_pack(find_images([photos]), tmp_path / "out", min_size=400)
    assert [name for name, _ in report.skipped] == ["chelsea.jpg"]


def test_the_same_images_give_the_same_bytes(photos: Path, pack: Path, tmp_path: Path) -> None:
    build_pack(find_images([photos]), tmp_path / "again")
    for name in ("pixels.bin", "index.json"):
        assert (tmp_path / "again" / name).read_bytes() == (pack / name).read_bytes()


def test_nothing_usable_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "fake.png").write_bytes(b"no image")
    with pytest.raises(DataError, match=r"none of 1 images is usable; the first: fake\.png: not"):
        build_pack(find_images([tmp_path / "in"]), tmp_path / "out")
    with pytest.raises(DataError, match="no images to pack"):
        build_pack([], tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_an_interrupted_build_leaves_the_old_pack(photos: Path, pack: Path) -> None:
    before = Pack.open(pack).index
    stop = [find_images([photos])[0], ImageSource("x.png", interrupted)]
    with pytest.raises(KeyboardInterrupt):
        build_pack(stop, pack, overwrite=True)
    assert Pack.open(pack).index == before
    assert [path.name for path in pack.parent.iterdir()] == [pack.name]


def interrupted() -> bytes:
    raise KeyboardInterrupt


def test_what_exists_is_replaced_only_on_demand(photos: Path, pack: Path) -> None:
    coffee = [source for source in find_images([photos]) if source.name == "coffee.jpg"]
    with pytest.raises(DataError, match=r"already exists.*--overwrite"):
        build_pack(coffee, pack)
    assert len(Pack.open(pack)) == 4
    build_pack(coffee, pack, overwrite=True)
    assert Pack.open(pack).names == ("coffee.jpg",)
    assert [path.name for path in pack.parent.iterdir()] == [pack.name]


def test_a_place_that_cannot_be_written(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match="cannot be written"):
        build_pack(find_images([photos]), tmp_path / "file" / "pack")


def test_a_full_disk_is_reported_and_cleaned_up(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("needs /dev/full, a device that is always full")
    opened = Path.open

    def open_full(path: Path, *args: Any, **options: Any) -> Any:
        return opened(full if path.name == "pixels.bin" else path, *args, **options)

    monkeypatch.setattr(Path, "open", open_full)
    with pytest.raises(DataError, match="cannot be written: No space left on device"):
        build_pack(find_images([photos]), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda p: (p / "index.json").unlink(), r"not a pack \(no index\.json\)"),
        (lambda p: (p / "index.json").write_text("{"), "damaged, or of another version"),
        (lambda p: edit_index(p, lambda i: i.update(version=2)), "of another version"),
        (lambda p: edit_index(p, lambda i: i.update(format="zip")), "of another version"),
        (lambda p: edit_index(p, lambda i: i.update(nbytes=3)), r"\d+ bytes, not 3"),
        (lambda p: edit_index(p, lambda i: i["images"].clear()), "images of 0 bytes"),
        (lambda p: edit_index(p, lambda i: i["images"].pop(1)), r"at image chelsea\.jpg"),
        (lambda p: edit_index(p, lambda i: i["images"][0].update(height=0)), "at image astronaut"),
        (lambda p: (p / "pixels.bin").unlink(), r"pixels\.bin: cannot be read: No such file"),
        (lambda p: (p / "pixels.bin").write_bytes(b"short"), "5 bytes, its index says"),
    ],
)
def test_damaged_packs_are_refused(
    pack: Path, spoil: Callable[[Path], object], message: str
) -> None:
    spoil(pack)
    with pytest.raises(DataError, match=message):
        Pack.open(pack)


def test_changed_pixels_are_found_by_verify(pack: Path) -> None:
    pixels = bytearray((pack / "pixels.bin").read_bytes())
    pixels[12345] ^= 1
    (pack / "pixels.bin").write_bytes(pixels)
    with pytest.raises(DataError, match="wrong sha256; make the pack again"):
        Pack.open(pack).verify()


def test_one_image_at_a_time_is_in_memory(tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    Image.fromarray(np.zeros((1000, 1000, 3), np.uint8)).save(photo)
    sources = [ImageSource(str(i), photo.read_bytes) for i in range(20)]
    build_pack(sources[:1], tmp_path / "warm-up")
    tracemalloc.start()
    try:
        build_pack(sources, tmp_path / "out")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 * 3_000_000


def test_real_training_photos(tmp_path: Path) -> None:
    if not TRAIN.is_dir():
        pytest.skip(f"no training photos: {TRAIN} is missing")
    sources = find_images([TRAIN])[:12]
    report = build_pack(sources, tmp_path / "out")
    assert (report.packed, report.skipped) == (12, ())
    opened = Pack.open(tmp_path / "out")
    opened.verify()
    np.testing.assert_array_equal(opened[7], decode_rgb(sources[7].read()))
