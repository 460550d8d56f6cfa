"""`splitsr tune` in a process of its own: what it leaves, Ctrl-C, and wrong calls."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from splitsr.data.pack import Pack
from tests.patience import PATIENCE_S
from tools.documents import read_tuning

Run = Callable[..., subprocess.CompletedProcess[bytes]]

MAIN = [sys.executable, "-c", "from splitsr.cli.main import main; main()"]


def words(pack: Pack, out: Path, *more: object) -> list[str]:
    options = ("--max-params", "20k", "--threads", 1, "--size", "16x16", "--steps", 2)
    call = ("tune", "--data", pack.folder, "--out", out, *options, *more)
    return [str(word) for word in call]


@pytest.mark.usefixtures("quick_exports")
def test_ctrl_c_keeps_what_is_done_and_the_winner_trains(
    pack: Pack, tmp_path: Path, call_splitsr: Run
) -> None:
    out = tmp_path / "out"
    limits = ("--max-ms", 60_000, "--trials", 2)
    with subprocess.Popen(
        [*MAIN, *words(pack, out, *limits, "--steps", 30)],
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stderr is not None
            first = next(line for line in process.stderr if line.endswith("trained\n"))
            process.send_signal(signal.SIGINT)
            rest = process.stderr.read()
            process.wait(timeout=PATIENCE_S)
        finally:
            process.kill()
    assert first.startswith("0: 8 features, 1 x 1; split_pointwise")
    assert process.returncode == 130
    assert f"the winner so far is in {out}; run the same command to continue" in rest
    assert "Traceback" not in rest
    partial = read_tuning(out / "trials.json")
    assert len(partial.trained) == 1
    assert partial.winner is not None

    done = call_splitsr(*words(pack, out, *limits, "--steps", 30, "--json"))
    assert done.returncode == 0, done.stderr
    result = read_tuning(out / "trials.json")
    assert json.loads(done.stdout) == json.loads((out / "trials.json").read_text())
    assert len(result.trained) == 2
    assert result.trials[: len(partial.trials)] == partial.trials
    assert result.winner is not None
    assert result.winner.remeasured
    assert result.winner.milliseconds is not None
    assert result.winner.milliseconds <= 60_000

    short = [
        word for field in ("stages.0.steps=2", "validation.images=1", "schedule.warmup_steps=1")
        for word in ("--set", field)
    ]  # fmt: skip
    run_dir = tmp_path / "run"
    trained = call_splitsr(
        "train", out / "winner.toml", "--data", pack.folder, "--run-dir", run_dir, *short
    )
    assert trained.returncode == 0, trained.stderr
    assert (run_dir / "weights.safetensors").exists()

    other = call_splitsr(*words(pack, out, "--max-params", "21k"))
    assert other.returncode == 2
    assert other.stderr.count(b"\n") == 1
    assert b"holds a search with other settings (parameters: 20000, now 21000)" in other.stderr


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ((), b"no budget: give --max-ms, --max-params or --max-gmacs"),
        (("--max-params", "lots"), b"found 'lots'; must be a number such as 100000, 100k or 1.5M"),
        (("--max-params", "0"), b"found '0'; must be a number"),
        (("--max-ms", "0"), b"found 0.0; must be a number above 0"),
        (("--max-ms", "nan"), b"found nan; must be a number above 0"),
        (("--max-gmacs", "1", "--size", "128"), b"HxW"),
        (("--max-gmacs", "1", "--data", "nowhere"), b"--data nowhere: no such folder"),
    ],
)
def test_a_wrong_call(
    more: tuple[str, ...], message: bytes, tmp_path: Path, call_splitsr: Run
) -> None:
    done = call_splitsr("tune", "--data", tmp_path, "--out", tmp_path / "out", *more)
    assert done.returncode == 2
    assert message in done.stderr
    assert not (tmp_path / "out").exists()


def test_an_impossible_budget_ends_before_any_training(
    pack: Pack, tmp_path: Path, call_splitsr: Run
) -> None:
    out = tmp_path / "out"
    done = call_splitsr(*words(pack, out, "--max-params", "100"))
    assert done.returncode == 2
    assert done.stderr.count(b"\n") == 1
    assert b"no network fits in 0.1 K parameters: the smallest of the space has 0.5" in done.stderr
    assert not out.exists()
