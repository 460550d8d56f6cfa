"""`Upscaler`: from an image in memory to a larger one of the same kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from pathlib import Path
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy.typing as npt

from splitsr.errors import ImageTooLargeError, WeightsError
from splitsr.imaging.photo import Photo
from splitsr.imaging.resize import resize_rows
from splitsr.imaging.rows import Rows
from splitsr.runtime.engine import DividedEngine, Engine, lanes_of
from splitsr.runtime.engine_cache import Networks
from splitsr.runtime.loading import find_networks
from splitsr.runtime.pixels import pack_pixels, unpack_pixels
from splitsr.runtime.restore import (
    Restoration,
    Restore,
    check_restore,
    choose_restoration,
)
from splitsr.runtime.scale_plan import PassPlan, plan_passes
from splitsr.runtime.shared_engine import SharedEngine
from splitsr.runtime.symmetric_engine import SymmetricEngine
from splitsr.runtime.tile_plan import Tile
from splitsr.runtime.tile_runner import TileSize, plan_for, stream_tiled
from splitsr.zoo.catalogue import DEFAULT_FAMILY, Catalogue

if TYPE_CHECKING:
    from PIL.Image import Image

ImageT = TypeVar("ImageT", "Image", npt.NDArray[Any])


class Progress(NamedTuple):
    """How far an image is.

    Attributes:
        tiles_done: tiles that are done, over all passes.
        tiles_total: tiles in all.
        pixels_done: output pixels of the networks that are done.
        pixels_total: output pixels of the networks in all.
    """

    tiles_done: int
    tiles_total: int
    pixels_done: int
    pixels_total: int


OnProgress = Callable[[Progress], None]
"""Called after each tile. An exception that it raises ends the work."""


class Upscaler:
    """Enlarges images. Reusable, and safe to call from several threads.

    Memory is bounded by the image, the result and, with a scale that no network has, one
    image between them, all in integers, and the engine's work on one tile (about 256 MiB with
    an automatic tile). Under `restore="auto"`, that of up to three strengths is kept.

    Networks with global channel attention (`spec.tileable` is false) are run whole, up to about
    4 GiB of engine memory, and images beyond that are refused. With a tile size of your own
    they are tiled, and tiles may differ in tone.
    """

    def __init__(
        self,
        model: str | Path | Engine | Networks = DEFAULT_FAMILY,
        *,
        precision: str = "fp32",
        threads: int | None = None,
        tile: TileSize = "auto",
        restore: Restore = "auto",
        ensemble: bool = False,
        catalogue: Catalogue | None = None,
    ) -> None:
        """Chooses the networks; each is loaded when it is first needed.

        Args:
            model: a model's name (`splitsr models` lists them), for this one network; a family's,
                such as `splitsr-balanced`, for the network that suits the scale best; the path of
                an ONNX file that splitsr exported; an engine, or several by scale.
            precision: of the arithmetic: `fp32`; `int8`, a form that some models ship in; or
                `bf16`, by OpenVINO on a CPU with bfloat16. An engine has its own.
            threads: threads that compute one tile; by default one for each available CPU.
            tile: side of a tile in LR pixels; `auto` bounds memory and leaves small images
                whole. The result does not depend on it.
            restore: how strongly compression and noise are removed, 0 to 1, by a model that has a
                twin for degraded images; `auto` chooses by the file's quality and the image's
                noise, and is 0 for lossless files and for images of which no file is known;
                `off` is 0.
            ensemble: average each network over flips and quarter turns: a little better, eight
                times slower.
            catalogue: where names are looked up; by default what ships.

        Raises:
            UnknownModelError: no such name; the message names the closest ones.
            WeightsError: a file that is missing, damaged or not from splitsr.
            ValueError: another precision, fewer than 1 thread, a tile below 1, or a strength that
                is not 0 to 1.
        """
        if threads is not None and threads < 1:
            raise ValueError(f"threads: found {threads}; must be at least 1")
        if tile != "auto" and tile < 1:
            raise ValueError(f"tile: found {tile}; must be 'auto' or at least 1")
        self._networks = find_networks(model, threads, catalogue, precision)
        self._tile = tile
        self._restore = check_restore(restore)
        self._ensemble = ensemble
        self._free: BoundedSemaphore | None = None  # lanes; None: one image has them all

    @property
    def scale(self) -> int:
        """The enlargement when none is asked for: the largest that a network has."""
        return self._networks.scales[-1]

    def lanes(self, scale: float | None = None) -> int:
        """How many runs of a network are made at once; 1 for one that cannot be divided.

        Args:
            scale: whose network is looked at; as for `__call__`.
        """
        return lanes_of(self._networks.engine(self.plan(1, 1, scale).passes[0].scale))

    def shared(self, scale: float | None = None) -> Upscaler:
        """The same for several images at once, in threads that share this one's CPUs and memory.

        Args:
            scale: of the images; as for `__call__`.
        """
        upscaler = copy(self)
        upscaler._free = BoundedSemaphore(self.lanes(scale))
        return upscaler

    @property
    def fixed_strength(self) -> float:
        """The strength for images of which nothing is known."""
        return 0.0 if isinstance(self._restore, str) else float(self._restore)

    def restoration(self, photo: Photo | None, scale: float | None = None) -> Restoration:
        """How strongly an image is restored, as `restore` says.

        Under `auto`, a twin that cannot be used is no reason to refuse the image.

        Args:
            photo: the image; None will do for a lossless file.
            scale: as for `__call__`.

        Raises:
            ValueError: a scale out of range.
            WeightsError: the table of strengths is missing or not valid.
        """
        first = self.plan(1, 1, scale).passes[0].scale
        if self._restore != "auto":
            return self._nearest(first, Restoration(self.fixed_strength, "asked for"))
        found = choose_restoration(self._networks.twins.get(first), photo)
        try:
            self._networks.engine(first, found.strength)
        except WeightsError as error:
            return Restoration(0.0, str(error))
        return self._nearest(first, found)

    def _nearest(self, scale: int, found: Restoration) -> Restoration:
        """What a network can do of it, and why not all."""
        strength = self._networks.nearest_strength(scale, found.strength)
        if strength == found.strength:
            return found
        why = (
            f"{found.strength:g} is rounded" if scale in self._networks.twins else "it has no twin"
        )
        return Restoration(strength, f"{found.reason}, but in int8 {why}")

    def _engines(self, plan: PassPlan, strength: float) -> list[Engine]:
        """Those of the passes, ready to run; what the first one gives is restored."""
        scales = [step.scale for step in plan.passes]
        engines = list(map(self._networks.engine, scales, [strength, *(0.0 for _ in scales)]))
        if self._ensemble:
            engines = list(map(SymmetricEngine, engines))
        if (free := self._free) is None:
            return engines
        return [
            SharedEngine(one, free) if isinstance(one, DividedEngine) else one for one in engines
        ]

    def networks_for(self, scale: float) -> tuple[Engine, ...]:
        """The networks that an enlargement by `scale` goes through, in order, loaded.

        Raises:
            ValueError: the scale is not from 1 to 64.
            WeightsError: a network's file is missing or damaged.
            UnknownModelError: a network has no twin to be mixed with at the strength asked for.
        """
        return tuple(self._engines(self.plan(1, 1, scale), self.fixed_strength))

    def __call__(
        self, image: ImageT, scale: float | None = None, progress: OnProgress | None = None
    ) -> ImageT:
        """Enlarges an image.

        Args:
            image: a Pillow image, or an array (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) of uint8
                or uint16: gray, RGB or RGBA over the whole range of its dtype.
            scale: 1 to 64, whole or not; by default the network's own.
            progress: called after each tile.

        Returns:
            `round(scale * size)` pixels along each axis, of the same kind: an array of the same
            dtype and rank, or a Pillow image of the same mode. Palette images become RGB or RGBA,
            1-bit ones gray, and images with a transparent colour get an alpha channel.

        Raises:
            TypeError: not an image of these kinds.
            ValueError: an array of another shape, or a scale out of range.
            UnsupportedImageError: a Pillow image of a mode that is not handled.
            ImageTooLargeError: memory is short, or the network must be run whole and cannot.
        """
        photo = unpack_pixels(image)
        found = self.restoration(photo, scale)
        return pack_pixels(self.enlarge(photo, scale, progress, found.strength), image)

    def enlarge(
        self,
        photo: Photo,
        scale: float | None = None,
        progress: OnProgress | None = None,
        strength: float | None = None,
    ) -> Photo:
        """Enlarges colour and alpha; what `__call__` does to every kind of image.

        Args:
            photo: colour through the networks; alpha, if any, by bicubic; the rest stays.
            scale: as for `__call__`.
            progress: as for `__call__`.
            strength: of restoration; by default the one asked for, and 0 under `auto`.

        Raises:
            ValueError: a scale out of range.
            ImageTooLargeError: memory is short, or the network must be run whole and cannot.
        """
        larger = self.stream(Rows.of(photo.opaque_color()), scale, progress, strength)
        with _naming_memory(photo.color.shape, larger):
            color, alpha = larger.gather(), photo.alpha
            if alpha is not None:
                alpha = enlarge_alpha(alpha, *color.shape[:2]).gather()[..., 0]
            return replace(photo, color=color, alpha=alpha)

    def stream(
        self,
        color: Rows,
        scale: float | None = None,
        progress: OnProgress | None = None,
        strength: float | None = None,
    ) -> Rows:
        """Enlarges colour as its rows come, to the values that `enlarge` gives.

        Args:
            color: the image, with visible colours throughout (`Photo.opaque_color`).
            scale: as for `__call__`.
            progress: as for `__call__`; called by whoever takes the bands.
            strength: as for `enlarge`.

        Raises:
            ValueError: a scale out of range.
            ImageTooLargeError: the network must be run whole and cannot; or, when bands are taken,
                memory is short.
        """
        plan = self.plan(color.height, color.width, scale)
        engines = self._engines(plan, self.fixed_strength if strength is None else strength)
        tiles = [
            plan_for(engine, step.height, step.width, self._tile)
            for engine, step in zip(engines, plan.passes, strict=True)
        ]
        counter = _Counter(engines, tiles, progress) if progress else None
        size = (color.height, color.width)
        for index, step in enumerate(plan.passes):
            color = resize_rows(color, step.height, step.width)
            on_tile = counter.of(index) if counter else None
            color = stream_tiled(engines[index], color, tiles[index], on_tile)
        larger = resize_rows(color, plan.height, plan.width)
        return larger.with_bands(plan.height, plan.width, _naming_bands(size, larger))

    def plan(self, height: int, width: int, scale: float | None = None) -> PassPlan:
        """The passes over an image of a size, and the size of the result.

        Raises:
            ValueError: a scale out of range.
        """
        scale = self.scale if scale is None else scale
        return plan_passes(height, width, scale, self._networks.scales)


class _Counter:
    """Adds up the tiles and pixels of all passes and reports them."""

    def __init__(
        self, engines: list[Engine], tiles: list[tuple[Tile, ...]], report: OnProgress
    ) -> None:
        self._areas = [engine.spec.scale**2 for engine in engines]
        self._report = report
        self._tiles = sum(map(len, tiles))
        self._pixels = sum(
            area * tile.core_pixels
            for area, plan in zip(self._areas, tiles, strict=True)
            for tile in plan
        )
        self._done = (0, 0)

    def of(self, index: int) -> Callable[[Tile], None]:
        """What one pass calls after each tile."""

        def count(tile: Tile) -> None:
            tiles, pixels = self._done
            self._done = (tiles + 1, pixels + self._areas[index] * tile.core_pixels)
            self._report(Progress(self._done[0], self._tiles, self._done[1], self._pixels))

        return count


@contextmanager
def _naming_memory(size: tuple[int, ...], larger: Rows) -> Iterator[None]:
    try:
        yield
    except MemoryError as error:
        raise ImageTooLargeError(
            f"{size[1]}x{size[0]} pixels: not enough memory for {larger.width}x{larger.height}; "
            "choose a smaller scale"
        ) from error


def _naming_bands(size: tuple[int, int], larger: Rows) -> Iterator[npt.NDArray[Any]]:
    with _naming_memory(size, larger):
        yield from larger.bands


def enlarge_alpha(alpha: npt.NDArray[Any], height: int, width: int) -> Rows:
    """Enlarges alpha, (H, W), by bicubic."""
    first = alpha.flat[0]
    if (alpha == first).all():  # most alpha channels are opaque throughout
        return Rows.constant(height, width, first)
    return resize_rows(Rows.of(alpha[..., None]), height, width)
