"""A small pack of real photos, and a configuration that trains in seconds."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import skimage.data
import torch

from splitsr.data.pack import Pack, PackWriter
from splitsr.networks.checkpoint import read_weights
from tests.conftest import call_main

CONFIG = """
name = "tiny"
ema = 0.99
log_every = 2
checkpoint_every = 4

[model]
n_feats = 8
n_resgroups = 1
n_resblocks = 2
split_ratio = 0.5
hybrid_index = 1
channel_attention = false
upsampler = "single_step"
image_skip = "nearest"
rgb_mean = [0.0, 0.0, 0.0]

[optimizer]
kind = "muon"
learning_rate = 2e-3
clip_norm = 1.0

[schedule]
kind = "cosine"
warmup_steps = 2

[validation]
every = 6
images = 1
crop = 96

[[stages]]
steps = 8
batch_size = 4
patch_size = 12

[[stages]]
steps = 4
batch_size = 2
patch_size = 16
loss = "l2"
fft_weight = 0.05
"""


@pytest.fixture(scope="session")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    folder = tmp_path_factory.mktemp("data") / "photos.pack"
    photos = [skimage.data.astronaut(), skimage.data.coffee(), skimage.data.chelsea()]
    folder.mkdir()
    with PackWriter(folder) as writer:
        for number, photo in enumerate(photos):
            writer.add(f"{number}.png", np.ascontiguousarray(photo[:199, 40:241]))
        writer.finish()
    return Pack.open(folder)


@pytest.fixture
def config_path(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(CONFIG)
    return path


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def same_weights(first: Path, second: Path) -> bool:
    a, b = read_weights(first)[1], read_weights(second)[1]
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def train_command(config: Path, pack: Pack, run: Path, *more: str) -> list[str]:
    call = [sys.executable, "-m", "splitsr", "train", str(config), "--data", str(pack.folder)]
    return [*call, "--run-dir", str(run), "--threads", "1", "--device", "cpu", *more]


def call_train(config: Path, pack: Pack, run: Path, *more: str) -> str:
    """Does the same in this process, and gives what it prints."""
    done = call_main(*train_command(config, pack, run, *more)[3:], text=True)
    assert done.returncode == 0, done.stderr
    return str(done.stdout)


@pytest.fixture(scope="session")
def long_run(pack: Pack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of `LONG` that nothing interrupted."""
    folder = tmp_path_factory.mktemp("long")
    (folder / "tiny.toml").write_text(CONFIG)
    call_train(folder / "tiny.toml", pack, folder / "run", *LONG)
    return folder / "run"


LONG = ("--set", "stages.0.steps=150", "--set", "validation.every=1000")
