"""A batch on workers of a cluster: images are handed out, and no death of a worker loses one.

What the workers are is left to a `Pool`; `ray_pool` has Ray's. They are plain actors, not the
operators of Ray Data: an actor keeps one loaded network, takes one image at a time, so that the
fast ones take more, and its death concerns that image alone. Ray Data deals in blocks of rows: a
death repeats a block, one bad row fails it, results come when a block is done, and it brings
Arrow and pandas for what are two paths.
"""

from __future__ import annotations

import os
import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter
from typing import Any, Protocol

from splitsr.batch.job import Job, Result, Settings, Watch, failed, names_of
from splitsr.batch.local import wait_for_first
from splitsr.batch.one_image import attempt, done, enlarge_job, settle
from splitsr.errors import ClusterError
from splitsr.runtime.upscaler import Progress, Upscaler

DEATHS = 3
"""Workers that may die on an image before it is given up: it may be what kills them."""

PATIENCE = 300.0
"""Seconds to wait for a first worker: a cluster may be busy, or fetch a machine."""


class Worker(Protocol):
    """A process somewhere that has its networks loaded. If it dies, another takes its place.

    Attributes:
        ready: is done once it has; the exception says why it has not.
    """

    ready: Future[object]

    def run(self, job: Job) -> Future[tuple[Result, bool]]:
        """Starts an image; see `run_job`.

        Returns:
            The result, and whether a process died on it first. A `ClusterError` means that
            `DEATHS` did.
        """


class Pool(Protocol):
    """Where workers come from.

    Attributes:
        size: how many there is room for, at least 1.
    """

    size: int

    def hire(self) -> Worker:
        """Starts a worker, and does not wait for it."""


def attempt_on(
    pool: Pool,
    jobs: Sequence[Job],
    settings: Settings,
    watch: Watch,
    on_trouble: Callable[[str], None] = lambda _: None,
    patience: float = PATIENCE,
) -> Iterator[Result]:
    """Runs jobs, and gives their results as they come.

    An image that failed is given to another worker, once: the file may be sound, the machine not.

    Args:
        pool: of the workers.
        jobs: the images; all have files as input and output.
        settings: of the batch.
        watch: is told of each image when it is done.
        on_trouble: is told in a line of a process that died.
        patience: seconds to wait for a first worker.

    Raises:
        ClusterError: no worker can be started.
    """
    shift = _Shift(pool, jobs, settings, on_trouble, patience)
    for job, result in shift.results():
        watch.start(result.input, job.size)
        pixels = result.size_out[0] * result.size_out[1] if result.size_out else 1
        watch.tile(Progress(1, 1, pixels, pixels))
        watch.finish()
        yield result


def run_job(job: Job, upscaler: Upscaler, settings: Settings, *, again: bool) -> Result:
    """Runs a job in a worker.

    Args:
        job: the image; paths are absolute.
        upscaler: enlarges it.
        settings: of the batch.
        again: whether a process died on it, be it after the output was written. An output that is
            there is then compared with what it should be, and not complained of.
    """
    if not again or settings.overwrite:
        return attempt(job, upscaler, settings)
    return settle(job, settings, lambda: _compare(job, upscaler, settings))


def _compare(job: Job, upscaler: Upscaler, settings: Settings) -> Result:
    target = job.target
    if target is None or not target.exists():
        return attempt(job, upscaler, settings)
    begun = perf_counter()
    with tempfile.TemporaryFile() as file, target.open("rb") as written:
        found = enlarge_job(job, file, upscaler, settings)
        file.seek(0)
        if file.read() != written.read():
            return attempt(job, upscaler, settings)  # another's file: refused or left out
    return done(job, upscaler, settings, *found, perf_counter() - begun)


@dataclass(eq=False)
class _Errand:
    """An image that is to be done, and the workers that had it."""

    job: Job
    tried: list[Worker] = field(default_factory=list)


