"""SplitSR for spandrel, in the form of its registry: the models that splitsr ships.

    from spandrel import MAIN_REGISTRY, ArchSupport, ModelLoader
    from splitsr_arch import SplitSRArch  # this file, in the folder of your own

    MAIN_REGISTRY.add(ArchSupport.from_architecture(SplitSRArch()))
    network = ModelLoader().load_from_file("splitsr-fast-x4.safetensors")

It needs spandrel and PyTorch, not splitsr.
"""

from __future__ import annotations

import torch
from spandrel import Architecture, ImageModelDescriptor, StateDict
from spandrel.util import KeyCondition, get_scale_and_output_channels, get_seq_len
from torch import Tensor, nn
from torch.nn import functional


class _Block(nn.Module):
    """Convolves the first channels and rotates all by that many."""

    def __init__(self, active: int) -> None:
        super().__init__()
        self.active = active
        self.conv = nn.Conv2d(active, active, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        active, passive = x[:, : self.active], x[:, self.active :]
        return torch.cat([passive, active + torch.relu(self.conv(active))], dim=1)


class _Group(nn.Module):
    """Blocks, a closing convolution, and a skip around them."""

    def __init__(self, n_feats: int, n_blocks: int, active: int, kernel: int) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*(_Block(active) for _ in range(n_blocks)))
        self.tail = nn.Conv2d(n_feats, n_feats, kernel, padding=kernel // 2)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.tail(self.blocks(x))


class _Enlarge(nn.Module):
    def __init__(self, n_feats: int, channels: int, scale: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(n_feats, channels * scale**2, 3, padding=1)
        self.shuffle = nn.PixelShuffle(scale)

    def forward(self, x: Tensor) -> Tensor:
        return self.shuffle(self.conv(x))


class SplitSR(nn.Module):
    """Liu et al., SplitSR: An End-to-End Approach to Super-Resolution on Mobile Devices, 2021.

    The form that ships: lightweight groups only, one sub-pixel convolution, a skip by nearest
    neighbour. Maps RGB in [0, 1], (N, 3, H, W), to (N, 3, scale * H, scale * W).
    """

    def __init__(
        self,
        *,
        scale: int,
        n_feats: int,
        n_groups: int,
        n_blocks: int,
        active: int,
        group_kernel: int,
        channels: int = 3,
    ) -> None:
        super().__init__()
        self.scale = scale
        self.head = nn.Conv2d(channels, n_feats, 3, padding=1)
        self.groups = nn.Sequential(
            *(_Group(n_feats, n_blocks, active, group_kernel) for _ in range(n_groups))
        )
        self.upsampler = nn.Sequential(_Enlarge(n_feats, channels, scale))

    def forward(self, x: Tensor) -> Tensor:
        """Enlarges."""
        features = self.head(x)
        detail = self.upsampler(features + self.groups(features))
        return detail + functional.interpolate(x, scale_factor=self.scale, mode="nearest")


class SplitSRArch(Architecture[SplitSR]):
    """Finds SplitSR by its keys, and reads its sizes off its tensors."""

    def __init__(self) -> None:
        super().__init__(
            id="SplitSR",
            detect=KeyCondition.has_all(
                "head.weight",
                "groups.0.blocks.0.conv.weight",
                "groups.0.tail.weight",
                "upsampler.0.conv.weight",
            ),
        )

    def load(self, state_dict: StateDict) -> ImageModelDescriptor[SplitSR]:
        """Builds the network that a file's tensors are of."""
        n_feats, channels = state_dict["head.weight"].shape[:2]
        scale, _ = get_scale_and_output_channels(
            state_dict["upsampler.0.conv.weight"].shape[0], channels
        )
        model = SplitSR(
            scale=scale,
            n_feats=n_feats,
            n_groups=get_seq_len(state_dict, "groups"),
            n_blocks=get_seq_len(state_dict, "groups.0.blocks"),
            active=state_dict["groups.0.blocks.0.conv.weight"].shape[0],
            group_kernel=state_dict["groups.0.tail.weight"].shape[-1],
            channels=channels,
        )
        return ImageModelDescriptor(
            model,
            state_dict,
            architecture=self,
            purpose="SR",
            tags=[f"{n_feats}nf"],
            supports_half=True,
            supports_bfloat16=True,
            scale=scale,
            input_channels=channels,
            output_channels=channels,
        )
