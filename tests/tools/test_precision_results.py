"""Lower precisions: their table, and what the catalogue says of them."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from splitsr.benchmark.timing import Machine
from splitsr.errors import ModelError, WeightsError
from splitsr.runtime.upscaler import Upscaler
from splitsr.zoo.catalogue import Figures, ModelEntry, find_family, list_models
from tools.precision_results import (
    FormRecord,
    QuantizedRecord,
    card_precision_block,
    precision_block,
    precision_to_json,
    read_precision,
)
from tools.quantize import _require

INT8 = [entry for entry in list_models() if entry.precision == "int8"]


@pytest.fixture
def record() -> QuantizedRecord:
    def form(milliseconds: float, psnr: float) -> FormRecord:
        return FormRecord(
            size=1000, milliseconds=milliseconds, median_ms=milliseconds + 1, psnr_y=psnr
        )

    return QuantizedRecord(
        sha256="ab" * 32,
        figures={"B100": Figures(27.1, 0.7)},
        forms={"fp32": form(10, 27.14), "int8": form(5, 27.1)},
        calibration_photos=3,
        rounds=4,
        machine=Machine(cpu="A CPU", cores=2, system="Linux", runtime="ONNX Runtime 1"),
    )


def test_the_table_has_speed_and_loss(record: QuantizedRecord, tmp_path: Path) -> None:
    path = tmp_path / "precision.json"
    assert read_precision(path) == {}
    path.write_bytes(precision_to_json({"a-x4": record}))
    text = precision_block(read_precision(path))
    assert "|  | int8 | 1 kB | 2.00 | 27.100 | 0.040 |" in text
    assert "3 photographs" in text
    path.write_text("{}")
    with pytest.raises(WeightsError, match="not a file of results"):
        read_precision(path)


@pytest.mark.parametrize(("milliseconds", "psnr"), [(10.5, 27.14), (5, 26.98), (5, float("nan"))])
def test_int8_that_is_slower_or_loses_is_refused(
    record: QuantizedRecord, milliseconds: float, psnr: float
) -> None:
    worse = msgspec.structs.replace(record.forms["int8"], milliseconds=milliseconds, psnr_y=psnr)
    _require("a-x4", record)
    other = msgspec.structs.replace(record, forms={**record.forms, "int8": worse})
    with pytest.raises(ModelError, match=r"a-x4: int8 loses .* nothing was written"):
        _require("a-x4", other)


def test_a_card_has_the_figures_of_both_kinds_of_kernels(record: QuantizedRecord) -> None:
    text = card_precision_block(record)
    assert "| B100 | 27.10 | 27.10 |" in text
    assert text.endswith("2.0 times as fast (A CPU).")
    assert card_precision_block(None) == "It does not ship in int8."


@pytest.mark.parametrize("entry", INT8, ids=lambda entry: entry.name)
def test_what_ships_in_int8_is_near_its_model(entry: ModelEntry, photo: np.ndarray) -> None:
    name = entry.name.removesuffix("-int8")
    assert entry.family.endswith("-int8")
    assert find_family(entry.family)[entry.spec.scale] is entry
    lr = photo[60:124, 200:280]
    quantized, full = Upscaler(entry.name)(lr), Upscaler(name)(lr)
    error = np.mean((quantized.astype(float) - full) ** 2)
    assert 40 < 10 * np.log10(255**2 / error) < 60


def test_every_model_ships_in_int8() -> None:
    names = {entry.name for entry in list_models()}
    assert names == {name.removesuffix("-int8") + end for name in names for end in ("", "-int8")}
