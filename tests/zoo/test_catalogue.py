from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest

from splitsr.errors import UnknownModelError, WeightsError
from splitsr.networks import ModelSpec
from splitsr.runtime.loading import find_entry
from splitsr.runtime.onnx_engine import OnnxEngine
from splitsr.runtime.upscaler import Upscaler
from splitsr.zoo import (
    DEFAULT_FAMILY,
    Catalogue,
    find_family,
    find_model,
    list_models,
    load_catalogue,
)
from splitsr.zoo.catalogue import CATALOGUE, FILES_FOLDER

ROW = """
[models.{name}]
file = "tiny.onnx"
sha256 = "{sha256}"
licence = "Apache-2.0"
parameters = 5000
multi_adds_720p = 300000000
figures.Set5 = {{ psnr_y = 28.5, ssim_y = 0.81 }}
figures.Set14 = {{ psnr_y = 26.1, ssim_y = 0.7 }}
[models.{name}.spec]
"""


@pytest.fixture
def folder(tmp_path: Path, tiny_model: Path, tiny_spec: ModelSpec) -> Path:
    """A catalogue of one network under three names."""
    content = tiny_model.read_bytes()
    (tmp_path / FILES_FOLDER).mkdir()
    (tmp_path / FILES_FOLDER / "tiny.onnx").write_bytes(content)
    # A JSON value is a TOML value, too.
    fields = msgspec.to_builtins(tiny_spec).items()
    spec = "".join(f"{field} = {json.dumps(value)}\n" for field, value in fields)
    rows = [
        ROW.format(name=name, sha256=hashlib.sha256(content).hexdigest()) + spec
        for name in ("splitsr-fast-x4", "splitsr-balanced-x4", "other-x4")
    ]
    (tmp_path / "catalogue.toml").write_text("".join(rows))
    return tmp_path


@pytest.fixture
def catalogue(folder: Path) -> Catalogue:
    return load_catalogue(folder / "catalogue.toml")


def test_an_entry_says_all(catalogue: Catalogue, folder: Path, tiny_spec: ModelSpec) -> None:
    entry = find_model("splitsr-fast-x4", catalogue)

    assert entry.spec == tiny_spec
    assert entry.path == folder / "files" / "tiny.onnx"
    assert entry.weights_path.name == "tiny.safetensors"
    assert (entry.parameters, entry.multi_adds_720p) == (5000, 300_000_000)
    assert entry.licence == "Apache-2.0"
    assert list(entry.figures) == ["Set5", "Set14"]
    assert entry.figures["Set5"].psnr_y == 28.5
    assert OnnxEngine(entry.read()).spec == tiny_spec


def test_a_damaged_file_is_refused(catalogue: Catalogue) -> None:
    entry = find_model("other-x4", catalogue)
    content = bytearray(entry.path.read_bytes())
    content[-1] ^= 1
    entry.path.write_bytes(content)

    with pytest.raises(WeightsError, match=r"damaged: its sha256 is .* install splitsr again"):
        Upscaler("other-x4", catalogue=catalogue)(np.zeros((4, 4), np.uint8))
    entry.path.unlink()
    with pytest.raises(WeightsError, match="No such file"):
        entry.read()


def test_an_unknown_name_gets_the_closest(catalogue: Catalogue) -> None:
    with pytest.raises(UnknownModelError, match="did you mean splitsr-fast-x4"):
        find_model("splitsr-fst-x4", catalogue)
    with pytest.raises(UnknownModelError, match=r"'splitsr-fast': did you mean splitsr-fast-x4\?"):
        find_model("splitsr-fast", catalogue)
    with pytest.raises(UnknownModelError, match="there are splitsr-fast, splitsr-balanced, "):
        find_model("qqq", catalogue)
    with pytest.raises(UnknownModelError, match="ships none"):
        find_model("splitsr-fast-x4", {})


