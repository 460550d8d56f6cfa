"""LR images as people have them, for `splitsr evaluate --degrade`, such as `noise=5,jpeg=90`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from splitsr.data.degradations import Codec, add_noise, blur, sharpen, to_file
from splitsr.errors import ConfigError
from splitsr.imaging.files import Photo, read_photo

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class _Step:
    """A degradation by name: its largest strength, and the image or file that it makes."""

    limit: float
    apply: Callable[[Pixels, float, np.random.Generator], Pixels | bytes]
    whole: bool = False

    def allows(self, strength: float) -> bool:
        """Whether an image can be degraded so much."""
        return 0 < strength <= self.limit and not (self.whole and strength % 1)

    @property
    def allowed(self) -> str:
        """In words."""
        return (
            f"a whole number, 1 to {self.limit}" if self.whole else f"above 0, up to {self.limit}"
        )


def _codec(name: Codec) -> _Step:
    return _Step(100, lambda lr, quality, _: to_file(lr, name, int(quality)), whole=True)


# In the order in which they are applied.
_STEPS = {
    "blur": _Step(20, lambda lr, sigma, _: blur(lr, sigma)),
    "noise": _Step(100, add_noise),
    "sharpen": _Step(5, lambda lr, amount, _: sharpen(lr, amount)),
    "jpeg": _codec("JPEG"),
    "webp": _codec("WEBP"),
    "avif": _codec("AVIF"),
}


class Degrade:
    """Degrades images by a fixed recipe; noise depends on the image's name alone.

    Args:
        spec: NAME=STRENGTH, joined by commas, each at most once and in any order; they are applied
            as blur (standard deviation in LR pixels), noise (standard deviation in levels),
            sharpen (share of the unsharp mask), then jpeg, webp and avif (Pillow's quality, 4:2:0).

    Raises:
        ConfigError: there is no such degradation, or not of that strength.
    """

    def __init__(self, spec: str) -> None:
        strengths: dict[str, float] = {}
        for part in spec.split(","):
            name, strength = _parse(part.strip())
            if name in strengths:
                raise ConfigError(f"degrade: {name} is given twice; each can be given once")
            strengths[name] = strength
        self._strengths = {name: strengths[name] for name in _STEPS if name in strengths}

    def __str__(self) -> str:
        """The spec, in the order of its application."""
        return ",".join(f"{name}={strength:g}" for name, strength in self._strengths.items())

    def __call__(self, lr: Pixels, name: str) -> Photo:
        """Degrades an image.

        Args:
            lr: uint8 (H, W, 3).
            name: of the image.

        Returns:
            What is read of the last codec's file; lossless if there is no codec.
        """
        key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:16], "little")
        rng = np.random.Generator(np.random.Philox(key=key))
        photo = Photo(lr)
        for step, strength in self._strengths.items():
            made = _STEPS[step].apply(photo.color, strength, rng)
            photo = read_photo(made) if isinstance(made, bytes) else Photo(made)
        return photo


def _parse(part: str) -> tuple[str, float]:
    """The name and the strength of NAME=STRENGTH."""
    name, separator, text = part.partition("=")
    if not separator or name not in _STEPS:
        raise ConfigError(
            f"degrade: found {part!r}; must be NAME=STRENGTH with a name of {', '.join(_STEPS)}"
        )
    try:
        strength = float(text)
    except ValueError:
        strength = float("nan")
    if not _STEPS[name].allows(strength):
        raise ConfigError(f"degrade: {name}: found {text!r}; must be {_STEPS[name].allowed}")
    return name, strength
