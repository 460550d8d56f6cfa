"""Workers on a Ray cluster. The only module that imports Ray; it is imported when asked for."""

from __future__ import annotations

import contextlib
import os
import platform
import re
import socket
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import splitsr
from splitsr.batch.cluster import DEATHS, run_job
from splitsr.batch.job import Job, Result, Settings
from splitsr.batch.one_image import settle
from splitsr.batch.upscaler_options import UpscalerOptions
from splitsr.errors import ClusterError, SplitSRError, naming_extra
from splitsr.runtime.onnx_engine import available_cpus
from splitsr.runtime.upscaler import Upscaler

with naming_extra("--engine ray", "ray"):
    import ray
    from ray.exceptions import RayTaskError

OBJECT_STORE_BYTES = 80 * 2**20
"""For the objects of a cluster on this machine: hardly more than Ray's least, as images go by
files and only their names through Ray."""


KNOCK_SECONDS = 5.0


class PhotoWorker:
    """Runs in a process of the cluster, and keeps its networks loaded."""

    def __init__(self, options: UpscalerOptions, settings: Settings) -> None:
        """Loads nothing yet: what fails here would come back without its own message."""
        self._options, self._settings = options, settings
        self._upscaler: Upscaler | None = None
        # The first call of a process that Ray has started again is one that another died on.
        self._again: bool = ray.get_runtime_context().was_current_actor_reconstructed

    def prepare(self, version: str) -> int:
        """Loads the networks, and gives the number of the process.

        Args:
            version: of splitsr where the call was made.

        Raises:
            ClusterError: another version, whose images may differ.
            ModelError: a network is unknown or damaged here.
        """
        if version != splitsr.__version__:
            raise ClusterError(
                f"splitsr {splitsr.__version__} on {platform.node()} and {version} here; "
                "install one version"
            )
        self._loaded().networks_for(self._settings.scale)
        return os.getpid()

    def run(self, job: Job) -> tuple[Result, bool]:
        """Runs a job; whatever goes wrong with an image is its result, and the worker goes on."""
        again, self._again = self._again, False

        def work() -> Result:
            return run_job(job, self._loaded(), self._settings, again=again)

        return settle(job, self._settings, work), again

    def _loaded(self) -> Upscaler:
        """The networks; a process that Ray has started again loads them with its first job."""
        if self._upscaler is None:
            self._upscaler = self._options.upscaler()
        return self._upscaler


class RayWorker:
    """The handle of a `PhotoWorker`."""

    def __init__(self, actor: Any) -> None:  # noqa: ANN401 (Ray makes the class)
        self._actor = actor
        self.ready: Future[object] = _told(actor.prepare.remote(splitsr.__version__).future())

    def run(self, job: Job) -> Future[tuple[Result, bool]]:
        """Starts an image; paths become absolute."""
        return _told(self._actor.run.remote(_absolute(job)).future())


class RayPool:
    """Workers on a cluster that this process is connected to."""

    def __init__(self, options: UpscalerOptions, settings: Settings) -> None:
        """Looks how many workers there is room for.

        Args:
            options: of the workers' networks.
            settings: of the batch.

        Raises:
            ClusterError: no machine has as many CPUs as a worker needs.
        """
        threads = options.threads or 1
        nodes: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
        cpus = [node["Resources"].get("CPU", 0) for node in nodes if node["Alive"]]
        self.size = sum(int(count // threads) for count in cpus)
        if self.size < 1:
            raise ClusterError(
                f"--threads {threads}: the machines of the cluster have "
                f"{', '.join(f'{count:g}' for count in cpus)} CPUs; choose fewer"
            )
        self._class = ray.remote(num_cpus=threads, max_restarts=-1, max_task_retries=DEATHS - 1)(
            PhotoWorker
        )
        self._arguments = (replace(options.absolute(), threads=threads), settings)

    def hire(self) -> RayWorker:
        """Starts a worker, and does not wait for it."""
        return RayWorker(self._class.remote(*self._arguments))


@contextlib.contextmanager
def ray_pool(
    address: str | None, options: UpscalerOptions, settings: Settings
) -> Iterator[RayPool]:
    """Connects to a cluster for as long as it is used; workers end with it.

    Args:
        address: of the cluster's head, such as `10.0.0.1:6379`, or `auto` for one on this machine;
            None for a cluster of this machine alone, which ends with this call.
        options: of the workers' networks. Without threads, a worker has one: several workers of
            one thread do more than one of several.
        settings: of the batch.

    Raises:
        ClusterError: it cannot be reached or started, or has too few CPUs.
    """
    # What Ray says of a worker that died goes to standard output, where the results are to stand.
    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
        try:
            _connect(address)
        except Exception as error:  # OSError, RuntimeError, ValueError and Ray's own
            reason = f"{_reason(error)}{_token_hint(error)}"
            raise ClusterError(f"Ray at {address or 'this machine'}: {reason}") from error
        try:
            yield RayPool(options, settings)
        finally:
            ray.shutdown()


def _connect(address: str | None) -> None:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # nothing is reported to anyone
    common: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    if address is not None:
        _knock(address)
        ray.init(address=address, **common)
        return
    ray.init(
        address="local",
        num_cpus=available_cpus(),
        include_dashboard=False,
        object_store_memory=OBJECT_STORE_BYTES,
        _node_ip_address="127.0.0.1",
        **common,
    )


def _knock(address: str) -> None:
    """Fails where nothing answers: Ray itself would try for ten minutes.

    Raises:
        OSError: as the system says.
    """
    found = re.fullmatch(r"([^/]+):(\d+)", address)
    if found:
        socket.create_connection((found[1].strip("[]"), int(found[2])), KNOCK_SECONDS).close()


def _token_hint(error: BaseException) -> str:
    """What to do where a cluster may have asked for a token: Ray sends none to a given address."""
    if not isinstance(error, ConnectionError) or os.environ.get("RAY_AUTH_MODE") == "token":
        return ""
    return "; if it asks for a token (Ray's ~/.ray/auth_token), set RAY_AUTH_MODE=token"


def _told(future: Future[Any]) -> Future[Any]:
    """The same, with Ray's exceptions as a `ClusterError` in one line."""
    told: Future[Any] = Future()

    def tell(done: Future[Any]) -> None:
        error = done.exception()
        if error is None:
            told.set_result(done.result())
        else:
            told.set_exception(ClusterError(_reason(error)))

    future.add_done_callback(tell)
    return told


def _reason(error: BaseException) -> str:
    """Why, in one line."""
    cause = error.cause if isinstance(error, RayTaskError) else error
    if isinstance(cause, SplitSRError):
        return str(cause)
    lines = [line.strip() for line in re.sub(r"\x1b\[\d+m", "", str(cause)).splitlines()]
    named = [line for line in lines if re.match(r"[\w.]*(Error|Exception): ", line)]
    shown = named[-1:] or [line for line in lines if line][:1]
    return shown[0] if shown else type(cause).__name__


def _absolute(job: Job) -> Job:
    return replace(
        job,
        source=job.source and job.source.absolute(),
        target=job.target and job.target.absolute(),
    )
