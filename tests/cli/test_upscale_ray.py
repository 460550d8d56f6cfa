"""`splitsr upscale --engine ray` on a real cluster of this machine, with two workers."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.patience import PATIENCE_S

pytest.importorskip("ray", reason="ray is not installed: pip install 'splitsr[ray]'")

Process = subprocess.CompletedProcess[bytes]
MAIN = [sys.executable, "-c", "from splitsr.cli.main import main; main()", "upscale"]
PHOTOS = 10
ENVIRONMENT = {**os.environ, "RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled"}


@pytest.fixture
def folder(tmp_path: Path, photo: np.ndarray) -> Path:
    """Ten photos, one of them in a folder below, and one that is damaged."""
    root = tmp_path / "photos"
    (root / "below").mkdir(parents=True)
    for index in range(PHOTOS):
        name = f"below/{index}.png" if index == 9 else f"{index}.jpg"
        Image.fromarray(photo[index * 10 :][:160, :240]).save(root / name)
    whole = (root / "0.jpg").read_bytes()
    (root / "damaged.jpg").write_bytes(whole[: len(whole) // 2])
    return root


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a head with two CPUs."""
    with started(tmp_path_factory.mktemp("ray"), ENVIRONMENT) as address:
        yield address


@contextlib.contextmanager
def started(place: Path, environment: dict[str, str]) -> Iterator[str]:
    """The address of a head with two CPUs, as `ray start` makes it."""
    words = ("--num-cpus=2", "--port=0", "--include-dashboard=false", "--disable-usage-stats")
    with (place / "log").open("wb") as log:
        head = subprocess.Popen(
            [
                *(Path(sys.executable).parent / "ray", "start", "--head", "--block", *words),
                "--object-store-memory=80000000",
            ],
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment,
        )
    try:
        yield _address(place / "log")
    finally:
        head.send_signal(signal.SIGTERM)
        head.wait(PATIENCE_S)


def _address(log: Path) -> str:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        for word in log.read_text(errors="replace").split():
            if word.startswith("--address='"):
                return word.split("'")[1]
        time.sleep(0.1)
    raise AssertionError(log.read_text())


