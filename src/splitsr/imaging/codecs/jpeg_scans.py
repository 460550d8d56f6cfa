"""The scans of a JPEG: is each of them whole, and are there no more than anyone needs?

libjpeg leaves gray what its data do not reach, and Pillow keeps its warnings to itself. It also
decodes any number of scans, though each of them costs time for every pixel.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from splitsr.errors import ImageReadError

if TYPE_CHECKING:
    from PIL import Image

# In entropy-coded data FF is followed by 00 (stuffing), a restart marker or another FF (fill).
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_END_OF_IMAGE, _SCAN, _PROGRESSIVE = 0xD9, 0xDA, 0xC2
_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_HUFFMAN_FRAMES = frozenset({0xC0, 0xC1, _PROGRESSIVE})
_STANDALONE = frozenset({0x01, *range(0xD0, 0xD9)})
_MOST_SCANS = 100  # a usual progressive JPEG has 10
_COEFFICIENTS = 64
_GRAY = (128, (128, 128, 128))
# Data that belong to no image, and every restart marker. The first byte makes an FF before it
# a stuffed one.
_FILLER = b"".join(
    b"\0\x5a\x13\xc7\x2e\x91\x68\x3d" * 4 + bytes((0xFF, 0xD0 + n)) for n in range(8)
)


class _Scan(NamedTuple):
    """One pass over the coefficients (ITU-T T.81, sections B.2.3 and G.1.1.1)."""

    components: bytes
    first: int
    last: int
    low_bit: int


class _Jpeg(NamedTuple):
    """What the markers of a JPEG say, to its end or to where it breaks off."""

    frame: int  # marker; 0 for none
    height: int
    width: int
    components: bytes
    scans: tuple[_Scan, ...]
    data_ends: tuple[int, ...]  # where the entropy-coded data of each scan end
    ends: bool


def check_jpeg(data: bytes) -> None:
    """Refuse a JPEG that ends early, as far as its markers tell, or has too many scans.

    Raises:
        ImageReadError: it does.
    """
    jpeg = _read(data)
    if not jpeg.ends:
        raise ImageReadError("the JPEG is truncated (it has no end-of-image marker)")
    if len(jpeg.scans) > _MOST_SCANS:
        raise ImageReadError(
            f"the JPEG has {len(jpeg.scans)} scans; up to {_MOST_SCANS} are decoded"
        )
    if jpeg.frame in _HUFFMAN_FRAMES and jpeg.height * jpeg.width > 8 * 64 * len(data):
        raise ImageReadError("the JPEG is truncated (less than a bit for each block of pixels)")
    if jpeg.frame == _PROGRESSIVE and not _has_all_scans(jpeg):
        raise ImageReadError("the JPEG is truncated (scans are missing)")


def check_jpeg_filled(
    image: Image.Image, stream: BinaryIO, reopen: Callable[[BinaryIO], Image.Image]
) -> None:
    """Refuse a JPEG whose data end before its pixels do.

    Such an image is another one with more data at the end of each scan; to a whole one they make
    no difference. Baseline images are tried only if they end in the gray of missing blocks.

    Args:
        image: the image, opened.
        stream: its file, seekable.
        reopen: opens another file of the same kind.

    Raises:
        ImageReadError: rows are missing.
    """
    image.load()
    width, height = image.size
    plain = image.mode in ("L", "RGB") and "progressive" not in image.info
    if plain and image.getpixel((width - 1, height - 1)) not in _GRAY:
        return
    stream.seek(0)
    filled = reopen(io.BytesIO(_with_filler(stream.read())))
    for row in range(height):
        box = (0, row, width, row + 1)
        if image.crop(box).tobytes() != filled.crop(box).tobytes():
            raise ImageReadError(f"the JPEG is truncated (complete up to row {row} of {height})")


def has_jpeg_rows(data: bytes, rows: int) -> bool:
    """Whether a JPEG inside another file has its end, and at least so many rows."""
    jpeg = _read(data)
    return jpeg.ends and jpeg.height >= rows


def _read(data: bytes) -> _Jpeg:
    """Walk the markers: an embedded thumbnail has an end marker of its own."""
    frame, height, width, components, in_scan = 0, 0, 0, b"", False
    scans: list[_Scan] = []
    data_ends: list[int] = []
    position, ends = 2, False
    while not ends and (found := _MARKER.search(data, position)) is not None:
        if in_scan:
            data_ends.append(found.start())
        position = found.end()
        marker = data[position - 1]
        ends, in_scan = marker == _END_OF_IMAGE, marker == _SCAN
        if marker in _STANDALONE or ends:
            continue
        length = int.from_bytes(data[position : position + 2])
        body = data[position + 2 : position + length]
        position += length  # covers a scan's header too; its data are skipped by the next search
        if marker in _FRAMES and not frame:
            frame, height, width = marker, int.from_bytes(body[1:3]), int.from_bytes(body[3:5])
            components = body[6::3]
        elif in_scan:
            scans.append(_scan(body))
    return _Jpeg(frame, height, width, components, tuple(scans), tuple(data_ends), ends)


def _scan(body: bytes) -> _Scan:
    count = body[0] if body else 0
    if len(body) < 4 + 2 * count:
        raise ImageReadError("the JPEG is truncated (within the header of a scan)")
    first, last, bits = body[1 + 2 * count : 4 + 2 * count]
    return _Scan(body[1 : 1 + 2 * count : 2], first, last, bits & 15)


def _has_all_scans(jpeg: _Jpeg) -> bool:
    """Whether the scans together bring every bit of every coefficient."""
    left = {(one, k): 16 for one in jpeg.components for k in range(_COEFFICIENTS)}
    for scan in jpeg.scans:
        for one in scan.components:
            left.update({(one, k): scan.low_bit for k in range(scan.first, scan.last + 1)})
    return not any(left.values())


def _with_filler(data: bytes) -> bytes:
    parts, start = [], 0
    for end in _read(data).data_ends:
        parts += [data[start:end], _FILLER]
        start = end
    return b"".join([*parts, data[start:]])
