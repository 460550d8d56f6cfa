"""One optimisation step, eager or replayed from a CUDA graph."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from splitsr.data.patches import PairedPixels
from splitsr.models.rewrite import training_form
from splitsr.models.splitsr import SplitSR
from splitsr.training.config import Stage, TrainConfig
from splitsr.training.devices import Place, autocast_dtype
from splitsr.training.losses import image_loss
from splitsr.training.optimizers import build_optimizers

# Steps that run eagerly before capture, so that lazy initialisation is not captured.
WARMUP_STEPS = 3


class TrainStep:
    """Cuts a batch, runs the network, and updates its parameters in place.

    On a CUDA device every stage's step is captured once as a CUDA graph and then replayed: the
    networks here are so small that launching their kernels one by one takes longer than running
    them.

    Attributes:
        optimizer: of the network's parameters.
    """

    def __init__(
        self, model: SplitSR, pixels: PairedPixels, config: TrainConfig, place: Place
    ) -> None:
        self.pixels, self.config, self.place = pixels, config, place
        self.parameters = list(model.parameters())
        self.dtype = autocast_dtype(config, place)
        self.network: nn.Module = training_form(model)
        if place.world > 1:
            ids = [place.device.index] if place.device.type == "cuda" else None
            self.network = DistributedDataParallel(self.network, device_ids=ids)
        if config.compile:
            self.network = torch.compile(self.network)  # type: ignore[assignment]
        self.optimizer = build_optimizers(model, config.optimizer, place.device)
        self._graphed = place.device.type == "cuda" and place.world == 1 and not config.compile
        self._stage: Stage | None = None
        self._calls = 0
        self._graph: torch.cuda.CUDAGraph | None = None
        self._plan = torch.empty(0)
        self._loss = torch.empty(0)

    def __call__(self, plan: Tensor, stage: Stage, learning_rate: float) -> Tensor:
        """Does one step.

        Args:
            plan: int64 (4, B), the patches (see `stack_plan`), on the CPU.
            stage: patch size and loss.
            learning_rate: of this step.

        Returns:
            The loss, a scalar tensor on the device; a CUDA graph overwrites it at the next step.
        """
        self.optimizer.set_learning_rate(learning_rate)
        if not self._graphed:
            return self._update(plan.to(self.place.device), stage)
        if stage != self._stage:
            self._stage, self._calls, self._graph = stage, 0, None
            self._plan = plan.to(self.place.device)
        self._plan.copy_(plan)
        self._calls += 1
        return self._replay(stage) if self._calls > WARMUP_STEPS else self._warm_up(stage)

    def _update(self, plan: Tensor, stage: Stage) -> Tensor:
        """Forward, backward, clipping and Adam."""
        lr, hr = self.pixels.cut(plan, stage.patch_size)
        lr = lr.contiguous(memory_format=torch.channels_last)
        self.optimizer.zero_grad()
        with torch.autocast(
            self.place.device.type, self.dtype, enabled=self.dtype != torch.float32
        ):
            sr = self.network(lr)
        loss = image_loss(sr.float(), hr, stage)
        loss.backward()  # type: ignore[no-untyped-call]
        if self.config.optimizer.clip_norm:
            nn.utils.clip_grad_norm_(self.parameters, self.config.optimizer.clip_norm)
        self.optimizer.step()
        return loss.detach()

    def _warm_up(self, stage: Stage) -> Tensor:
        """A real step on a side stream, as capture asks for."""
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            loss = self._update(self._plan, stage)
        torch.cuda.current_stream().wait_stream(stream)
        return loss

    def _replay(self, stage: Stage) -> Tensor:
        """Captures the step the first time, then replays it on the plan in `_plan`."""
        if self._graph is None:
            self._graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self._graph):
                self._loss = self._update(self._plan, stage)
        self._graph.replay()
        return self._loss
