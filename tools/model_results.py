"""What was measured of the shipped models: the file that the tables and cards are made from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from splitsr.benchmark.timing import Machine
from splitsr.errors import WeightsError
from splitsr.experiments.result_files import to_json
from tools.latency import Latency
from tools.parity import Parity


class SetResult(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Quality on a test set, means over its images, with bicubic beside it.

    Attributes:
        images: how many.
        psnr_y: dB.
        ssim_y: at most 1.
        bicubic_psnr_y: dB.
        bicubic_ssim_y: at most 1.
    """

    images: int
    psnr_y: float
    ssim_y: float
    bicubic_psnr_y: float
    bicubic_ssim_y: float


class Training(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How the weights came about.

    Attributes:
        steps: done.
        planned_steps: of the configuration; more than `steps` in a run that was cut short.
        seconds: of training, in all slices.
        hardware: that they were spent on; empty where it is not known.
        commit: of the source that trained; empty where it is not known.
        config: the resolved configuration.
    """

    steps: int
    planned_steps: int
    seconds: float
    hardware: str
    commit: str
    config: dict[str, Any]


class ModelRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything that is known of a shipped model.

    Attributes:
        scale: the enlargement.
        parameters: trained values.
        multi_adds_720p: multiply-adds for a 1280x720 output.
        sha256: of the ONNX file.
        size: of the ONNX file, bytes.
        licence: SPDX expression of the weights.
        figures: quality by test set.
        parity: the ONNX file against torch.
        latency: on `machine`.
        machine: that the latency was measured on.
        training: how the weights came about.
    """

    scale: int
    parameters: int
    multi_adds_720p: int
    sha256: str
    size: int
    licence: str
    figures: dict[str, SetResult]
    parity: Parity
    latency: tuple[Latency, ...]
    machine: Machine
    training: Training

    @property
    def disturbed(self) -> bool:
        """Whether something else ran while the latency was measured, as far as that shows."""
        return any(timing.disturbed for timing in self.latency)

    def milliseconds(self, side: int, threads: int) -> float | None:
        """Median for an LR image of `side` x `side` pixels; None if that was not measured."""
        for timing in self.latency:
            if (timing.height, timing.width, timing.threads) == (side, side, threads):
                return timing.milliseconds
        return None


Results = Mapping[str, ModelRecord]
"""Records by the model's name."""


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    models: dict[str, ModelRecord]


def read_results(path: Path) -> Results:
    """Reads the records; none where there is no file.

    Raises:
        WeightsError: the file cannot be read, or is not what `results_to_json` writes.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=_File).models
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.DecodeError) as error:
        raise WeightsError(f"{path}: not a file of results ({error})") from error


def results_to_json(results: Results) -> bytes:
    """The file's content, models sorted by name."""
    return to_json(_File(dict(sorted(results.items()))))
