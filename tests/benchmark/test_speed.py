"""Timing side by side: every number follows from the seconds by its definition."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from splitsr.benchmark import speed as bench
from splitsr.benchmark.memory import peak_rss_of
from splitsr.benchmark.offload import Link, Transfer, compare, measure_transfer
from splitsr.benchmark.peak_flops import PeakProbe
from splitsr.benchmark.speed import Contestant, flops_of, run_bench, workload
from splitsr.benchmark.timing import take_turns
from splitsr.errors import ModelError, SplitSRError
from splitsr.runtime.loading import load_engine
from splitsr.zoo.catalogue import find_model

MODEL = "splitsr-fast-x4"


@pytest.fixture(scope="module")
def contestant() -> Contestant:
    adds = find_model(MODEL).multi_adds_720p
    return Contestant(MODEL, MODEL, "fp32", load_engine(MODEL, 1), 1, adds)


def test_the_figures_of_a_row_agree(contestant: Contestant) -> None:
    report = run_bench([contestant], 40, 56, rounds=5)
    (row,) = report.rows

    output = 40 * 56 * 16
    assert row.mp_per_s == pytest.approx(output / row.ms_median / 1e3, rel=0.01)
    adds = contestant.multi_adds_720p
    assert adds is not None
    flops = 2 * adds * output / (1280 * 720)
    assert row.gflops == pytest.approx(flops / row.ms_median / 1e6, rel=0.01)
    assert row.gflops is not None
    assert row.peak_share == pytest.approx(row.gflops / report.peak_gflops, rel=0.01)
    assert row.ms_p95 >= row.ms_median > 0
    assert row.rounds == 5
    assert row.peak_rss_mb is not None
    assert 30 < row.peak_rss_mb < 400
    assert report.ratios == ()


def test_ratios_are_taken_within_each_round(
    contestant: Contestant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Times are made up: every round is slower than the last, and the twin takes half."""
    twin = Contestant("twin", MODEL, "fp32", contestant.engine, 1, None)
    times = [[0.1, 0.2, 0.9], [0.2, 0.4, 1.8]]
    monkeypatch.setattr(bench, "take_turns", lambda *_, **_options: [*times, [0.1]])

    report = run_bench([twin], 48, 48, against=contestant)

    (ratio,) = report.ratios
    assert (ratio.model, ratio.against) == ("twin", MODEL)
    assert ratio.low == ratio.speedup == ratio.high == 2
    assert report.rows[0].gflops is report.rows[0].peak_share is None
    assert report.rows[1].gflops is not None


def test_the_peak_is_that_of_a_stack_of_convolutions() -> None:
    """The probe's arithmetic is real: the time of 2 threads' work is that of 2 stacks."""
    probe = PeakProbe(1)
    probe.run()
    assert probe.flops == 2 * 9 * 64 * 64 * 128 * 128 * 6 * 2
    assert PeakProbe(2).flops == 2 * probe.flops
    (out,) = probe._session.run(None, {"x": probe._input})
    assert out.shape == (1, 64, 128, 128)
    assert np.isfinite(out).all()
    assert out.std() > 1e-3


def test_a_large_picture_is_run_in_tiles(contestant: Contestant) -> None:
    whole = workload(contestant.engine, 16, 24)()
    pieces = workload(contestant.engine, 600, 600)()

    assert isinstance(whole, np.ndarray)
    assert isinstance(pieces, np.ndarray)
    assert (whole.shape, whole.dtype) == ((1, 3, 64, 96), np.float32)
    assert (pieces.shape, pieces.dtype) == ((2400, 2400, 3), np.uint8)


def test_flops_are_twice_the_multi_adds() -> None:
    assert flops_of(10**9, 4, 180, 320) == 2e9


def test_peak_memory_is_that_of_the_process_alone() -> None:
    ballast = np.ones(60 * 2**20, np.uint8)  # of this process, not of the measured one

    small = peak_rss_of("import sys", [])
    large = peak_rss_of("import numpy; numpy.ones(100 * 2**20, numpy.uint8)", [])

    assert ballast[0] == 1
    assert small is not None
    assert large is not None
    assert small < 60
    assert 100 < large - small < 150


def test_a_process_that_fails_is_named() -> None:
    with pytest.raises(SplitSRError, match=r"measured process failed .*no such thing"):
        peak_rss_of("raise OSError('no such thing')", [])


def test_a_server_costs_its_way_there_and_back() -> None:
    sent = Transfer(up_bytes=100_000, down_bytes=1_000_000)

    row = compare("m", "fp32", 50.0, sent, Link(8.0, 30.0), 5.0)

    assert (row.upload_ms, row.server_ms, row.download_ms) == (115, 5, 1015)
    assert row.offload_ms == 1135
    assert row.speedup == pytest.approx(22.7)


def test_jpegs_that_are_sent_are_those_of_the_photo(photo: np.ndarray) -> None:
    sent = measure_transfer(photo, 64, 96, 4)
    flat = measure_transfer(np.full_like(photo, 128), 64, 96, 4)

    assert 64 * 96 * 0.2 < sent.up_bytes < 64 * 96 * 3
    assert sent.down_bytes > 3 * sent.up_bytes
    assert flat.down_bytes < sent.down_bytes / 3


def test_bfloat16_is_the_network_but_for_rounding(photo: np.ndarray) -> None:
    pytest.importorskip("openvino")
    try:
        engine = load_engine(MODEL, 1, "bf16")
    except ModelError as error:
        pytest.skip(str(error))
    lr = np.ascontiguousarray(photo[100:180, 150:250].transpose(2, 0, 1)[None] / np.float32(255))
    exact = load_engine(MODEL, 1).run(lr)
    rounded = engine.run(lr)

    error = np.abs(exact - rounded)
    assert rounded.shape == exact.shape
    assert 0 < error.max() < 0.05
    assert 10 * np.log10(1 / np.mean(error**2)) > 50


def test_bfloat16_needs_its_instructions(monkeypatch: pytest.MonkeyPatch) -> None:
    openvino = pytest.importorskip("openvino")
    monkeypatch.setattr(openvino.Core, "get_property", lambda *_: ["FP32", "INT8"])
    with pytest.raises(ModelError, match="bf16: this CPU has no bfloat16 instructions; use fp32"):
        load_engine(MODEL, 1, "bf16")


def test_bfloat16_without_openvino_says_what_to_install() -> None:
    program = (
        "import sys; sys.modules['openvino'] = None\n"
        "from splitsr.runtime.loading import load_engine\n"
        f"load_engine({MODEL!r}, 1, 'bf16')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "MissingDependencyError: bfloat16 needs openvino: pip install" in done.stderr


def test_turns_end_in_time_and_are_fair() -> None:
    """Every run has as many turns, in an order of its own each round; the least are made."""
    made: list[str] = []
    runs = [lambda name=name: made.append(name) for name in "ab"]

    times = take_turns(runs, 20, least=5, seconds=0, warm_up=1)

    assert [len(its) for its in times] == [5, 5]
    rounds = [tuple(made[at : at + 2]) for at in range(2, len(made), 2)]
    assert set(rounds) == {("a", "b"), ("b", "a")}
    assert [len(its) for its in take_turns(runs, 7, warm_up=0)] == [7, 7]
