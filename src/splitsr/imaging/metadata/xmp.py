"""XMP packets, edited where they stand: every byte that need not change stays.

Properties that no longer hold are taken out: those of parts of the file that are not kept, such as
gain maps, and the orientation; sizes in pixels are set anew. A prefix stands for the namespace that
the packet binds it to, or for the usual one where it binds none.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from xml.parsers import expat

_TIFF, _EXIF = "http://ns.adobe.com/tiff/1.0/", "http://ns.adobe.com/exif/1.0/"
_GPANO = "http://ns.google.com/photos/1.0/panorama/"
_DIMENSIONS = "http://ns.adobe.com/xap/1.0/sType/Dimensions#"
_CAMERA = "http://ns.google.com/photos/1.0/camera/"
_CONTAINER = "http://ns.google.com/photos/1.0/container/"
_REGIONS = "http://www.metadataworkinggroup.com/schemas/regions/"
_PREFIXES = {"tiff": _TIFF, "exif": _EXIF, "GPano": _GPANO, "stDim": _DIMENSIONS}
# Namespaces of what lies behind a JPEG's end, and what that is.
_GONE = {
    "http://ns.adobe.com/hdr-gain-map/1.0/": "gain map",
    "http://ns.apple.com/HDRGainMap/1.0/": "gain map",
    "http://ns.google.com/photos/1.0/depthmap/": "depth map",
    "http://ns.google.com/photos/1.0/image/": "second image",
    "http://ns.google.com/photos/1.0/audio/": "sound",
    "http://ns.google.com/photos/dd/1.0/device/": "depth map",
    _CONTAINER: "",
    f"{_CONTAINER}item/": "",
}
_ITEMS = {b"GainMap": "gain map", b"MotionPhoto": "video", b"Depth": "depth map"}
_EXTENDED = ("http://ns.adobe.com/xmp/note/", "HasExtendedXMP")
_PLACES = (_REGIONS, "http://ns.microsoft.com/photo/1.2/")  # of faces, in the image as it lay
_WIDTHS = {
    (_TIFF, "ImageWidth"),
    (_EXIF, "PixelXDimension"),
    *((_GPANO, name) for name in ("FullPanoWidthPixels", "CroppedAreaImageWidthPixels")),
    *((_GPANO, name) for name in ("CroppedAreaLeftPixels", "LargestValidInteriorRectLeft")),
    (_GPANO, "LargestValidInteriorRectWidth"),
    (_DIMENSIONS, "w"),
}
_HEIGHTS = {
    (_TIFF, "ImageLength"),
    (_EXIF, "PixelYDimension"),
    *((_GPANO, name) for name in ("FullPanoHeightPixels", "CroppedAreaImageHeightPixels")),
    *((_GPANO, name) for name in ("CroppedAreaTopPixels", "LargestValidInteriorRectTop")),
    (_GPANO, "LargestValidInteriorRectHeight"),
    (_DIMENSIONS, "h"),
}
_SET = (_TIFF, _EXIF)  # of the image itself; the others may be of a larger one
_TAG = re.compile(rb"""<[^\s/>"']+(?:\s+[^\s=>"']+\s*=\s*(?:"[^"]*"|'[^']*'))*\s*/?>""")
_ATTRIBUTE = re.compile(rb"""\s+([^\s=>"']+)\s*=\s*("[^"]*"|'[^']*')""")
_MOST_BYTES = 256  # of an element's content that is looked at
_MOST_MARKS = 200_000  # tags and attributes of a packet, a few seconds' work

_Change = Callable[[str, str, bytes], "bytes | None"]
"""The new value of a property, by its namespace and name; None takes it out. A namespace's
declaration has no name; of an element's content a change sees the beginning."""


def orientation(packet: bytes) -> int:
    """How the pixels are to be turned, 1 to 8; 1 where a packet does not say."""
    found = [1]

    def look(space: str, name: str, value: bytes) -> bytes:
        if (space, name) == (_TIFF, "Orientation") and value in (b"%d" % n for n in range(1, 9)):
            found.append(int(value))
        return value

    _edit(packet, look)
    return found[-1]


def upright(packet: bytes, *, turned: bool) -> tuple[bytes | None, tuple[str, ...]]:
    """Reset the orientation, and take out what tells of parts that are not kept.

    Args:
        packet: the XMP.
        turned: whether the pixels were turned; places in them are taken out then.

    Returns:
        The packet, None for one that is too large to look through, and what was lost with it, such
        as the `gain map` that it told of.
    """
    if _is_huge(packet):
        return None, ("XMP",)
    gone: dict[str, None] = {}

    def change(space: str, name: str, value: bytes) -> bytes | None:
        if (space, name) == (_TIFF, "Orientation"):
            return b"1"
        if space == _CAMERA and name.startswith(("MotionPhoto", "MicroVideo")):
            gone["video"] = None
        elif space in _GONE and name:
            items = [part for item, part in _ITEMS.items() if item in value]
            gone.update(dict.fromkeys([*items, _GONE[space]]))
        elif (space, name) == _EXTENDED:
            gone["second part of the XMP"] = None
        elif space not in _GONE and not (turned and space in _PLACES):
            return value
        return None

    changed = _edit(packet, change)
    return changed, tuple(part for part in gone if part)


def with_size(packet: bytes, size: tuple[int, int], old: tuple[int, int] | None) -> bytes:
    """Set the sizes and places in pixels that a packet states.

    Args:
        packet: the XMP.
        size: height and width of the image.
        old: those of the image that the packet was written for, if they are known.
    """

    def change(space: str, name: str, value: bytes) -> bytes:
        axis = 0 if (space, name) in _HEIGHTS else 1
        if (space, name) not in (_HEIGHTS, _WIDTHS)[axis] or not value.isdigit():
            return value
        if space in _SET:
            return b"%d" % size[axis]
        if old is None or len(value) > 9:
            return value
        return b"%d" % round(int(value) * size[axis] / old[axis])

    return _edit(packet, change)


def _edit(packet: bytes, change: _Change) -> bytes:
    """Apply a change to all attributes and elements, up to where the packet is no XML."""
    if _is_huge(packet):
        return packet
    editor = _Editor(packet, change)
    with suppress(expat.ExpatError, _NotEditableError):
        editor.parser.Parse(packet, True)
    return editor.result()


def _is_huge(packet: bytes) -> bool:
    return packet.count(b"<") + packet.count(b"=") > _MOST_MARKS


class _NotEditableError(Exception):
    """A packet that is not what XMP may be."""


class _Editor:
    def __init__(self, packet: bytes, change: _Change) -> None:
        self._packet, self._change = packet, change
        self._spaces = dict(_PREFIXES)
        self._open: list[tuple[int, int]] = []  # start and end of the tags around
        self._edits: list[tuple[int, int, bytes]] = []
        self.parser = expat.ParserCreate("UTF-8")
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.StartDoctypeDeclHandler = self._refuse

    def result(self) -> bytes:
        parts, done = [], 0
        for start, stop, content in self._edits:
            parts += [self._packet[done:start], content]
            done = stop
        return b"".join([*parts, self._packet[done:]])

    def _refuse(self, *_: object) -> None:
        raise _NotEditableError  # XMP has no document type, and what one may do has no bounds

    def _start(self, _: str, attributes: dict[str, Any]) -> None:
        start = self.parser.CurrentByteIndex
        tag = _TAG.match(self._packet, start)
        if tag is None:
            raise _NotEditableError
        for name, value in attributes.items():
            if name.startswith("xmlns:"):
                self._spaces[name[6:]] = value
        self._open.append((start, tag.end()))
        for found in _ATTRIBUTE.finditer(self._packet, start, tag.end()):
            old = found[2][1:-1]
            new = self._changed(found[1], old)
            if new is None:
                self._edits.append((*found.span(), b""))
            elif new != old:
                self._edits.append((found.start(2) + 1, found.end(2) - 1, new))

    def _end(self, name: str) -> None:
        start, inside = self._open.pop()
        end = self.parser.CurrentByteIndex
        is_empty = self._packet[inside - 2 : inside] == b"/>"
        stop = inside if is_empty else self._packet.index(b">", end) + 1
        old = b"" if is_empty else self._packet[inside : min(end, inside + _MOST_BYTES)].strip()
        new = self._changed(name.encode(), old)
        if new is None:
            while self._edits and self._edits[-1][0] >= start:
                self._edits.pop()
            self._edits.append((start, stop, b""))
        elif new != old:
            self._edits.append((inside, end, new))

    def _changed(self, name: bytes, value: bytes) -> bytes | None:
        prefix, _, local = name.decode("utf-8", "replace").partition(":")
        if prefix == "xmlns":
            return self._change(value.decode("utf-8", "replace"), "", value)
        space = self._spaces.get(prefix)
        return value if space is None or not local else self._change(space, local, value)
