"""How well the search's short training ranks networks.

    python -m tools.benchmarks.tune_proxy --data photos.pack --out results/tuning/proxy.json

`splitsr tune` judges a network by PSNR-Y after a few steps. Here the ablation's networks of one
width, whose PSNR-Y after 2000 steps of two seeds is known (results/ablation/cells), are trained for
these few steps by the search's own recipe, and the two orders are compared. What is done is not
repeated.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import defaultdict
from pathlib import Path
from statistics import fmean
from typing import Any

import msgspec
import torch

from splitsr.data.pack import Pack
from splitsr.experiments.result_files import to_json
from splitsr.experiments.search_training import HELD_OUT, search_config
from splitsr.networks import ModelSpec, spec_from_dict
from splitsr.networks.checkpoint import load_weights
from splitsr.training.config import read_config
from splitsr.training.loop import train
from splitsr.training.validation import Validator, held_out
from tools.proxy import Pair, Proxy, read_proxy

ROOT = Path(__file__).resolve().parents[2]
CELLS = ROOT / "results" / "ablation" / "cells"
BASE = ROOT / "configs" / "ablation" / "base.toml"
LONG_STEPS = 2000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    pack = Pack.open(arguments.data)
    known = read_proxy(arguments.out).pairs if arguments.out.exists() else ()
    pairs = {pair.cell: pair for pair in known}
    for cell, results in read_cells().items():
        if cell not in pairs:
            spec = spec_from_dict(results[0]["config"]["model"])
            pairs[cell] = Pair(
                cell=cell,
                short=short_quality(spec, pack, arguments.steps),
                long=fmean(result["psnr_y"]["held out"] for result in results),
            )
            print(pairs[cell], flush=True)
        found = Proxy(steps=arguments.steps, long_steps=LONG_STEPS, pairs=tuple(pairs.values()))
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_bytes(to_json(found))


def read_cells() -> dict[str, list[dict[str, Any]]]:
    """The ablation's results by network, one of each seed; all with the rate of `BASE`."""
    rate = read_config(BASE).optimizer.learning_rate
    cells = defaultdict(list)
    for path in sorted(CELLS.glob("*.json")):
        result = msgspec.json.decode(path.read_bytes())
        if result["config"]["optimizer"]["learning_rate"] == rate:
            cells[path.stem.partition("-")[0]].append(result)
    return cells


def short_quality(spec: ModelSpec, pack: Pack, steps: int) -> float:
    """PSNR-Y after the search's short training, dB."""
    with tempfile.TemporaryDirectory() as folder:
        result = train(search_config(spec, "proxy", steps), pack, Path(folder) / "run")
        network = load_weights(result.weights)
    reserved = held_out(pack, HELD_OUT.images)
    validate = Validator.of_held_out(pack, reserved, spec.scale, HELD_OUT.crop)
    return round(validate(network, torch.device("cpu")), 4)


if __name__ == "__main__":
    main()
