"""MobiSR's scheduler: a light and a heavy network share an image by difficulty.

See `splitsr.dispatch.planner` for the paper and for how an image is divided.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from splitsr.dispatch.planner import Halos, Window, difficulty, plan_windows, share_work
from splitsr.errors import ModelError, UnknownModelError, WeightsError
from splitsr.runtime.engine import Engine, FloatArray
from splitsr.runtime.engine_cache import Networks
from splitsr.runtime.interpolation import KERNELS, InterpolationEngine
from splitsr.runtime.loading import find_networks
from splitsr.zoo.catalogue import CATALOGUE, find_family, find_model, is_model_path
from splitsr.zoo.reading import read_model_file

SHIPPED = CATALOGUE.with_name("dispatch.json")
PATCH_SIZE = 16
HALO = 3
"""Context of a window, LR pixels. Less than the networks can see: see docs/dispatch.md."""

_LIGHT_COST = 0.4  # where only a threshold is given


class Calibration(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How a light and a heavy network share images; what `splitsr calibrate` writes.

    Attributes:
        heavy: a model's name, or the path of an ONNX file.
        light: the same, or `bilinear` or `bicubic`.
        threshold: difficulty above which a patch is the heavy network's; 0 gives it everything.
        patch_size: side of a patch, LR pixels.
        halo: context of a window on each side, LR pixels.
        light_cost: time of the light network by the heavy one's.
        images: how many it was calibrated on; 0 for a threshold that was chosen by hand.
        share: of the LR pixels of those, what the light network got.
        loss: mean PSNR-Y on them that the heavy network alone has more, dB.
    """

    heavy: str
    light: str
    threshold: float
    patch_size: int = PATCH_SIZE
    halo: int = HALO
    light_cost: float = _LIGHT_COST
    images: int = 0
    share: float | None = None
    loss: float | None = None

    def __post_init__(self) -> None:
        limits = (
            ("threshold", 0 <= self.threshold < float("inf"), "0 or more"),
            ("patch_size", self.patch_size >= 4, "4 or more"),
            ("halo", self.halo >= 0, "0 or more"),
            ("light_cost", 0 <= self.light_cost < 1, "0 or more, and less than 1"),
        )
        for field, holds, allowed in limits:
            if not holds:
                raise ValueError(f"{field}: found {getattr(self, field)}; must be {allowed}")


class Routes(NamedTuple):
    """How an image was divided: its windows, and the share of LR pixels of the light network."""

    windows: list[Window]
    share: float


