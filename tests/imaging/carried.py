"""Small files with metadata, and what comes of them in each format."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from splitsr.imaging.codecs.formats import FORMATS, WRITABLE
from splitsr.imaging.files import Metadata, Photo, read_photo, write_photo

# What is written without an optional package; JPEG XL has tests of its own.
BUILT_IN = tuple(name for name in WRITABLE if not FORMATS[name].extra)
CORPUS = Path(__file__).resolve().parents[1] / "corpus" / "metadata"
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def doubled(source: bytes | Path) -> Photo:
    """A photo that was read, twice as large, each pixel four times."""
    photo = read_photo(source)
    alpha = None if photo.alpha is None else photo.alpha.repeat(2, 0).repeat(2, 1)
    return Photo(photo.color.repeat(2, 0).repeat(2, 1), alpha, photo.metadata, photo.format)


def written(photo: Photo, format_name: str) -> bytes:
    stream = io.BytesIO()
    write_photo(photo, stream, format=format_name)
    return stream.getvalue()


def carried(source: bytes | Path, format_name: str) -> Metadata:
    """What of a file is in its enlargement."""
    return read_photo(written(doubled(source), format_name)).metadata


def encoded(format_name: str, mode: str = "RGB", **options: Any) -> bytes:
    stream = io.BytesIO()
    Image.new(mode, (16, 12)).save(stream, format_name, **options)
    return stream.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">L", len(body)) + kind + body + struct.pack(">L", zlib.crc32(kind + body))


def png_with(*chunks: bytes, level: int = 55, mode: str = "RGB", late: bool = False) -> bytes:
    """A PNG of one level with more chunks, before its pixels or behind them."""
    stream = io.BytesIO()
    Image.fromarray(np.full((12, 16, 3), level, np.uint8)).convert(mode).save(stream, "PNG")
    data = stream.getvalue()
    at = data.index(b"IEND" if late else b"IDAT") - 4
    return data[:at] + b"".join(chunks) + data[at:]


def chunks_of(data: bytes) -> list[tuple[bytes, bytes]]:
    assert data.startswith(PNG_SIGNATURE)
    found, at = [], len(PNG_SIGNATURE)
    while at < len(data):
        length, kind = struct.unpack_from(">L4s", data, at)
        found.append((kind, data[at + 8 : at + 8 + length]))
        at += 12 + length
    return found
