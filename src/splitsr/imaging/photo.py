"""An image between decoding and encoding, whole or row by row."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from splitsr.imaging.arrays import fill_transparent
from splitsr.imaging.degradation import Compression
from splitsr.imaging.metadata.metadata import Metadata
from splitsr.imaging.rows import Rows

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Photo:
    """An image as splitsr works on it, upright.

    Attributes:
        color: (H, W, 1) gray or (H, W, 3) RGB, uint8 or uint16, not premultiplied.
        alpha: (H, W) of the same dtype, 0 transparent; None for an image without.
        metadata: what the file said besides its pixels.
        format: Pillow's name of the format it was read from, such as `PNG`.
        compression: how the file lost detail, or may have; None for a lossless one.
    """

    color: NDArray[Any]
    alpha: NDArray[Any] | None = None
    metadata: Metadata = field(default_factory=Metadata)
    format: str = "PNG"
    compression: Compression | None = None

    @property
    def height(self) -> int:
        """Rows of pixels."""
        return int(self.color.shape[0])

    @property
    def width(self) -> int:
        """Columns of pixels."""
        return int(self.color.shape[1])

    def opaque_color(self) -> NDArray[Any]:
        """The colour, continued under transparent pixels by that of visible ones around them.

        What is stored there (often black) would otherwise bleed into the visible edge.
        """
        if self.alpha is None or self.alpha.all():
            return self.color
        return fill_transparent(self.color, self.alpha)

    def rows(self) -> PhotoRows:
        """The same image, row by row."""
        alpha = None if self.alpha is None else Rows.of(self.alpha[:, :, None])
        return PhotoRows(Rows.of(self.color), alpha, self.metadata, self.format)


@dataclass(frozen=True, eq=False)
class PhotoRows:
    """An image whose rows come as they are asked for, once.

    Attributes:
        color: 1 or 3 channels, not premultiplied.
        alpha: 1 channel of the same size and dtype; None for an image without.
        metadata: what the file said besides its pixels.
        format: Pillow's name of the format it was read from.
    """

    color: Rows
    alpha: Rows | None
    metadata: Metadata
    format: str

    @property
    def height(self) -> int:
        """Rows of pixels."""
        return self.color.height

    @property
    def width(self) -> int:
        """Columns of pixels."""
        return self.color.width

    def rows(self) -> PhotoRows:
        """Itself."""
        return self
