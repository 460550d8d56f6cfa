"""What befalls a photo on its way to us: blur, shrinking, noise, sharpening, codecs.

Real-ESRGAN (Wang et al. 2021, arXiv 2107.10833, section 3) and BSRGAN (Zhang et al. 2021, arXiv
2103.14006, section 3) train for photos as they are by such a chain. Ours passes once, in the order
of a camera, and its ranges are milder: the photos that people keep are rarely as bad as theirs.
Resizers and codecs are the real ones. It needs NumPy and Pillow alone.
"""

from __future__ import annotations

import hashlib
from io import BytesIO
from math import ceil, pi
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from splitsr.imaging.resize import crop_to_multiple, resize_bicubic

Pixels = NDArray[np.uint8]
Resizer = Literal["bicubic", "area", "bilinear", "lanczos"]
Codec = Literal["JPEG", "WEBP", "AVIF"]

Share = Annotated[float, Meta(ge=0, le=1)]
_Positive = Annotated[float, Meta(gt=0)]
_Quality = Annotated[int, Meta(ge=1, le=100)]

_FILTERS = {
    "area": Image.Resampling.BOX,
    "bilinear": Image.Resampling.BILINEAR,
    "lanczos": Image.Resampling.LANCZOS,
}
# The level at which noise that grows with the light has its nominal standard deviation.
_MIDDLE_GRAY = 128.0
_BLOCK = 8
# To be changed with anything that changes what is made for the same draws.
_VERSION = b"2"


class Degradation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What LR images go through before a network sees them, in this order; shares are of 0 to 1.

    Every image is degraded `variants` times, and a patch is cut from one of them. They are in the
    order of their mean squared error against the clean LR image. In a range every value is as
    likely.

    Attributes:
        variants: how many times an image is degraded; each takes as much space as the LR images.
        clean: share of the patches that are cut from the clean LR image.
        blur: share of the variants that are blurred by a Gaussian before they are shrunk (both
            papers).
        blur_sigma: its standard deviation in LR pixels.
        anisotropic: share of the blurs that have another one across, in any direction.
        resizers: what shrinks, each as often: MATLAB's bicubic, area, and antialiased bilinear and
            Lanczos (BSRGAN shrinks by one of several, too).
        noise: share with noise.
        noise_sigma: its standard deviation in levels (at middle gray, if it grows with the light).
        shot: share of the noise whose variance grows with the light, as that of photons does (Foi
            et al. 2008, "Practical Poissonian-Gaussian Noise Modeling").
        gray: share of the noise that is the same in every channel (Real-ESRGAN).
        correlation: of 0 to 1, how much of its neighbours' noise a pixel gets, as demosaicing and
            denoising leave it (Brooks et al. 2019, arXiv 1811.11127).
        sharpen: share with the halos of an unsharp mask, as phones leave them at edges.
        sharpen_amount: how much of the difference to its blurred self is added.
        sharpen_radius: standard deviation of that blur in LR pixels.
        jpeg: share saved as JPEG (both papers).
        webp: share saved as WebP.
        avif: share saved as AVIF.
        quality: Pillow's, from 1 to 100, both ends included.
        subsample: share of JPEGs and AVIFs with half the colour resolution: 4:2:0, not 4:4:4.
        twice: share of the files that were a file before; half of them lay otherwise on the grid of
            blocks, as after cropping.
    """

    variants: Annotated[int, Meta(ge=1)] = 8
    clean: Share = 0.0
    blur: Share = 0.0
    blur_sigma: tuple[_Positive, _Positive] = (0.2, 0.8)
    anisotropic: Share = 0.5
    resizers: Annotated[tuple[Resizer, ...], Meta(min_length=1)] = ("bicubic",)
    noise: Share = 0.0
    noise_sigma: tuple[_Positive, _Positive] = (1.0, 10.0)
    shot: Share = 0.5
    gray: Share = 0.3
    correlation: tuple[Share, Share] = (0.0, 0.5)
    sharpen: Share = 0.0
    sharpen_amount: tuple[_Positive, _Positive] = (0.2, 1.0)
    sharpen_radius: tuple[_Positive, _Positive] = (0.5, 1.5)
    jpeg: Share = 0.0
    webp: Share = 0.0
    avif: Share = 0.0
    quality: tuple[_Quality, _Quality] = (30, 97)
    subsample: Share = 0.75
    twice: Share = 0.0

    def __post_init__(self) -> None:
        for name in ("blur_sigma", "noise_sigma", "correlation", "sharpen_amount"):
            _check_order(name, *getattr(self, name))
        _check_order("sharpen_radius", *self.sharpen_radius)
        _check_order("quality", *self.quality)
        if self.jpeg + self.webp + self.avif > 1:
            raise ValueError("jpeg, webp and avif: found shares of more than 1 in all")

    @property
    def digest(self) -> bytes:
        """Of all that decides how the variants look."""
        decisive = msgspec.structs.replace(self, clean=0.0)
        return hashlib.sha256(_VERSION + msgspec.json.encode(decisive)).digest()


def _check_order(name: str, low: float, high: float) -> None:
    if low > high:
        raise ValueError(f"{name}: found {low} to {high}; the lower end comes first")


def degrade_image(
    hr: Pixels, lr: Pixels, scale: int, degradation: Degradation, rng: np.random.Generator
) -> Pixels:
    """Makes one variant of an LR image.

    Args:
        hr: the HR image, uint8 (H, W, 3).
        lr: the same shrunk by MATLAB's bicubic.
        scale: HR pixels per LR pixel, along each axis.
        degradation: what it may go through.
        rng: decides.

    Returns:
        uint8, shaped as `lr`.
    """
    draw = _Draw(rng)
    pixels = _shrunk(crop_to_multiple(hr, scale), lr, scale, degradation, draw)
    if draw.happens(degradation.noise):
        pixels = add_noise(
            pixels,
            draw.between(*degradation.noise_sigma),
            rng,
            gray=draw.happens(degradation.gray),
            shot=draw.happens(degradation.shot),
            correlation=draw.between(*degradation.correlation),
        )
    if draw.happens(degradation.sharpen):
        amount = draw.between(*degradation.sharpen_amount)
        pixels = sharpen(pixels, amount, draw.between(*degradation.sharpen_radius))
    if draw.happens(degradation.jpeg + degradation.webp + degradation.avif):
        if draw.happens(degradation.twice):
            moved = draw.happens(0.5)
            pixels = _saved(pixels, degradation, draw, rng.integers(0, _BLOCK, 2) * moved)
        pixels = _saved(pixels, degradation, draw)
    return pixels


class _Draw:
    """What chance decides."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng

    def happens(self, share: float) -> bool:
        return self.rng.random() < share

    def between(self, low: float, high: float) -> float:
        return low + (high - low) * self.rng.random()


