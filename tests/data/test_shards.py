from __future__ import annotations

import shutil
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from splitsr.data import shards as shards_module
from splitsr.data.pack import Pack, build_pack
from splitsr.data.shards import join_shards, write_shards
from splitsr.data.sources import ImageSource, find_images
from splitsr.errors import DataError, ImageReadError

SHARD_BYTES = 200_000


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for name in ("astronaut", "coffee", "chelsea", "rocket"):
        Image.fromarray(getattr(data, name)()).save(folder / f"{name}.jpg", quality=90)
    Image.fromarray(data.camera()).save(folder / "camera.png")
    Image.fromarray(data.coffee()[:200, :200]).save(folder / "raw, mit Ümläuten.bmp")
    return folder


@pytest.fixture(scope="module")
def pack(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("pack") / "photos.pack"
    build_pack(find_images([photos]), out)
    return out


@pytest.fixture
def shards(photos: Path, pack: Path, tmp_path: Path) -> list[Path]:
    sources = find_images([photos])
    out = tmp_path / "shards"
    return write_shards(Pack.open(pack), sources, out, shard_bytes=SHARD_BYTES)


def same_pack(first: Path, second: Path) -> bool:
    names = ("pixels.bin", "index.json")
    return all((first / name).read_bytes() == (second / name).read_bytes() for name in names)


def test_joining_gives_the_same_bytes(pack: Path, shards: list[Path], tmp_path: Path) -> None:
    assert len(shards) > 2
    report = join_shards(shards[::-1], tmp_path / "joined")
    assert same_pack(tmp_path / "joined", pack)
    assert report.packed == 6
    assert report.sha256 == Pack.open(pack).index.sha256


def test_a_folder_stands_for_its_shards(pack: Path, shards: list[Path], tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    join_shards([shards[0].parent], tmp_path / "joined", progress=lambda *c: calls.append(c))
    assert same_pack(tmp_path / "joined", pack)
    assert calls == [(done, 6) for done in range(1, 7)]


def test_shards_keep_their_size_and_hold_the_original_files(
    photos: Path, shards: list[Path]
) -> None:
    assert all(path.stat().st_size <= SHARD_BYTES for path in shards)
    total = sum(path.stat().st_size for path in shards)
    originals = sum(path.stat().st_size for path in photos.iterdir())
    assert total < originals  # the BMP is compressed, the others are as they were
    with zipfile.ZipFile(shards[0]) as file:
        assert file.read("000000") == (photos / "astronaut.jpg").read_bytes()


def test_equal_packs_give_equal_shards(
    photos: Path, pack: Path, shards: list[Path], tmp_path: Path
) -> None:
    again = write_shards(
        Pack.open(pack), find_images([photos]), tmp_path / "again", shard_bytes=SHARD_BYTES
    )
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in shards]


def test_the_checksums_are_those_of_sha256sum(shards: list[Path]) -> None:
    if not shutil.which("sha256sum"):
        pytest.skip("needs the command sha256sum")
    folder = shards[0].parent
    done = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=folder, capture_output=True)
    assert done.returncode == 0
    assert done.stdout.count(b"OK") == len(shards)


def test_skipped_images_are_in_no_shard(photos: Path, tmp_path: Path) -> None:
    sources = [*find_images([photos]), ImageSource("fake.jpg", lambda: b"no image")]
    report = build_pack(sources, tmp_path / "pack")
    assert len(report.skipped) == 1
    pack = Pack.open(tmp_path / "pack")
    paths = write_shards(pack, sources, tmp_path / "shards", shard_bytes=10**7)
    assert len(paths) == 1
    assert join_shards(paths, tmp_path / "joined").sha256 == report.sha256


def test_sides_beyond_webp_are_kept_exactly(tmp_path: Path) -> None:
    wide = np.random.default_rng(0).integers(0, 4, (20, 17000, 3), np.uint8)
    Image.fromarray(wide).save(tmp_path / "wide.bmp")
    sources = find_images([tmp_path])
    build_pack(sources, tmp_path / "pack", min_size=1)
    paths = write_shards(
        Pack.open(tmp_path / "pack"), sources, tmp_path / "shards", shard_bytes=10**7
    )
    join_shards(paths, tmp_path / "joined")
    np.testing.assert_array_equal(Pack.open(tmp_path / "joined")[0], wide)


def test_missing_shards_are_named(shards: list[Path], tmp_path: Path) -> None:
    with pytest.raises(DataError, match=rf"missing shards: 2 of {len(shards)}"):
        join_shards([shards[0], *shards[2:]], tmp_path / "joined")
    assert not (tmp_path / "joined").exists()
    with pytest.raises(DataError, match=r"9999\.shard: no such shard"):
        join_shards([*shards, tmp_path / "9999.shard"], tmp_path / "joined")
    with pytest.raises(DataError, match=r"no shards \(\*\.shard\) in this folder"):
        join_shards([tmp_path], tmp_path / "joined")


