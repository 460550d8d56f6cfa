"""What was measured of lower precisions: what the table of `docs/deploy.md` is made from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from splitsr.benchmark.timing import Machine
from splitsr.errors import WeightsError
from splitsr.experiments.result_files import markdown_table, to_json
from splitsr.zoo.catalogue import Figures


class FormRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One precision of a model.

    Attributes:
        size: of the ONNX file, bytes.
        milliseconds: the least for a 128x128 image on two threads, in turns with the others:
            whatever else runs on a machine only makes a run longer.
        median_ms: of the same runs.
        psnr_y: on B100, dB.
    """

    size: int
    milliseconds: float
    median_ms: float
    psnr_y: float


class QuantizedRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The int8 form of a shipped model, and what it was measured beside.

    Attributes:
        sha256: of the ONNX file.
        figures: quality by test set; the same on every CPU, for `may_saturate` was ruled out.
        forms: by precision; `fp32` is what ships in float32.
        calibration_photos: how many.
        rounds: in which every form was timed once.
        machine: that they were timed on.
    """

    sha256: str
    figures: dict[str, Figures]
    forms: dict[str, FormRecord]
    calibration_photos: int
    rounds: int
    machine: Machine

    def loss_db(self, form: str) -> float:
        """What a form loses on B100 against float32."""
        return self.forms["fp32"].psnr_y - self.forms[form].psnr_y

    def speed(self, form: str) -> float:
        """How many times as fast as float32 a form is."""
        return self.forms["fp32"].milliseconds / self.forms[form].milliseconds


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    models: dict[str, QuantizedRecord]


def read_precision(path: Path) -> Mapping[str, QuantizedRecord]:
    """Reads the records, by the model's name in float32; none where there is no file.

    Raises:
        WeightsError: the file cannot be read, or is not what `precision_to_json` writes.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=_File).models
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.DecodeError) as error:
        raise WeightsError(f"{path}: not a file of results ({error})") from error


def precision_to_json(records: Mapping[str, QuantizedRecord]) -> bytes:
    """The file's content, models sorted by name."""
    return to_json(_File(dict(sorted(records.items()))))


def precision_block(records: Mapping[str, QuantizedRecord]) -> str:
    """The table of precisions, in Markdown."""
    if not records:
        return "No model ships in int8 yet."
    rows = [
        (
            name if form == "fp32" else "",
            form,
            f"{found.size / 1e3:.0f} kB",
            f"{record.speed(form):.2f}",
            f"{found.psnr_y:.3f}",
            f"{record.loss_db(form):.3f}",
        )
        for name, record in records.items()
        for form, found in record.forms.items()
    ]
    heading = ("model", "precision", "file", "speed", "B100", "loss")
    machines = dict.fromkeys(
        f"{record.machine.cpu} with {record.machine.runtime}" for record in records.values()
    )
    photos = sorted({record.calibration_photos for record in records.values()})
    rounds = min(record.rounds for record in records.values())
    return (
        f"{markdown_table(heading, rows, left=2)}\n\n"
        "speed: how many times as fast as fp32, by the least times of a 128x128 image on two "
        f"threads, a model's precisions in turns, in {rounds} rounds or more "
        f"({' or '.join(machines)}); B100: PSNR-Y in dB. Calibrated on "
        f"{' or '.join(map(str, photos))} photographs of the training set. int8 has the same "
        "figures on x86 with VNNI, on x86 without it and on ARM: no sum of two products of what "
        "ships exceeds the 16 bits that CPUs without VNNI have for it."
    )


def card_precision_block(record: QuantizedRecord | None) -> str:
    """The block `precision` of a model card: what the int8 form keeps of the quality."""
    if record is None:
        return "It does not ship in int8."
    rows = [
        (test, *(f"{found.psnr_y:.2f}" for _ in range(2))) for test, found in record.figures.items()
    ]
    table = markdown_table(("PSNR-Y", "x86 with VNNI, ARM", "x86 without VNNI"), rows)
    return f"{table}\n\n{record.speed('int8'):.1f} times as fast ({record.machine.cpu})."
