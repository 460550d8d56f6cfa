"""The small pack of the training tests; a grid and a search that take seconds."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
import torch

from splitsr.benchmark.timing import describe_machine
from splitsr.data.pack import Pack
from splitsr.experiments.search_results import Budget, Settings
from tests.training.conftest import CONFIG
from tests.training.conftest import pack as pack

STUDY = """
question = "Which ratio?"
config = "base.toml"
seeds = [1, 2]

[vary]
split_ratio = [0.25, 0.5]

[[cells]]
label = "no skip"
model = { image_skip = "none" }
"""


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def settings(pack: Pack) -> Settings:
    """At most 20 K parameters: more than a third of what a search tries first is over that."""
    return Settings(
        scale=4,
        budget=Budget(parameters=20_000),
        height=16,
        width=16,
        threads=1,
        steps=2,
        seed=1,
        pack=pack.index.sha256,
        machine=describe_machine(),
    )


@pytest.fixture
def timed(settings: Settings) -> Settings:
    """The same with a limit of time that every small network keeps."""
    return msgspec.structs.replace(
        settings, budget=Budget(parameters=20_000, milliseconds=60_000.0)
    )


@pytest.fixture
def study_path(tmp_path: Path) -> Path:
    (tmp_path / "base.toml").write_text(CONFIG)
    path = tmp_path / "ratio.toml"
    path.write_text(STUDY)
    return path
