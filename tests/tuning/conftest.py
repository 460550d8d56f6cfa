"""The small pack of the training tests, and a search that takes seconds."""

from __future__ import annotations

import msgspec
import pytest
import torch

from splitsr.data.pack import Pack
from splitsr.evaluation.latency import describe_machine
from splitsr.evaluation.tuning import Budget, Settings
from tests.training.conftest import pack as pack


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