def test_a_family_is_a_model_for_each_scale(catalogue: Catalogue) -> None:
    assert [*find_family(DEFAULT_FAMILY, catalogue)] == [4]
    assert find_family("nothing", catalogue) == {}
    upscaler = Upscaler(catalogue=catalogue)
    assert upscaler.scale == 4
    assert [network.name for network in upscaler.networks_for(2)] == ["splitsr-balanced-x4"]


def test_a_file_is_a_model(tiny_model: Path, tiny_spec: ModelSpec) -> None:
    entry = find_model(tiny_model)

    assert (entry.name, entry.spec, entry.licence) == ("tiny-x4", tiny_spec, None)
    assert entry.sha256 == hashlib.sha256(tiny_model.read_bytes()).hexdigest()
    assert find_model(str(tiny_model)) == entry


@pytest.mark.parametrize("name", [None, ""])
def test_a_file_without_a_name_is_called_after_itself(
    tmp_path: Path, make_model: Callable[..., Path], tiny_spec: ModelSpec, name: str | None
) -> None:
    assert find_model(make_model(tmp_path / "mine.onnx", tiny_spec, name=name)).name == "mine"


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    fake = tmp_path / "fake.onnx"
    fake.write_bytes(b"nothing")
    with pytest.raises(WeightsError, match="damaged, or not an ONNX model"):
        find_model(fake)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("sha256 = ", "md5 = "), "md5"),
        (("parameters = 5000", "parameters = 0"), "parameters"),
        (("scale = 4", "scale = 5"), "scale: found 5"),
        (("[models", "models ="), "not a valid catalogue"),
    ],
)
def test_a_catalogue_that_is_not_valid_is_refused(
    folder: Path, change: tuple[str, str], message: str
) -> None:
    path = folder / "catalogue.toml"
    path.write_text(path.read_text().replace(*change, 1))
    with pytest.raises(WeightsError, match="not a valid catalogue") as caught:
        load_catalogue(path)
    assert message in str(caught.value)


def test_files_and_catalogue_that_ship_agree() -> None:
    """Holds for no models, too: a file without an entry fails."""
    entries = list_models()
    files = {path.stem for path in (CATALOGUE.parent / FILES_FOLDER).glob("*.onnx")}
    assert files == {entry.path.stem for entry in entries}
    for entry in entries:
        engine = OnnxEngine(entry.read())
        assert engine.spec == entry.spec
        assert engine.name == entry.name
        assert entry.weights_path.is_file()
        suffix = "" if entry.precision == "fp32" else f"-{entry.precision}"
        family = entry.family.removesuffix(suffix)
        assert entry.name == f"{family}-x{entry.spec.scale}{suffix}"


def test_the_default_model_ships() -> None:
    if not list_models():
        pytest.skip("no models in the catalogue yet")
    assert find_family(DEFAULT_FAMILY)


def test_a_model_in_another_precision_is_one_of_its_own(folder: Path) -> None:
    path, content = folder / "catalogue.toml", b"damaged"
    with pytest.raises(UnknownModelError, match="no model 'other-x4-int8': did you mean other-x4"):
        find_entry("other-x4", "int8", load_catalogue(path))
    (folder / FILES_FOLDER / "tiny-int8.onnx").write_bytes(content)
    sha256 = hashlib.sha256(b"whole").hexdigest()
    variant = f'file = "tiny-int8.onnx"\nsha256 = "{sha256}"\n'
    variant += "figures.Set5 = { psnr_y = 28.4, ssim_y = 0.8 }\n"
    path.write_text(f"{path.read_text()}\n[models.other-x4.variants.int8]\n{variant}")
    catalogue = load_catalogue(path)
    entry = find_model("other-x4-int8", catalogue)
    assert (entry.precision, entry.family) == ("int8", "other-int8")
    assert entry.weights_path == find_model("other-x4", catalogue).path.with_name(
        "tiny.safetensors"
    )
    assert entry.figures["Set5"].psnr_y == 28.4
    assert entry.spec == find_model("other-x4", catalogue).spec
    assert [*find_family("other", catalogue)] == [*find_family("other-int8", catalogue)] == [4]
    with pytest.raises(WeightsError, match="damaged: its sha256 is"):
        entry.read()
