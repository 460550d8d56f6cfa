"""The catalogue of models: names, files, descriptions and measured figures."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from splitsr.errors import SpecError, UnknownModelError, WeightsError
from splitsr.networks import ModelSpec, spec_from_dict
from splitsr.zoo.onnx_file import NAME_KEY, has_int8_weights, read_metadata, spec_from_metadata
from splitsr.zoo.reading import read_model_file

CATALOGUE = Path(__file__).with_name("catalogue.toml")
FILES_FOLDER = "files"
TWIN = "restore"

DEFAULT_FAMILY = "splitsr-balanced"
"""Family of the models that are used unless another is asked for."""


class Figures(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Measured quality on one test set.

    Attributes:
        psnr_y: dB, mean over the set's images.
        ssim_y: mean over the set's images.
    """

    psnr_y: float
    ssim_y: float


class _Variant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A model's form in another precision, as it stands in the catalogue."""

    file: str
    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    figures: dict[str, Figures]


class _Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One model as it stands in the catalogue."""

    file: str
    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    licence: str
    parameters: Annotated[int, msgspec.Meta(gt=0)]
    multi_adds_720p: Annotated[int, msgspec.Meta(gt=0)]
    spec: dict[str, Any]
    figures: dict[str, Figures]
    variants: dict[Literal["int8"], _Variant] = {}


class _Catalogue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    models: dict[str, _Row]


@dataclass(frozen=True)
class ModelEntry:
    """A model and where its weights are.

    Attributes:
        name: `<family>-x<scale>` of a shipped model, and `-int8` behind it for its int8 form; of a
            file, the name it carries.
        path: the ONNX file.
        sha256: of the ONNX file, hexadecimal.
        spec: the network's description.
        licence: SPDX expression of the weights; None where unknown.
        parameters: trained values; None where unknown.
        multi_adds_720p: multiply-adds for a 1280x720 output; None where unknown.
        figures: measured quality by test set.
        precision: of its arithmetic, `fp32` or `int8`.
    """

    name: str
    path: Path
    sha256: str
    spec: ModelSpec
    licence: str | None = None
    parameters: int | None = None
    multi_adds_720p: int | None = None
    figures: Mapping[str, Figures] = field(default_factory=dict)
    precision: str = "fp32"

    @property
    def family(self) -> str:
        """The name without the scale: what models for other scales share.

        Of an int8 form it ends in `-int8`, as its name does.
        """
        suffix = "" if self.precision == "fp32" else f"-{self.precision}"
        base = self.name.removesuffix(suffix).removesuffix(f"-x{self.spec.scale}")
        return base + suffix

    @property
    def is_twin(self) -> bool:
        """Whether it is fine-tuned for degraded images, to be mixed with a model for clean ones."""
        return is_twin(self.name)

    @property
    def weights_path(self) -> Path:
        """The safetensors file with the same weights, in float32."""
        stem = self.path.stem
        if self.precision != "fp32":
            stem = stem.removesuffix(f"-{self.precision}")
        return self.path.with_name(f"{stem}.safetensors")

    def read(self) -> bytes:
        """Reads the ONNX file and verifies it.

        Raises:
            WeightsError: it is missing, or not the file that `sha256` is of.
        """
        content = read_model_file(self.path)
        found = hashlib.sha256(content).hexdigest()
        if found != self.sha256:
            raise WeightsError(
                f"{self.path}: damaged: its sha256 is {found[:12]}..., the catalogue's is "
                f"{self.sha256[:12]}...; install splitsr again"
            )
        return content


Catalogue = Mapping[str, ModelEntry]
"""Models by name, in the order of the file."""


def load_catalogue(path: Path = CATALOGUE) -> Catalogue:
    """Reads a catalogue.

    Args:
        path: the TOML file; the models' files lie in `files` beside it. By default the catalogue
            that ships with splitsr.

    Raises:
        WeightsError: the catalogue is missing or not valid.
    """
    try:
        rows = msgspec.toml.decode(read_model_file(path), type=_Catalogue).models
        folder = path.parent / FILES_FOLDER
        entries = [entry for name, row in rows.items() for entry in _entries(name, row, folder)]
        return {entry.name: entry for entry in entries}
    except (msgspec.DecodeError, SpecError, RecursionError) as error:
        raise WeightsError(f"{path}: not a valid catalogue ({error})") from error


@cache
def shipped_catalogue() -> Catalogue:
    """The catalogue that ships with splitsr, read once."""
    return load_catalogue()


def list_models() -> list[ModelEntry]:
    """The models that ship with splitsr, in the catalogue's order.

    Raises:
        WeightsError: the catalogue is missing or not valid.
    """
    return list(shipped_catalogue().values())


def find_model(name_or_path: str | Path, catalogue: Catalogue | None = None) -> ModelEntry:
    """Finds a model by name, or describes one that lies in a file.

    Args:
        name_or_path: a name in the catalogue, or the path of an ONNX file that splitsr exported.
        catalogue: where to look; by default what ships.

    Raises:
        UnknownModelError: no such name; the message names the closest ones.
        WeightsError: the file is missing, damaged or not from splitsr.
    """
    if is_model_path(name_or_path):
        return _entry_of_file(Path(name_or_path))
    models = shipped_catalogue() if catalogue is None else catalogue
    if str(name_or_path) not in models:
        raise unknown_model(str(name_or_path), models)
    return models[str(name_or_path)]


def find_family(name: str, catalogue: Catalogue | None = None) -> dict[int, ModelEntry]:
    """The models of one family.

    Args:
        name: a model's name without its scale, such as `splitsr-balanced`.
        catalogue: where to look; by default what ships.

    Returns:
        Models by scale, the smallest first; empty if there is no such family.
    """
    models = shipped_catalogue() if catalogue is None else catalogue
    entries = [entry for entry in models.values() if entry.family == name]
    return {entry.spec.scale: entry for entry in sorted(entries, key=lambda e: e.spec.scale)}


def find_twin(entry: ModelEntry, catalogue: Catalogue | None = None) -> ModelEntry | None:
    """The model of the same network that is fine-tuned for degraded images, or None.

    Of `splitsr-balanced-x4` it is `splitsr-balanced-restore-x4`. Of a file it is one beside it,
    named likewise. That of an int8 form is the twin's int8 form.

    Args:
        entry: a model.
        catalogue: where to look; by default what ships.

    Raises:
        WeightsError: the file beside it is damaged or not from splitsr.
    """
    if entry.is_twin:
        return None
    models = shipped_catalogue() if catalogue is None else catalogue
    if models.get(entry.name) is entry:
        return models.get(twin_name(entry.name))
    beside = twin_path(entry.path)
    return _entry_of_file(beside) if beside.is_file() else None


def twin_path(path: Path) -> Path:
    """Where the twin of a model in a file is looked for: beside it."""
    return path.with_name(f"{twin_name(path.stem)}{path.suffix}")


def no_twin(name: str) -> UnknownModelError:
    """The error for a model that is to restore images and has no twin to do so."""
    return UnknownModelError(
        f"{name}: has no twin for degraded images ({twin_name(name)}); leave out --restore, in "
        "Python restore"
    )


def twin_name(name: str, strength: float | None = None) -> str:
    """The name of a model's twin for degraded images: `splitsr-fast-restore-x4`.

    With a strength, of the model that is mixed with it for good: `splitsr-fast-restore0.75-x4`.
    """
    family, _, scale = name.rpartition("-x")
    kind = TWIN if strength is None else f"{TWIN}{strength:g}"
    return f"{family}-{kind}-x{scale}" if family else f"{name}-{kind}"


def is_twin(name: str) -> bool:
    """Whether a model's name is that of a twin for degraded images."""
    return f"-{TWIN}-x" in name


