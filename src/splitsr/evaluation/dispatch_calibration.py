"""Finds the threshold at which a light and a heavy network share images as wanted."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean, median

import msgspec
import numpy as np

from splitsr.dispatch.engine import Calibration, Dispatcher, find_light
from splitsr.errors import ModelError
from splitsr.evaluation.metrics import psnr_y
from splitsr.evaluation.score import ImagePair, Progress
from splitsr.imaging.arrays import to_nchw
from splitsr.runtime.engine import Engine, lane_of
from splitsr.runtime.loading import find_networks
from splitsr.runtime.upscaler import Upscaler

MOST = 1000.0
"""A threshold that sends everything to the light network."""

_STEPS = 14  # of the bisection: a thousandth of the threshold
_TIMED_SIDE = 64  # LR pixels: a window as they are in use
_TIMED_RUNS = 9


@dataclass(frozen=True)
class Outcome:
    """What two networks give together.

    Attributes:
        threshold: that they shared the images by.
        share: of the LR pixels, what the light one computed; mean over the images.
        loss: mean PSNR-Y that the heavy one alone has more, dB.
        psnr_y: mean, dB.
    """

    threshold: float
    share: float
    loss: float
    psnr_y: float


class Trial:
    """Two networks and the images that they are tried on; the heavy one's figures are kept."""

    def __init__(self, heavy: Engine, light: Engine, pairs: Sequence[ImagePair]) -> None:
        """Scores the heavy network alone.

        Args:
            heavy: the better network.
            light: the faster one.
            pairs: at least one image.

        Raises:
            ModelError: no image.
        """
        if not pairs:
            raise ModelError("no image to calibrate on")
        self._networks = heavy, light
        self._pairs = pairs
        self.heavy_psnr_y = tuple(_score(Upscaler(heavy), pair, heavy.spec.scale) for pair in pairs)

    def outcome(self, calibration: Calibration) -> Outcome:
        """Runs both networks as `splitsr upscale` does, and scores what comes out."""
        dispatcher = Dispatcher(*self._networks, calibration)
        upscaler = Upscaler(dispatcher)
        scores = [_score(upscaler, pair, dispatcher.spec.scale) for pair in self._pairs]
        losses = [alone - ours for alone, ours in zip(self.heavy_psnr_y, scores, strict=True)]
        share = self.share(calibration)
        return Outcome(calibration.threshold, share, fmean(losses), fmean(scores))

    def share(self, calibration: Calibration) -> float:
        """What the light network would get, without running either."""
        dispatcher = Dispatcher(*self._networks, calibration)
        return fmean(dispatcher.route(to_nchw(pair.lr)[0]).share for pair in self._pairs)


def calibrate(
    start: Calibration,
    pairs: Sequence[ImagePair],
    *,
    share: float | None = None,
    max_loss: float | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Calibration:
    """Finds the least threshold for a share, or the largest for a loss.

    Args:
        start: names the networks, and gives patch size and halo.
        pairs: images of the heavy network's scale.
        share: of the LR pixels, what the light network gets at least, 0 to 1.
        max_loss: mean PSNR-Y that may be lost, dB. Exactly one of the two is given.
        threads: CPU threads of each network.
        progress: called after each step with how many are done and how many there are.

    Returns:
        The calibration, with its figures on these images.

    Raises:
        ValueError: both wishes or none, or one out of range.
        ModelError: as `Dispatcher`; or the networks cannot share: the light one is the slower.
    """
    wish = _wish(share, max_loss)
    heavy, light = load_pair(start.heavy, start.light, threads)
    cost = round(_light_cost(heavy, light), 3)
    trial = Trial(heavy, light, pairs)

    def at(threshold: float) -> Calibration:
        return msgspec.structs.replace(start, light_cost=cost, threshold=threshold)

    if share is not None:
        threshold = _bisect(lambda value: trial.share(at(value)) < wish, progress)[1]
    else:
        threshold = _bisect(lambda value: trial.outcome(at(value)).loss <= wish, progress)[0]
    found = trial.outcome(at(threshold))
    return msgspec.structs.replace(
        at(threshold), images=len(pairs), share=round(found.share, 4), loss=round(found.loss, 4)
    )


def load_pair(heavy: str, light: str, threads: int | None = None) -> tuple[Engine, Engine]:
    """Loads two networks, the heavy one of its largest scale and the light one of the same.

    Raises:
        ModelError: as `find_networks` and `find_light`.
    """
    networks = find_networks(heavy, threads)
    engine = networks.engine(networks.scales[-1])
    return engine, find_light(light, engine.spec.scale, threads)


def _wish(share: float | None, max_loss: float | None) -> float:
    if (share is None) == (max_loss is None):
        raise ValueError("share, max_loss: found both or none; must be one of them")
    if share is not None and not 0 <= share <= 1:
        raise ValueError(f"share: found {share}; must be from 0 to 1")
    if max_loss is not None and not 0 <= max_loss < float("inf"):
        raise ValueError(f"max_loss: found {max_loss}; must be 0 or more")
    return share if share is not None else max_loss or 0.0


def _bisect(holds: Callable[[float], bool], progress: Progress | None) -> tuple[float, float]:
    """The threshold up to which something holds, from below and from above.

    It holds at 0, where the heavy network gets everything. Rounded, as it is written to files.
    """
    low, high = 0.0, MOST
    if holds(MOST):
        return MOST, MOST
    for step in range(_STEPS):
        # Thresholds of use lie around 1: first find their magnitude.
        middle = round((low * high) ** 0.5 if low else min(high / 4, 1.0), 4)
        if holds(middle):
            low = middle
        else:
            high = middle
        if progress:
            progress(step + 1, _STEPS)
        if low and high / low < 1.005:
            break
    return low, high


def _light_cost(heavy: Engine, light: Engine) -> float:
    """Time of one by the other's, in turns: that of the CPU, as the machine may be busy.

    Of engines that can be divided a lane is timed, which is what windows are computed on. The
    threads of a whole one stay awake for a moment after a run, and that would count.

    Raises:
        ModelError: the light one is not faster.
    """
    lr = np.random.default_rng(0).random((1, 3, _TIMED_SIDE, _TIMED_SIDE), np.float32)
    lanes = (lane_of(heavy), lane_of(light))
    seconds: tuple[list[float], list[float]] = ([], [])
    for _ in range(_TIMED_RUNS):
        for engine, found in zip(lanes, seconds, strict=True):
            begun = time.process_time()
            engine.run(lr)
            found.append(time.process_time() - begun)
    # The first run of each is its warm-up.
    cost = median(seconds[1][1:]) / median(seconds[0][1:])
    if cost >= 1:
        raise ModelError(
            f"{light.name}: takes {cost:.2f} times as long as {heavy.name}; name a faster one as "
            "the light one"
        )
    return cost


def _score(upscaler: Upscaler, pair: ImagePair, scale: int) -> float:
    return psnr_y(upscaler(pair.lr), pair.hr, crop_border=scale)
