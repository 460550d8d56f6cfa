"""The loop: what a run leaves behind, exact resume, refusals; `splitsr train` as a process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import nn

from splitsr.data.pack import Pack
from splitsr.data.patches import Patches
from splitsr.errors import DataError, TrainingError
from splitsr.networks.build import build_model
from splitsr.networks.checkpoint import load_weights, read_weights
from splitsr.training import loop
from splitsr.training.config import Stage, read_config
from splitsr.training.devices import Place, find_place
from splitsr.training.log import Record, read_log
from splitsr.training.loop import train
from splitsr.training.losses import image_loss
from splitsr.training.step import TrainStep
from tests.conftest import call_main
from tests.patience import PATIENCE_S
from tests.training.conftest import LONG, call_train, same_weights, train_command


def test_a_run_leaves_weights_log_config_and_curves(
    pack: Pack, config_path: Path, tmp_path: Path
) -> None:
    config = read_config(config_path)
    seen: list[Record] = []
    result = train(config, pack, tmp_path / "run", device="cpu", report=seen.append)
    assert result.finished
    assert result.step == 12
    assert read_config(tmp_path / "run" / "config.toml") == config
    assert read_log(tmp_path / "run") == seen
    assert [r.step for r in seen if r.loss is not None] == [2, 4, 6, 8, 10, 12]
    assert [r.step for r in seen if r.psnr_y is not None] == [6, 12]
    assert seen[-1].psnr_y == result.psnr_y
    assert (tmp_path / "run" / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert list((tmp_path / "run" / "tensorboard").glob("events*"))
    spec, _, metadata = read_weights(result.weights)
    assert spec == config.model
    assert metadata["splitsr.step"] == "12"
    assert 'name = "tiny"' in metadata["splitsr.config"]


def test_training_lowers_the_loss_and_raises_psnr(
    pack: Pack, config_path: Path, tmp_path: Path
) -> None:
    changes = ("stages=[{steps=60, batch_size=8, patch_size=12}]", "log_every=10")
    config = read_config(config_path, (*changes, "validation.every=5", "ema=0.9"))
    seen: list[Record] = []
    train(config, pack, tmp_path / "run", device="cpu", report=seen.append)
    losses = [r.loss for r in seen if r.loss is not None]
    scores = [r.psnr_y for r in seen if r.psnr_y is not None]
    assert losses[-1] < 0.5 * losses[0]
    assert scores[-1] > scores[0] + 1


@pytest.mark.parametrize("stage", ["", "stages.0.degradation={jpeg=1, noise=0.5, variants=2}"])
def test_slices_of_one_step_end_with_the_same_bits(
    pack: Pack, config_path: Path, tmp_path: Path, stage: str
) -> None:
    changes = ("stages.0.steps=3", "stages.1.steps=2", *filter(None, [stage]))
    config = read_config(config_path, changes)
    whole = train(config, pack, tmp_path / "whole", device="cpu")
    sliced = train(config, pack, tmp_path / "sliced", device="cpu", max_minutes=1e-9)
    for step in range(2, 6):
        assert sliced.step == step - 1
        assert not sliced.finished
        for file in pack.folder.glob("lr_x4_*"):
            file.unlink()  # degraded anew, to the same bits
        sliced = train(
            config, pack, tmp_path / "sliced", device="cpu", resume=True, max_minutes=1e-9
        )
    assert sliced.finished
    assert same_weights(whole.weights, sliced.weights)


def test_a_stage_sees_degraded_patches_and_shares_them(
    pack: Pack, config_path: Path, tmp_path: Path
) -> None:
    def run(name: str, share: float) -> Path:
        table = f"{{jpeg=1, quality=[30, 40], variants=2, clean={share}}}"
        changes = (f"stages.0.degradation={table}", f"stages.1.degradation={table}")
        return train(read_config(config_path, changes), pack, tmp_path / name, device="cpu").weights

    before = set(pack.folder.glob("lr_x4_*.bin"))
    clean = train(read_config(config_path), pack, tmp_path / "clean", device="cpu").weights
    assert same_weights(clean, run("all clean", 1.0))
    assert not same_weights(clean, run("none clean", 0.0))
    assert len(set(pack.folder.glob("lr_x4_*.bin")) - before) == 1


def test_warm_start(pack: Pack, config_path: Path, tmp_path: Path) -> None:
    first = train(read_config(config_path), pack, tmp_path / "x4", device="cpu")
    changes = (f"init_from={first.weights}", "model.scale=2", "stages=[{steps=1, patch_size=12}]")
    config = read_config(config_path, (*changes, "optimizer.learning_rate=1e-12", "ema=0"))
    second = train(config, pack, tmp_path / "x2", device="cpu")
    old, new = read_weights(first.weights)[1], read_weights(second.weights)[1]
    torch.testing.assert_close(new["groups.0.tail.weight"], old["groups.0.tail.weight"])
    assert new["upsampler.0.conv.weight"].shape != old["upsampler.0.conv.weight"].shape


@pytest.mark.parametrize("degraded", [False, True])
def test_the_loss_against_a_teacher_is_added(config_path: Path, degraded: bool) -> None:
    config = read_config(config_path, ("precision=float32", "teacher=unused"))
    network, teacher = build_model(config.model), build_model(config.model)
    lr, hr = torch.rand(2, 3, 12, 12), torch.rand(2, 3, 48, 48)
    clean = torch.rand(2, 3, 12, 12) if degraded else None
    stage = Stage(teacher_weight=0.25, luma_weight=2.0)
    with torch.no_grad():
        sr, taught = network(lr), teacher(lr if clean is None else clean)
        expected = image_loss(sr, hr, stage) + 0.25 * image_loss(sr, taught, stage)
    before = [parameter.clone() for parameter in teacher.parameters()]
    patches = Patches(lr, hr, clean=clean)
    loss = TrainStep(network, config, find_place("cpu"), teacher).update(patches, stage)
    assert float(loss) == pytest.approx(float(expected), rel=1e-5)
    assert all(map(torch.equal, before, teacher.parameters()))


def test_a_run_with_a_teacher(pack: Pack, config_path: Path, tmp_path: Path) -> None:
    teacher = train(read_config(config_path), pack, tmp_path / "teacher").weights
    taught = (f"teacher={teacher}", "stages.0.teacher_weight=1", "stages.1.teacher_weight=1")
    result = train(read_config(config_path, taught), pack, tmp_path / "taught")
    assert not same_weights(teacher, result.weights)
    other = read_config(config_path, (*taught, "model.scale=2"))
    with pytest.raises(TrainingError, match="enlarges x4, the network x2"):
        train(other, pack, tmp_path / "x2")


def test_validation_folder(pack: Pack, config_path: Path, tmp_path: Path) -> None:
    config = read_config(config_path, ("stages.0.steps=2", "stages.1.steps=1"))
    (tmp_path / "hr").mkdir()
    Image.fromarray(pack[0]).save(tmp_path / "hr" / "astronaut.png")
    result = train(config, pack, tmp_path / "run", device="cpu", val_dir=tmp_path / "hr")
    assert result.psnr_y is not None
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError):
        train(config, pack, tmp_path / "run2", device="cpu", val_dir=tmp_path / "empty")


def test_existing_run_is_not_overwritten(pack: Pack, config_path: Path, tmp_path: Path) -> None:
    config = read_config(config_path)
    train(config, pack, tmp_path / "run", device="cpu", max_minutes=1e-9)
    with pytest.raises(TrainingError, match="already holds a run; add --resume"):
        train(config, pack, tmp_path / "run", device="cpu")


def test_a_resumed_run_may_be_longer_but_not_shorter_than_it_is(
    pack: Pack, config_path: Path, tmp_path: Path
) -> None:
    short = read_config(config_path, ("stages=[{steps=3, batch_size=2, patch_size=12}]",))
    train(short, pack, tmp_path / "run", device="cpu")
    longer = read_config(config_path, ("stages=[{steps=5, batch_size=2, patch_size=12}]",))
    assert train(longer, pack, tmp_path / "run", device="cpu", resume=True).step == 5
    assert read_config(tmp_path / "run" / "config.toml") == longer
    with pytest.raises(TrainingError, match="is at step 5; the configuration's stages end before"):
        train(short, pack, tmp_path / "run", device="cpu", resume=True)


def test_killed_and_resumed_ends_with_the_same_bits(
    pack: Pack, config_path: Path, tmp_path: Path, long_run: Path
) -> None:
    killed = tmp_path / "killed"
    process = subprocess.Popen(train_command(config_path, pack, killed, *LONG))
    deadline = time.monotonic() + PATIENCE_S
    while len(read_log(killed)) < 20:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    printed = call_train(config_path, pack, killed, *LONG, "--resume")
    assert "step 154 of 154: finished" in printed
    assert same_weights(long_run / "weights.safetensors", killed / "weights.safetensors")
    steps = [record.step for record in read_log(killed)]
    assert steps == sorted(steps)
    losses = [(r.step, r.loss) for r in read_log(killed)]
    assert losses == [(r.step, r.loss) for r in read_log(long_run)]


def test_command_line_errors_are_one_line(pack: Pack, config_path: Path, tmp_path: Path) -> None:
    call = train_command(config_path, pack, tmp_path / "run", "--set", "model.scale=5")[3:]
    done = call_main(*call, text=True)
    assert done.returncode == 2
    assert done.stderr == "splitsr: scale: found 5; allowed: 2 to 4\n"
    call = train_command(tmp_path / "missing.toml", pack, tmp_path / "run")[3:]
    assert call_main(*call).returncode == 2


def test_two_processes_share_every_batch(pack: Pack, config_path: Path, tmp_path: Path) -> None:
    config = read_config(config_path, ("optimizer.kind=adam",))
    alone = train(config, pack, tmp_path / "alone", device="cpu")
    together = tmp_path / "together"
    run = train_command(config_path, pack, together, "--set", "optimizer.kind=adam")[3:]
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    subprocess.run(
        [*torchrun, "-m", "splitsr", *run], check=True, capture_output=True, timeout=PATIENCE_S
    )
    one, two = load_weights(alone.weights), load_weights(together / "weights.safetensors")
    # Averaged gradients differ by rounding, which Adam's division by the gradient's size amplifies.
    distance = nn.utils.parameters_to_vector(one.parameters()) - nn.utils.parameters_to_vector(
        two.parameters()
    )
    assert distance.abs().max() < 2e-3
    assert [r.step for r in read_log(together)] == [r.step for r in read_log(tmp_path / "alone")]


def test_processes_need_equal_shares(
    pack: Pack, config_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared_by_three = Place(torch.device("cpu"), rank=0, world=3)
    monkeypatch.setattr(loop, "find_place", lambda _: shared_by_three)
    with pytest.raises(TrainingError, match="4 patches cannot be shared equally by 3 processes"):
        train(read_config(config_path), pack, tmp_path / "run")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_cuda_without_a_gpu_is_refused(pack: Pack, config_path: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no CUDA device was found"):
        train(read_config(config_path), pack, tmp_path / "run", device="cuda")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_graph_step_follows_the_eager_one(
    pack: Pack, config_path: Path, tmp_path: Path
) -> None:
    config = read_config(config_path, ("precision=float32",))
    on_gpu = train(config, pack, tmp_path / "gpu", device="cuda")
    on_cpu = train(config, pack, tmp_path / "cpu", device="cpu")
    assert on_gpu.psnr_y == pytest.approx(on_cpu.psnr_y, abs=0.02)
