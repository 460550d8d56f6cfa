"""The tables of docs/arm.md, from what `tools/benchmarks/arm/measure.py` found."""

from __future__ import annotations

from pathlib import Path

import msgspec

from splitsr.experiments.result_files import markdown_table, read_json

_NAMES = {"onnxruntime": "ONNX Runtime", "litert": "LiteRT", "ncnn": "ncnn"}


class ArmCase(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One network in one runtime on AArch64.

    Attributes:
        runtime: `onnxruntime`, `litert` or `ncnn`.
        model: the network's name.
        precision: of its file or arithmetic; `int8-unfused`: an int8 file, node by node.
        cpu: that was emulated.
        threads: that computed.
        version: of the runtime there.
        version_here: of the runtime on the machine that the output is compared with.
        instructions: of one run, all threads.
        vector: those of SIMD and floating point.
        memory: loads and stores.
        repeat_spread: by how much, as a share, the runs differ in their instructions.
        largest_difference: between the two machines' images, 8-bit levels.
        differing: share of their values that differ.
    """

    runtime: str
    model: str
    precision: str
    cpu: str
    threads: int
    version: str
    version_here: str
    instructions: int
    vector: int
    memory: int
    repeat_spread: float
    largest_difference: int
    differing: float


class ArmTests(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of tests that was run there."""

    file: str
    passed: int
    failed: int
    skipped: int


class ArmFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What was found.

    Attributes:
        emulator: its name and version.
        side: of the LR image, pixels.
        cases: networks.
        tests: files of tests.
    """

    emulator: str
    side: int
    cases: tuple[ArmCase, ...]
    tests: tuple[ArmTests, ...]


def read_arm(path: Path) -> ArmFile:
    """Reads results/arm.json.

    Raises:
        DataError: the file cannot be read, or is another.
    """
    return read_json(path, ArmFile, "what tools/benchmarks/arm/measure.py writes")


def arm_blocks(path: Path) -> dict[str, str]:
    """The generated blocks of the page, by name.

    Raises:
        DataError: the file cannot be read.
    """
    found = read_arm(path)
    return {"arm": _cases(found), "arm-tests": _tests(found)}


def _cases(found: ArmFile) -> str:
    rows = [
        (
            f"{_NAMES[case.runtime]} {case.version}",
            case.model,
            case.precision,
            case.cpu,
            str(case.threads),
            f"{case.instructions / 1e6:,.0f} M",
            f"{case.vector / case.instructions:.0%}".replace("%", " %"),
            f"{case.memory / case.instructions:.0%}".replace("%", " %"),
            str(case.largest_difference),
            f"{1e6 * case.differing:,.0f}",
        )
        for case in found.cases
    ]
    heads = ("runtime", "model", "precision", "CPU", "threads", "instructions", "SIMD", "memory")
    table = markdown_table((*heads, "largest difference", "differing, ppm"), rows, left=4)
    return (
        f"{table}\n\nOne run on {found.side}x{found.side} LR pixels under {found.emulator}, all "
        f"threads together. {_spread(found)} The difference is between the 8-bit images of "
        "AArch64 and x86-64, in levels of 255, and the share of values that differ."
    )


def _spread(found: ArmFile) -> str:
    """By how much repeated runs differ: threads that wait for each other execute instructions."""
    said = [
        f"{100 * max(spreads):.2f} % with {threads} thread{'s' * (threads > 1)}"
        for threads in sorted({case.threads for case in found.cases})
        if (spreads := [case.repeat_spread for case in found.cases if case.threads == threads])
    ]
    return f"The least of the repeated runs stands here; they differ by up to {', '.join(said)}."


def _tests(found: ArmFile) -> str:
    rows = [
        (f"`tests/{one.file}`", str(one.passed), str(one.failed), str(one.skipped))
        for one in found.tests
    ]
    return markdown_table(("tests on AArch64", "passed", "failed", "skipped"), rows)
