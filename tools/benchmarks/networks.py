"""The paper's network, its baselines and ours, timed in turns: small and larger images, threads.

    python -m tools.benchmarks.networks --out results/networks.json

Each case is one `splitsr bench`, so that every network of it runs in the same rounds. Let nothing
else run; it takes some ten minutes.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from itertools import product
from pathlib import Path

import msgspec

from splitsr.benchmark.speed import BenchReport
from splitsr.experiments.result_files import to_json
from tools.speed_tables import NetworksFile

NETWORKS = (
    "rcan-x4",
    "san-x4",
    "edsr-x4",
    "edsr-baseline-x4",
    "smfanet-plus-x4",
    "srcnn-x4",
    "paper",
    "splitsr-accurate-x4",
    "splitsr-balanced-x4",
    "splitsr-fast-x4",
)
SIZES = ("48x48", "128x128")
THREADS = (1, 2)
ROUNDS = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    load = os.getloadavg()[0]
    reports = tuple(bench(size, threads) for size, threads in product(SIZES, THREADS))
    arguments.out.write_bytes(to_json(NetworksFile(load=round(load, 2), reports=reports)))


def bench(size: str, threads: int) -> BenchReport:
    """All networks on images of one size."""
    options = ["--size", size, "--threads", str(threads), "--rounds", str(ROUNDS), "--json"]
    command = [sys.executable, "-m", "splitsr", "bench", *NETWORKS, *options]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    fields = msgspec.json.decode(printed)
    del fields["network"]  # nothing was compared with a server
    print(size, threads, "done", file=sys.stderr, flush=True)
    return msgspec.convert(fields, BenchReport)


if __name__ == "__main__":
    main()
