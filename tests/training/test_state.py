"""What is on disk is whole, true and this run's own, or refused in one line."""

from __future__ import annotations

import pickle
import resource
import signal
import subprocess
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from splitsr.data.pack import Pack, PackWriter
from splitsr.errors import DataError, ImageWriteError, NonFiniteError, TrainingError
from splitsr.networks.build import build_model
from splitsr.networks.checkpoint import read_weights
from splitsr.training import loop
from splitsr.training import step as step_module
from splitsr.training.config import TrainConfig, config_to_toml, read_config
from splitsr.training.ema import EMA
from splitsr.training.interrupts import Interrupted
from splitsr.training.log import Record, read_log
from splitsr.training.loop import train
from splitsr.training.optimizers import Optimizers, build_optimizers
from splitsr.training.state import STATE_FILE, load_state
from splitsr.training.step import TrainStep
from tests.training.conftest import train_command


@pytest.fixture
def begun(pack: Pack, config_path: Path, tmp_path: Path) -> Path:
    """A run of one step."""
    train(read_config(config_path), pack, tmp_path / "run", device="cpu", max_minutes=1e-9)
    return tmp_path / "run"


def load(run: Path, config: TrainConfig) -> list[Tensor]:
    """The tensors of a state, as they arrive in a run."""
    model = build_model(config.model)
    ema = EMA(model, config.ema)
    optimizer = build_optimizers(model, config.optimizer, torch.device("cpu"))
    load_state(run, config, model, ema, optimizer)
    moments = [
        value
        for member in optimizer.members
        for moment in member.state.values()
        for value in moment.values()
    ]
    return [*model.state_dict().values(), *ema.model.state_dict().values(), *moments]


def test_a_flipped_bit_is_found_or_does_no_harm(begun: Path, config_path: Path) -> None:
    config, path = read_config(config_path), begun / STATE_FILE
    good, expected = path.read_bytes(), load(begun, config)
    rng = np.random.default_rng(1)
    found = 0
    for position, bit in zip(rng.integers(0, len(good), 200), rng.integers(0, 8, 200), strict=True):
        spoilt = bytearray(good)
        spoilt[position] ^= 1 << int(bit)
        path.write_bytes(spoilt)
        try:
            tensors = load(begun, config)
        except TrainingError:
            found += 1
        else:  # ZIP has padding, and dates
            assert all(map(torch.equal, tensors, expected))
    assert found > 100


def edited(**changes: object) -> Callable[[Path], object]:
    def edit(path: Path) -> None:
        torch.save({**torch.load(path, weights_only=True), **changes}, path)

    return edit


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:200]), "damaged, or not a state"),
        (lambda path: path.write_bytes(b""), "damaged, or not a state"),
        (lambda path: path.write_bytes(pickle.dumps({"step": 1})), "damaged, or not a state"),
        (lambda path: torch.save(["another", "program"], path), "damaged, or not a state"),
        (lambda path: zipfile.ZipFile(path, "w").close(), "damaged, or not a state"),
        (edited(step=-1), "damaged, or not a state"),
        (edited(config="seed = 1 = 2"), "damaged, or not a state"),
        (edited(config='name = "tiny"\ncolour = 1'), "damaged, or not a state"),
        (edited(model={"weight": torch.zeros(3)}), "its tensors are not those"),
        (edited(optimizer=[]), "its tensors are not those"),
        (lambda path: (path.unlink(), path.mkdir()), "cannot be read: Is a directory"),
        (lambda path: path.unlink(), "no state to resume from; leave out --resume"),
    ],
)
def test_what_is_no_state_of_this_run_is_refused_in_one_line(
    begun: Path, pack: Pack, config_path: Path, spoil: Callable[[Path], object], message: str
) -> None:
    spoil(begun / STATE_FILE)
    with pytest.raises(TrainingError, match=message) as caught:
        train(read_config(config_path), pack, begun, device="cpu", resume=True)
    assert "\n" not in str(caught.value)


def test_another_configuration_is_refused(begun: Path, pack: Pack, config_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"another configuration \(seed changed\)"):
        train(read_config(config_path, ("seed=2",)), pack, begun, device="cpu", resume=True)
    # Images that were held out would be trained on, and the other way round.
    more = read_config(config_path, ("validation.images=2",))
    with pytest.raises(TrainingError, match=r"\(validation.images changed\)"):
        train(more, pack, begun, device="cpu", resume=True)


