"""What a TIFF holds: its directories, read without Pillow, which refuses a file for any of them."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from typing import BinaryIO

Tags = Mapping[int, tuple[int, ...]]

_KIND, _OLD_KIND, _COMPRESSION, _PHOTOMETRIC, _BELOW, _DNG_VERSION = 254, 255, 259, 262, 330, 50706
_REDUCED_OR_MASK = 0b101
_OLD_REDUCED = 2
# Colour filter arrays and linear raw; the codings of Nikon, Sony, Samsung, Kodak and Pentax.
_RAW_PHOTOMETRICS = frozenset({32803, 34892})
_RAW_CODINGS = frozenset({34713, 32767, 32769, 32770, 65000, 65535})
_CODES = {1: "B", 3: "H", 4: "L", 13: "L", 16: "Q", 18: "Q"}
_MOST_DIRECTORIES = 1000
_MOST_VALUES = 64


def count_pages(file: BinaryIO) -> int:
    """Pages that are pictures: neither reduced copies of the first one nor masks for it."""
    others = list(_directories(file, below=False))[1:]
    return 1 + sum(not _is_part(tags) for tags in others)


def is_camera_raw(file: BinaryIO) -> bool:
    """Whether a TIFF holds what a camera's sensor saw: DNG, NEF, ARW, PEF, SRW and their kind."""
    return any(
        _DNG_VERSION in tags
        or tags.get(_PHOTOMETRIC, (0,))[0] in _RAW_PHOTOMETRICS
        or tags.get(_COMPRESSION, (0,))[0] in _RAW_CODINGS
        for tags in _directories(file, below=True)
    )


def _is_part(tags: Tags) -> bool:
    kind, old = tags.get(_KIND, (0,))[0], tags.get(_OLD_KIND, (0,))[0]
    return bool(kind & _REDUCED_OR_MASK) or old == _OLD_REDUCED


def _directories(file: BinaryIO, *, below: bool) -> Iterator[Tags]:
    """The directories of the file's chain, with those below them if asked for; damage ends it."""
    file.seek(0)
    head = file.read(16)
    order = "<" if head[:2] == b"II" else ">"
    big = head[2:4] in (b"+\0", b"\0+")
    waiting = list(struct.unpack_from(order + ("Q" if big else "L"), head, 8 if big else 4))
    seen = {0}
    while waiting and len(seen) <= _MOST_DIRECTORIES:
        place = waiting.pop(0)
        if place in seen:
            continue
        seen.add(place)
        try:
            tags, following = _directory(file, order, place, big=big)
        except (struct.error, OSError, OverflowError, ValueError):  # beyond what a file can be
            tags, following = {}, 0
        yield tags
        waiting += [following, *(tags.get(_BELOW, ()) if below else ())]


def _directory(file: BinaryIO, order: str, place: int, *, big: bool) -> tuple[Tags, int]:
    """The short lists of integers of one directory, and where the next one is."""
    count_code, entry, offset_code = ("Q", "HHQ8s", "Q") if big else ("H", "HHL4s", "L")
    file.seek(place)
    (count,) = struct.unpack(order + count_code, file.read(struct.calcsize("<" + count_code)))
    content = file.read(min(count, 65_535) * struct.calcsize("<" + entry))
    following = file.read(struct.calcsize("<" + offset_code))
    tags = {}
    for tag, kind, values, field in struct.iter_unpack(order + entry, content):
        if kind in _CODES and 0 < values <= _MOST_VALUES:
            code = f"{order}{values}{_CODES[kind]}"
            size = struct.calcsize(code)
            if size > len(field):
                file.seek(*struct.unpack(order + offset_code, field))
                field = file.read(size)
            tags[tag] = struct.unpack(code, field[:size])
    return tags, *struct.unpack(order + offset_code, following)
