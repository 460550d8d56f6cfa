"""A batch of images in this process: one image after another, or small ones side by side."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from time import monotonic
from typing import Any

from splitsr.batch.job import Job, Result, Settings, Watch, names_of
from splitsr.batch.one_image import attempt
from splitsr.imaging.files import pixels_of
from splitsr.runtime.upscaler import Progress, Upscaler

SMALL_PIXELS = 2_000_000
"""Most pixels of an image that is run beside others: memory holds a few of them at once."""


TURN_S = 0.25
"""The longest that a batch takes to hear of Ctrl-C while it waits."""


def attempt_all(
    jobs: Sequence[Job], upscaler: Upscaler, settings: Settings, watch: Watch
) -> Iterator[Result]:
    """Runs jobs, and gives their results in order.

    A large image has all threads to itself; its own rows are decoded, computed and encoded side by
    side. Small ones are run several at a time, so that none of them keeps the CPUs waiting.

    Args:
        jobs: the images.
        upscaler: enlarges them.
        settings: of the batch.
        watch: is told of every image. What it raises ends the batch; so does closing the iterator.

    Raises:
        KeyboardInterrupt: after the results of those that had their last tile and were written.
    """
    at_once = upscaler.lanes(settings.scale)
    shared = upscaler.shared(settings.scale)
    at_work: deque[_Errand] = deque()
    pool = ThreadPoolExecutor(at_once + 2)  # two are read, encoded or synced while others compute
    try:
        for job in jobs:
            if at_once > 1 and len(jobs) > 1 and _is_small(job):
                at_work.append(_Errand(job, pool, shared, settings))
                if len(at_work) > 2 * at_once:
                    yield _take(at_work, watch)
                continue
            while at_work:
                yield _take(at_work, watch)
            watch.start(names_of(job)[0], job.size)
            result = attempt(job, upscaler, settings, watch.tile)
            watch.finish()
            yield result
        while at_work:
            yield _take(at_work, watch)
    except KeyboardInterrupt:
        _stop(at_work, pool)
        yield from filter(None, [errand.outcome for errand in at_work])
        raise
    finally:
        _stop(at_work, pool)


def wait_for_first(
    futures: Collection[Future[Any]], patience: float | None = None
) -> set[Future[Any]]:
    """Futures that are done; waits for the first, in turns.

    A Ctrl-C that the system hands to another thread does not wake the main one, which hears of it
    after its turn.

    Args:
        futures: at least one.
        patience: seconds after which none are done, at most; None for no limit.
    """
    end = None if patience is None else monotonic() + patience
    while True:
        turn = TURN_S if end is None else min(TURN_S, max(0.0, end - monotonic()))
        found = wait(futures, turn, FIRST_COMPLETED).done
        if found or (end is not None and monotonic() >= end):
            return found


def _stop(errands: Iterable[_Errand], pool: ThreadPoolExecutor) -> None:
    for errand in errands:
        errand.stop()
    pool.shutdown(cancel_futures=True)


def _is_small(job: Job) -> bool:
    try:
        pixels = None if job.source is None or job.reads_once else pixels_of(job.source)
    except Exception:  # whatever it is, the job's result will say it
        return False
    return pixels is not None and pixels <= SMALL_PIXELS


class _Errand:
    """A small image at work in a thread of its own."""

    def __init__(
        self, job: Job, pool: ThreadPoolExecutor, upscaler: Upscaler, settings: Settings
    ) -> None:
        self._job = job
        self._stop = False
        self._progress: Progress | None = None
        self._future = pool.submit(attempt, job, upscaler, settings, self._on_tile)

    def wait(self, watch: Watch) -> Result:
        watch.start(names_of(self._job)[0], self._job.size)
        wait_for_first([self._future])
        result = self._future.result()
        if self._progress:
            watch.tile(self._progress)
        watch.finish()
        return result

    def stop(self) -> None:
        """Ends it after its next tile, if there is one; its part of a file goes with it."""
        self._stop = True

    @property
    def outcome(self) -> Result | None:
        """Its result, once it has ended; None if it was stopped before."""
        stopped = self._future.cancelled() or self._future.exception()
        return None if stopped else self._future.result()

    def _on_tile(self, progress: Progress) -> None:
        if self._stop:
            raise KeyboardInterrupt
        self._progress = progress


def _take(at_work: deque[_Errand], watch: Watch) -> Result:
    """The first one's result. Only then it leaves: it is stopped if the wait is broken off."""
    result = at_work[0].wait(watch)
    at_work.popleft()
    return result
