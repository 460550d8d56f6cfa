"""Where a run computes: one CPU, one CUDA GPU, or one GPU a process under torchrun."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Self

import torch
from torch import distributed

from splitsr.errors import TrainingError
from splitsr.training.config import TrainConfig

# Steps between two votes: each waits for the GPU.
_VOTE_EVERY = 10


@dataclass(frozen=True)
class Place:
    """The part of a run that this process does; the end of `with` leaves torchrun's group.

    Attributes:
        device: where it computes.
        rank: this process, from 0; rank 0 validates, logs and saves.
        world: how many processes share every batch.
    """

    device: torch.device
    rank: int = 0
    world: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process writes files."""
        return self.rank == 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.world > 1 and distributed.is_initialized():
            distributed.destroy_process_group()

    def wait_for_all(self) -> None:
        """Waits until every process has come here."""
        if self.world > 1:
            distributed.barrier()

    def agree_to_stop(self, step: int, wish: bool) -> bool:
        """Whether to stop after a step, which all processes do together, as soon as one wishes."""
        if self.world == 1:
            return wish
        if step % _VOTE_EVERY:
            return False
        votes = torch.tensor(float(wish), device=self.device)
        distributed.all_reduce(votes, distributed.ReduceOp.MAX)
        return bool(votes)


def find_place(device: str | None = None) -> Place:
    """Joins torchrun's process group if there is one, and picks a device.

    Args:
        device: `cpu` or `cuda`; by default CUDA when there is a GPU.

    Raises:
        TrainingError: `cuda` was asked for, and there is no GPU.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise TrainingError("no CUDA device was found; leave out --device to train on the CPU")
    kind = device or ("cuda" if torch.cuda.is_available() else "cpu")
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world == 1:
        return Place(torch.device(kind, 0) if kind == "cuda" else torch.device(kind))
    rank, local_rank = int(os.environ["RANK"]), int(os.environ["LOCAL_RANK"])
    where = torch.device(kind, local_rank) if kind == "cuda" else torch.device(kind)
    if kind == "cuda":
        torch.cuda.set_device(where)
    if not distributed.is_initialized():
        distributed.init_process_group("nccl" if kind == "cuda" else "gloo")
    return Place(where, rank, world)


def autocast_dtype(config: TrainConfig, place: Place) -> torch.dtype:
    """The dtype that the network computes in; weights and optimizer stay float32.

    `auto` takes bfloat16 on a GPU, and on a CPU that has instructions for it: without them it is
    about ten times slower than float32.
    """
    if config.precision != "auto":
        return getattr(torch, config.precision)  # type: ignore[no-any-return]
    if place.device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    return torch.bfloat16 if torch.cpu._is_avx512_bf16_supported() else torch.float32
