"""Damage of the kinds that files have, and that people make to break readers."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Callable, Sequence

_EDGES = (0, 1, 2, 3, 7, 8, 16, 127, 128, 255, 256, 32_767, 32_768, 65_535, 65_536)
_EDGES_32 = (*_EDGES, 2**24, 2**31 - 1, 2**31, 2**32 - 2, 2**32 - 1)
_PNG = b"\x89PNG\r\n\x1a\n"


def mutate(data: bytes, others: Sequence[bytes], rng: random.Random) -> bytes:
    """A damaged copy of a file, the same for the same state of `rng`.

    Args:
        data: the file.
        others: files that parts may come from.
        rng: where all choices come from.
    """
    broken = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        if broken:
            rng.choice(_MUTATIONS)(broken, others, rng)
    # Where a checksum guards what was damaged, little behind it would ever be reached.
    return _with_checksums(bytes(broken)) if rng.random() < 0.7 else bytes(broken)


def _flip(data: bytearray, _: Sequence[bytes], rng: random.Random) -> None:
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _set_byte(data: bytearray, _: Sequence[bytes], rng: random.Random) -> None:
    data[_place(data, rng)] = rng.randrange(256)


def _set_number(data: bytearray, _: Sequence[bytes], rng: random.Random) -> None:
    """Writes an extreme number, as a size, count or offset may be."""
    code = rng.choice(("<H", ">H", "<L", ">L"))
    edges = _EDGES if code[1] == "H" else _EDGES_32
    value = rng.choice((*edges, len(data), len(data) - 1))
    packed = struct.pack(code, min(value, 65_535) if code[1] == "H" else value)
    place = _place(data, rng)
    data[place : place + len(packed)] = packed


def _cut(data: bytearray, _: Sequence[bytes], rng: random.Random) -> None:
    del data[rng.randrange(len(data)) :]


def _remove(data: bytearray, _: Sequence[bytes], rng: random.Random) -> None:
    start = rng.randrange(len(data))
    del data[start : start + rng.choice((1, 2, 4, 12, 100))]


def _repeat(data: bytearray, _: Sequence[bytes], rng: random.Random) -> None:
    start, size = rng.randrange(len(data)), rng.choice((1, 4, 12, 60, 300))
    data[start:start] = data[start : start + size] * rng.choice((1, 1, 2, 30))


def _clear(data: bytearray, _: Sequence[bytes], rng: random.Random) -> None:
    start = rng.randrange(len(data))
    size = min(rng.choice((2, 8, 64, 1000)), len(data) - start)
    data[start : start + size] = bytes([rng.choice((0, 0, 255))]) * size


def _splice(data: bytearray, others: Sequence[bytes], rng: random.Random) -> None:
    other = rng.choice(others)
    start = rng.randrange(len(other))
    part = other[start : start + rng.choice((4, 32, 400))]
    place = rng.randrange(len(data))
    data[place : place + rng.choice((0, len(part)))] = part


_MUTATIONS: tuple[Callable[[bytearray, Sequence[bytes], random.Random], None], ...] = (
    *(_flip, _set_byte, _set_byte, _set_number, _set_number, _set_number),
    *(_cut, _remove, _repeat, _clear, _splice),
)


def _place(data: bytearray, rng: random.Random) -> int:
    """Anywhere, but mostly near the beginning, where headers are."""
    return rng.randrange(min(len(data), rng.choice((64, 300, len(data)))))


def _with_checksums(data: bytes) -> bytes:
    """A PNG whose chunks have the checksums of what they hold now; other files as they are."""
    if not data.startswith(_PNG):
        return data
    parts, place = [_PNG], len(_PNG)
    while place + 12 <= len(data):
        (size,) = struct.unpack_from(">L", data, place)
        end = place + 8 + size
        if end + 4 > len(data):
            break
        body = data[place + 4 : end]
        parts.append(data[place : place + 4] + body + struct.pack(">L", zlib.crc32(body)))
        place = end + 4
    return b"".join([*parts, data[place:]])
