"""What the shipped networks and the paper's compute on AArch64, in how many instructions.

    python -m tools.benchmarks.arm.measure --out results/arm.json [--model paper] [--no-tests]

Exports x4 networks with `splitsr export` (which checks each in its own runtime on this machine),
runs every file here and on an emulated AArch64, as two profiles of a device, compares the images,
and counts instructions, which repeat, as an emulator's milliseconds do not. Then it runs tests of
the runtime there. With `--model` only that network's cases are measured, and all else of the file
stays. Needs what prepare.py makes; without emulation it says so and leaves with code 77.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np

from splitsr.experiments.result_files import to_json
from splitsr.export.checked import own_photos
from splitsr.imaging.arrays import from_nchw, to_nchw
from splitsr.zoo.catalogue import find_model
from tools.arm_tables import ArmCase, ArmFile, ArmTests, read_arm
from tools.benchmarks.arm.prepare import ROOT, require_tools
from tools.benchmarks.arm.prepare import main as prepare

HERE = Path(__file__).parent
SIDE = 64  # of the LR image: a tile of a phone
PROFILES = (("cortex-a76", 2), ("cortex-a53", 1))  # a phone of today; the least of devices
CASES = (
    ("onnxruntime", "splitsr-fast-x4", "fp32"),
    ("onnxruntime", "splitsr-fast-x4", "int8"),
    ("onnxruntime", "splitsr-fast-x4", "int8-unfused"),
    ("onnxruntime", "splitsr-balanced-x4", "fp32"),
    ("onnxruntime", "splitsr-balanced-x4", "int8"),
    ("onnxruntime", "splitsr-balanced-x4", "int8-unfused"),
    ("onnxruntime", "splitsr-accurate-x4", "fp32"),
    ("onnxruntime", "edsr-baseline-x4", "fp32"),
    ("onnxruntime", "paper", "fp32"),
    ("onnxruntime", "srcnn-x4", "fp32"),
    ("litert", "splitsr-fast-x4", "fp32"),
    ("litert", "splitsr-fast-x4", "int8"),
    ("litert", "splitsr-balanced-x4", "fp32"),
    ("litert", "splitsr-balanced-x4", "int8"),
    ("ncnn", "splitsr-fast-x4", "fp32"),
    ("ncnn", "splitsr-fast-x4", "fp16"),
    ("ncnn", "splitsr-balanced-x4", "fp32"),
    ("ncnn", "splitsr-balanced-x4", "fp16"),
)
SUFFIX = {"onnxruntime": ".onnx", "litert": ".tflite", "ncnn": ".param"}
# Those that start no process of their own: a program for AArch64 starts under the emulator alone.
TESTS = (
    "runtime/test_tile_plan.py",
    "runtime/test_scale_plan.py",
    "dispatch/test_planner.py",
    "runtime/test_onnx_engine.py",
    "imaging/test_arrays.py",
    "imaging/test_resize.py",
)


def main() -> None:
    """Measures everything and writes the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--place", type=Path, default=ROOT / "build" / "arm")
    parser.add_argument("--no-tests", action="store_true", help="Leave the tests out.")
    parser.add_argument("--model", action="append", help="Measure this network alone.")
    call = parser.parse_args()
    require_tools()
    place = call.place.absolute()
    sys.argv = [sys.argv[0], str(place)]
    prepare()
    wanted = [case for case in CASES if not call.model or case[1] in call.model]
    cases = write_cases(wanted, place / "cases")
    found = [case for profile in PROFILES for case in measure(place, cases, *profile)]
    before = read_arm(call.out) if call.model else None
    if before:
        tests = before.tests
    else:
        tests = () if call.no_tests else tuple(run_tests(place, file) for file in TESTS)
    result = ArmFile(
        emulator=first_line(["qemu-aarch64", "--version"]),
        side=SIDE,
        cases=in_order([*(before.cases if before else ()), *found]),
        tests=tests,
    )
    call.out.write_bytes(to_json(result))


def in_order(cases: list[ArmCase]) -> tuple[ArmCase, ...]:
    """The last of those that are alike, by profile and then as in `CASES`."""
    last = {(case.cpu, (case.runtime, case.model, case.precision)): case for case in cases}
    wanted = [(cpu, case) for cpu, _ in PROFILES for case in CASES]
    return tuple(last[key] for key in wanted if key in last)