def _shrunk(hr: Pixels, lr: Pixels, scale: int, degradation: Degradation, draw: _Draw) -> Pixels:
    """Blurred and shrunk."""
    resizer = degradation.resizers[draw.rng.integers(len(degradation.resizers))]
    if draw.happens(degradation.blur):
        low, high = (scale * sigma for sigma in degradation.blur_sigma)
        sigma = across = draw.between(low, high)
        if draw.happens(degradation.anisotropic):
            across = draw.between(low, high)
        hr = blur(hr, sigma, across, draw.between(0, pi))
    elif resizer == "bicubic":
        return lr
    return shrink(hr, scale, resizer)


def _saved(
    pixels: Pixels,
    degradation: Degradation,
    draw: _Draw,
    shift: NDArray[np.int64] | tuple[int, int] = (0, 0),
) -> Pixels:
    """What a file of them decodes to, whose grid of blocks begins `shift` before the image."""
    shares = (degradation.jpeg, degradation.webp, degradation.avif)
    at = draw.between(0, sum(shares))
    codec: Codec = "JPEG" if at < shares[0] else "WEBP" if at < sum(shares[:2]) else "AVIF"
    quality = int(draw.rng.integers(*degradation.quality, endpoint=True))
    top, left = shift
    padded = np.pad(pixels, ((top, 0), (left, 0), (0, 0)), mode="edge")
    saved = encode(padded, codec, quality, subsample=draw.happens(degradation.subsample))
    return saved[top:, left:]


