"""Weights as their authors published them: PyTorch pickles (`.pth`), read without running them."""

from __future__ import annotations

from math import isqrt
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from splitsr.errors import WeightsError
from splitsr.networks import SMFANetSpec
from splitsr.networks.network import Network
from splitsr.networks.smfanet.module import SMFANet

PUBLISHED_SUFFIX = ".pth"


def load_published(path: Path) -> Network:
    """Builds the SMFANet of a published file, with its weights, in evaluation mode.

    Raises:
        WeightsError: the file is missing, damaged, or of another network.
    """
    weights = _tensors(path)
    try:
        blocks = {name.split(".")[1] for name in weights if name.startswith("feats.")}
        network = SMFANet(
            SMFANetSpec(
                scale=isqrt(len(weights["to_img.0.bias"]) // 3),
                n_feats=len(weights["to_feat.bias"]),
                n_blocks=len(blocks),
            )
        )
        network.load_state_dict(weights)
    except (KeyError, RuntimeError, ValueError) as error:
        raise WeightsError(f"{path}: not a published SMFANet ({error})") from None
    return network.eval()


def _tensors(path: Path) -> dict[str, Tensor]:
    """What lies under `params_ema` or `params`, as BasicSR saves it."""
    try:
        found: Any = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise WeightsError(f"{path}: {error.strerror}") from None
    except Exception as error:
        first = str(error).partition("\n")[0]
        raise WeightsError(f"{path}: no weights that PyTorch can read ({first})") from None
    for key in ("params_ema", "params"):
        if isinstance(found, dict) and isinstance(found.get(key), dict):
            weights: dict[str, Tensor] = found[key]
            return weights
    raise WeightsError(f"{path}: no weights under 'params_ema' or 'params'")
