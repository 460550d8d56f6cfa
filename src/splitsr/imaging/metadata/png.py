"""From PNG's chunks to metadata, and back."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import Any

from splitsr.imaging.codecs.png_chunks import (
    COLOURS,
    TEXTS,
    Chunk,
    find_text,
    profile_of,
    raw_profile,
    text_chunk,
    text_of,
)
from splitsr.imaging.metadata import exif, icc
from splitsr.imaging.metadata.iptc import as_resources, find_iptc
from splitsr.imaging.metadata.metadata import Metadata

_INCH = 0.0254  # metres
_XMP_KEYWORD = b"XML:com.adobe.xmp"
_XMP_MARK = b"http://ns.adobe.com/xap/1.0/\0"
_RAW = b"Raw profile type "
_READ = COLOURS | TEXTS | {b"eXIf", b"pHYs"}
_SIZES = {b"cICP": 4, b"sRGB": 1, b"gAMA": 4, b"cHRM": 32, b"pHYs": 9}
_SRGB_LIKE = bytes([0, 1])  # matrix and range of RGB as it is


def read_png(chunks: Iterable[tuple[Chunk, bool]], *, gray: bool) -> Metadata:
    """What the chunks say that are none of the pixels'.

    Args:
        chunks: each one, and whether it is sound.
        gray: whether the pixels are gray, not RGB.
    """
    found: dict[str, Any] = {}
    kept: list[Chunk] = []
    losses: dict[str, None] = {}
    for chunk, sound in chunks:
        if chunk.kind in _READ:
            fields = _fields_of(chunk) if sound else None
            if fields is None:
                losses[f"a damaged {chunk.kind.decode()} chunk was lost"] = None
            elif fields:
                found = fields | found
            else:
                kept.append(chunk)
    colours = {chunk.kind: chunk.content for chunk in kept if chunk.kind in COLOURS}
    profile = _profile(colours, found.pop("icc_profile", None), gray=gray)
    if not (profile and icc.is_for(profile, gray=gray)):
        kept = [chunk for chunk in kept if chunk.kind != b"iCCP"]
    return Metadata(icc_profile=profile, png_chunks=tuple(kept), losses=tuple(losses), **found)


def is_png_only(chunks: Iterable[Chunk]) -> bool:
    """Whether the colours are such that of all formats PNG alone can state them (PQ, HLG)."""
    stated = [chunk.content for chunk in chunks if chunk.kind == b"cICP"]
    return any(icc.is_hdr_cicp(*said[:2]) or said[2:] != _SRGB_LIKE for said in stated)


def metadata_chunks(metadata: Metadata) -> Iterator[Chunk]:
    """What a PNG says besides its pixels, all of it before them."""
    yield from metadata.png_chunks
    if metadata.icc_profile and not any(chunk.kind in COLOURS for chunk in metadata.png_chunks):
        yield Chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(metadata.icc_profile))
    if metadata.dpi:
        yield Chunk(b"pHYs", struct.pack(">2LB", *(round(d / _INCH) for d in metadata.dpi), 1))
    if metadata.exif:
        yield Chunk(b"eXIf", metadata.exif)
    if metadata.comment and find_text(metadata.png_chunks, b"Comment") is None:
        yield text_chunk(b"Comment", _decode(metadata.comment))
    if metadata.xmp:
        yield Chunk(b"iTXt", _XMP_KEYWORD + bytes(5) + metadata.xmp)
    if metadata.iptc:
        resources = as_resources(metadata.iptc)
        text = f"\niptc\n{len(resources):8}\n{resources.hex()}\n".encode()
        yield Chunk(b"zTXt", _RAW + b"iptc\0\0" + zlib.compress(text))


def _fields_of(chunk: Chunk) -> dict[str, Any] | None:
    """What a chunk says; nothing for one that is kept as it is, None for one that is damaged."""
    kind, content = chunk
    if len(content) != _SIZES.get(kind, len(content)):
        return None
    if kind == b"eXIf":
        return {"exif": exif.strip_prefix(content)}
    if kind == b"pHYs":
        return {"dpi": _dpi(content)}
    if kind == b"iCCP":
        return None if profile_of(content) is None else {}
    keyword = content.partition(b"\0")[0]
    if kind not in TEXTS or not (keyword == _XMP_KEYWORD or keyword.startswith(_RAW)):
        return {}
    text = text_of(chunk)
    if text is None:
        return None
    return {"xmp": text[1]} if keyword == _XMP_KEYWORD else _raw_fields(keyword, text[1])


def _raw_fields(keyword: bytes, text: bytes) -> dict[str, Any] | None:
    """What ImageMagick and others hide in text, by the name that they give it."""
    content = raw_profile(text)
    match keyword.removeprefix(_RAW), content:
        case _, None:
            return None
        case b"xmp", bytes():
            return {"xmp": content.removeprefix(_XMP_MARK)}
        case b"APP1", bytes() if content.startswith(_XMP_MARK):
            return {"xmp": content.removeprefix(_XMP_MARK)}
        case b"exif" | b"APP1", bytes():
            return {"exif": exif.strip_prefix(content)}
        case b"iptc" | b"8bim", bytes():
            return {"iptc": find_iptc(content)}
        case b"icc" | b"icm", bytes():
            return {"icc_profile": content}
    return {}


def _profile(colours: dict[bytes, bytes], raw: bytes | None, *, gray: bool) -> bytes | None:
    """The profile of the pixels, by the chunk that comes first in rank (section 4.3)."""
    if b"cICP" in colours:
        return icc.cicp_profile(*colours[b"cICP"][:2], gray=gray)
    if b"iCCP" in colours:
        return profile_of(colours[b"iCCP"])
    if raw or b"sRGB" in colours:
        return raw
    gamma, corners = colours.get(b"gAMA"), colours.get(b"cHRM")
    return icc.gamma_profile(
        int.from_bytes(gamma) if gamma else None,
        struct.unpack(">8L", corners) if corners else None,
        gray=gray,
    )


def _dpi(content: bytes) -> tuple[float, float] | None:
    horizontal, vertical, unit = struct.unpack(">2LB", content)
    return (horizontal * _INCH, vertical * _INCH) if unit == 1 else None


def _decode(comment: bytes) -> str:
    """Read a comment, whose encoding no format states: UTF-8 if it can be, else Latin-1."""
    comment = comment.rstrip(b"\x00")
    try:
        return comment.decode()
    except UnicodeDecodeError:
        return comment.decode("latin-1")