def blur(
    pixels: Pixels, sigma: float, sigma_across: float | None = None, angle: float = 0.0
) -> Pixels:
    """Blurs by a Gaussian, by way of the spectrum; edges are repeated.

    Args:
        pixels: uint8 (H, W, 3).
        sigma: standard deviation in pixels.
        sigma_across: that at right angles to it; None for the same (isotropic).
        angle: of `sigma`'s direction to the rows, in radians.
    """
    across = sigma if sigma_across is None else sigma_across
    reach = ceil(3 * max(sigma, across))
    padded = np.pad(pixels, ((reach, reach), (reach, reach), (0, 0)), mode="edge")
    values = np.ascontiguousarray(np.moveaxis(padded, 2, 0), np.float32)
    y = 2 * pi * np.fft.fftfreq(values.shape[1])[:, None]
    x = 2 * pi * np.fft.rfftfreq(values.shape[2])
    along, aside = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    gain = np.exp(-0.5 * ((sigma * along) ** 2 + (across * aside) ** 2)).astype(np.float32)
    blurred = np.fft.irfft2(np.fft.rfft2(values) * gain, s=values.shape[1:])
    return _to_pixels(np.moveaxis(blurred[:, reach:-reach, reach:-reach], 0, 2))


def shrink(pixels: Pixels, scale: int, resizer: Resizer) -> Pixels:
    """Shrinks an image, uint8 (H, W, 3), whose sides `scale` divides."""
    height, width = pixels.shape[0] // scale, pixels.shape[1] // scale
    if resizer == "bicubic":
        return resize_bicubic(pixels, height, width)
    return np.asarray(Image.fromarray(pixels).resize((width, height), _FILTERS[resizer]))


def add_noise(
    pixels: Pixels,
    sigma: float,
    rng: np.random.Generator,
    *,
    gray: bool = False,
    shot: bool = False,
    correlation: float = 0.0,
) -> Pixels:
    """Adds noise as sensors and what follows them leave it.

    Args:
        pixels: uint8 (H, W, 3).
        sigma: standard deviation in levels; with `shot`, that at middle gray.
        rng: where it comes from.
        gray: the same in every channel.
        shot: its variance grows with the light; Gaussian otherwise.
        correlation: of 0 to 1, how much of its neighbours' noise a pixel gets; sigma stays.
    """
    height, width, channels = pixels.shape
    noise = rng.standard_normal((height + 2, width + 2, 1 if gray else channels), np.float32)
    noise = noise[1:-1] + correlation * (noise[:-2] + noise[2:])
    noise = noise[:, 1:-1] + correlation * (noise[:, :-2] + noise[:, 2:])
    noise *= sigma / (1 + 2 * correlation**2)
    if shot:
        noise = noise * np.sqrt(pixels / np.float32(_MIDDLE_GRAY))
    return _to_pixels(pixels + noise)


def sharpen(pixels: Pixels, amount: float, radius: float = 1.0) -> Pixels:
    """Adds the halos of an unsharp mask.

    Args:
        pixels: uint8 (H, W, 3).
        amount: how much of the difference to its blurred self is added.
        radius: standard deviation of that blur in pixels.
    """
    mask = ImageFilter.UnsharpMask(radius, round(100 * amount), threshold=0)
    return np.asarray(Image.fromarray(pixels).filter(mask))


def encode(pixels: Pixels, codec: Codec, quality: int, *, subsample: bool = True) -> Pixels:
    """What a file of these pixels decodes to; arguments are those of `to_file`."""
    file = BytesIO(to_file(pixels, codec, quality, subsample=subsample))
    with Image.open(file, formats=[codec]) as image:
        return np.asarray(image.convert("RGB"))


def to_file(pixels: Pixels, codec: Codec, quality: int, *, subsample: bool = True) -> bytes:
    """A file of these pixels.

    Args:
        pixels: uint8 (H, W, 3).
        codec: Pillow's name of the format.
        quality: Pillow's, from 1 to 100.
        subsample: 4:2:0, the usual; 4:4:4 otherwise. WebP knows 4:2:0 alone.
    """
    options: dict[str, Any] = {"subsampling": "4:2:0" if subsample else "4:4:4"}
    if codec == "WEBP":
        options = {}
    elif codec == "AVIF":  # slower searches find nearly the same image, in fewer bytes
        options |= {"speed": 10, "max_threads": 1}
    file = BytesIO()
    Image.fromarray(pixels).save(file, codec, quality=quality, **options)
    return file.getvalue()


def _to_pixels(values: NDArray[np.floating[Any]]) -> Pixels:
    """Rounds levels and saturates them."""
    return (values + np.float32(0.5)).clip(0, 255).astype(np.uint8)
