"""What an image file says besides its pixels, and how it is made to fit them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from splitsr.imaging.codecs.png_chunks import COLOURS, Chunk, find_text
from splitsr.imaging.metadata import exif, icc, xmp


@dataclass(frozen=True)
class Metadata:
    """What is kept of an image besides its pixels.

    Attributes:
        exif: EXIF block from its TIFF header on (no `Exif` prefix), orientation 1.
        icc_profile: ICC profile that fits the pixels (gray or RGB), the file's or one made of what
            it says about its colours.
        xmp: XMP packet, its orientation 1.
        iptc: IPTC data (IIM).
        dpi: horizontal and vertical pixels an inch, 1 to 65535.
        comment: JPEG or GIF comment.
        png_chunks: PNG chunks of colours and texts, as they are; they go into a PNG alone.
        size: height and width of the image that the rest was written for.
        losses: what the file held that is not kept, each in a few words.
    """

    exif: bytes | None = None
    icc_profile: bytes | None = None
    xmp: bytes | None = None
    iptc: bytes | None = None
    dpi: tuple[float, float] | None = None
    comment: bytes | None = None
    png_chunks: tuple[Chunk, ...] = ()
    size: tuple[int, int] | None = None
    losses: tuple[str, ...] = ()

    def any_comment(self) -> bytes | None:
        """The comment, or what a PNG says under that keyword (UTF-8)."""
        return self.comment or find_text(self.png_chunks, b"Comment")

    def for_pixels(self, height: int, width: int, *, gray: bool) -> Metadata:
        """The same for another size, or for gray that has become RGB."""
        profile = icc.fit_profile(self.icc_profile, gray=gray)
        size = (height, width)
        return replace(
            self,
            exif=exif.with_size(self.exif, *size) if self.exif else None,
            xmp=xmp.with_size(self.xmp, size, self.size) if self.xmp else None,
            icc_profile=profile,
            png_chunks=self.png_chunks if profile is self.icc_profile else self._without_colours(),
            size=size,
        )

    def colours_alone(self) -> Metadata:
        """What the pixels need to be shown rightly, and nothing that tells of their origin."""
        chunks = tuple(chunk for chunk in self.png_chunks if chunk.kind in COLOURS)
        return Metadata(icc_profile=self.icc_profile, png_chunks=chunks, size=self.size)

    def _without_colours(self) -> tuple[Chunk, ...]:
        return tuple(chunk for chunk in self.png_chunks if chunk.kind not in COLOURS)
