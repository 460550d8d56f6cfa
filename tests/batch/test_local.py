"""Batches: small photos side by side, large ones alone, results in order."""

from __future__ import annotations

import signal
import struct
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from splitsr.batch import local as batch
from splitsr.batch import one_image
from splitsr.batch.job import Job, Result, Settings
from splitsr.batch.local import attempt_all, wait_for_first
from splitsr.batch.one_image import attempt
from splitsr.imaging.files import pixels_of
from splitsr.networks import ModelSpec
from splitsr.runtime.engine import FloatArray
from splitsr.runtime.onnx_engine import OnnxEngine
from splitsr.runtime.upscaler import Progress, Upscaler
from splitsr.zoo.catalogue import find_family
from tests.patience import PATIENCE_S


class Quiet:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.tiles: list[Progress] = []
        self.finished = 0

    def start(self, name: str, size: int) -> None:
        assert size > 0
        self.names.append(Path(name).name)

    def tile(self, progress: Progress) -> None:
        self.tiles.append(progress)

    def finish(self) -> None:
        self.finished += 1


class Watched:
    """An engine of two lanes that notes how many runs there are at once."""

    lanes = 2

    def __init__(self, engine: OnnxEngine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self.now = self.most = 0

    @property
    def spec(self) -> ModelSpec:
        return self._engine.spec

    @property
    def name(self) -> str:
        return self._engine.name

    def lane(self) -> Watched:
        return self

    def run(self, lr: FloatArray) -> FloatArray:
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
        time.sleep(0.02)
        sr = self._engine.run(lr)
        with self._lock:
            self.now -= 1
        return sr


@pytest.fixture
def jobs(tmp_path: Path, photo: np.ndarray) -> list[Job]:
    found = []
    for index in range(9):
        source = tmp_path / f"{index}.png"
        Image.fromarray(photo[index * 20 :][: 30 + index, :40]).save(source)
        found.append(Job(source, tmp_path / f"{index}_x4.jpg", "JPEG"))
    return found


def test_small_photos_share_the_lanes(tiny_model: Path, jobs: list[Job]) -> None:
    engine = Watched(OnnxEngine(tiny_model, 1))
    upscaler = Upscaler(engine)
    watch = Quiet()

    results = list(attempt_all(jobs, upscaler, Settings(4), watch))

    assert engine.most == 2
    assert [result.input for result in results] == [str(job.source) for job in jobs]
    assert {result.status for result in results} == {"done"}
    assert watch.names == [f"{index}.png" for index in range(9)]
    assert watch.finished == 9
    assert [progress.tiles_total for progress in watch.tiles] == [1] * 9


def test_a_batch_loads_no_network_of_another_scale(tmp_path: Path, jobs: list[Job]) -> None:
    """The largest network's file is damaged, and nothing needs it."""
    family = {entry.spec.scale: entry for entry in find_family("splitsr-fast").values()}
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"no network")
    spoilt = {2: family[2], 4: replace(family[4], path=broken)}
    catalogue = {entry.name: entry for entry in spoilt.values()}
    upscaler = Upscaler("splitsr-fast", threads=2, catalogue=catalogue)
    results = list(attempt_all(jobs, upscaler, Settings(2), Quiet()))
    assert {result.status for result in results} == {"done"}


def test_the_files_are_those_of_one_after_another(tiny_model: Path, jobs: list[Job]) -> None:
    list(attempt_all(jobs, Upscaler(tiny_model, threads=2), Settings(4), Quiet()))
    side_by_side = [job.target.read_bytes() for job in jobs if job.target]

    alone = Upscaler(tiny_model, threads=1)
    assert alone.lanes() == 1
    list(attempt_all(jobs, alone, Settings(4, overwrite=True), Quiet()))

    assert side_by_side == [job.target.read_bytes() for job in jobs if job.target]