def test_a_state_that_names_the_teachers_file_goes_on_with_its_name(
    begun: Path, pack: Pack, config_path: Path
) -> None:
    before = torch.load(begun / STATE_FILE, weights_only=True)["config"]
    old = 'teacher = "src/splitsr/zoo/files/splitsr-fast-x4.safetensors"\n'
    edited(config=old + before)(begun / STATE_FILE)
    named = read_config(config_path, ("teacher=splitsr-fast-x4",))
    assert train(named, pack, begun, device="cpu", resume=True).finished
    assert 'teacher = "splitsr-fast-x4"' in config_to_toml(named)
    other = read_config(config_path, ("teacher=splitsr-balanced-x4",))
    with pytest.raises(TrainingError, match=r"\(teacher changed\)"):
        train(other, pack, begun, device="cpu", resume=True)


def test_files_have_the_mode_of_their_neighbours(begun: Path) -> None:
    names = ("weights.safetensors", STATE_FILE, "log.jsonl", "config.toml")
    plain = begun / "plain"
    plain.touch()
    assert {(begun / name).stat().st_mode for name in names} == {plain.stat().st_mode}


@pytest.mark.parametrize("name", [STATE_FILE, "weights.safetensors"])
def test_a_full_disk_is_one_line(name: str, pack: Pack, config_path: Path, tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full, a device that is always full")

    def fill(record: Record) -> None:
        if record.step == 2 and record.loss is not None:
            (tmp_path / "run" / name).symlink_to("/dev/full")

    with pytest.raises(ImageWriteError, match=f"{name}: cannot be written: No space left"):
        train(read_config(config_path), pack, tmp_path / "run", device="cpu", report=fill)


@pytest.mark.parametrize(("every", "name"), [(4, "run/state.pt"), (1_000, "run")])
def test_a_limit_of_the_system_is_one_line(
    every: int, name: str, pack: Pack, config_path: Path, tmp_path: Path
) -> None:
    loop.PairedPixels.open(pack, 4)  # the limit shall meet the run's own files
    log = tmp_path / "run" / "log.jsonl"
    log.parent.mkdir()
    log.write_bytes(b'{"step":0,"learning_rate":0.0,"seconds":0.0}\n' * 100)
    limit = log.stat().st_size + 500
    done = subprocess.run(
        train_command(
            config_path,
            pack,
            log.parent,
            *("--set", f"checkpoint_every={every}", "--set", "validation.every=1000"),
        ),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"splitsr: {tmp_path / name}: cannot be written: File too large")


def test_a_run_directory_that_cannot_be(pack: Pack, config_path: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(TrainingError, match="cannot be written: Not a directory"):
        train(read_config(config_path), pack, tmp_path / "file" / "run", device="cpu")


def nan_at(call: int, monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = step_module.image_loss, iter(range(1, 1_000))

    def sometimes_nan(*args: object) -> Tensor:
        return real(*args) * (float("nan") if next(calls) == call else 1.0)  # type: ignore[arg-type]

    monkeypatch.setattr(step_module, "image_loss", sometimes_nan)


@pytest.mark.parametrize("log_every", [2, 100])
def test_nan_stops_with_the_step_and_keeps_the_last_state(
    log_every: int,
    pack: Pack,
    config_path: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    nan_at(7, monkeypatch)
    config = read_config(config_path, (f"log_every={log_every}",))
    with pytest.raises(NonFiniteError, match="became nan at step 7"):
        train(config, pack, tmp_path, device="cpu")
    state = torch.load(tmp_path / STATE_FILE, weights_only=True)
    assert state["step"] == 4
    assert all(tensor.isfinite().all() for tensor in state["model"].values())
    assert read_weights(tmp_path / "weights.safetensors")[2]["splitsr.step"] == "6"


def test_no_weights_are_written_of_nan(
    pack: Pack, config_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nan_at(5, monkeypatch)
    config = read_config(config_path, ("log_every=100", "checkpoint_every=100"))
    with pytest.raises(NonFiniteError, match="became nan at step 5"):
        train(config, pack, tmp_path, device="cpu")
    assert not list(tmp_path.glob("*.safetensors"))
    assert not list(tmp_path.glob("*.pt"))


def test_weights_that_break_after_a_finite_loss_are_not_saved(
    pack: Pack, config_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = Optimizers.step, iter(range(1, 1_000))

    def step(optimizers: Optimizers) -> None:
        real(optimizers)
        if next(calls) == 8:
            optimizers.members[0].param_groups[0]["params"][0].data.fill_(float("inf"))

    monkeypatch.setattr(Optimizers, "step", step)
    with pytest.raises(NonFiniteError, match="weights became NaN or infinite by step 8"):
        train(read_config(config_path), pack, tmp_path, device="cpu")
    assert torch.load(tmp_path / STATE_FILE, weights_only=True)["step"] == 4


def test_a_diverging_run_is_stopped(pack: Pack, config_path: Path, tmp_path: Path) -> None:
    changes = ("optimizer.learning_rate=1e30", "optimizer.clip_norm=0", "optimizer.kind=adam")
    with pytest.raises(NonFiniteError, match="lower the learning rate"):
        train(read_config(config_path, changes), pack, tmp_path / "run", device="cpu")


def test_a_pack_is_verified_once(pack: Pack, config_path: Path, tmp_path: Path) -> None:
    spoilt = tmp_path / "spoilt.pack"
    spoilt.mkdir()
    (spoilt / "index.json").write_bytes((pack.folder / "index.json").read_bytes())
    pixels = bytearray((pack.folder / "pixels.bin").read_bytes())
    pixels[1000] ^= 1
    (spoilt / "pixels.bin").write_bytes(pixels)
    with pytest.raises(DataError, match="wrong sha256; make the pack again"):
        train(read_config(config_path), Pack.open(spoilt), tmp_path / "run", device="cpu")


def test_a_pack_of_one_image_and_patches_that_are_too_large(
    pack: Pack, config_path: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "one.pack"
    folder.mkdir()
    with PackWriter(folder) as writer:
        writer.add("one.png", pack[0])
        writer.finish()
    config, one = read_config(config_path), Pack.open(folder)
    with pytest.raises(DataError, match=r"one image is held out .* or validate on other"):
        train(config, one, tmp_path / "run", device="cpu")
    large = read_config(config_path, ("stages.1.patch_size=64",))
    with pytest.raises(DataError, match="no image that is trained on holds a 64x64 LR patch"):
        train(large, pack, tmp_path / "run", device="cpu")
    assert not (tmp_path / "run").exists()


def test_tensorboard_keeps_the_step_that_is_resumed(
    pack: Pack, config_path: Path, tmp_path: Path
) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    def stop(record: Record) -> None:
        if record.step == 6 and record.psnr_y is not None:
            signal.raise_signal(signal.SIGTERM)

    config = read_config(config_path)
    with pytest.raises(Interrupted):
        train(config, pack, tmp_path, device="cpu", report=stop)
    # Files of events are read in the order of their names: by second, and then a process's tenth
    # comes before its ninth.
    time.sleep(1)
    train(config, pack, tmp_path, device="cpu", resume=True)
    board = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert [event.step for event in board.Scalars("loss")] == [2, 4, 6, 8, 10, 12]
    assert [event.step for event in board.Scalars("psnr_y")] == [6, 12]
    pictures = board.Images("validation")  # bicubic, the network's and HR
    assert [(event.step, event.width % 3) for event in pictures] == [(6, 0), (12, 0)]


def test_speed_is_right_in_every_stage(
    pack: Pack, config_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]

    class Slow(TrainStep):
        def __call__(self, *args: object, **options: object) -> Tensor:
            now[0] += 1.0  # second
            return super().__call__(*args, **options)  # type: ignore[arg-type]

    def validate(*_: object) -> float:
        now[0] += 100.0
        return 30.0

    monkeypatch.setattr(loop, "TrainStep", Slow)
    monkeypatch.setattr(loop.Validator, "__call__", validate)
    monkeypatch.setattr(loop.time, "monotonic", lambda: now[0])
    config = read_config(config_path, ("log_every=4",))
    train(config, pack, tmp_path, device="cpu")
    speeds = [r.images_per_second for r in read_log(tmp_path) if r.images_per_second is not None]
    assert speeds == [4.0, 4.0, 2.0]
