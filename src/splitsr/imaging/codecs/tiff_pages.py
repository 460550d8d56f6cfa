"""What a TIFF says of its pages, read without Pillow, which refuses a file for any of them."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from typing import BinaryIO

from splitsr.imaging.metadata.ifd import INTEGERS, Directories

_Tags = Mapping[int, tuple[int, ...]]
_KIND, _OLD_KIND, _COMPRESSION, _PHOTOMETRIC, _BELOW, _DNG_VERSION = 254, 255, 259, 262, 330, 50706
_REDUCED_OR_MASK = 0b101
_OLD_REDUCED = 2
# Colour filter arrays and linear raw; the codings of Nikon, Sony, Samsung, Kodak and Pentax.
_RAW_PHOTOMETRICS = frozenset({32803, 34892})
_RAW_CODINGS = frozenset({34713, 32767, 32769, 32770, 65000, 65535})
_MOST_DIRECTORIES = 1000
_MOST_VALUES = 64


def count_pages(file: BinaryIO) -> int:
    """Pages that are images: neither reduced copies of the first one nor masks for it."""
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


def _is_part(tags: _Tags) -> bool:
    kind, old = tags.get(_KIND, (0,))[0], tags.get(_OLD_KIND, (0,))[0]
    return bool(kind & _REDUCED_OR_MASK) or old == _OLD_REDUCED


def _directories(file: BinaryIO, *, below: bool) -> Iterator[_Tags]:
    """The directories of the file's chain, with those below them if asked for; damage ends it."""
    found = Directories(file)
    waiting, seen = [found.first], {0}
    while waiting and len(seen) <= _MOST_DIRECTORIES:
        place = waiting.pop(0)
        if place in seen:
            continue
        seen.add(place)
        try:
            tags, following = _integers(found, place), found.following(place)
        except struct.error:
            tags, following = {}, 0
        yield tags
        waiting += [following, *(tags.get(_BELOW, ()) if below else ())]


def _integers(found: Directories, place: int) -> _Tags:
    """The short lists of integers in a directory."""
    return {
        tag: struct.unpack(f"{found.order}{field.values}{INTEGERS[field.kind]}", field.data)
        for tag, field in found.fields(place).items()
        if field.kind in INTEGERS and field.values <= _MOST_VALUES
    }
