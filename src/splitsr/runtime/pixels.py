"""Between the kinds of images that people have and colour and alpha in arrays."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from splitsr.errors import UnsupportedImageError
from splitsr.imaging.degradation import jpeg_compression
from splitsr.imaging.photo import Photo

if TYPE_CHECKING:
    from PIL.Image import Image

ImageT = TypeVar("ImageT", "Image", npt.NDArray[Any])

# Pillow modes and what they are converted to first; I;16 is 16-bit gray.
_PLAIN_MODES = {"L": "L", "RGB": "RGB", "1": "L", "P": "RGB"}
_ALPHA_MODES = {"L": "LA", "RGB": "RGBA", "P": "RGBA", "PA": "RGBA", "LA": "LA", "RGBA": "RGBA"}
_GRAY_16_MODES = ("I;16", "I;16L", "I;16B", "I;16N")


def unpack_pixels(image: Image | npt.NDArray[Any]) -> Photo:
    """Takes the colour and alpha out of an image.

    Args:
        image: a Pillow image, or an array (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) of uint8 or
            uint16.

    Raises:
        TypeError: neither, or an array of another dtype.
        ValueError: an array of another shape, or an empty one.
        UnsupportedImageError: a Pillow image of a mode that is not handled.
    """
    if isinstance(image, np.ndarray):
        return _split(_check_array(image))
    from PIL.Image import Image as PillowImage

    if isinstance(image, PillowImage):
        return replace(_split(_pillow_values(image)), compression=jpeg_compression(image))
    raise TypeError(f"image: found {type(image).__name__}; must be a Pillow image or a NumPy array")


def pack_pixels(pixels: Photo, like: ImageT) -> ImageT:
    """Makes an image of the kind of `like`, the inverse of `unpack_pixels`.

    Args:
        pixels: the values.
        like: the image that `unpack_pixels` got; a Pillow image also gives its `info`.
    """
    parts = [pixels.color] if pixels.alpha is None else [pixels.color, pixels.alpha[..., None]]
    values = np.concatenate(parts, axis=2) if len(parts) > 1 else pixels.color
    if isinstance(like, np.ndarray):
        return values[..., 0] if like.ndim == 2 else values
    from PIL.Image import fromarray

    image = fromarray(values[..., 0] if values.shape[2] == 1 else values)
    image.info = {key: value for key, value in like.info.items() if key != "transparency"}
    return image


def _split(values: npt.NDArray[Any]) -> Photo:
    """Parts (H, W, 1|2|3|4) in colour and alpha."""
    colors = 3 if values.shape[2] >= 3 else 1
    alpha = values[..., colors] if values.shape[2] > colors else None
    return Photo(values[..., :colors], alpha)


def _check_array(image: npt.NDArray[Any]) -> npt.NDArray[Any]:
    if image.dtype not in (np.uint8, np.uint16):
        raise TypeError(f"image: found {image.dtype}; must be uint8 or uint16")
    values = image[..., None] if image.ndim == 2 else image
    if values.ndim != 3 or values.shape[2] not in (1, 3, 4) or values.size == 0:
        raise ValueError(
            f"image: found shape {image.shape}; must be (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), "
            "not empty"
        )
    return values


def _pillow_values(image: Image) -> npt.NDArray[Any]:
    """The values of a Pillow image as (H, W, 1|2|3|4)."""
    if 0 in image.size:
        raise ValueError(f"image: found {image.width}x{image.height} pixels; must not be empty")
    if image.mode in _GRAY_16_MODES:
        return np.asarray(image).astype(np.uint16)[..., None]
    modes = _ALPHA_MODES if image.has_transparency_data else _PLAIN_MODES
    if image.mode not in modes:
        raise UnsupportedImageError(
            f"image: found Pillow mode {image.mode!r}; convert it to RGB, RGBA, L, LA or I;16"
        )
    values = np.asarray(image.convert(modes[image.mode]))
    return values[..., None] if values.ndim == 2 else values
