"""Promotion of a briefly trained network with real images, into a folder of its own."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from PIL import Image
from safetensors import safe_open
from skimage import data
from torch.nn import functional

from splitsr.errors import ImageWriteError, ModelError, SplitSRError, WeightsError
from splitsr.imaging.atomic import write_together
from splitsr.imaging.resize import rescale_bicubic
from splitsr.networks import ModelSpec, SplitSRSpec
from splitsr.networks.build import build_model
from splitsr.networks.checkpoint import load_weights, save_weights
from splitsr.zoo.catalogue import find_model, load_catalogue
from tests.conftest import call_main
from tests.patience import PATIENCE_S
from tools import promote as promotion
from tools.__main__ import command as tools
from tools.documents import stale_documents, unlike_catalogue
from tools.paths import Paths
from tools.promote import promote
from tools.trained import read_candidate

pytestmark = pytest.mark.usefixtures("quick_exports")

TOOLS = (sys.executable, "-m", "tools")
NAME = "splitsr-fast-x4"
README = "# Ours\n\n<!-- begin generated: models -->\n<!-- end generated: models -->\n"
SPEC = SplitSRSpec(
    n_feats=8,
    n_resgroups=1,
    n_resblocks=4,
    hybrid_index=1,
    channel_attention=False,
    upsampler="single_step",
    image_skip="bilinear",
)
CONFIG = """name = "tiny"
init_from = "/home/someone/runs/tiny-x2/weights.safetensors"

[optimizer]
kind = "adam"

[[stages]]
steps = 40

[[stages]]
steps = 20
"""
HISTORY = {
    "splitsr.config": CONFIG,
    "splitsr.commit": "0123456789abcdef0123456789abcdef01234567",
    "splitsr.step": "60",
    "splitsr.seconds": "5",
    "splitsr.host": "machine-of-someone",
}


def write_run(folder: Path, spec: ModelSpec, *, steps: int = 0, **history: str) -> Path:
    """What a training run leaves; some steps on a photo make the network better than before."""
    torch.manual_seed(0)
    network = build_model(spec)
    hr = data.astronaut()[:160, 150:310]
    lr = rescale_bicubic(hr, 1 / spec.scale)
    pair = [torch.from_numpy(x.astype(np.float32) / 255).permute(2, 0, 1)[None] for x in (lr, hr)]
    optimizer = torch.optim.Adam(network.parameters(), 2e-3)
    for _ in range(steps):
        loss = functional.l1_loss(network(pair[0]), pair[1])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    folder.mkdir()
    metadata = {key: value for key, value in {**HISTORY, **history}.items() if value}
    save_weights(folder / "weights.safetensors", spec, network.state_dict(), metadata)
    return folder


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Real pictures under the names of the test sets."""
    root = tmp_path_factory.mktemp("sets")
    pictures = {
        "Set5": data.chelsea()[:200, :240],
        "Set14": data.coffee()[100:260, 200:400],
        "B100": data.astronaut()[:160, 150:310],
    }
    for name, picture in pictures.items():
        (root / name).mkdir()
        Image.fromarray(picture).save(root / name / "photo.png")
    return {name: root / name for name in pictures}


@pytest.fixture(scope="module")
def untrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("worse") / "run", SPEC)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("better") / "run", SPEC, steps=60)


