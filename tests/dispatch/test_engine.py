"""Two networks as one engine: what comes from which, seams, threads, names and files."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from splitsr.dispatch.engine import (
    Calibration,
    Dispatcher,
    find_dispatched,
    load_dispatcher,
    read_calibration,
    shipped_calibrations,
)
from splitsr.errors import ModelError, SplitSRError, UnknownModelError, WeightsError
from splitsr.evaluation.metrics import psnr_y
from splitsr.evaluation.score import load_pairs
from splitsr.imaging.arrays import to_nchw
from splitsr.imaging.resize import crop_to_multiple, rescale_bicubic, resize_bicubic
from splitsr.networks import ModelSpec
from splitsr.runtime.interpolation import InterpolationEngine
from splitsr.runtime.onnx_engine import OnnxEngine
from splitsr.runtime.upscaler import Upscaler
from splitsr.zoo.catalogue import find_model, shipped_catalogue

HEAVY, LIGHT = "splitsr-balanced-x4", "splitsr-fast-x4"


@pytest.fixture(scope="module")
def lr() -> np.ndarray:
    """A rocket before a smooth sky, 106x160."""
    from skimage import data

    return rescale_bicubic(crop_to_multiple(data.rocket(), 4), 1 / 4)


def calibrated(**changes: object) -> Calibration:
    fields = {"heavy": HEAVY, "light": LIGHT, "threshold": 1.0, **changes}
    return Calibration(**fields)  # type: ignore[arg-type]


def alone(name: str, lr: np.ndarray) -> np.ndarray:
    return OnnxEngine(find_model(name).read(), 1).run(to_nchw(lr))


@pytest.mark.parametrize(("threshold", "name"), [(0.0, HEAVY), (1e6, LIGHT)])
def test_the_ends_are_the_networks_alone(lr: np.ndarray, threshold: float, name: str) -> None:
    found = load_dispatcher(calibrated(threshold=threshold), 1).run(to_nchw(lr))
    assert (found == alone(name, lr)).all()


def test_with_full_context_each_part_is_its_networks_own_picture(lr: np.ndarray) -> None:
    dispatcher = load_dispatcher(calibrated(halo=22, threshold=1.0, light_cost=0.1), 1)
    routes = dispatcher.route(to_nchw(lr)[0])
    found = dispatcher.run(to_nchw(lr))
    wholes = [alone(name, lr) for name in (HEAVY, LIGHT)]
    assert 0.2 < routes.share < 0.9
    assert len(routes.windows) >= 2
    for window in routes.windows:
        place = np.s_[
            :,
            :,
            4 * window.rows.core_start : 4 * window.rows.core_stop,
            4 * window.columns.core_start : 4 * window.columns.core_stop,
        ]
        assert np.abs(found[place] - wholes[window.light][place]).max() < 1e-5


def steps_at_borders(image: np.ndarray, dispatcher: Dispatcher, lr: np.ndarray) -> np.ndarray:
    """Steps of (H, W) gray in levels, from one side to the other of where windows meet."""
    steps: list[np.ndarray] = []
    for window in dispatcher.route(to_nchw(lr)[0]).windows:
        spans = (window.rows, window.columns)
        for axis in (0, 1):
            if spans[axis].core_start:
                place: list[slice | int] = [
                    slice(4 * span.core_start, 4 * span.core_stop) for span in spans
                ]
                place[axis] = 4 * spans[axis].core_start - 1
                steps.append(255 * np.abs(np.diff(image, axis=axis))[tuple(place)])
    return np.concatenate(steps)


def test_no_seam_where_routes_meet(lr: np.ndarray) -> None:
    """With the halo that ships, steps across borders are those of pictures computed whole."""
    ships, bare = (
        load_dispatcher(calibrated(halo=halo), 1)
        for halo in (shipped_calibrations()[HEAVY, LIGHT].halo, 0)
    )
    wholes = [alone(name, lr)[0].mean(axis=0) for name in (HEAVY, LIGHT)]
    excess = []
    for dispatcher in (ships, bare):
        whole = wholes[0].copy()
        for window in dispatcher.route(to_nchw(lr)[0]).windows:
            place = np.s_[
                4 * window.rows.core_start : 4 * window.rows.core_stop,
                4 * window.columns.core_start : 4 * window.columns.core_stop,
            ]
            whole[place] = wholes[window.light][place]
        found = dispatcher.run(to_nchw(lr))[0].mean(axis=0)
        ours, theirs = (steps_at_borders(image, dispatcher, lr) for image in (found, whole))
        assert ours.size > 300
        excess.append(float(ours.mean() - theirs.mean()))
    print(excess)
    assert abs(excess[0]) < 0.3  # levels of 255
    assert excess[1] > 1.0  # the check sees seams where there are some


def test_workers_and_batches_change_nothing(lr: np.ndarray) -> None:
    one, two = (
        load_dispatcher(calibrated(halo=22, threshold=1.0, light_cost=0.1), threads)
        for threads in (1, 2)
    )
    batch = np.concatenate([to_nchw(lr), to_nchw(lr[::-1])])
    found = one.run(batch)
    assert np.abs(two.run(batch) - found).max() < 1e-5
    assert (one.run(batch[1:]) == found[1:]).all()
    with ThreadPoolExecutor(3) as pool:
        assert all((again == found).all() for again in pool.map(one.run, [batch] * 3))


def test_an_error_in_a_worker_comes_out(lr: np.ndarray) -> None:
    heavy = OnnxEngine(find_model(HEAVY).read(), 1)

    class Broken(InterpolationEngine):
        def run(self, lr: np.ndarray) -> np.ndarray:  # noqa: ARG002
            raise ModelError("broken")

    with pytest.raises(ModelError, match="broken"):
        Dispatcher(heavy, Broken("bicubic", 4), calibrated(), workers=2).run(to_nchw(lr))


def test_it_costs_little_quality_for_much_less_work(shared_data: Path) -> None:
    """On photos that it was not calibrated on; times are in tools/benchmarks/dispatch.py."""
    shipped = shipped_calibrations()[HEAVY, LIGHT]
    dispatcher = load_dispatcher(shipped, 1)
    upscalers = [Upscaler(model, threads=1) for model in (HEAVY, dispatcher, LIGHT)]
    scores, works, light_pixels, all_pixels = [], [], 0, 0
    for pair in load_pairs(shared_data / "test" / "B100" / "HR", 4)[::5]:
        scores.append([psnr_y(upscale(pair.lr), pair.hr, crop_border=4) for upscale in upscalers])
        windows = dispatcher.route(to_nchw(pair.lr)[0]).windows
        work = sum(w.pixels * (shipped.light_cost if w.light else 1) for w in windows)
        works.append(work / (pair.lr.shape[0] * pair.lr.shape[1]))
        light_pixels += sum(w.pixels for w in windows if w.light)
        all_pixels += sum(w.pixels for w in windows)
    heavy, both, light = np.mean(scores, axis=0)
    assert np.mean(works) < 0.8  # the better the heavy one, the less the light one may take
    assert heavy - both < 0.05
    # Of what the light network lacks, more comes back than places drawn by chance would give.
    assert both - light > (1 - light_pixels / all_pixels) * (heavy - light)


@pytest.mark.parametrize("kernel", ["bilinear", "bicubic"])
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_interpolation_is_the_known_one(lr: np.ndarray, kernel: str, scale: int) -> None:
    from PIL import Image

    small = lr[:40, :31]
    found = InterpolationEngine(kernel, scale).run(to_nchw(small))[0].transpose(1, 2, 0)  # type: ignore[arg-type]
    size = (40 * scale, 31 * scale)
    if kernel == "bicubic":
        expected = resize_bicubic(small.astype(np.float32) / 255, *size)
    else:
        planes = [Image.fromarray(small[..., c].astype(np.float32)) for c in range(3)]
        turned = [np.asarray(p.resize(size[::-1], Image.Resampling.BILINEAR)) for p in planes]
        expected = np.stack(turned, axis=2) / 255
    assert np.abs(found - expected).max() < 1e-5


def test_a_network_of_another_scale_or_kind_is_refused(
    make_model: Callable[..., Path], tiny_spec: ModelSpec, tmp_path: Path, tiny_model: Path
) -> None:
    import msgspec

    tiny = OnnxEngine(tiny_model, 1)
    with pytest.raises(ModelError, match="must have one scale"):
        Dispatcher(tiny, InterpolationEngine("bicubic", 2), calibrated())
    spec = msgspec.structs.replace(tiny_spec, channel_attention=True, hybrid_index=0, reduction=4)
    attentive = OnnxEngine(make_model(tmp_path / "attentive.onnx", spec), 1)
    with pytest.raises(ModelError, match="averages over the whole image"):
        Dispatcher(attentive, tiny, calibrated())


def test_families_pair_by_scale_and_the_uncalibrated_is_named() -> None:
    networks = find_dispatched("splitsr-fast", "splitsr-balanced", threads=1)
    assert networks.engine(2).name == "splitsr-balanced-x2 with splitsr-fast-x2"
    assert networks.engine(4).spec == find_model(HEAVY).spec
    with pytest.raises(UnknownModelError, match="splitsr calibrate"):
        find_dispatched("bicubic", HEAVY, threads=1).engine(4)
    chosen = find_dispatched("bicubic", HEAVY, threshold=2.0, threads=1).engine(4)
    assert chosen.name == f"{HEAVY} with bicubic"
    with pytest.raises(UnknownModelError, match="no model 'splitsr-fsat'"):
        find_dispatched("splitsr-fsat", HEAVY)


def test_what_ships_is_of_models_that_ship() -> None:
    shipped = shipped_calibrations()
    assert (HEAVY, LIGHT) in shipped
    for heavy, light in shipped:
        specs = [shipped_catalogue()[name].spec for name in (heavy, light)]
        assert specs[0].scale == specs[1].scale
        assert shipped[heavy, light].images > 0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{}", "missing required field `heavy`"),
        ("[1", "not a file of"),
        ('{"heavy": "a", "light": "b", "threshold": -1}', "threshold: found -1"),
        ('{"heavy": "a", "light": "b", "threshold": 1, "colour": 2}', "unknown field `colour`"),
    ],
)
def test_a_wrong_file_is_one_line(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "dispatch.json"
    path.write_text(content)
    with pytest.raises(WeightsError, match=r"dispatch\.json") as caught:
        read_calibration(path)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    path.unlink()
    with pytest.raises(SplitSRError, match="cannot be read"):
        read_calibration(path)


def test_a_file_gives_both_networks(tmp_path: Path) -> None:
    path = tmp_path / "dispatch.json"
    path.write_text(json.dumps({"heavy": HEAVY, "light": "bilinear", "threshold": 3}))
    assert find_dispatched(str(path), "ignored").engine(4).name == f"{HEAVY} with bilinear"
