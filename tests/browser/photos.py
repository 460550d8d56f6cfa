"""Photos that are opened in the app: real ones, large ones, and files that are no photos."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

EXIF_ORIENTATION = 0x0112


@dataclass(frozen=True)
class Photos:
    """Where they lie.

    Attributes:
        cat: PNG, 300x200.
        small: PNG, 96x64, a piece of the cat: for what goes on around an enlargement.
        turned: JPEG, stored 480x360 and shown 360x480 by its EXIF orientation; of several tiles.
        large: JPEG, 4000x3000, 12 megapixels of a photo with grain.
        lasting: JPEG, 2000x1500, whose enlargement lasts longer than what is tried meanwhile.
        hostile: files that must be refused, by what is wrong with them.
        tiny: PNG of one pixel.
    """

    cat: Path
    small: Path
    turned: Path
    large: Path
    lasting: Path
    hostile: dict[str, Path]
    tiny: Path


def make_photos(folder: Path, examples: Path) -> Photos:
    return Photos(
        cat=examples / "chelsea.png",
        small=make_small(folder / "small.png", examples / "chelsea.png"),
        turned=make_turned(folder / "turned.jpg", examples / "coffee.png"),
        large=make_large(folder / "large.jpg", examples / "coffee.png"),
        lasting=make_large(folder / "lasting.jpg", examples / "coffee.png", (2000, 1500)),
        hostile=make_hostile(folder, examples / "chelsea.png"),
        tiny=make_tiny(folder / "tiny.png"),
    )


def make_small(path: Path, source: Path) -> Path:
    with Image.open(source) as photo:
        photo.crop((75, 70, 171, 134)).save(path)
    return path


def make_turned(path: Path, source: Path) -> Path:
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = 6  # to be turned by 90 degrees clockwise
    with Image.open(source) as photo:
        photo.convert("RGB").resize((480, 360)).save(path, quality=90, exif=exif)
    with Image.open(path) as photo:
        assert ImageOps.exif_transpose(photo).size == (360, 480)
    return path


def make_large(path: Path, source: Path, size: tuple[int, int] = (4000, 3000)) -> Path:
    """A photo of as many pixels as a phone's, and with grain, so that decoding costs as much."""
    with Image.open(source) as photo:
        pixels = np.asarray(photo.convert("RGB").resize(size, Image.Resampling.BICUBIC), np.int16)
    grain = np.random.default_rng(0).normal(0, 6, pixels.shape[:2])[..., None]
    Image.fromarray(np.clip(pixels + grain, 0, 255).astype(np.uint8)).save(path, quality=92)
    return path


def make_tiny(path: Path) -> Path:
    Image.new("RGB", (1, 1), (200, 30, 30)).save(path)
    return path


def make_hostile(folder: Path, source: Path) -> dict[str, Path]:
    whole = source.read_bytes()
    contents = {
        "text.png": b"This is no image, whatever its name says.\n" * 20,
        "empty.jpg": b"",
        "truncated.png": whole[: len(whole) // 3],
        "huge.png": _png_header(60_000, 60_000),
        "absurd.png": _png_header(2**31 - 1, 2**31 - 1),
        "script.svg": b'<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64" '
        b'onload="top.hacked = 1"><script>top.hacked = 1</script>'
        b'<image href="http://example.com/x.png" width="64" height="64"/></svg>',
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return {name: folder / name for name in contents}


def _png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size, with hardly any data behind it."""
    parts = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"\0" * 1000)),
        (b"IEND", b""),
    ]
    chunks = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)
