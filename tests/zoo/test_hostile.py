"""Models and descriptions that were made to do harm: one line each, and soon."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from splitsr.dispatch.engine import read_calibration
from splitsr.errors import SpecError, WeightsError
from splitsr.networks import spec_from_dict, spec_from_json
from splitsr.runtime.onnx_engine import OnnxEngine
from splitsr.zoo.catalogue import find_model
from splitsr.zoo.onnx_file import read_metadata

Process = subprocess.CompletedProcess[bytes]


def endless_loop() -> onnx.NodeProto:
    """A Loop whose condition stays true, for 2**62 times."""
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go"], ["on"]),
            helper.make_node("Identity", ["picture"], ["same"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("turn", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("picture", TensorProto.FLOAT, None),
        ],
        [
            helper.make_tensor_value_info("on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("same", TensorProto.FLOAT, None),
        ],
    )
    return helper.make_node("Loop", ["often", "", "sr_once"], ["sr"], body=body)


def with_loop(model: onnx.ModelProto, _: Path) -> None:
    model.graph.node[-1].output[0] = "sr_once"
    model.graph.node.append(endless_loop())
    model.graph.initializer.append(numpy_helper.from_array(np.array(2**62), "often"))


def with_function(model: onnx.ModelProto, _: Path) -> None:
    node = helper.make_node("Identity", ["x"], ["y"])
    opset = [helper.make_opsetid("", 18)]
    model.functions.append(helper.make_function("mine", "f", ["x"], ["y"], [node], opset))


def with_other_file(model: onnx.ModelProto, folder: Path) -> None:
    """The first kernel's bytes are those of a file in the folder that the command runs in."""
    kernel = model.graph.initializer[0]
    (folder / "secret.bin").write_bytes(kernel.raw_data)
    kernel.ClearField("raw_data")
    kernel.data_location = TensorProto.EXTERNAL
    kernel.external_data.add(key="location", value="secret.bin")


def with_other_file_in_a_node(model: onnx.ModelProto, folder: Path) -> None:
    constant = TensorProto(name="secret", data_type=TensorProto.FLOAT, dims=[1])
    constant.data_location = TensorProto.EXTERNAL
    constant.external_data.add(key="location", value=str(folder / "secret.bin"))
    model.graph.node.append(helper.make_node("Constant", [], ["unused"], value=constant))


CHANGES = {
    "a graph within its graph": with_loop,
    "functions of its own": with_function,
    "weights in another file": with_other_file,
    "the network has weights": with_other_file_in_a_node,
}


@pytest.mark.parametrize("found", CHANGES)
def test_a_network_that_splitsr_would_not_export_is_refused(
    found: str, tiny_model: Path, tmp_path: Path, call_splitsr: Callable[..., Process]
) -> None:
    model = onnx.load(tiny_model)
    CHANGES[found](model, tmp_path)
    path = tmp_path / "hostile.onnx"
    path.write_bytes(model.SerializeToString())
    for load in (find_model, OnnxEngine):
        with pytest.raises(WeightsError, match=found):
            load(path)
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    done = call_splitsr("upscale", tmp_path / "a.png", "--model", path)
    assert (done.returncode, done.stderr.count(b"\n")) == (1, 1)
    assert not (tmp_path / "a_x4.png").exists()


@pytest.mark.parametrize("factor", [3, 1e5])
def test_a_network_that_fails_is_one_line(
    factor: float, tiny_model: Path, tmp_path: Path, run_splitsr: Callable[..., Process]
) -> None:
    """A shape that does not fit, and memory that no machine has: ONNX Runtime prints nothing."""
    model = onnx.load(tiny_model)
    sizes = np.array([1, 1, factor, factor], np.float32)
    model.graph.initializer[-1].CopyFrom(numpy_helper.from_array(sizes, "sizes"))
    onnx.save(model, tmp_path / "odd.onnx")
    Image.new("RGB", (200, 200)).save(tmp_path / "a.png")
    done = run_splitsr("upscale", tmp_path / "a.png", "--model", tmp_path / "odd.onnx")
    assert (done.returncode, done.stderr.count(b"\n")) == (1, 1)
    assert b"failed on a tile of 200x200 pixels" in done.stderr


def test_metadata_is_what_onnx_reads(tiny_model: Path) -> None:
    expected = {each.key: each.value for each in onnx.load(tiny_model).metadata_props}
    assert read_metadata(tiny_model.read_bytes(), "tiny") == expected


def test_any_cut_or_flipped_byte_is_one_error_or_none(tiny_model: Path) -> None:
    content = bytearray(tiny_model.read_bytes())
    rng = np.random.default_rng(5)
    for place in [*range(60), *rng.integers(0, len(content), 300)]:
        damaged = bytearray(content)
        damaged[place] ^= 1 << rng.integers(8)
        for tried in (bytes(damaged), bytes(content[:place])):
            with contextlib.suppress(WeightsError):
                read_metadata(tried, "tiny")


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null", "pipe", "sparse.onnx", "."])
def test_a_model_that_is_no_file_is_not_read(
    device: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    with Path("sparse.onnx").open("wb") as file:
        file.truncate(2**40)
    for load in (find_model, OnnxEngine, read_calibration):
        with pytest.raises(WeightsError, match=r"cannot be read: (not a file|has 1024\.0 GiB)"):
            load(Path(device))


@pytest.mark.parametrize(
    "fields",
    [
        {"n_resgroups": 10**9, "hybrid_index": 1},
        {"n_resgroups": 1000, "n_resblocks": 1000},
        {"n_feats": 10**30},
        {"arch": "edsr", "n_resblocks": 10**9},
        {"arch": "rcan", "n_resgroups": 10_000, "n_resblocks": 2},
        {"arch": "san", "iterations": 10**9},
        {"arch": "srcnn", "kernels": [10**9 + 1, 5, 5]},
        {"arch": "srcnn", "widths": [10**9, 32]},
        {"arch": "smfanet", "n_blocks": 10**9},
    ],
)
def test_a_network_beyond_all_measure_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(SpecError, match=r"allowed: (\w+ values, each )?\d+ to \d+"):
        spec_from_dict(fields)


@pytest.mark.parametrize("text", ["[" * 10**5, '{"a":' * 10**5])
def test_nesting_without_end_is_one_line(
    text: str, tmp_path: Path, run_splitsr: Callable[..., Process]
) -> None:
    with pytest.raises(SpecError, match="a JSON object"):
        spec_from_json(text)
    (tmp_path / "pair.json").write_text(text)
    with pytest.raises(WeightsError, match="not a file of"):
        read_calibration(tmp_path / "pair.json")
    (tmp_path / "a.toml").write_text(f"a = {text.replace(':', '=')}")
    done = run_splitsr("info", tmp_path / "a.toml")
    assert (done.returncode, done.stderr.count(b"\n")) == (2, 1)
    assert b"not a TOML file" in done.stderr