class _Shift:
    """Workers and images while a batch runs."""

    def __init__(
        self,
        pool: Pool,
        jobs: Sequence[Job],
        settings: Settings,
        on_trouble: Callable[[str], None],
        patience: float,
    ) -> None:
        self._settings, self._on_trouble, self._patience = settings, on_trouble, patience
        self._queue = deque(_Errand(job) for job in jobs)
        workers = [pool.hire() for _ in range(min(pool.size, len(jobs)))]
        self._starting: dict[Future[Any], Worker] = {worker.ready: worker for worker in workers}
        self._idle: list[Worker] = []
        self._busy: dict[Future[Any], tuple[Worker, _Errand]] = {}

    def results(self) -> Iterator[tuple[Job, Result]]:
        while self._queue or self._busy:
            self._hand_out()
            for future in self._wait():
                if future in self._starting:
                    self._welcome(future)
                    continue
                worker, errand = self._busy.pop(future)
                self._idle.append(worker)
                result = self._settle(future, errand)
                if result:
                    yield errand.job, result

    def _wait(self) -> set[Future[Any]]:
        """Futures that are done; waits for the first."""
        alive = bool(self._busy or self._idle)
        found = wait_for_first([*self._starting, *self._busy], None if alive else self._patience)
        if not found:
            raise ClusterError(
                f"no worker of the cluster began within {self._patience:g} s: its CPUs are in use; "
                "see `ray status`"
            )
        return found

    def _welcome(self, ready: Future[Any]) -> None:
        worker = self._starting.pop(ready)
        error = ready.exception()
        if error is None:
            self._idle.append(worker)
        elif not (self._starting or self._idle or self._busy):
            raise ClusterError(f"no worker of the cluster can start: {error}")

    def _hand_out(self) -> None:
        """Gives each idle worker an image; one that failed goes to a worker that is new to it."""
        for worker in list(self._idle):
            errand = next((one for one in self._queue if self._suits(worker, one)), None)
            if errand is None:
                continue
            self._queue.remove(errand)
            self._idle.remove(worker)
            errand.tried.append(worker)
            self._busy[worker.run(errand.job)] = (worker, errand)

    def _suits(self, worker: Worker, errand: _Errand) -> bool:
        return worker not in errand.tried or not self._others(errand)

    def _others(self, errand: _Errand) -> bool:
        """Whether there is a worker that is new to an image."""
        alive = [*self._idle, *(worker for worker, _ in self._busy.values())]
        return any(worker not in errand.tried for worker in alive)

    def _settle(self, future: Future[tuple[Result, bool]], errand: _Errand) -> Result | None:
        """The result of an image; None for one that is tried again."""
        job, error = errand.job, future.exception()
        if error is not None:
            return failed(job, self._settings, f"{DEATHS} workers died on it ({error})")
        told, died = future.result()
        if died:
            self._on_trouble(f"{names_of(job)[0]}: its worker died; another one did it")
        result = settle(job, self._settings, lambda: _as_seen_here(job, told, self._settings))
        if result.status == "failed" and len(errand.tried) == 1 and self._others(errand):
            self._queue.append(errand)
            return None
        return result


def _as_seen_here(job: Job, result: Result, settings: Settings) -> Result:
    """A worker's result as this process would tell it; failed where its file is not to be seen."""
    if result.status == "done" and not _appeared(job.target):
        return failed(
            job,
            settings,
            f"{job.target}: was written on a machine that does not share this folder; "
            "use one that all machines of the cluster share",
        )
    source, target = names_of(job)
    error = result.error
    for there, here in ((result.input, source), (result.output, target)):
        error = error.replace(there, here) if error and there else error
    return replace(result, input=source, output=target, error=error)


def _appeared(target: Path | None) -> bool:
    if target is None:
        return False
    # A network's file system may have remembered that there was none, until its folder is opened.
    os.scandir(target.parent).close()
    return target.exists()