@pytest.fixture(scope="module")
def first(
    tmp_path_factory: pytest.TempPathFactory,
    repo_root: Path,
    trained: Path,
    sets: dict[str, Path],
) -> Path:
    """A zoo into which the command has put the trained network."""
    zoo = tmp_path_factory.mktemp("first") / "zoo"
    zoo.mkdir()
    (zoo / "README.md").write_text(README)
    (zoo / "catalogue.toml").write_text("# Ours.\n\n[models]\n")
    folders = [part for name in sets for part in ("--set", f"{name}={sets[name]}")]
    where = ["--root", str(repo_root), "--zoo", str(zoo), "--hardware", "two threads"]
    command = ["promote", str(trained), "--name", NAME, *folders, *where]
    done = call_main(*command, group=tools, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f"wrote {zoo / 'catalogue.toml'}"
    assert done.stdout.count("over bicubic") == 3
    assert done.stdout.count(" ms\n") == 4
    return zoo


@pytest.fixture
def paths(first: Path, tmp_path: Path, repo_root: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    """A copy of that zoo, for promotions whose latency does not matter."""
    quick = partial(promotion.measure_latency, sides=(16,), threads=(1,))
    monkeypatch.setattr(promotion, "measure_latency", quick)
    shutil.copytree(first, tmp_path / "zoo")
    return Paths.of_trial(tmp_path / "zoo", repo_root)


@pytest.fixture
def run_tools(repo_root: Path) -> RunTools:
    """Runs the command of the checkout in a process of its own."""

    def run(*arguments: object) -> subprocess.CompletedProcess[bytes]:
        words = [*TOOLS, *map(str, arguments)]
        return subprocess.run(words, cwd=repo_root, capture_output=True, timeout=PATIENCE_S)

    return run


@pytest.fixture(scope="session")
def call_tools() -> RunTools:
    """Runs it in this process."""
    return partial(call_main, group=tools)


def content(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_what_ships_after_a_promotion(paths: Paths, trained: Path) -> None:
    shipped = find_model(NAME, load_catalogue(paths.catalogue))
    assert shipped.spec == SPEC
    assert shipped.read()  # its sha256 is right
    assert shipped.licence == "Apache-2.0"
    assert shipped.parameters == sum(p.numel() for p in build_model(SPEC).parameters())
    assert set(shipped.figures) == {"Set5", "Set14", "B100"}
    assert stale_documents(paths) == unlike_catalogue(paths) == []
    weights = load_weights(shipped.weights_path).state_dict()
    expected = load_weights(trained / "weights.safetensors").state_dict()
    assert all(torch.equal(weights[key], expected[key]) for key in expected)


def test_the_record_has_the_history_and_no_path_of_the_machine(paths: Paths) -> None:
    record = json.loads(paths.results.read_bytes())["models"][NAME]
    assert record["training"]["steps"] == record["training"]["planned_steps"] == 60
    assert record["training"]["hardware"] == "two threads"
    assert record["training"]["config"]["init_from"] == "tiny-x2/weights.safetensors"
    assert record["parity"]["max_difference"] <= 1e-5
    timings = [(timing["width"], timing["threads"]) for timing in record["latency"]]
    assert timings == [(128, 2), (512, 2), (128, 1), (512, 1)]
    with safe_open(paths.weights(NAME, ".safetensors"), framework="np") as file:
        header = file.metadata()
    assert json.loads(header["splitsr.figures"]) == record["figures"]
    assert header["splitsr.step"] == "60"
    repository = str(paths.checkout.resolve()).encode()
    for path, found in content(paths.zoo).items():
        for trace in (b"/home/", b"machine-of-someone", repository, str(paths.zoo).encode()):
            assert trace not in found, f"{trace!r} in {path}"


def test_a_twin_is_measured_on_jpegs_and_decided_by_them(
    paths: Paths, trained: Path, untrained: Path, sets: dict[str, Path]
) -> None:
    twin = "splitsr-fast-restore-x4"
    promote(untrained, twin, sets, paths)
    figures = load_catalogue(paths.catalogue)[twin].figures
    assert set(figures) == {"Set5", "Set14", "B100", "B100-jpeg90", "B100-jpeg75"}
    assert figures["B100-jpeg75"].psnr_y < figures["B100-jpeg90"].psnr_y < figures["B100"].psnr_y
    card = paths.card(twin).read_text()
    assert f"splitsr upscale photo.jpg --model {NAME} --restore auto" in card
    assert "| B100-jpeg75 | 1 |" in card
    assert twin not in paths.readme.read_text()
    promote(trained, twin, sets, paths)
    with pytest.raises(ModelError, match=r"not better than .* on B100-jpeg90 and B100-jpeg75 both"):
        promote(untrained, twin, sets, paths)
    promote(untrained, twin, sets, paths, replace=True)
    assert load_catalogue(paths.catalogue)[twin].figures == figures
    assert stale_documents(paths) == unlike_catalogue(paths) == []


def test_worse_weights_are_refused_and_nothing_changes(
    paths: Paths, untrained: Path, sets: dict[str, Path]
) -> None:
    before = content(paths.zoo)
    with pytest.raises(
        ModelError, match=r"not better than .* on Set14 and B100 both: Set14 \d\d\."
    ):
        promote(untrained, NAME, sets, paths)
    assert content(paths.zoo) == before


def test_better_weights_replace_the_others_and_leave_other_models_alone(
    paths: Paths,
    trained: Path,
    untrained: Path,
    sets: dict[str, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shipped = load_catalogue(paths.catalogue)[NAME]
    others = (untrained / "weights.safetensors").read_bytes()
    paths.weights(NAME, ".safetensors").write_bytes(others)
    better = shipped.figures["B100"].psnr_y
    text = paths.catalogue.read_text().replace(str(better), str(better - 0.01))
    psnr = shipped.figures["Set14"].psnr_y
    text = text.replace(str(psnr), str(psnr - 0.01)).replace(shipped.sha256, "0" * 64)
    other = text.replace("# Ours.\n", "").replace(NAME, "splitsr-other-x4")
    paths.catalogue.write_text(text + other)
    onnx_file = paths.weights(NAME, ".onnx").read_bytes()
    monkeypatch.setattr(
        promotion, "export_onnx", lambda _model, path, **_named: path.write_bytes(onnx_file)
    )
    promote(trained, NAME, sets, paths)
    catalogue = load_catalogue(paths.catalogue)
    assert catalogue[NAME].figures["B100"].psnr_y == better
    assert catalogue[NAME].sha256 == shipped.sha256
    assert catalogue["splitsr-other-x4"].sha256 == "0" * 64
    assert unlike_catalogue(paths) == ["splitsr-other-x4"]

    worse_on_one = paths.catalogue.read_text().replace(str(psnr), str(psnr + 0.01))
    paths.catalogue.write_text(worse_on_one.replace(shipped.sha256, "0" * 64))
    paths.weights(NAME, ".safetensors").write_bytes(others)
    with pytest.raises(ModelError, match="not better than the model that ships"):
        promote(trained, NAME, sets, paths)


def test_the_same_weights_may_be_measured_again(
    paths: Paths, trained: Path, sets: dict[str, Path]
) -> None:
    before = find_model(NAME, load_catalogue(paths.catalogue))
    done = promote(trained, NAME, sets, paths, hardware="another thread")
    assert done.record.sha256 == before.sha256
    assert done.files[-1] == paths.catalogue
    assert "another thread" in paths.card(NAME).read_text()


def test_times_are_taken_again_and_nothing_else_changes(
    paths: Paths, repo_root: Path, run_tools: RunTools, call_tools: RunTools
) -> None:
    before = json.loads(paths.results.read_bytes())["models"][NAME]
    aged = paths.results.read_text().replace('"cpu": "', '"cpu": "another ')
    paths.results.write_text(aged)
    where = ["--root", str(repo_root), "--zoo", str(paths.zoo)]
    done = run_tools("time", NAME, *where)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(b" ms") == 4
    after = json.loads(paths.results.read_bytes())["models"][NAME]
    assert after["machine"] == before["machine"]
    times = [timing.pop("milliseconds") for timing in after.pop("latency")]
    assert len(times) == len(before.pop("latency"))
    assert after == before
    assert f"| {times[0]:.1f} |" in paths.card(NAME).read_text()
    assert stale_documents(paths) == unlike_catalogue(paths) == []

    paths.weights(NAME, ".onnx").write_bytes(b"another file")
    done = call_tools("time", *where)
    assert done.returncode == 1
    assert b"not the file that was measured" in done.stderr
    done = call_tools("time", "splitsr-none-x4", *where)
    assert b"splitsr-none-x4: no such model ships" in done.stderr


def test_the_same_weights_may_be_exported_in_another_form(
    paths: Paths, trained: Path, sets: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = find_model(NAME, load_catalogue(paths.catalogue))
    exported = paths.weights(NAME, ".onnx")

    def rename(_model: torch.nn.Module, path: Path, *, name: str) -> None:
        proto = onnx.load(exported)
        proto.doc_string = f"{name} in another form"
        onnx.save(proto, path)

    monkeypatch.setattr(promotion, "export_onnx", rename)
    done = promote(trained, NAME, sets, paths)
    assert done.record.sha256 != before.sha256
    assert find_model(NAME, load_catalogue(paths.catalogue)).sha256 == done.record.sha256


def test_an_export_that_computes_something_else_is_refused(
    paths: Paths, trained: Path, sets: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    exported = paths.weights(NAME, ".onnx")

    def corrupt(_model: torch.nn.Module, path: Path, *, name: str) -> None:
        assert name == NAME
        proto = onnx.load(exported)
        bias = next(t for t in proto.graph.initializer if t.dims == [48])
        bias.raw_data = (np.frombuffer(bias.raw_data, np.float32) + 0.01).tobytes()
        onnx.save(proto, path)

    monkeypatch.setattr(promotion, "export_onnx", corrupt)
    before = content(paths.zoo)
    with pytest.raises(ModelError, match=r"the export differs from torch by up to 0\.01 and 3 lev"):
        promote(trained, NAME, sets, paths)
    assert content(paths.zoo) == before


@pytest.mark.parametrize(
    ("changes", "name", "message"),
    [
        ({"n_feats": 64}, "splitsr-fast-x4", r"multi-adds; splitsr-fast allows 60 K and 3\.5 G"),
        ({}, "splitsr-fast-x2", "the network enlarges x4"),
        ({}, "Fast", "not a model's name"),
        ({}, "../splitsr-fast-x4", "not a model's name"),
    ],
)
def test_a_network_that_does_not_fit_its_name_is_refused(
    tmp_path: Path,
    repo_root: Path,
    sets: dict[str, Path],
    changes: dict[str, int],
    name: str,
    message: str,
) -> None:
    spec = SplitSRSpec(**{**{f: getattr(SPEC, f) for f in SPEC.__struct_fields__}, **changes})
    run = write_run(tmp_path / "run", spec)
    with pytest.raises(ModelError, match=message):
        promote(run, name, sets, Paths.of_trial(tmp_path / "zoo", repo_root))
    assert not (tmp_path / "zoo").exists()


@pytest.mark.parametrize(
    ("history", "message"),
    [
        ({"splitsr.step": ""}, r"no splitsr\.step in its header"),
        ({"splitsr.step": "many"}, "its header cannot be read"),
        ({"splitsr.config": "stages = 3"}, "its header cannot be read"),
        ({"splitsr.config": "= 3"}, "its header cannot be read"),
    ],
)
def test_weights_without_their_history_are_refused(
    tmp_path: Path, history: dict[str, str], message: str
) -> None:
    run = write_run(tmp_path / "run", SPEC, **history)
    with pytest.raises(WeightsError, match=message):
        read_candidate(run)


def test_weights_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    network = build_model(SPEC)
    weights = network.state_dict()
    key = next(iter(weights))
    weights[key][0] = float("inf")
    save_weights(tmp_path / "weights.safetensors", SPEC, weights, HISTORY)
    with pytest.raises(WeightsError, match=f"{key} is not finite"):
        read_candidate(tmp_path)


def test_a_readme_without_markers_is_named_before_the_work(
    paths: Paths, trained: Path, sets: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    paths.readme.write_text("# No markers\n")
    monkeypatch.setattr(promotion, "export_onnx", None)  # is never reached
    with pytest.raises(SplitSRError, match="found 0 blocks from '<!-- begin generated: models"):
        promote(trained, NAME, sets, paths)


def test_a_write_that_fails_takes_the_others_back(tmp_path: Path) -> None:
    old, new, folder = tmp_path / "old", tmp_path / "sub" / "new", tmp_path / "folder"
    old.write_bytes(b"old")
    folder.mkdir()
    with pytest.raises(ImageWriteError, match="folder"):
        write_together({old: b"changed", new: b"new", folder: b"cannot be"})
    assert old.read_bytes() == b"old"
    assert not new.exists()
    write_together({old: b"changed", new: b"new"})
    assert (old.read_bytes(), new.read_bytes()) == (b"changed", b"new")


RunTools = Callable[..., subprocess.CompletedProcess[bytes]]


def test_the_check_names_what_is_stale(call_tools: RunTools, repo_root: Path, paths: Paths) -> None:
    where = ["--root", repo_root, "--zoo", paths.zoo]
    assert call_tools("tables", "--check", *where).returncode == 0
    card = paths.card(NAME)
    good = card.read_bytes()
    card.write_bytes(good.replace(b"Apache-2.0", b"MIT"))
    paths.catalogue.write_text(paths.catalogue.read_text().replace(NAME, "splitsr-lost-x4"))
    stale = call_tools("tables", "--check", *where)
    lines = stale.stderr.decode().splitlines()
    assert stale.returncode == 1
    assert lines[0] == f"splitsr: {card}: stale; run `python -m tools tables`"
    assert [line.split(": ")[2].split()[0] for line in lines[1:]] == [NAME, "splitsr-lost-x4"]
    again = call_tools("tables", *where)
    assert again.stdout.decode() == f"wrote {card}\n"
    assert card.read_bytes() == good


def test_wrong_calls_have_exit_code_2(call_tools: RunTools, tmp_path: Path) -> None:
    for given in (f"Set5={tmp_path}", "Set5", f"Set5={tmp_path / 'gone'}"):
        done = call_tools("promote", tmp_path, "--name", NAME, "--set", given)
        assert done.returncode == 2, done.stderr
    outside = call_tools("tables", "--check", "--root", tmp_path)
    assert (outside.returncode, outside.stderr.count(b"\n")) == (1, 1)
    assert b"not a checkout of splitsr" in outside.stderr


def test_tables_need_no_torch(repo_root: Path) -> None:
    code = f"""
import sys
sys.modules["torch"] = None
from pathlib import Path
from tools.documents import stale_documents
from tools.paths import Paths
print(stale_documents(Paths.of_trial(Path("none"), Path({str(repo_root)!r}))))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr
