"""A batch on a real Ray cluster of this machine: photos that are bad, and one that kills."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("ray", reason="ray is not installed: pip install 'splitsr[ray]'")

from splitsr.batch import ray_pool as module
from splitsr.batch.cluster import DEATHS, attempt_on
from splitsr.batch.job import Job, Result, Settings
from splitsr.batch.ray_pool import PhotoWorker
from splitsr.batch.upscaler_options import UpscalerOptions
from splitsr.runtime.upscaler import Progress


class Silent:
    def start(self, name: str, size: int) -> None: ...

    def tile(self, progress: Progress) -> None: ...

    def finish(self) -> None: ...


def test_a_photo_that_kills_every_worker_takes_no_other_with_it(
    tmp_path: Path, tiny_model: Path, photo: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    deaths = tmp_path / "deaths"
    deaths.mkdir()

    class Mortal(PhotoWorker):  # defined here, it travels to the workers by its content
        def run(self, job: Job) -> tuple[Result, bool]:
            name = job.source.stem if job.source else ""
            first = not list(deaths.glob(f"{name}-*"))
            if name == "poison" or (name == "once" and first):
                (deaths / f"{name}-{os.getpid()}").touch()
                os._exit(1)
            return super().run(job)

    monkeypatch.setattr(module, "PhotoWorker", Mortal)
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    names = ("a", "poison", "bad", "once", "b", "c")
    for name in names:
        Image.fromarray(photo[:24, :32]).save(tmp_path / f"{name}.png")
    (tmp_path / "bad.png").write_bytes((tmp_path / "a.png").read_bytes()[:200])
    jobs = [Job(tmp_path / f"{name}.png", tmp_path / f"{name}_x4.png", "PNG") for name in names]
    settings, troubles = Settings(4), list[str]()

    with module.ray_pool(None, UpscalerOptions(str(tiny_model), threads=1), settings) as pool:
        found = attempt_on(pool, jobs, settings, Silent(), troubles.append)
        results = {Path(result.input).stem: result for result in found}

    statuses = {name: result.status for name, result in results.items()}
    failures = {"poison": "failed", "bad": "failed"}
    assert statuses == {name: failures.get(name, "done") for name in names}
    assert f"{DEATHS} workers died on it" in results["poison"].complaint
    assert len(list(deaths.glob("poison-*"))) == DEATHS
    assert len(list(deaths.glob("once-*"))) == 1
    assert any("once.png: its worker died; another one did it" in line for line in troubles)
    assert all((tmp_path / f"{name}_x4.png").is_file() for name in ("a", "b", "c", "once"))


def test_a_model_that_is_gone_when_a_worker_starts_again_is_what_is_said(
    tmp_path: Path,
) -> None:
    """The process that Ray starts anew has to load it again, and nobody has died of that."""
    worker = object.__new__(PhotoWorker)
    worker._options, worker._settings = UpscalerOptions(str(tmp_path / "gone.onnx")), Settings(4)
    worker._upscaler, worker._again = None, True
    result, died = worker.run(Job(tmp_path / "a.png", tmp_path / "a_x4.png", "PNG"))
    assert (result.status, died) == ("failed", True)
    assert "gone.onnx: cannot be read: No such file" in result.complaint
