"""Runs mutated files through the whole path, any number of them.

    python -m tests.fuzz --cases 10000 --seed 3 --keep found/

A case that ends the process, by a crash or for the time that it takes, is noted, and the next ones
run in another process.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import traceback
import warnings
from pathlib import Path

from tests.fuzz.seeds import make_seeds
from tests.fuzz.whole_path import MOST_BYTES, WholePath, case, peak_bytes


def main() -> int:
    """Runs all cases, and prints those that failed."""
    options = _parser().parse_args()
    if options.child:
        return _run_cases(options)
    first, failures, done = 0, 0, 0
    while first < options.cases:
        command = [sys.executable, "-m", "tests.fuzz", "--child", "--first", str(first)]
        for name in ("cases", "seed", "keep"):
            if getattr(options, name) is not None:
                command += [f"--{name}", str(getattr(options, name))]
        child = subprocess.run(command, stdout=subprocess.PIPE, text=True)
        told = [json.loads(line) for line in child.stdout.splitlines()]
        for report in told:
            if report.get("failure"):
                failures += 1
                print(f"case {report['case']}: {report['failure']}", flush=True)
        done += sum(bool(report.get("done")) for report in told)
        if child.returncode == 0:
            break
        first = told[-1]["case"] + 1 if told else options.cases
        if told and "begun" in told[-1]:
            failures += 1
            print(f"case {told[-1]['case']}: the process ended with {child.returncode}", flush=True)
        elif not told:
            failures += 1
    print(f"{options.cases} cases of seed {options.seed}: {done} done, {failures} failures")
    return 1 if failures else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", help="folder for the files that failed")
    parser.add_argument("--first", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    return parser


def _run_cases(options: argparse.Namespace) -> int:
    """Runs cases one after another, and tells of each on standard output, a line of JSON."""
    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
    seeds = list(make_seeds().values())
    with tempfile.TemporaryDirectory() as folder:
        path = WholePath(Path(folder))
        for number in range(options.first, options.cases):
            data, format_name = case(seeds, options.seed, number)
            if options.keep:
                Path(options.keep).mkdir(exist_ok=True)
                kept = Path(options.keep, f"{options.seed}-{number}.{format_name}")
                kept.write_bytes(data)
            print(json.dumps({"case": number, "begun": True}), flush=True)
            failure, refused = None, None
            try:
                refused = path.run(data, format_name)
            except Exception:
                failure = traceback.format_exc()
            heavy = peak_bytes() > MOST_BYTES
            if heavy:
                failure = f"{peak_bytes() / 1e9:.1f} GB of memory"
            if options.keep and not failure:
                kept.unlink()
            print(
                json.dumps({"case": number, "failure": failure, "done": refused is None}),
                flush=True,
            )
            if heavy:
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
