"""How well a short training ranks networks that a longer one ranked: rank correlations."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from statistics import correlation

import msgspec

from splitsr.experiments.result_files import read_json


class Pair(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A network, trained briefly and longer.

    Attributes:
        cell: its fingerprint in the ablation.
        short: PSNR-Y after the short training, dB.
        long: after the longer one, mean over seeds, dB.
    """

    cell: str
    short: float
    long: float


class Proxy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the short training was compared on.

    Attributes:
        steps: of the short training.
        long_steps: of the longer one.
        pairs: the networks.
    """

    steps: int
    long_steps: int
    pairs: tuple[Pair, ...]


def read_proxy(path: Path) -> Proxy:
    """Reads a comparison.

    Raises:
        DataError: the file cannot be read, or is another.
    """
    return read_json(path, Proxy, "a comparison of trainings")


def spearman(first: Sequence[float], second: Sequence[float]) -> float:
    """Spearman's rank correlation, -1 to 1; equal values share the mean of their ranks.

    Args:
        first: at least two values, not all equal.
        second: as many.
    """
    return correlation(_ranks(first), _ranks(second))


def kendall(first: Sequence[float], second: Sequence[float]) -> float:
    """Kendall's tau-a, -1 to 1: of all pairs, those in the same order less those in the other.

    Args:
        first: at least two values.
        second: as many.
    """
    pairs = list(combinations(zip(first, second, strict=True), 2))
    signs = [_sign(a[0] - b[0]) * _sign(a[1] - b[1]) for a, b in pairs]
    return sum(signs) / len(pairs)


def proxy_block(proxy: Proxy) -> str:
    """The comparison in a sentence of Markdown."""
    short, long = ([getattr(p, name) for p in proxy.pairs] for name in ("short", "long"))
    return (
        f"Of {len(proxy.pairs)} networks of the ablation, PSNR-Y after {proxy.steps} steps ranks "
        f"as after {proxy.long_steps} with Spearman {spearman(short, long):.2f} and Kendall "
        f"{kendall(short, long):.2f}."
    )


def _ranks(values: Sequence[float]) -> list[float]:
    ordered = sorted(values)
    return [ordered.index(value) + (ordered.count(value) - 1) / 2 for value in values]


def _sign(value: float) -> int:
    return (value > 0) - (value < 0)
