"""One optimisation step, eager or replayed from a CUDA graph."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from splitsr.data.patches import Patches
from splitsr.networks.network import Network
from splitsr.networks.splitsr.inference_form import training_form
from splitsr.training.config import Stage, TrainConfig
from splitsr.training.devices import Place, autocast_dtype
from splitsr.training.losses import image_loss
from splitsr.training.optimizers import build_optimizers

# Steps that run eagerly before capture, so that lazy initialisation is not captured.
WARMUP_STEPS = 3


class TrainStep:
    """Runs the network on a batch and updates its parameters in place.

    On a CUDA device every stage's step is captured once as a CUDA graph and then replayed: the
    networks here are so small that launching their kernels one by one takes longer than running
    them.

    Attributes:
        optimizer: of the network's parameters.
        teacher: whose output the network learns from; None for none, or for targets.
    """

    def __init__(
        self, model: Network, config: TrainConfig, place: Place, teacher: Network | None = None
    ) -> None:
        self.config, self.place, self.teacher = config, place, teacher
        self.parameters = list(model.parameters())
        self.dtype = autocast_dtype(config, place)
        self.network: nn.Module = training_form(model)
        if place.world > 1:
            ids = [place.device.index] if place.device.type == "cuda" else None
            self.network = DistributedDataParallel(self.network, device_ids=ids)
        if config.compile:
            self.network = torch.compile(self.network)  # type: ignore[assignment]
        self.optimizer = build_optimizers(model, config.optimizer, place.device, self.dtype)
        self._graphed = place.device.type == "cuda" and place.world == 1 and not config.compile
        self._graph: _GraphedStage | None = None

    def __call__(self, patches: Patches, stage: Stage, learning_rate: float) -> Tensor:
        """Does one step.

        Args:
            patches: on the device.
            stage: the loss.
            learning_rate: of this step.

        Returns:
            The loss, a scalar tensor on the device; the next step may overwrite it.
        """
        self.optimizer.set_learning_rate(learning_rate)
        if not self._graphed:
            return self.update(patches, stage)
        if self._graph is None or self._graph.stage != stage:
            self._graph = _GraphedStage(self, stage, patches)
        return self._graph.run(patches)

    def update(self, patches: Patches, stage: Stage) -> Tensor:
        """Forward, backward, clipping and optimizer, launched one by one."""
        self.optimizer.zero_grad()
        lr, hr, target, clean = patches
        sr = self._enlarge(self.network, lr)
        loss = torch.zeros((), device=sr.device)
        if stage.hr_weight:
            loss = loss + stage.hr_weight * image_loss(sr, hr, stage)
        if stage.teacher_weight:
            if self.teacher is not None:
                with torch.no_grad():
                    target = self._enlarge(self.teacher, lr if clean is None else clean)
            assert target is not None  # the configuration holds one of both
            loss = loss + stage.teacher_weight * image_loss(sr, target, stage)
        loss.backward()  # type: ignore[no-untyped-call]
        if self.config.optimizer.clip_norm:
            nn.utils.clip_grad_norm_(self.parameters, self.config.optimizer.clip_norm)
        self.optimizer.step()
        return loss.detach()

    def _enlarge(self, network: nn.Module, lr: Tensor) -> Tensor:
        """Float32 (B, 3, scale * p, scale * p); computed in the run's precision."""
        low = self.dtype != torch.float32
        with torch.autocast(self.place.device.type, self.dtype, enabled=low):
            sr: Tensor = network(lr.contiguous(memory_format=torch.channels_last))
        return sr.float()


class _GraphedStage:
    """The step of one stage: a few times eager, then captured, then replayed."""

    def __init__(self, step: TrainStep, stage: Stage, patches: Patches) -> None:
        self.stage = stage
        self._step = step
        self._patches = Patches._make(None if p is None else torch.empty_like(p) for p in patches)
        self._calls = 0
        self._graph: torch.cuda.CUDAGraph | None = None
        self._loss = torch.empty(0)

    def run(self, patches: Patches) -> Tensor:
        """One step on a batch; the batch is copied to where the graph reads it."""
        for kept, new in zip(self._patches, patches, strict=True):
            if kept is not None and new is not None:
                kept.copy_(new)
        self._calls += 1
        if self._calls <= WARMUP_STEPS:
            return self._warm_up()
        if self._graph is None:
            self._graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self._graph):
                self._loss = self._step.update(self._patches, self.stage)
        self._graph.replay()
        return self._loss

    def _warm_up(self) -> Tensor:
        """A real step on a side stream, as capture asks for."""
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            loss = self._step.update(self._patches, self.stage)
        torch.cuda.current_stream().wait_stream(stream)
        return loss
