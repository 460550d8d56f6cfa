"""Handing photos out: what dies, fails or never starts loses no other photo."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from splitsr.batch import one_image
from splitsr.batch.cluster import DEATHS, attempt_on, run_job
from splitsr.batch.job import Job, Result, Settings, failed
from splitsr.batch.one_image import attempt
from splitsr.batch.upscaler_options import UpscalerOptions
from splitsr.errors import ClusterError
from splitsr.runtime.upscaler import Progress, Upscaler

SETTINGS = Settings(4)


class Tally:
    """Counts what it is told."""

    def __init__(self) -> None:
        self.finished: list[str] = []
        self.pixels = 0

    def start(self, name: str, size: int) -> None:
        assert size > 0
        self.finished.append(Path(name).stem)

    def tile(self, progress: Progress) -> None:
        self.pixels += progress.pixels_done

    def finish(self) -> None: ...


class FakeWorker:
    """Answers at once as its pool says."""

    def __init__(self, pool: FakePool, number: int) -> None:
        self._pool, self.number = pool, number
        self.ready: Future[object] = pool.start(number)

    def run(self, job: Job) -> Future[tuple[Result, bool]]:
        self._pool.runs.append((self.number, job.source.stem if job.source else ""))
        future: Future[tuple[Result, bool]] = Future()
        try:
            future.set_result((self._pool.answer(self.number, job), self.number in self._pool.dead))
        except ClusterError as error:
            future.set_exception(error)
        return future


class FakePool:
    """Workers that are numbers."""

    def __init__(
        self,
        answer: Callable[[int, Job], Result],
        size: int = 2,
        broken: Callable[[int], bool] = lambda _: False,
        slow: Callable[[int], bool] = lambda _: False,
    ) -> None:
        self.answer, self.size = answer, size
        self._broken, self._slow = broken, slow
        self.hired = 0
        self.dead: set[int] = set()  # workers whose process was started again
        self.runs: list[tuple[int, str]] = []

    def hire(self) -> FakeWorker:
        self.hired += 1
        return FakeWorker(self, self.hired - 1)

    def start(self, number: int) -> Future[object]:
        future: Future[object] = Future()
        if self._broken(number):
            future.set_exception(ClusterError(f"no weights on machine {number}"))
        elif not self._slow(number):
            future.set_result(None)
        return future


@pytest.fixture
def jobs(tmp_path: Path) -> list[Job]:
    return [Job(tmp_path / f"{name}.png", tmp_path / f"{name}_x4.png", "PNG") for name in "abcd"]


def written(_: int, job: Job) -> Result:
    assert job.target
    job.target.write_bytes(b"a picture")
    return Result(str(job.source), str(job.target), "done", size_out=(2, 3))


def died(*_: object) -> Result:
    raise ClusterError("killed")


def outcomes(results: list[Result]) -> dict[str, str]:
    return {Path(result.input).stem: result.status for result in results}


def test_each_photo_is_done_once(jobs: list[Job]) -> None:
    pool, watch = FakePool(written), Tally()

    results = list(attempt_on(pool, jobs, SETTINGS, watch))

    assert outcomes(results) == dict.fromkeys("abcd", "done")
    assert {worker for worker, _ in pool.runs} == {0, 1}
    assert (sorted(watch.finished), watch.pixels) == (list("abcd"), 4 * 6)


def test_no_more_workers_than_photos(jobs: list[Job]) -> None:
    pool = FakePool(written, size=50)
    list(attempt_on(pool, jobs, SETTINGS, Tally()))
    assert pool.hired == 4


def test_a_process_that_died_is_told_of(jobs: list[Job]) -> None:
    pool = FakePool(written)
    pool.dead.add(0)
    troubles: list[str] = []

    results = list(attempt_on(pool, jobs, SETTINGS, Tally(), troubles.append))

    assert outcomes(results) == dict.fromkeys("abcd", "done")
    lost = sorted(image for number, image in pool.runs if number == 0)
    assert lost
    assert [Path(line.partition(": ")[0]).stem for line in sorted(troubles)] == lost
    assert all(line.endswith(".png: its worker died; another one did it") for line in troubles)


def test_a_photo_that_kills_workers_is_given_up(jobs: list[Job]) -> None:
    def answer(number: int, job: Job) -> Result:
        deadly = job.source is not None and job.source.stem == "b"
        return (died if deadly else written)(number, job)

    pool = FakePool(answer)
    results = list(attempt_on(pool, jobs, SETTINGS, Tally()))

    assert outcomes(results) == {"a": "done", "b": "failed", "c": "done", "d": "done"}
    assert [name for _, name in pool.runs].count("b") == 1
    (given_up,) = [result for result in results if result.status == "failed"]
    assert f"{DEATHS} workers died on it (killed)" in given_up.complaint


def test_a_failure_is_tried_on_another_worker(jobs: list[Job]) -> None:
    def answer(number: int, job: Job) -> Result:
        bad_machine = number == 0
        return failed(job, SETTINGS, "no such file") if bad_machine else written(number, job)

    pool = FakePool(answer)
    results = list(attempt_on(pool, jobs, SETTINGS, Tally()))
    assert outcomes(results) == dict.fromkeys("abcd", "done")

    damaged = FakePool(lambda _, job: failed(job, SETTINGS, "truncated"))
    results = list(attempt_on(damaged, jobs[:2], SETTINGS, Tally()))
    assert outcomes(results) == {"a": "failed", "b": "failed"}
    assert sorted(name for _, name in damaged.runs) == ["a", "a", "b", "b"]


def test_one_worker_alone_is_not_asked_twice(jobs: list[Job]) -> None:
    pool = FakePool(lambda _, job: failed(job, SETTINGS, "truncated"), slow=bool)
    results = list(attempt_on(pool, jobs, SETTINGS, Tally()))
    assert [result.status for result in results] == ["failed"] * 4
    assert len(pool.runs) == 4


def test_workers_that_cannot_start(jobs: list[Job]) -> None:
    half = FakePool(written, broken=lambda number: number % 2 == 0)
    assert outcomes(list(attempt_on(half, jobs, SETTINGS, Tally()))) == dict.fromkeys(
        "abcd", "done"
    )
    none = FakePool(written, broken=lambda _: True)
    with pytest.raises(ClusterError, match="can start: no weights on machine"):
        list(attempt_on(none, jobs, SETTINGS, Tally()))
    assert none.hired == 2
    busy = FakePool(written, slow=lambda _: True)
    with pytest.raises(ClusterError, match="CPUs are in use"):
        list(attempt_on(busy, jobs, SETTINGS, Tally(), patience=0.05))


def test_a_file_that_is_not_to_be_seen_is_not_done(jobs: list[Job]) -> None:
    def elsewhere(_: int, job: Job) -> Result:
        return Result(str(job.source), str(job.target), "done", size_out=(2, 3))

    (result,) = attempt_on(FakePool(elsewhere), jobs[:1], SETTINGS, Tally())
    assert result.status == "failed"
    assert "does not share this folder" in result.complaint


def test_whatever_a_photo_raises_in_a_worker_or_here_is_its_result(
    jobs: list[Job], tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> object:
        raise ZeroDivisionError("division by zero")

    jobs[0].source.write_bytes(b"a photo")  # type: ignore[union-attr]
    jobs[0].target.write_bytes(b"its result")  # type: ignore[union-attr]
    monkeypatch.setattr(one_image, "open_photo", fail)
    for again in (False, True):
        result = run_job(
            jobs[0], Upscaler(tiny_model), Settings(4, overwrite=not again), again=again
        )
        assert "division by zero" in result.complaint

    gone = [replace(job, target=job.target.parent / "gone" / "x.png") for job in jobs if job.target]

    def far(_: int, job: Job) -> Result:
        return Result(str(job.source), str(job.target), "done", size_out=(2, 3))

    results = list(attempt_on(FakePool(far), gone, SETTINGS, Tally()))
    assert [result.status for result in results] == ["failed"] * 4


def test_results_have_the_names_of_the_call(jobs: list[Job], tmp_path: Path) -> None:
    there = tmp_path / "a.png"

    def far(*_: object) -> Result:
        return Result(str(there), str(there), "failed", error=f"{there}: truncated")

    job = replace(jobs[0], source=Path("a.png"))
    (result,) = attempt_on(FakePool(far), [job], SETTINGS, Tally())
    assert (result.input, result.error) == ("a.png", "a.png: truncated")


def test_an_output_of_a_dead_worker_is_compared(
    tmp_path: Path, tiny_model: Path, photo: np.ndarray
) -> None:
    source, target = tmp_path / "a.png", tmp_path / "a_x4.png"
    Image.fromarray(photo[:20, :30]).save(source)
    job, upscaler = Job(source, target, "PNG"), Upscaler(tiny_model, threads=1)
    assert run_job(job, upscaler, SETTINGS, again=False).status == "done"
    made = target.read_bytes()

    finished = run_job(job, upscaler, SETTINGS, again=True)
    assert (finished.status, finished.size_out) == ("done", (80, 120))
    assert "already exists" in str(attempt(job, upscaler, SETTINGS).error)

    target.write_bytes(b"of another program")
    assert "already exists" in str(run_job(job, upscaler, SETTINGS, again=True).error)
    skipping = replace(SETTINGS, skip_existing=True)
    assert run_job(job, upscaler, skipping, again=True).status == "skipped"
    assert target.read_bytes() == b"of another program"
    replaced = run_job(job, upscaler, replace(SETTINGS, overwrite=True), again=True)
    assert (replaced.status, target.read_bytes()) == ("done", made)

    source.write_bytes(b"no picture")
    assert run_job(job, upscaler, SETTINGS, again=True).status == "failed"


def test_the_options_can_be_followed_elsewhere(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tiny_model.parent)
    options = UpscalerOptions(tiny_model.name, "pair.json", threads=1).absolute()
    assert options.model == str(tiny_model)
    assert options.light == str(tiny_model.parent / "pair.json")
    named = UpscalerOptions("splitsr-balanced-x4", "splitsr-fast", threads=1)
    assert named.absolute() == named
    (both,) = named.upscaler().networks_for(4)
    assert "splitsr-balanced-x4" in both.name
    assert "splitsr-fast-x4" in both.name