def test_a_large_photo_has_the_cpus_to_itself(
    tiny_model: Path, jobs: list[Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "SMALL_PIXELS", 34 * 40)  # photos 5 to 8 are large
    alone: list[bool] = []
    real = batch.attempt

    def spy(job: Job, *rest: object) -> object:
        alone.append(threading.current_thread() is threading.main_thread())
        return real(job, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(batch, "attempt", spy)

    list(attempt_all(jobs, Upscaler(tiny_model, threads=2), Settings(4), Quiet()))

    assert alone[-4:] == [True] * 4
    assert sorted(alone) == [False] * 5 + [True] * 4


def test_ctrl_c_that_another_thread_is_told_of_is_heard() -> None:
    """The system chooses the thread; it is not always the main one, which waits."""
    waits, over = threading.Event(), threading.Event()

    def work() -> None:
        waits.wait()
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)
        over.wait(PATIENCE_S)

    def wait_for(future: Future[None]) -> None:
        waits.set()
        wait_for_first([future])

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(work)
        with pytest.raises(KeyboardInterrupt):
            wait_for(future)
        assert not future.done()
        over.set()


def test_a_wait_ends_when_its_patience_does() -> None:
    assert wait_for_first([Future()], 0.3) == set()


def test_what_is_written_when_the_batch_is_broken_off_is_told(
    tiny_model: Path, jobs: list[Job]
) -> None:
    """Past its last tile an image is encoded to its end, and is in the results as in the folder."""
    last = jobs[2]

    class Broken(Quiet):
        def start(self, name: str, size: int) -> None:
            super().start(name, size)
            if len(self.names) == 2:
                while not (last.target and last.target.exists()):
                    time.sleep(0.01)
                raise KeyboardInterrupt

    upscaler = Upscaler(tiny_model, threads=2)
    results: list[Result] = []
    with pytest.raises(KeyboardInterrupt):
        results.extend(attempt_all(jobs[:3], upscaler, Settings(4), Broken()))

    written = [str(job.target) for job in jobs if job.target and job.target.exists()]
    assert [result.output for result in results] == written
    assert str(last.target) in written


def test_a_photo_that_fails_stops_no_other(tiny_model: Path, jobs: list[Job]) -> None:
    source = jobs[3].source
    assert source is not None
    source.write_bytes(source.read_bytes()[:-40])

    results = list(attempt_all(jobs, Upscaler(tiny_model, threads=2), Settings(4), Quiet()))

    assert [result.status for result in results].count("done") == 8
    assert results[3].status == "failed"
    assert "truncated" in results[3].complaint


RAISED = [
    ZeroDivisionError("division by zero"),
    RecursionError("maximum recursion depth exceeded"),
    OSError(24, "Too many open files"),
    MemoryError(),
    struct.error("unpack requires\na buffer"),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
]


@pytest.mark.parametrize("error", RAISED, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("where", ["open_photo", "write_photo", "check_target"])
@pytest.mark.parametrize("threads", [1, 2])
def test_whatever_one_photo_raises_the_others_are_done(
    tiny_model: Path,
    jobs: list[Job],
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    where: str,
    threads: int,
) -> None:
    real = getattr(one_image, where)

    def raise_once(*arguments: Any, **options: Any) -> object:
        if any(getattr(each, "name", "").startswith("3") for each in arguments):
            raise error
        return real(*arguments, **options)

    def targets_name(photo: object, target: Path, **options: Any) -> object:
        return (
            raise_once(target, photo) if target.name[0] == "3" else real(photo, target, **options)
        )

    monkeypatch.setattr(one_image, where, targets_name if where == "write_photo" else raise_once)

    upscaler = Upscaler(tiny_model, threads=threads)
    results = list(attempt_all(jobs[:5], upscaler, Settings(4), Quiet()))

    assert [result.status for result in results] == ["done"] * 3 + ["failed", "done"]
    assert results[3].complaint.startswith(str(jobs[3].source))
    assert "\n" not in results[3].complaint


def test_what_ends_the_batch_is_no_result(tiny_model: Path, jobs: list[Job]) -> None:
    def interrupt(_: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        attempt(jobs[0], Upscaler(tiny_model, threads=1), Settings(4), interrupt)


def test_a_missing_input_is_named_itself(tiny_model: Path, tmp_path: Path) -> None:
    job = Job(tmp_path / "no" / "a.png", tmp_path / "no" / "a_x4.png", "PNG", makes_folder=True)
    result = attempt(job, Upscaler(tiny_model, threads=1), Settings(4))
    assert result.error == f"{job.source}: no such file"
    assert not (tmp_path / "no").exists()


def test_what_is_at_work_when_a_batch_ends_leaves_nothing(
    tiny_model: Path, jobs: list[Job], tmp_path: Path
) -> None:
    """Ctrl-C comes to whoever takes the results; closing the iterator is what it then does."""
    results = attempt_all(jobs, Upscaler(tiny_model, threads=2, tile=4), Settings(4), Quiet())
    first = next(results)
    results.close()

    assert first.status == "done"
    left = [path for path in tmp_path.iterdir() if path.name.startswith(".splitsr")]
    assert left == []
    for path in tmp_path.glob("*_x4.jpg"):
        with Image.open(path) as image:
            image.load()  # whole
    assert len(list(tmp_path.glob("*_x4.jpg"))) < len(jobs)


def test_one_job_is_run_as_it_is(tiny_model: Path, jobs: list[Job]) -> None:
    upscaler = Upscaler(tiny_model, threads=2)
    (result,) = attempt_all(jobs[:1], upscaler, Settings(4), Quiet())
    again = attempt(jobs[0], upscaler, Settings(4, overwrite=True))
    assert (result.status, again.status) == ("done", "done")


def test_pixels_are_told_by_the_header(tmp_path: Path, jobs: list[Job]) -> None:
    assert jobs[0].source is not None
    assert pixels_of(jobs[0].source) == 30 * 40
    assert pixels_of(tmp_path / "missing.png") is None
    (tmp_path / "note.png").write_text("no image")
    assert pixels_of(tmp_path / "note.png") is None