def write_cases(wanted: list[tuple[str, str, str]], folder: Path) -> list[dict[str, str]]:
    """Exports the networks, and writes the image that all enlarge."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    photo = own_photos()[0]
    np.save(folder / "lr.npy", to_nchw(np.ascontiguousarray(photo[:SIDE, :SIDE])))
    cases = []
    for runtime, model, precision in wanted:
        name = f"{runtime}-{model}-{precision}"
        case = {"name": name, "runtime": runtime, "model": model, "precision": precision}
        cases.append({**case, "file": f"{name}{SUFFIX[runtime]}"})
        export(runtime, model, precision, folder / cases[-1]["file"])
    (folder / "cases.json").write_text(json.dumps(cases))
    return cases


def export(runtime: str, model: str, precision: str, path: Path) -> None:
    """A file for a runtime; ONNX Runtime's are those that ship, if they do."""
    if runtime == "onnxruntime" and model.startswith("splitsr-"):
        shipped = model if precision == "fp32" else f"{model}-int8"
        path.write_bytes(find_model(shipped).read())
        return
    print(f"exporting {path.name}", file=sys.stderr)
    size = ["--input", f"{SIDE}x{SIDE}"] if runtime == "litert" else []
    form = "onnx" if runtime == "onnxruntime" else runtime
    words = [model, "--format", form, "--precision", precision, *size, "-o", str(path)]
    program = "from splitsr.cli.main import main; main()"
    subprocess.run([sys.executable, "-c", program, "export", *words], check=True)


def measure(place: Path, cases: list[dict[str, str]], cpu: str, threads: int) -> list[ArmCase]:
    """Runs all cases here and there, and compares."""
    found = []
    for runtime in dict.fromkeys(case["runtime"] for case in cases):
        print(f"{runtime} on {cpu}, threads: {threads}", file=sys.stderr)
        words = ["--threads", str(threads), "--runtime", runtime, "--label"]
        inside = [str(HERE / "inside.py"), str(place / "cases"), *words]
        here = lines_of(subprocess.run([sys.executable, *inside, "here"], **piped()))
        there = subprocess.run(emulated(place, [*inside, "there"], cpu), **piped())
        counts = [
            tuple(map(int, line.split()[1:]))
            for line in there.stderr.splitlines()
            if line.startswith("splitsr-count")
        ]
        of_runtime = [case for case in cases if case["runtime"] == runtime]
        runs = len(counts) // len(of_runtime)
        for index, case in enumerate(of_runtime):
            mine = counts[index * runs : (index + 1) * runs]
            versions = (lines_of(there)[index]["version"], here[index]["version"])
            found.append(compare(place / "cases", case, (cpu, threads), mine, versions))
    return found


def compare(
    folder: Path,
    case: dict[str, str],
    profile: tuple[str, int],
    counts: list[tuple[int, ...]],
    versions: tuple[str, str],
) -> ArmCase:
    """One case: the images of the two machines, in 8 bits, and the counts."""
    here, there = (
        from_nchw(np.load(folder / label / f"{case['name']}.npy"), np.uint8, 3).astype(int)
        for label in ("here", "there")
    )
    levels = np.abs(here - there)
    least = min(counts)
    return ArmCase(
        runtime=case["runtime"],
        model=case["model"],
        precision=case["precision"],
        cpu=profile[0],
        threads=profile[1],
        version=versions[0],
        version_here=versions[1],
        instructions=least[0],
        vector=least[1],
        memory=least[2],
        repeat_spread=round(max(counts)[0] / least[0] - 1, 5),
        largest_difference=int(levels.max()),
        differing=round(float((levels > 0).mean()), 6),
    )


def run_tests(place: Path, file: str) -> ArmTests:
    """A file of the project's tests, on the emulated machine."""
    print(f"tests/{file}", file=sys.stderr)
    words = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(ROOT)]
    words.append("--hypothesis-profile=ci")  # the same examples each time, and no deadline
    done = subprocess.run(
        emulated(place, [*words, str(ROOT / "tests" / file)]), **{**piped(), "check": False}
    )
    last = (done.stdout.strip().splitlines() or [done.stderr[-500:]])[-1]
    count = {word: int(n) for n, word in re.findall(r"(\d+) (passed|failed|skipped|error)", last)}
    failed = count.get("failed", 0) + count.get("error", 0) + (not count)
    if failed:
        print(done.stdout[-3000:], file=sys.stderr)
    return ArmTests(file, count.get("passed", 0), failed, count.get("skipped", 0))


def emulated(place: Path, words: list[str], counted_on: str | None = None) -> list[str]:
    """A call of the emulated Python."""
    paths = f"{ROOT / 'src'}:{place / 'site'}"
    plugin = ["-cpu", counted_on, "-plugin", str(place / "count.so")] if counted_on else []
    program = str(place / "root" / "usr" / "bin" / "python3.11")
    # OpenMP's threads spin while they wait, and ncnn's count is then of waiting: 7 times as much.
    settings = (f"PYTHONPATH={paths}", "PYTHONDONTWRITEBYTECODE=1", "OMP_WAIT_POLICY=passive")
    environment = [word for setting in settings for word in ("-E", setting)]
    return ["qemu-aarch64", "-L", str(place / "root"), *plugin, *environment, program, *words]


def piped() -> dict[str, object]:
    """How processes are started."""
    return {
        "check": True,
        "capture_output": True,
        "text": True,
        "env": {**os.environ, "PYTHONPATH": str(ROOT / "src")},
    }


def lines_of(done: subprocess.CompletedProcess[str]) -> list[dict[str, str]]:
    """What `inside.py` printed."""
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def first_line(command: list[str]) -> str:
    """Of what a program prints."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\n")[0]


if __name__ == "__main__":
    main()