def variant_name(name: str, precision: str) -> str:
    """The name of a model or a family in a precision: `splitsr-fast-x4-int8`."""
    return name if precision == "fp32" else f"{name}-{precision}"


def is_model_path(name_or_path: str | Path) -> bool:
    """Whether a model is given as a file, and not by its name."""
    text = str(name_or_path)
    return isinstance(name_or_path, Path) or text.endswith(".onnx") or "/" in text or "\\" in text


def unknown_model(name: str, catalogue: Catalogue, others: Iterable[str] = ()) -> UnknownModelError:
    """The error for a name that is not in the catalogue, with the closest ones that are.

    Args:
        name: that was asked for.
        catalogue: what there is.
        others: further names that would have done.
    """
    if not catalogue:
        return UnknownModelError(
            f"no model {name!r}: this build of splitsr ships none; give the path of an .onnx file"
        )
    families = dict.fromkeys(entry.family for entry in catalogue.values())
    plain = dict.fromkeys(
        entry.family
        for entry in catalogue.values()
        if entry.precision == "fp32" and not entry.is_twin
    )
    known = [*catalogue, *families, *others]
    members = [entry.name for entry in catalogue.values() if entry.family == name]
    close = members or get_close_matches(name, known, n=3, cutoff=0.4)
    hint = f"did you mean {' or '.join(close)}?" if close else f"there are {', '.join(plain)};"
    return UnknownModelError(f"no model {name!r}: {hint} `splitsr models` lists all")


def _entries(name: str, row: _Row, folder: Path) -> Iterator[ModelEntry]:
    """A model, and its forms in other precisions."""
    entry = _entry(name, row, folder)
    yield entry
    for precision, variant in row.variants.items():
        yield replace(
            entry,
            name=variant_name(name, precision),
            path=folder / variant.file,
            sha256=variant.sha256,
            figures=variant.figures,
            precision=precision,
        )


def _entry(name: str, row: _Row, folder: Path) -> ModelEntry:
    return ModelEntry(
        name=name,
        path=folder / row.file,
        sha256=row.sha256,
        spec=spec_from_dict(row.spec),
        licence=row.licence,
        parameters=row.parameters,
        multi_adds_720p=row.multi_adds_720p,
        figures=row.figures,
    )


def _entry_of_file(path: Path) -> ModelEntry:
    if path.suffix == ".safetensors":
        raise WeightsError(
            f"{path}: weights, not a model; make one of them: "
            f"splitsr export {path} --format onnx -o {path.stem}.onnx"
        )
    content = read_model_file(path)
    metadata = read_metadata(content, str(path))
    return ModelEntry(
        name=metadata.get(NAME_KEY) or path.stem,
        path=path,
        sha256=hashlib.sha256(content).hexdigest(),
        spec=spec_from_metadata(metadata, str(path)),
        precision="int8" if has_int8_weights(content) else "fp32",
    )
