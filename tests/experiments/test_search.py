"""A search: nothing over the budget is trained, what is done is kept, a winner keeps the limit."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import msgspec
import optuna
import pytest
from PIL import Image

from splitsr.benchmark.flops import measure_cost
from splitsr.data.pack import Pack
from splitsr.errors import ConfigError, DataError, TrainingError
from splitsr.experiments import search, winner
from splitsr.experiments.search import Progress, require_fit, tune
from splitsr.experiments.search_results import Budget, Settings
from splitsr.experiments.search_space import STARTS, suggest
from splitsr.networks import SplitSRSpec, spec_from_dict
from splitsr.training.config import TrainConfig, read_config
from tools.documents import read_tuning

pytestmark = pytest.mark.usefixtures("quick_exports")


def in_proportion(spec: SplitSRSpec, _settings: Settings) -> float:
    """1 ms for every thousand parameters."""
    return measure_cost(spec).parameters / 1e3


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[SplitSRSpec]:
    """The networks that are trained, as it happens."""
    found: list[SplitSRSpec] = []
    train = search.train

    def spy(config: TrainConfig, *arguments: Any, **options: Any) -> Any:
        assert isinstance(config.model, SplitSRSpec)
        found.append(config.model)
        return train(config, *arguments, **options)

    monkeypatch.setattr(search, "train", spy)
    return found


def test_a_search_leaves_its_files_and_trains_nothing_over_the_budget(
    settings: Settings,
    pack: Pack,
    tmp_path: Path,
    trained: list[SplitSRSpec],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    limits = Budget(parameters=20_000, milliseconds=10.0)
    timed = msgspec.structs.replace(settings, budget=limits)
    for module in (search, winner):  # a stopwatch that always shows the same
        monkeypatch.setattr(module, "latency_of", in_proportion)
    seen: list[Progress] = []
    result = tune(timed, pack, tmp_path, trials=4, report=seen.append)

    assert len(result.trained) == len(trained) == 4
    assert all(measure_cost(spec).parameters <= 10_000 for spec in trained)
    for trial in result.trials:
        # Counted before it is built: what has too many parameters is not timed either.
        counted = trial.parameters <= 20_000
        assert (trial.milliseconds is not None) == counted
        assert ("parameters" in trial.over) == (not counted)
        assert ("milliseconds" in trial.over) == (10_000 < trial.parameters <= 20_000)
    assert {limit for trial in result.trials for limit in trial.over} == set(limits.limits)
    assert {progress.stage for progress in seen} >= {"timing", "training", "choosing"}

    assert read_tuning(tmp_path / "trials.json") == result
    with (tmp_path / "trials.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert [line["outcome"] for line in lines].count("trained") == 4
    with Image.open(tmp_path / "pareto.png") as picture:
        assert picture.width > 1000
    assert result.winner is not None
    assert result.winner.number == result.trained[0].number
    config = read_config(tmp_path / "winner.toml")
    assert config.model == spec_from_dict(result.trained[0].spec)
    assert not list((tmp_path / "runs").iterdir())


def test_the_same_call_goes_on(
    settings: Settings, pack: Pack, tmp_path: Path, trained: list[SplitSRSpec]
) -> None:
    first = tune(settings, pack, tmp_path, trials=2)
    again = tune(settings, pack, tmp_path, trials=2)
    assert len(trained) == 2
    assert again.trials == first.trials
    more = tune(settings, pack, tmp_path, trials=3)
    assert len(trained) == 3
    assert more.trials[: len(first.trials)] == first.trials


def test_what_an_interrupt_cut_off_is_proposed_again(
    settings: Settings, pack: Pack, tmp_path: Path, trained: list[SplitSRSpec]
) -> None:
    def interrupt(progress: Progress) -> None:
        done = [trial for trial in progress.trials if trial.psnr_y is not None]
        if progress.stage == "training" and len(done) == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tune(settings, pack, tmp_path, trials=3, report=interrupt)
    partial = read_tuning(tmp_path / "trials.json")
    assert len(partial.trained) == 1
    assert partial.winner is not None
    assert not partial.winner.remeasured
    assert read_config(tmp_path / "winner.toml").model == trained[0]
    result = tune(settings, pack, tmp_path, trials=4)
    assert len(result.trained) == len(trained) == 4
    assert suggest(optuna.trial.FixedTrial(STARTS[1]), 4) in trained  # after the other starts


def test_a_line_that_a_killed_process_left_half_written_is_dropped(
    settings: Settings, pack: Pack, tmp_path: Path
) -> None:
    first = tune(settings, pack, tmp_path, trials=1)
    with (tmp_path / "study.journal").open("ab") as file:
        file.write(b'{"op_code": 4, "worker')
    assert tune(settings, pack, tmp_path, trials=2).trials[: len(first.trials)] == first.trials
    (tmp_path / "study.journal").write_text("nonsense\n" * 2)
    with pytest.raises(DataError, match=r"study.journal: damaged .*choose another folder"):
        tune(settings, pack, tmp_path, trials=2)


@pytest.mark.parametrize(
    ("budget", "message"),
    [
        (Budget(), "no budget"),
        (Budget(parameters=100), "no network fits in 0.1 K parameters: the smallest .* has 0.5"),
        (Budget(parameters=9_000, multi_adds_720p=9), r"in 9e-09 G multi-adds: .* has 0\.\d+ G"),
        (Budget(milliseconds=1e-6), r"no network fits in 1e-06 ms: the smallest .* has .* ms"),
    ],
)
def test_an_impossible_budget_is_refused(settings: Settings, budget: Budget, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        require_fit(msgspec.structs.replace(settings, budget=budget))
    assert "\n" not in str(caught.value)


def test_a_budget_of_few_networks_ends(
    settings: Settings, pack: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that fits is found, and the search does not look for more for ever."""
    monkeypatch.setattr(search, "FRUITLESS", 3)
    tight = msgspec.structs.replace(settings, budget=Budget(parameters=600))
    seen: list[Progress] = []
    result = tune(tight, pack, tmp_path, trials=50, report=seen.append)
    assert 1 <= len(result.trained) < 10
    assert "exhausted" in {progress.stage for progress in seen}


def test_a_search_that_has_no_time_says_so(settings: Settings, pack: Pack, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no network within 20 K parameters was trained"):
        tune(settings, pack, tmp_path, trials=1, minutes=1e-6)
    assert json.loads((tmp_path / "trials.json").read_text())["winner"] is None
    assert not (tmp_path / "winner.toml").exists()


def test_a_winner_that_is_too_slow_now_is_passed_over(
    timed: Settings, pack: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "latency_of", in_proportion)
    monkeypatch.setattr(winner, "latency_of", in_proportion)
    result = tune(timed, pack, tmp_path, trials=2)
    best, second = result.trained
    slow = {json.dumps(best.spec): 60_001.0}

    def latency(spec: SplitSRSpec, _settings: Settings) -> float:
        return next(
            (ms for text, ms in slow.items() if spec_from_dict(json.loads(text)) == spec), 5
        )

    monkeypatch.setattr(winner, "latency_of", latency)
    again = tune(timed, pack, tmp_path, trials=2)
    assert again.winner is not None
    assert (again.winner.number, again.winner.milliseconds) == (second.number, 5)
    slow[json.dumps(second.spec)] = 60_002.0
    with pytest.raises(TrainingError, match="none of the 2 best of 2 trained networks runs in"):
        tune(timed, pack, tmp_path, trials=2)
