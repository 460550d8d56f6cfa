"""The step that is captured as a CUDA graph, without a GPU: a graph that counts, and reads anew."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import ClassVar
from unittest.mock import MagicMock

import pytest
import torch

from splitsr.data.patches import Patches
from splitsr.networks.build import build_model
from splitsr.training.config import TrainConfig, read_config
from splitsr.training.devices import Place
from splitsr.training.optimizers import Optimizers
from splitsr.training.step import WARMUP_STEPS, TrainStep


class CountingGraph:
    """Stands for a CUDA graph: reads what lies on the GPU anew, and keeps all else as it was."""

    on_gpu: ClassVar[list[torch.Tensor]] = []

    def __init__(self) -> None:
        self.rates: list[torch.Tensor | float] = []
        self.seen: list[list[float]] = []

    def replay(self) -> None:
        self.seen.append([float(rate) for rate in self.rates])


@pytest.fixture
def graphs(monkeypatch: pytest.MonkeyPatch) -> list[CountingGraph]:
    """All graphs that are captured."""
    captured: list[CountingGraph] = []
    real = Optimizers.step

    @contextmanager
    def capture(graph: CountingGraph) -> Iterator[None]:
        def step(optimizers: Optimizers) -> None:
            real(optimizers)
            groups = (group for member in optimizers.members for group in member.param_groups)
            for rate in (group["lr"] for group in groups):
                live = any(rate is tensor for tensor in graph.on_gpu)
                graph.rates.append(rate if live else float(rate))

        with monkeypatch.context() as patch:
            patch.setattr(Optimizers, "step", step)
            yield
        captured.append(graph)

    monkeypatch.setattr(torch.cuda, "CUDAGraph", CountingGraph)
    monkeypatch.setattr(torch.cuda, "graph", capture)
    for name in ("Stream", "current_stream"):
        monkeypatch.setattr(torch.cuda, name, MagicMock())
    monkeypatch.setattr(torch.cuda, "stream", lambda _: nullcontext())
    return captured


def step_of(config: TrainConfig) -> TrainStep:
    """A step as on a GPU: it is captured, and its learning rates are tensors."""
    step = TrainStep(build_model(config.model), config, Place(torch.device("cpu")))
    step._graphed = True
    for member in step.optimizer.members:
        member.param_groups[0]["lr"] = torch.tensor(1.0)
        CountingGraph.on_gpu.append(member.param_groups[0]["lr"])
    return step


def test_a_graph_of_a_resumed_run_reads_the_learning_rate_of_every_step(
    config_path: Path, graphs: list[CountingGraph]
) -> None:
    config = read_config(config_path, ("precision=float32",))
    patches = Patches(torch.rand(2, 3, 12, 12), torch.rand(2, 3, 48, 48))
    first, resumed = step_of(config), step_of(config)
    first.update(patches, config.stages[0])
    resumed.optimizer.load_state_dict(first.optimizer.state_dict())
    for stage in config.stages:
        for step in range(WARMUP_STEPS + 3):
            resumed(patches, stage, 0.5**step)
    expected = [[0.5**step] * 2 for step in range(WARMUP_STEPS, WARMUP_STEPS + 3)]
    assert [graph.seen for graph in graphs] == [expected, expected]
