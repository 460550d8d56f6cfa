"""How an `Upscaler` is made, in a form that can be sent to another process."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from splitsr.runtime.engine_cache import Networks
from splitsr.runtime.restore import Restore
from splitsr.runtime.tile_runner import TileSize
from splitsr.runtime.upscaler import Upscaler
from splitsr.zoo.catalogue import is_model_path


@dataclass(frozen=True)
class UpscalerOptions:
    """What makes an `Upscaler`.

    Attributes:
        model: a model's or family's name, or the path of an ONNX file.
        light: a network for the easy parts, or a file of `splitsr calibrate`, as
            `find_dispatched` takes it; None for `model` alone. Of a file, the networks are its.
        threshold: of difficulty, in place of a calibrated one.
        threads: that compute; None for one for each available CPU.
        precision: of the arithmetic, as for `Upscaler`.
        tile: side of a tile in LR pixels, or `auto`.
        restore: strength of restoration, as for `Upscaler`.
        ensemble: whether to average over symmetries, as for `Upscaler`.
    """

    model: str
    light: str | None = None
    threshold: float | None = None
    threads: int | None = None
    precision: str = "fp32"
    tile: TileSize = "auto"
    restore: Restore = "auto"
    ensemble: bool = False

    def upscaler(self) -> Upscaler:
        """Makes it; each network is loaded when it is first needed.

        Raises:
            UnknownModelError: no such name; the message names the closest ones.
            WeightsError: a file that is missing, damaged or not from splitsr.
            ValueError: a value out of range.
        """
        model: str | Networks = self.model
        if self.light is not None:
            from splitsr.dispatch.engine import find_dispatched

            model = find_dispatched(
                self.light, self.model, threshold=self.threshold, threads=self.threads
            )
        return Upscaler(
            model,
            precision=self.precision,
            threads=self.threads,
            tile=self.tile,
            restore=self.restore,
            ensemble=self.ensemble,
        )

    def absolute(self) -> UpscalerOptions:
        """The same for a process that works in another folder."""
        model = str(Path(self.model).absolute()) if is_model_path(self.model) else self.model
        light = self.light
        if light and (light.endswith(".json") or is_model_path(light)):
            light = str(Path(light).absolute())
        return replace(self, model=model, light=light)
