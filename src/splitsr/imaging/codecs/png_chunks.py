"""What stands in PNG's chunks of text and colour (PNG, third edition, section 11.3)."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import NamedTuple

MOST_BYTES = 1 << 26
"""Of a chunk that is kept, packed or unpacked."""

TEXTS = frozenset({b"tEXt", b"zTXt", b"iTXt"})
COLOURS = frozenset({b"cICP", b"iCCP", b"sRGB", b"gAMA", b"cHRM", b"mDCV", b"cLLI"})


class Chunk(NamedTuple):
    """A chunk's type and content."""

    kind: bytes
    content: bytes


def text_of(chunk: Chunk) -> tuple[bytes, bytes] | None:
    """Keyword and text, as UTF-8, of a text chunk; None if it is damaged or unpacks to much."""
    keyword, found, rest = chunk.content.partition(b"\0")
    if not found:
        return None
    if chunk.kind == b"tEXt":
        return keyword, _to_utf8(rest)
    if chunk.kind == b"zTXt":
        text = inflate(rest[1:])
        return None if text is None else (keyword, _to_utf8(text))
    packed, parts = rest[:1] == b"\1", rest[2:].split(b"\0", 2)
    text = parts[-1] if len(parts) == 3 else None
    if text is not None and packed:
        text = inflate(text)
    return None if text is None else (keyword, text)


def find_text(chunks: Iterable[Chunk], keyword: bytes) -> bytes | None:
    """The first text under a keyword, as UTF-8."""
    texts = (text_of(chunk) for chunk in chunks if chunk.kind in TEXTS)
    return next(
        (text for found in texts if found for name, text in [found] if name == keyword), None
    )


def text_chunk(keyword: bytes, text: str) -> Chunk:
    """A text chunk: tEXt where Latin-1 will do, iTXt elsewhere."""
    try:
        return Chunk(b"tEXt", keyword + b"\0" + text.encode("latin-1"))
    except UnicodeEncodeError:
        return Chunk(b"iTXt", keyword + bytes(5) + text.encode())


def raw_profile(text: bytes) -> bytes | None:
    """The bytes in ImageMagick's `Raw profile type` texts: a name, a length, hexadecimal digits."""
    parts = text.strip().split(b"\n", 2)
    try:
        return bytes.fromhex(parts[2].decode("ascii")) if len(parts) == 3 else None
    except ValueError:
        return None


def profile_of(content: bytes) -> bytes | None:
    """The ICC profile of an iCCP chunk; None if it is damaged."""
    return inflate(content.partition(b"\0")[2][1:])


def inflate(content: bytes) -> bytes | None:
    """Unpack a zlib stream, to 64 MiB at most; None if it is damaged or more."""
    unpacker = zlib.decompressobj()
    try:
        unpacked = unpacker.decompress(content, MOST_BYTES)
    except zlib.error:
        return None
    return unpacked if unpacker.eof else None


def _to_utf8(text: bytes) -> bytes:
    return text.decode("latin-1").encode()
