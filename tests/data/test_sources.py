from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from splitsr.data.sources import decode_rgb, find_images
from splitsr.errors import DataError, ImageError, ImageTooLargeError


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def save(path: Path, image: Image.Image | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    (image or Image.new("RGB", (8, 8))).save(path)


def test_images_are_found_in_subfolders_in_order(tmp_path: Path) -> None:
    for name in ("b.png", "a/z.JPG", "a/y.webp", "c.tiff"):
        save(tmp_path / name)
    save(tmp_path / ".hidden.png")
    (tmp_path / "notes.txt").write_text("no image")
    (tmp_path / "folder.png").mkdir()
    names = [source.name for source in find_images([tmp_path])]
    assert names == ["a/y.webp", "a/z.JPG", "b.png", "c.tiff"]


def test_names_of_several_folders_begin_with_the_folder(tmp_path: Path) -> None:
    save(tmp_path / "two" / "x.png")
    save(tmp_path / "one" / "x.png")
    sources = find_images([tmp_path / "two", tmp_path / "one"])
    assert [source.name for source in sources] == ["two/x.png", "one/x.png"]
    assert sources[0].read() == (tmp_path / "two" / "x.png").read_bytes()


def test_two_images_of_one_name_are_refused(tmp_path: Path) -> None:
    save(tmp_path / "a" / "set" / "x.png")
    save(tmp_path / "b" / "set" / "x.png")
    with pytest.raises(DataError, match=r"a second image named set/x\.png"):
        find_images([tmp_path / "a" / "set", tmp_path / "b" / "set"])


def test_missing_and_empty_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone: no such folder"):
        find_images([tmp_path / "gone"])
    with pytest.raises(DataError, match=r"no images found; looked for \.avif \.bmp"):
        find_images([tmp_path])


def test_orientation_is_applied() -> None:
    photo = Image.fromarray(data.chelsea())
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned clockwise by 90 degrees
    turned = decode_rgb(encoded(photo, exif=exif))
    np.testing.assert_array_equal(turned, np.rot90(data.chelsea(), -1))


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "YCbCr"])
def test_other_modes_become_rgb(mode: str) -> None:
    image = Image.fromarray(data.chelsea()).convert(mode)
    kind = "TIFF" if mode in ("CMYK", "YCbCr") else "PNG"
    pixels = decode_rgb(encoded(image, kind))
    assert pixels.dtype == np.uint8
    np.testing.assert_array_equal(pixels, np.array(image.convert("RGB")))


def test_sixteen_bit_gray_is_scaled_and_not_clipped() -> None:
    levels = np.array([[0, 128, 129, 257, 32896, 65535]], np.uint16)
    pixels = decode_rgb(encoded(Image.fromarray(levels)))
    np.testing.assert_array_equal(pixels[0, :, 0], [0, 0, 1, 1, 128, 255])
    np.testing.assert_array_equal(pixels[..., 1:], pixels[..., :2])


def test_transparent_pixels_lie_on_white() -> None:
    rgba = np.array([[[10, 20, 30, 255], [10, 20, 30, 0], [0, 0, 0, 51]]], np.uint8)
    pixels = decode_rgb(encoded(Image.fromarray(rgba)))
    np.testing.assert_array_equal(pixels[0], [[10, 20, 30], [255, 255, 255], [204, 204, 204]])


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the file is empty"),
        (b"certainly no image", "not an image"),
        (encoded(Image.fromarray(data.coffee()))[:20000], "the PNG is truncated"),
        (encoded(Image.fromarray(data.coffee()), "JPEG")[:9000], "the JPEG is truncated"),
        (encoded(Image.new("1", (20000, 10001))), r"20000x10001 is 200\.0 megapixels, above the"),
    ],
    ids=["empty", "fake", "png", "jpeg", "bomb"],
)
def test_broken_images_say_what_is_wrong(data: bytes, reason: str) -> None:
    with pytest.raises(ImageError, match=rf"^(?!image data).*{reason}"):
        decode_rgb(data)


def test_the_limit_of_pixels_can_be_chosen() -> None:
    photo = encoded(Image.fromarray(data.chelsea()))
    with pytest.raises(ImageTooLargeError, match="451x300"):
        decode_rgb(photo, max_pixels=300 * 451 - 1)
    assert decode_rgb(photo, max_pixels=300 * 451).shape == (300, 451, 3)