class Dispatcher:
    """Two networks as one engine. Safe to call from several threads.

    Each image, or tile of a large one, is divided by itself. So the tiles' sizes can move a
    patch from one network to the other; no seam comes of that.
    """

    def __init__(
        self, heavy: Engine, light: Engine, calibration: Calibration, workers: int = 1
    ) -> None:
        """Joins two networks.

        Args:
            heavy: the better one.
            light: the faster one, of the same scale.
            calibration: what goes where.
            workers: windows that are computed at once, in threads of their own.

        Raises:
            ModelError: the scales differ, or a network cannot be run on parts of an image.
        """
        if heavy.spec.scale != light.spec.scale:
            raise ModelError(
                f"{light.name} enlarges x{light.spec.scale} and {heavy.name} x{heavy.spec.scale}; "
                "networks that share images must have one scale"
            )
        for engine in (heavy, light):
            if not engine.spec.tileable:
                raise ModelError(
                    f"{engine.name}: averages over the whole image, so it cannot be given parts "
                    "of one; choose another network"
                )
        self.spec, self.name = heavy.spec, f"{heavy.name} with {light.name}"
        self.engines = (heavy, light)
        self._calibration = calibration
        self._workers = workers
        radii = (min(calibration.halo, engine.spec.receptive_radius) for engine in self.engines)
        self._halos = Halos(*radii)

    def run(self, lr: FloatArray) -> FloatArray:
        """Enlarges, each part by its network; see `Engine`."""
        scale = self.spec.scale
        sr = np.empty((*lr.shape[:2], lr.shape[2] * scale, lr.shape[3] * scale), np.float32)
        for picture, result in zip(lr, sr, strict=True):
            windows = self.route(picture).windows
            windows = share_work(windows, self._halos, self._calibration.light_cost, self._workers)
            job = partial(self._compute, picture, result)
            if self._workers == 1 or len(windows) == 1:
                for window in windows:
                    job(window)
            else:
                with ThreadPoolExecutor(self._workers) as pool:
                    list(pool.map(job, windows))  # list: errors come out
        return sr

    def route(self, picture: FloatArray) -> Routes:
        """Divides an image.

        Args:
            picture: (3, H, W) float32, RGB in [0, 1].
        """
        found = self._calibration
        size = (picture.shape[1], picture.shape[2])
        if found.threshold == 0:
            relative = np.full([-(-side // found.patch_size) for side in size], np.inf)
        else:
            relative = difficulty(picture, found.patch_size) / found.threshold
        windows = plan_windows(relative, size, found.patch_size, self._halos, found.light_cost)
        light = sum(window.core_pixels for window in windows if window.light)
        return Routes(windows, light / (size[0] * size[1]))

    def _compute(self, picture: FloatArray, result: FloatArray, window: Window) -> None:
        rows, columns = window.rows, window.columns
        lr = picture[None, :, rows.start : rows.stop, columns.start : columns.stop]
        sr = self.engines[window.light].run(np.ascontiguousarray(lr))
        scale = self.spec.scale
        core = sr[0, :, rows.kept(scale), columns.kept(scale)]
        result[:, rows.place(scale), columns.place(scale)] = core


def find_light(name: str, scale: int, threads: int | None, strength: float = 0.0) -> Engine:
    """Loads the light network: an interpolation, a model, or a family's model of the scale.

    Without a twin it restores nothing, at whatever strength.

    Raises:
        UnknownModelError: no such name, or none of that scale in the family.
        WeightsError: a file that is missing, damaged or not from splitsr.
    """
    if name in KERNELS:
        return InterpolationEngine("bilinear" if name == "bilinear" else "bicubic", scale)
    networks = find_networks(name, threads)
    if scale not in networks.scales:
        raise UnknownModelError(f"{name}: has no x{scale} network to match the other one")
    return networks.engine(scale, strength if scale in networks.twins else 0.0)


def load_dispatcher(
    calibration: Calibration, threads: int | None = None, strength: float = 0.0
) -> Dispatcher:
    """Loads both networks of a calibration.

    Args:
        calibration: names them.
        threads: in all; two windows are computed at once if there are two or more.
        strength: of restoration, 0 to 1.

    Raises:
        ModelError: as `Dispatcher`, `find_networks` and `find_light`.
    """
    from splitsr.runtime.onnx_engine import available_cpus

    threads = available_cpus() if threads is None else threads
    workers = min(2, threads)
    share = -(-threads // workers)
    networks = find_networks(calibration.heavy, share)
    heavy = networks.engine(networks.scales[-1], strength)
    light = find_light(calibration.light, heavy.spec.scale, share, strength)
    return Dispatcher(heavy, light, calibration, workers)


def find_dispatched(
    light: str,
    model: str,
    *,
    threshold: float | None = None,
    threads: int | None = None,
) -> Networks:
    """Finds networks for `Upscaler`, each with its light one; loads none yet.

    Args:
        light: a model's or family's name, `bilinear` or `bicubic`; or a file of `splitsr
            calibrate`, which names both networks.
        model: the heavy network, or a family; of a file, it is the file's.
        threshold: in place of a calibrated one.
        threads: as for `load_dispatcher`.

    Raises:
        UnknownModelError: no such name; or a pair that ships uncalibrated, when it is loaded.
        WeightsError: a file that is missing or not of `splitsr calibrate`.
        ValueError: a threshold below 0.
    """
    pairs = _find_pairs(light, model, threshold)
    heavy = [find_networks(pair.heavy, threads) for pair in pairs.values() if pair]
    return Networks(
        {scale: partial(_load, pair, (light, model), threads) for scale, pair in pairs.items()},
        {scale: name for networks in heavy for scale, name in networks.twins.items()},
        [scale for networks in heavy for scale in networks.int8],
    )


def read_calibration(path: Path) -> Calibration:
    """Reads what `splitsr calibrate` wrote.

    Raises:
        WeightsError: it cannot be read, or is something else.
    """
    try:
        return msgspec.json.decode(read_model_file(path), type=Calibration)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise WeightsError(f"{path}: not a file of `splitsr calibrate` ({error})") from error


def shipped_calibrations(path: Path = SHIPPED) -> Mapping[tuple[str, str], Calibration]:
    """The pairs that ship calibrated, by their networks' names, the heavy one first.

    Raises:
        WeightsError: the file is missing or not valid.
    """
    try:
        found = msgspec.json.decode(path.read_bytes(), type=list[Calibration])
    except (OSError, msgspec.DecodeError, ValueError) as error:
        raise WeightsError(f"{path}: not a valid list of calibrations ({error})") from error
    return {(pair.heavy, pair.light): pair for pair in found}


def _load(
    pair: Calibration | None, asked: tuple[str, str], threads: int | None, strength: float
) -> Engine:
    if pair is None:
        light, heavy = asked
        raise UnknownModelError(
            f"{heavy} with {light}: ships uncalibrated at this scale; make a file with `splitsr "
            "calibrate`, or give --dispatch-threshold"
        )
    return load_dispatcher(pair, threads, strength)


def _find_pairs(light: str, model: str, threshold: float | None) -> dict[int, Calibration | None]:
    """Calibrations by scale; None where none ships and no threshold is given."""
    if light.endswith(".json"):
        found = read_calibration(Path(light))
        scale = find_networks(found.heavy, 1).scales[-1]
        return {scale: _with_threshold(found, threshold)}
    family = {} if is_model_path(model) else find_family(model)
    pairs: dict[int, Calibration | None] = {}
    for entry in family.values() or [find_model(model)]:
        scale = entry.spec.scale
        heavy = model if is_model_path(model) else entry.name
        other = _light_name(light, scale)
        known = shipped_calibrations().get((heavy, other))
        if known is None and threshold is not None:
            known = Calibration(heavy=heavy, light=other, threshold=threshold)
        pairs[scale] = known and _with_threshold(known, threshold)
    return pairs


def _with_threshold(pair: Calibration, threshold: float | None) -> Calibration:
    return pair if threshold is None else msgspec.structs.replace(pair, threshold=threshold)


def _light_name(light: str, scale: int) -> str:
    """The name of the light network for a scale."""
    if light in KERNELS or is_model_path(light):
        return light
    family = find_family(light)
    if family:
        return family[scale].name if scale in family else light
    return find_model(light).name
