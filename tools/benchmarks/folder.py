"""A folder of photos against the networks' time alone.

    python -m tools.benchmarks.folder --out results/folder.json

100 JPEGs of 480x320, crops of the photos in `examples/`, are enlarged from files to files by
`splitsr upscale`'s own batch. Pure network time is that of the network over the same images,
already decoded, one run on all threads after another, nothing converted or written. Both take turns
in parts of 25 photos, so that whatever else the machine does falls on both. The end of a part,
where the last photo is encoded with nothing beside it, so weighs four times what it does in a
folder of 100. Let nothing else run.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import msgspec
import numpy as np
from PIL import Image

from splitsr.batch.job import Job, Settings
from splitsr.batch.local import attempt_all
from splitsr.benchmark.timing import describe_machine
from splitsr.imaging.arrays import to_nchw
from splitsr.imaging.files import read_photo
from splitsr.runtime.loading import load_engine
from splitsr.runtime.onnx_engine import available_cpus
from splitsr.runtime.upscaler import Progress, Upscaler

ROOT = Path(__file__).resolve().parents[2]
PHOTOS, PART = 100, 25
HEIGHT, WIDTH = 320, 480


class Silent:
    """Watches nothing."""

    def start(self, name: str, size: int) -> None: ...

    def tile(self, progress: Progress) -> None: ...

    def finish(self) -> None: ...


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--photos", type=int, default=PHOTOS)
    parser.add_argument("--models", nargs="*", default=["splitsr-balanced-x4", "splitsr-fast-x4"])
    parser.add_argument("--outputs", nargs="*", default=["jpg", "png"], choices=["jpg", "png"])
    arguments = parser.parse_args()
    cases = [
        measure(model, suffix, arguments.photos)
        for model in arguments.models
        for suffix in arguments.outputs
    ]
    found = {
        "machine": msgspec.to_builtins(describe_machine()),
        "threads": available_cpus(),
        "cases": cases,
    }
    text = msgspec.json.format(msgspec.json.encode(found), indent=2).decode() + "\n"
    if arguments.out:
        arguments.out.write_text(text)
    else:
        print(text)


def measure(model: str, suffix: str, photos: int) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as folder:
        jobs = make_jobs(Path(folder), suffix, photos)
        upscaler, engine = Upscaler(model), load_engine(model)
        inputs = [to_nchw(read_photo(job.source).color) for job in jobs if job.source]
        list(attempt_all(jobs[:4], upscaler, Settings(4), Silent()))
        engine.run(inputs[0])
        files, network = [], []
        for start in range(0, photos, PART):
            begun = time.perf_counter()
            for lr in inputs[start : start + PART]:
                engine.run(lr)
            between = time.perf_counter()
            settings = Settings(4, overwrite=True)
            results = list(attempt_all(jobs[start : start + PART], upscaler, settings, Silent()))
            files.append(time.perf_counter() - between)
            network.append(between - begun)
            assert all(result.status == "done" for result in results)
    ratios = np.divide(files, network)
    return {
        "model": model,
        "output": suffix,
        "photos": photos,
        "size": (HEIGHT, WIDTH),
        "seconds": round(sum(files), 2),
        "network_seconds": round(sum(network), 2),
        "ratio": round(float(np.median(ratios)), 3),
        "low": round(float(ratios.min()), 3),
        "high": round(float(ratios.max()), 3),
    }


def make_jobs(folder: Path, suffix: str, photos: int) -> list[Job]:
    sources = [
        np.asarray(Image.open(path).convert("RGB").resize((720, 500)))
        for path in sorted((ROOT / "examples").glob("*.png"))
    ]
    rng = np.random.default_rng(0)
    jobs = []
    for index in range(photos):
        picture = sources[index % len(sources)]
        top, left = rng.integers(0, (500 - HEIGHT, 720 - WIDTH))
        path = folder / f"{index:03}.jpg"
        crop = np.ascontiguousarray(picture[top : top + HEIGHT, left : left + WIDTH])
        Image.fromarray(crop).save(path, quality=92)
        name = "JPEG" if suffix == "jpg" else "PNG"
        jobs.append(Job(path, folder / f"{index:03}_x4.{suffix}", name))
    return jobs


if __name__ == "__main__":
    main()
