"""An AArch64 Debian with Python and the runtimes, in a folder, to run under QEMU's user emulation.

    python -m tools.benchmarks.arm.prepare build/arm

    build/arm/root      Debian's arm64 packages of Python 3.11, unpacked: QEMU's -L
    build/arm/site      wheels for AArch64: the runtimes, and what the tests need
    build/arm/count.so  the counter of instructions, a plugin of QEMU

Needs Debian 12's qemu-user (the static one has no plugins), a C compiler and the network; says so
where one is missing, and leaves with code 77, as skipped tests do. What is there is kept.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PYTHON = "3.11"
SKIPPED = 77

NEEDED = {
    "qemu-aarch64": "apt-get install qemu-user",
    "cc": "apt-get install gcc",
    "apt-get": "a Debian or Ubuntu",
    "dpkg-deb": "a Debian or Ubuntu",
}
PACKAGES = (f"python{PYTHON}", "libgomp1", "libstdc++6")
# Under QEMU 7.2 onnxruntime 1.32 crashes at import, and ai-edge-litert 2.3.0 when it prepares a
# network; these run.
PINNED = ("onnxruntime==1.23.2", "ai-edge-litert==2.1.2")
OTHERS = ("click", "msgspec", "ncnn", "numpy", "pillow", "rich", "safetensors")
TESTS = ("hypothesis", "onnx", "pytest", "scikit-image")
GLIBC = ("2_28", "2_27", "2_24", "2_17")


def main() -> None:
    """Prepares what is missing."""
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    place = Path(sys.argv[1]).absolute()
    require_tools()
    place.mkdir(parents=True, exist_ok=True)
    for name, make in (("root", unpack_system), ("site", install_wheels), ("count.so", compile_)):
        if not (place / name).exists():
            print(f"making {place / name}", file=sys.stderr)
            attempt(make, place)


def require_tools() -> None:
    """Leaves with a line where emulation is not installed."""
    for tool, how in NEEDED.items():
        if shutil.which(tool) is None:
            print(f"skipped: no {tool} here; it comes with {how}", file=sys.stderr)
            raise SystemExit(SKIPPED)


def attempt(make: object, place: Path) -> None:
    """Runs a step; one that fails, as without a network, is a skip and leaves nothing."""
    try:
        make(place)  # type: ignore[operator]
    except subprocess.CalledProcessError as error:
        reason = (error.stderr or "").strip().splitlines() or [f"exit code {error.returncode}"]
        print(f"skipped: {error.cmd[0]} failed: {reason[-1]}", file=sys.stderr)
        raise SystemExit(SKIPPED) from None


def unpack_system(place: Path) -> None:
    """Debian's packages for arm64, from apt's lists of its own, beside those of the machine."""
    state = place / "apt"
    for folder in ("state/lists/partial", "cache/archives/partial"):
        (state / folder).mkdir(parents=True, exist_ok=True)
    (state / "status").touch()
    options = {
        "APT::Architecture": "arm64",
        "APT::Architectures": "arm64",
        "Dir::State": state / "state",
        "Dir::State::status": state / "status",
        "Dir::Cache": state / "cache",
        "Debug::NoLocking": "1",
    }
    apt = ["apt-get", "-q", *(word for k, v in options.items() for word in ("-o", f"{k}={v}"))]
    run([*apt, "update"])
    run([*apt, "install", "-y", "--download-only", "--no-install-recommends", *PACKAGES])
    root = place / "root.part"
    for package in sorted((state / "cache" / "archives").glob("*.deb")):
        run(["dpkg-deb", "-x", str(package), str(root)])
    root.rename(place / "root")


def install_wheels(place: Path) -> None:
    """Wheels for AArch64, of the versions that CI has where there is no other reason."""
    constraints = place / "constraints.txt"
    lines = (ROOT / "constraints.txt").read_text().splitlines(keepends=True)
    names = tuple(f"{pin.partition('==')[0]}==" for pin in PINNED)
    constraints.write_text("".join(line for line in lines if not line.startswith(names)))
    platforms = [word for glibc in GLIBC for word in ("--platform", f"manylinux_{glibc}_aarch64")]
    site = place / "site.part"
    run(
        [
            *(sys.executable, "-m", "pip", "install", "-q", "--target", str(site)),
            *(*platforms, "--platform", "manylinux2014_aarch64"),
            *("--only-binary=:all:", "--python-version", PYTHON, "--implementation", "cp"),
            *("-c", str(constraints), *PINNED, *OTHERS, *TESTS),
        ]
    )
    site.rename(place / "site")


def compile_(place: Path) -> None:
    """The counter."""
    source = Path(__file__).with_name("count.c")
    run(["cc", "-shared", "-fPIC", "-O2", "-o", str(place / "count.so"), str(source)])


def run(command: list[object]) -> None:
    """Runs a command; its output shows in the error only."""
    subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True)


if __name__ == "__main__":
    main()
