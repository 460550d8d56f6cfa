from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from splitsr.cli.bench import _shipped
from splitsr.zoo.catalogue import find_model

Process = subprocess.CompletedProcess[bytes]
FIELDS = {
    "model",
    "size",
    "threads",
    "precision",
    "ms_median",
    "ms_p95",
    "mp_per_s",
    "gflops",
    "peak_share",
    "peak_rss_mb",
}


@pytest.fixture(autouse=True)
def _low_peak(monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process, convolutions of 1/64 of the work: the peak's own value is of no interest."""
    monkeypatch.setattr("splitsr.benchmark.peak_flops.SIDE", 16)


def test_json_has_every_figure(run_splitsr: Callable[..., Process], repo_root: Path) -> None:
    done = run_splitsr(
        *("bench", "splitsr-fast-x4", "--against", "splitsr-balanced-x4", "--size", "24x32"),
        *("--threads", 1, "--rounds", 5, "--network", "20,50", "--json"),
        *("--photo", repo_root / "examples" / "coffee.png"),
    )

    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert [row["model"] for row in found["rows"]] == ["splitsr-fast-x4", "splitsr-balanced-x4"]
    for row in found["rows"]:
        assert row.keys() >= FIELDS
        assert (row["size"], row["threads"], row["precision"]) == ([24, 32], 1, "fp32")
        assert min(row["ms_median"], row["gflops"], row["peak_rss_mb"]) > 0
    (ratio,) = found["ratios"]
    assert 0 < ratio["low"] <= ratio["speedup"] <= ratio["high"]
    (offload,) = found["network"]
    assert offload["upload_ms"] > 25
    assert offload["device_ms"] == found["rows"][0]["ms_median"]


def test_int8_is_held_against_float32(call_splitsr: Callable[..., Process]) -> None:
    done = call_splitsr(
        *("bench", "splitsr-fast", "--precision", "fp32", "--precision", "int8", "--json"),
        *("--against", "splitsr-fast-x4", "--size", "24x32", "--threads", 1, "--rounds", 5),
    )

    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert [(row["model"], row["precision"]) for row in found["rows"]] == [
        ("splitsr-fast-x4", "fp32"),
        ("splitsr-fast-x4-int8", "int8"),
    ]
    assert found["rows"][1]["peak_rss_mb"] > 0
    (ratio,) = found["ratios"]
    assert (ratio["precision"], ratio["against_precision"]) == ("int8", "fp32")
    assert 0 < ratio["low"] <= ratio["speedup"] <= ratio["high"]


def test_by_default_twins_are_left_out(
    restoring_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = [find_model(path) for path in sorted(restoring_model.parent.iterdir())]
    monkeypatch.setattr("splitsr.zoo.catalogue.list_models", lambda: entries)
    assert [entry.name for entry in entries] == ["tiny-restore-x4", "tiny-x4"]
    assert _shipped(()) == _shipped(("fp32",)) == ["tiny-x4"]


def test_tables_name_the_models(call_splitsr: Callable[..., Process], tiny_model: Path) -> None:
    done = call_splitsr("bench", tiny_model, "--size", "16x16", "--rounds", 5)

    text = done.stdout.decode()
    assert done.returncode == 0, done.stderr
    assert "tiny-x4 fp32" in text
    assert "GFLOP/s" in text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("splitsr-fastt-x4",), "did you mean splitsr-fast-x4"),
        (("--size", "12"), "must read HxW"),
        (("--size", "0x12"), "must read HxW"),
        (("--network", "20"), "must read MBIT,RTT"),
        (("--network", "0,50"), "must read MBIT,RTT"),
        (("--network", "20,50"), "--network needs --photo"),
        (("--server-ms", "5"), "belong to --network"),
        (("--threads", "0"), "--threads"),
    ],
)
def test_a_wrong_call_is_one_line(
    call_splitsr: Callable[..., Process], words: tuple[str, ...], message: str
) -> None:
    done = call_splitsr("bench", *words)

    assert done.returncode == 2
    assert message in done.stderr.decode()
    assert b"Traceback" not in done.stderr


@pytest.mark.usefixtures("quick_exports")
def test_a_network_is_timed_by_its_name(call_splitsr: Callable[..., Process]) -> None:
    done = call_splitsr(
        *("bench", "bicubic-x4", "srcnn-x2", "--against", "bicubic-x4", "--json"),
        *("--size", "24x32", "--threads", 1, "--rounds", 5),
    )

    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert [row["model"] for row in found["rows"]] == ["bicubic-x4", "srcnn-x2"]
    assert found["rows"][1]["gflops"] > 0
    assert found["ratios"][0]["speedup"] < 1
