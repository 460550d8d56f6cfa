"""ZoomSR in Chromium: how soon a view is sharp, and how long a whole photo takes.

    python -m tools.benchmarks.zoom --out results/zoom.json

Each round is a profile of its own, and so a first visit: the engine is started, the photo is
opened and zoomed to 3x as soon as it is shown; the time is that from the choice of the file until
all of the view is SplitSR's. Then a whole photo is enlarged to PNG by the app and by
`splitsr upscale`, in turn, with the same model on the same CPUs. Let nothing else run.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec
from playwright.sync_api import Browser

from splitsr.benchmark.timing import describe_machine
from splitsr.runtime.onnx_engine import available_cpus
from splitsr.zoomsr.site import build_site
from tests.browser.chromium import DESKTOP, PHONE, find_chromium, started
from tests.browser.photos import make_large
from tests.browser.server import Server
from tests.browser.sharpening import measure_sharpening
from tests.browser.zoom_page import ZoomPage

ROOT = Path(__file__).resolve().parents[2]
BOUND_MS = 1500
MODEL = "splitsr-fast-x4"
ASPECT = 1.5
RATIO_BOUND = 1.7
SCREENS = {"desktop": DESKTOP, "phone": PHONE}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--megapixels", type=float, default=2, help="of the whole photo")
    arguments = parser.parse_args()
    program = find_chromium()
    if program is None:
        parser.error("there is no Chromium on the path")
    with (
        tempfile.TemporaryDirectory() as folder,
        Server(build_site()) as server,
        started(program) as browser,
    ):
        photo = make_large(Path(folder) / "large.jpg", ROOT / "examples" / "coffee.png")
        cases = [
            measure(browser, server.url, photo, screen, arguments.rounds) for screen in SCREENS
        ]
        height = round((arguments.megapixels * 1e6 / ASPECT) ** 0.5)
        size = round(height * ASPECT), height
        whole = make_large(Path(folder) / "whole.jpg", ROOT / "examples" / "coffee.png", size)
        upscaling = compare(browser, server.url, whole, arguments.rounds)
        found = {
            "machine": msgspec.to_builtins(describe_machine()),
            "threads": available_cpus(),
            "browser": f"Chromium {browser.version}",
            "photo": {"width": 4000, "height": 3000, "bytes": photo.stat().st_size},
            "zoom": 3,
            "bound_ms": BOUND_MS,
            "cases": cases,
            "upscaling": upscaling,
        }
    text = json.dumps(found, indent=2) + "\n"
    if arguments.out:
        arguments.out.write_text(text)
    else:
        print(text)


def measure(browser: Browser, url: str, photo: Path, screen: str, rounds: int) -> dict[str, object]:
    """One screen; the first round, which warms the machine up, is left out."""
    shown, sharp = [], []
    for _ in range(rounds + 1):
        context = browser.new_context(**SCREENS[screen])
        zoom = ZoomPage(context.new_page(), url).visit()
        found = measure_sharpening(zoom, photo)
        backend = {name: zoom.ask(name) for name in ("model", "backend", "threads")}
        shown.append(found.shown_ms)
        sharp.append(found.sharp_ms)
        print(screen, found, file=sys.stderr, flush=True)
        context.close()
    median = statistics.median(sharp[1:])
    return {
        "screen": screen,
        **SCREENS[screen]["viewport"],
        "device_scale_factor": SCREENS[screen].get("device_scale_factor", 1),
        **backend,
        "rounds": rounds,
        "shown_ms": round(statistics.median(shown[1:])),
        "sharp_ms": round(median),
        "sharp_low_ms": round(min(sharp[1:])),
        "sharp_high_ms": round(max(sharp[1:])),
        "within": median < BOUND_MS,
    }


def compare(browser: Browser, url: str, photo: Path, rounds: int) -> dict[str, object]:
    """Medians of a whole photo's time, from the wish for it to its file, by app and command."""
    context = browser.new_context(**DESKTOP)
    zoom = ZoomPage(context.new_page(), url).visit().open(photo)
    size = zoom.view["photo"]
    app, command = [], []
    for _ in range(rounds):
        zoom.start_upscaling().wait("done")
        app.append(zoom.ask("timings")["upscaleMs"])
        zoom["#job-cancel"].evaluate("button => button.click()")
        zoom["#confirm-yes"].click()
        zoom["#save-close"].click()
        command.append(time_command(photo))
        print(f"app {app[-1]:.0f} ms, command {command[-1]:.0f} ms", file=sys.stderr, flush=True)
    context.close()
    ratio = statistics.median(app) / statistics.median(command)
    return {
        "model": MODEL,
        "width": size["width"],
        "height": size["height"],
        "rounds": rounds,
        "app_ms": round(statistics.median(app)),
        "command_ms": round(statistics.median(command)),
        "ratio": round(ratio, 2),
        "within": ratio <= RATIO_BOUND,
    }


def time_command(photo: Path) -> float:
    """Milliseconds of `splitsr upscale` on a photo, its start and the writing of a PNG included."""
    target = photo.with_name("enlarged.png")
    call = [Path(sys.executable).with_name("splitsr"), "upscale", photo, "-o", target]
    begun = time.perf_counter()
    subprocess.run([*map(str, call), "--model", MODEL, "--overwrite"], check=True)
    return 1000 * (time.perf_counter() - begun)


if __name__ == "__main__":
    main()
