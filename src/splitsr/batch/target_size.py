"""The size that an image is to reach, in pixels, whatever it has."""

from __future__ import annotations

from dataclasses import dataclass

from splitsr.errors import ImageWriteError
from splitsr.runtime.scale_plan import MAX_SCALE


@dataclass(frozen=True)
class TargetSize:
    """Bounds that the result touches and keeps; its shape stays that of the image.

    Attributes:
        width: most columns; None for any number.
        height: most rows; None for any number.
        side: most pixels of the longer side; None for any number.
    """

    width: int | None = None
    height: int | None = None
    side: int | None = None

    @property
    def label(self) -> str:
        """What names of results say, such as `4000w` or `3840w2160h`."""
        parts = ((self.width, "w"), (self.height, "h"), (self.side, "px"))
        return "".join(f"{pixels}{unit}" for pixels, unit in parts if pixels)

    def scale(self, height: int, width: int) -> float:
        """The enlargement of an image, from 1 to 64.

        Args:
            height: rows of the image.
            width: columns of it.

        Raises:
            ImageWriteError: the image is as large already, or too small to get there.
        """
        bounds = ((self.width, width), (self.height, height), (self.side, max(height, width)))
        scale = min(wanted / found for wanted, found in bounds if wanted)
        if scale <= 1:
            raise ImageWriteError(f"is already {width}x{height}: {self.label} would not enlarge it")
        if scale > MAX_SCALE:
            raise ImageWriteError(
                f"is {width}x{height}: {self.label} would be {scale:.3g} times larger; the limit "
                f"is {MAX_SCALE:g} times"
            )
        return scale