def workers(address: str) -> set[int]:
    """Processes of a cluster that enlarge photos: other tests may have clusters of their own."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if not (process / "cmdline").read_bytes().startswith(b"ray::PhotoWorker"):
                continue
            parent = (process / "stat").read_text().rpartition(")")[2].split()[1]
            if address.encode() in Path("/proc", parent, "cmdline").read_bytes():
                found.add(int(process.name))
        except OSError:
            continue
    return found


def wait_for(ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not ready():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def begin(*words: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*MAIN, "--model", "splitsr-balanced", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=ENVIRONMENT,
    )


def files_of(root: Path) -> dict[str, bytes]:
    """Everything below a folder, hidden files too."""
    files = (path for path in root.rglob("*") if path.is_file())
    return {str(path.relative_to(root)): path.read_bytes() for path in files}


def test_a_killed_worker_and_a_damaged_photo_lose_nothing(
    folder: Path, cluster: str, run_splitsr: Callable[..., Process], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    call = (folder, "--recursive", "--json")
    others = workers(cluster)
    process = begin(*call, "-o", f"{out}/", "--engine", "ray", "--address", cluster)
    wait_for(lambda: len(list(out.glob("*.jpg"))) >= 2)
    killed = min(workers(cluster) - others)
    os.kill(killed, signal.SIGKILL)
    left = PHOTOS - len(list(out.rglob("*.jpg")))
    stdout, stderr = process.communicate(timeout=PATIENCE_S)

    assert left >= 3  # it was in the middle
    assert process.returncode == 1
    *lines, summary = stderr.decode().splitlines()
    lines = [line for line in lines if not line.endswith("of all")]  # how far a slow machine is
    assert f"wrote {PHOTOS} of {PHOTOS + 1} images" in summary
    assert len(lines) == 2, lines
    assert any("its worker died" in line for line in lines)
    assert any(line.startswith(f"splitsr: {folder / 'damaged.jpg'}: the JPEG") for line in lines)
    found = json.loads(stdout)["results"]
    local = run_splitsr("upscale", *call, "--model", "splitsr-balanced", "-o", tmp_path / "local/")
    assert local.returncode == 1
    assert files_of(out) == files_of(tmp_path / "local")
    assert len(files_of(out)) == PHOTOS
    expected = json.loads(local.stdout)["results"]
    for mine, its in zip(found, expected, strict=True):
        its["output"] = its["output"].replace(f"{tmp_path / 'local'}/", f"{out}/")
        assert {**mine, "seconds": None} == {**its, "seconds": None}


def test_a_killed_call_leaves_whole_files_and_is_taken_up_again(
    folder: Path, cluster: str, tmp_path: Path
) -> None:
    (folder / "damaged.jpg").unlink()
    out, others = tmp_path / "out", workers(cluster)
    words = (folder, "-o", f"{out}/", "--engine", "ray", "--address", cluster, "--skip-existing")
    with begin(*words) as process:
        wait_for(lambda: len(list(out.glob("*.jpg"))) >= 2)
        process.kill()
    wait_for(lambda: not workers(cluster) - others)
    whole = files_of(out)
    assert 2 <= len(whole) < PHOTOS - 1
    assert not [name for name in whole if "part" in name]

    process = begin(*words, "--json")
    stdout, stderr = process.communicate(timeout=PATIENCE_S)

    assert (process.returncode, stderr.count(b"\n")) == (0, 1)
    assert stderr.endswith(f", {len(whole)} skipped\n".encode())
    statuses = [result["status"] for result in json.loads(stdout)["results"]]
    assert (statuses.count("skipped"), len(statuses)) == (len(whole), PHOTOS - 1)
    assert files_of(out).items() >= whole.items()
    for path in out.iterdir():
        with Image.open(path) as image:
            image.load()
            assert image.size == (960, 640)


@pytest.mark.parametrize("precision", ["int8", "fp32"])
def test_without_an_address_this_machine_is_the_cluster(
    folder: Path,
    tmp_path: Path,
    run_splitsr: Callable[..., Process],
    restoring_model: Path,
    precision: str,
) -> None:
    model = "splitsr-fast" if precision == "int8" else restoring_model
    words = (folder / "1.jpg", "--model", model, "--precision", precision, "--threads", 1)
    words += () if precision == "int8" else ("--restore", 0.4)
    done = run_splitsr("upscale", *words, "-o", tmp_path / "ray.png", "--engine", "ray")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert run_splitsr("upscale", *words, "-o", tmp_path / "local.png").returncode == 0
    assert (tmp_path / "ray.png").read_bytes() == (tmp_path / "local.png").read_bytes()


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("--address", "127.0.0.1:1"), 2, "--address needs --engine ray"),
        (("--engine", "ray", "--address", "127.0.0.1:1"), 1, "Ray at 127.0.0.1:1: "),
        (("--engine", "ray", "--address", "nonsense"), 1, "Ray at nonsense: "),
        (("--engine", "ray", "-o", "-"), 2, "works on files"),
    ],
)
def test_a_wrong_call_is_one_line(
    folder: Path,
    run_splitsr: Callable[..., Process],
    words: tuple[str, ...],
    code: int,
    message: str,
) -> None:
    done = run_splitsr("upscale", folder / "1.jpg", *words)
    assert done.returncode == code
    assert message in done.stderr.decode().splitlines()[-1]
    assert b"Traceback" not in done.stderr


def test_what_a_cluster_did_not_do_has_failed(
    folder: Path, run_splitsr: Callable[..., Process]
) -> None:
    words = ("--engine", "ray", "--address", "127.0.0.1:1", "--json")
    done = run_splitsr("upscale", folder / "1.jpg", folder / "missing.jpg", *words)
    cause, summary = done.stderr.splitlines()
    assert (done.returncode, b"Ray at 127.0.0.1:1" in cause) == (1, True)
    assert summary == b"splitsr: wrote 0 of 2 images, 2 failed"
    results = json.loads(done.stdout)["results"]
    assert [result["status"] for result in results] == ["failed", "failed"]
    assert all("Ray at 127.0.0.1:1" in result["error"] for result in results)


def test_without_ray_it_says_what_to_install(folder: Path) -> None:
    program = "import sys; sys.modules['ray'] = None; " + MAIN[2]
    call = [sys.executable, "-c", program, "upscale", str(folder / "1.jpg"), "--engine", "ray"]
    done = subprocess.run(call, capture_output=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 1
    assert done.stderr == b"splitsr: --engine ray needs ray: pip install 'splitsr[ray]'\n"


def test_a_cluster_after_a_trial_asks_for_a_token(tmp_path: Path, photo: np.ndarray) -> None:
    """The order of docs/scale-out.md by someone new to Ray, whose first call makes it write one."""
    photos = tmp_path / "photos"
    photos.mkdir()
    Image.fromarray(photo[:64, :64]).save(photos / "one.png")
    (tmp_path / "home").mkdir()
    environment = {**ENVIRONMENT, "HOME": str(tmp_path / "home")}
    del environment["RAY_AUTH_MODE"]

    def upscale(name: str, *words: str, **more: str) -> Process:
        call = [*MAIN, photos, "-o", tmp_path / name, "--model", "splitsr-fast", "--engine", "ray"]
        return subprocess.run(
            [*map(str, call), *words], capture_output=True, env={**environment, **more},
            timeout=PATIENCE_S, check=False,
        )  # fmt: skip

    assert upscale("trial").returncode == 0
    assert (tmp_path / "home" / ".ray" / "auth_token").is_file()
    with started(tmp_path, environment) as address:
        refused = upscale("refused", "--address", address)
        assert refused.returncode == 1
        line = refused.stderr.decode().splitlines()[-1]
        assert line.startswith(f"splitsr: Ray at {address}: Failed to connect")
        assert line.endswith("(Ray's ~/.ray/auth_token), set RAY_AUTH_MODE=token")
        done = upscale("done", "--address", address, RAY_AUTH_MODE="token")
    assert done.returncode == 0, done.stderr
    assert files_of(tmp_path / "done") == files_of(tmp_path / "trial")