def test_shards_given_twice_are_named(shards: list[Path], tmp_path: Path) -> None:
    copy = tmp_path / "copy.shard"
    copy.write_bytes(shards[1].read_bytes())
    message = r"0002\.shard and .*copy\.shard: both are shard 2"
    with pytest.raises(DataError, match=message):
        join_shards([*shards, copy], tmp_path / "joined")


def test_shards_of_two_packs_are_refused(photos: Path, shards: list[Path], tmp_path: Path) -> None:
    sources = find_images([photos])[1:]
    build_pack(sources, tmp_path / "other")
    others = write_shards(
        Pack.open(tmp_path / "other"), sources, tmp_path / "others", shard_bytes=10**7
    )
    with pytest.raises(DataError, match="of different packs"):
        join_shards([*shards, *others], tmp_path / "joined")


@pytest.mark.parametrize("place", [0.1, 0.5, 0.9])
def test_damaged_shards_are_named(shards: list[Path], place: float, tmp_path: Path) -> None:
    damaged = bytearray(shards[1].read_bytes())
    middle = int(place * len(damaged))
    damaged[middle : middle + 8] = bytes(8)
    shards[1].write_bytes(damaged)
    with pytest.raises(DataError, match=r"0002\.shard: damaged"):
        join_shards(shards, tmp_path / "joined")
    assert not (tmp_path / "joined").exists()


@pytest.mark.parametrize("data", [b"", b"no ZIP file", "half"])
def test_cut_and_fake_shards_are_named(shards: list[Path], data: bytes, tmp_path: Path) -> None:
    half = shards[1].read_bytes()[: shards[1].stat().st_size // 2]
    shards[1].write_bytes(half if data == "half" else data)
    with pytest.raises(DataError, match=r"0002\.shard: damaged, or no shard"):
        join_shards(shards, tmp_path / "joined")


def test_a_well_formed_shard_with_other_images_is_refused(
    shards: list[Path], tmp_path: Path
) -> None:
    forged = tmp_path / "forged.shard"
    with zipfile.ZipFile(shards[1]) as old, zipfile.ZipFile(forged, "w") as new:
        for name in old.namelist():
            new.writestr(name, b"other" if name == "000000" else old.read(name))
    with pytest.raises(DataError, match=r"forged\.shard: damaged at camera\.png"):
        join_shards([shards[0], forged, *shards[2:]], tmp_path / "joined")


def test_another_decoder_is_told_from_damage(
    shards: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decode = shards_module.decode_rgb
    monkeypatch.setattr(shards_module, "decode_rgb", lambda data, **how: decode(data, **how) ^ 1)
    with pytest.raises(DataError, match=r"decode to other pixels here \(Pillow .*libjpeg"):
        join_shards(shards, tmp_path / "joined")
    monkeypatch.setattr(shards_module, "decode_rgb", undecodable)
    with pytest.raises(DataError, match=r"0001\.shard: astronaut\.jpg: no AVIF here; split with"):
        join_shards(shards, tmp_path / "joined")
    assert not (tmp_path / "joined").exists()


def undecodable(data: bytes, **how: int) -> np.ndarray:  # noqa: ARG001
    raise ImageReadError("no AVIF here")


def test_an_image_larger_than_a_shard_is_named(photos: Path, pack: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"astronaut\.jpg: needs a shard of 0\.\d+ MB"):
        write_shards(
            Pack.open(pack), find_images([photos]), tmp_path / "shards", shard_bytes=20_000
        )
    assert not (tmp_path / "shards").exists()


def test_sources_that_changed_are_named(photos: Path, pack: Path, tmp_path: Path) -> None:
    sources = find_images([photos])
    opened = Pack.open(pack)
    with pytest.raises(DataError, match=r"astronaut\.jpg: in the pack, but not among the sources"):
        write_shards(opened, sources[1:], tmp_path / "shards", shard_bytes=SHARD_BYTES)
    swapped = [ImageSource(sources[0].name, sources[1].read), *sources[1:]]
    with pytest.raises(DataError, match=r"astronaut\.jpg: has changed since it was packed"):
        write_shards(opened, swapped, tmp_path / "shards", shard_bytes=SHARD_BYTES)
    gone = [ImageSource(sources[0].name, (tmp_path / "gone").read_bytes), *sources[1:]]
    with pytest.raises(DataError, match=r"astronaut\.jpg: cannot be read any more"):
        write_shards(opened, gone, tmp_path / "shards", shard_bytes=SHARD_BYTES)
