"""Peak resident memory of `splitsr upscale` on large photos.

    python -m tools.benchmarks.memory --out results/memory.json [--small]

Each case is one process of the command line, whose own peak is asked for at its end. The photos are
one of `examples/`, resized. --small takes a ninth of the pixels: a trial of the script.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import msgspec
from PIL import Image

from splitsr.benchmark.timing import describe_machine

ROOT = Path(__file__).resolve().parents[2]
PHOTO = ROOT / "examples" / "coffee.png"
CHILD = """
import sys
from pathlib import Path
from splitsr.cli.main import cli
from splitsr.benchmark.memory import peak_rss_mb
cli.main(sys.argv[2:], standalone_mode=False)
Path(sys.argv[1]).write_text(str(peak_rss_mb()))
"""


@dataclass(frozen=True)
class Case:
    """What is enlarged, and the bound that it has to stay under, MB of 1e6 bytes."""

    name: str
    height: int
    width: int
    suffix_in: str
    suffix_out: str
    scale: int
    model: str
    bound_mb: int


CASES = (
    [
        Case("12 MP x4", 3000, 4000, "jpg", suffix, 4, "splitsr-balanced", 600)
        for suffix in ("png", "jpg", "tif")
    ]
    + [
        Case("100 MP x2", 8160, 12256, "tif", suffix, 2, "splitsr-fast", 800)
        for suffix in ("png", "jpg", "tif")
    ]
    + [
        Case("24 MP x2", 4000, 6000, "jpg", suffix, 2, "splitsr-fast", bound)
        for suffix, bound in (("png", 600), ("webp", 1600), ("jxl", 1600), ("avif", 5000))
    ]
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--only", default="", help="cases whose name or ending has this")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--small", action="store_true")
    arguments = parser.parse_args()
    shrink = 3 if arguments.small else 1
    rows = []
    for case in CASES:
        if arguments.only not in f"{case.name} {case.suffix_out}":
            continue
        rows.append(measure(case, shrink, arguments.threads))
        print(rows[-1], file=sys.stderr, flush=True)
    report = {"machine": msgspec.to_builtins(describe_machine()), "threads": arguments.threads}
    text = json.dumps({**report, "cases": rows}, indent=2) + "\n"
    if arguments.out:
        arguments.out.write_text(text)
    else:
        print(text)


def measure(case: Case, shrink: int, threads: int) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / f"in.{case.suffix_in}"
        target, peak = Path(folder) / f"out.{case.suffix_out}", Path(folder) / "peak"
        make_photo(source, case.height // shrink, case.width // shrink)
        words = ["upscale", source, "-o", target, "--scale", case.scale, "--model", case.model]
        call = [sys.executable, "-c", CHILD, peak, *words, "--threads", threads]
        begun = time.perf_counter()
        subprocess.run(list(map(str, call)), check=True)
        seconds = time.perf_counter() - begun
        peak_mb = float(peak.read_text()) * 2**20 / 1e6
        return {
            **asdict(case),
            "height": case.height // shrink,
            "width": case.width // shrink,
            "peak_mb": round(peak_mb, 1),
            "within": peak_mb < case.bound_mb,
            "seconds": round(seconds, 1),
            "output_bytes": target.stat().st_size,
        }


def make_photo(path: Path, height: int, width: int) -> None:
    with Image.open(PHOTO) as photo:
        large = photo.convert("RGB").resize((width, height), Image.Resampling.BICUBIC)
    options = {"quality": 92} if path.suffix == ".jpg" else {"compression": "tiff_adobe_deflate"}
    large.save(path, **options)


if __name__ == "__main__":
    main()
