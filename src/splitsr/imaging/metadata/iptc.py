"""IPTC data (IIM): alone, as TIFF has it, or among Photoshop's resources, as JPEG has it."""

from __future__ import annotations

import struct

PHOTOSHOP = b"Photoshop 3.0\0"
"""What a JPEG segment of image resources begins with."""

_SIGNATURE, _IIM = b"8BIM", 0x0404
_HEAD = struct.Struct(">4sH")


def find_iptc(resources: bytes) -> bytes | None:
    """The IPTC data among Photoshop's image resources, up to where they are damaged."""
    at = 0
    while at + 12 <= len(resources):
        signature, number = _HEAD.unpack_from(resources, at)
        if signature != _SIGNATURE:
            return None
        at += _HEAD.size
        at += (resources[at] + 2) & ~1  # a name, its length before it, padded to an even size
        size = int.from_bytes(resources[at : at + 4])
        content = resources[at + 4 : at + 4 + size]
        if number == _IIM:
            return content if len(content) == size and content else None
        at += 4 + size + size % 2
    return None


def as_resources(iptc: bytes) -> bytes:
    """IPTC data as the one image resource."""
    size = struct.pack(">L", len(iptc))
    return _HEAD.pack(_SIGNATURE, _IIM) + b"\0\0" + size + iptc + bytes(len(iptc) % 2)
