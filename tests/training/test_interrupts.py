"""Ctrl-C and SIGTERM: a run ends between two steps, and goes on to the same bits."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from splitsr.data.pack import Pack
from splitsr.training import interrupts, state
from splitsr.training.config import read_config
from splitsr.training.interrupts import Interrupted, Interrupts
from splitsr.training.log import Record, read_log
from splitsr.training.loop import train
from splitsr.training.muon import Muon
from splitsr.training.state import STATE_FILE
from tests.patience import PATIENCE_S
from tests.training.conftest import LONG, call_train, same_weights, train_command


@pytest.fixture(scope="module")
def whole(pack: Pack, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Path]:
    """Weights of a run of a configuration that nothing interrupted."""

    def run(config_path: Path) -> Path:
        run_dir = tmp_path_factory.mktemp("whole")
        return train(read_config(config_path), pack, run_dir, device="cpu").weights

    return run


def steps_of(run: Path) -> int:
    return int(torch.load(run / STATE_FILE, weights_only=True)["step"])


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_command_with_one_line_and_a_state(
    number: int, code: int, pack: Pack, config_path: Path, tmp_path: Path, long_run: Path
) -> None:
    run = tmp_path / "run"
    process = subprocess.Popen(
        train_command(config_path, pack, run, *LONG),
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + PATIENCE_S
    while len(read_log(run)) < 10:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(number)
    _, stderr = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == code
    line = f"splitsr: stopped at step {steps_of(run)} of 154; go on with --resume"
    assert stderr.split("\n")[-2] == line
    assert "Traceback" not in stderr
    assert 16 <= steps_of(run) < 154
    call_train(config_path, pack, run, *LONG, "--resume")
    assert same_weights(run / "weights.safetensors", long_run / "weights.safetensors")


def raising(call: Callable[..., None], at: int) -> Callable[..., None]:
    """The same, with a Ctrl-C before the call of that number."""
    calls = iter(range(1, 1_000))

    def called(*args: object, **options: object) -> None:
        if next(calls) == at:
            signal.raise_signal(signal.SIGINT)
        call(*args, **options)

    return called


@pytest.mark.parametrize(
    ("owner", "name", "call", "step"),
    [(Muon, "step", 5, 5), (state, "write_atomic", 2, 8)],
    ids=["between the two optimizers", "inside the save"],
)
def test_a_signal_ends_the_run_after_the_step_at_hand(
    owner: object,
    name: str,
    call: int,
    step: int,
    pack: Pack,
    config_path: Path,
    tmp_path: Path,
    whole: Callable[[Path], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(owner, name, raising(getattr(owner, name), call))
    with pytest.raises(Interrupted, match=f"stopped at step {step} of 12"):
        train(read_config(config_path), pack, tmp_path, device="cpu")
    monkeypatch.undo()
    assert steps_of(tmp_path) == step
    result = train(read_config(config_path), pack, tmp_path, device="cpu", resume=True)
    assert same_weights(result.weights, whole(config_path))


def test_a_second_signal_ends_at_once_and_keeps_the_last_state(
    pack: Pack, config_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def twice(record: Record) -> None:
        if record.step == 6:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)  # as torchrun's echo: too soon to be a second
            monkeypatch.setattr(interrupts, "_ECHO_SECONDS", -1.0)
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt) as caught:
        train(read_config(config_path), pack, tmp_path, device="cpu", report=twice)
    assert not isinstance(caught.value, Interrupted)
    assert steps_of(tmp_path) == 4


@pytest.fixture
def ignored() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ignored")
def test_what_is_ignored_stays_so() -> None:
    with Interrupts() as noted:
        signal.raise_signal(signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
    assert noted.noted == signal.SIGTERM
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_handlers_are_put_back_and_other_threads_have_none() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with Interrupts():
        pass
    thread = threading.Thread(target=Interrupts().__enter__)
    thread.start()
    thread.join()
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
