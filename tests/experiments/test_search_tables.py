"""Tables of a search, and the committed ones."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import scipy.stats

from splitsr.benchmark.flops import measure_cost
from splitsr.benchmark.timing import Machine
from splitsr.experiments.search_results import (
    Budget,
    Settings,
    Trial,
    TuneResult,
    pareto_front,
    to_csv,
    to_markdown,
)
from splitsr.networks import SplitSRSpec, spec_from_dict, spec_to_dict
from tools.benchmarks.tune_proxy import read_cells
from tools.documents import read_tuning, render_documents, stale_documents
from tools.paths import Paths
from tools.proxy import kendall, read_proxy, spearman


def trial(number: int, parameters: int, milliseconds: float, psnr_y: float | None) -> Trial:
    return Trial(
        number=number,
        spec=spec_to_dict(SplitSRSpec(n_feats=8 * (number + 1), channel_attention=False)),
        parameters=parameters,
        multi_adds_720p=0,
        milliseconds=milliseconds,
        psnr_y=psnr_y,
        over=() if psnr_y else ("milliseconds",),
    )


RESULT = TuneResult(
    settings=Settings(
        scale=4,
        budget=Budget(parameters=99_000, milliseconds=10.0),
        height=128,
        width=128,
        threads=1,
        steps=200,
        seed=1,
        pack="0",
        machine=Machine(cpu="A CPU", cores=2, system="Linux", runtime="A runtime 1"),
    ),
    held_out=16,
    bicubic_psnr_y=25.0,
    trials=(
        trial(0, 10_000, 5.0, 26.0),
        trial(1, 20_000, 6.0, 25.9),  # beaten by 0
        trial(2, 30_000, 4.0, 26.1),  # slower to none: more parameters, but the fastest
        trial(3, 40_000, 11.0, None),
        trial(4, 50_000, 9.0, 27.0),
    ),
)


def test_the_front_has_what_nothing_beats_in_all() -> None:
    assert [found.number for found in pareto_front(RESULT)] == [4, 2, 0]


def test_tables() -> None:
    lines = to_csv(RESULT).splitlines()
    assert lines[0].startswith("number,outcome,pareto,parameters,multi_adds_720p,milliseconds")
    assert lines[2].startswith("1,trained,0,20000,0,6.0,25.9,")
    assert lines[4].startswith("3,over milliseconds,0,40000,0,11.0,,")
    table = to_markdown(RESULT)
    assert "| 50.0 K | 0.00 G | 9.0 | 27.000 |" in table
    assert "x4, within 99 K parameters and 10 ms. 5 networks proposed" in table
    assert "0 over the budget as computed, 1 as timed, 4 trained for 200 steps" in table


@pytest.mark.parametrize("second", [[1.0, 3.0, 2.0, 5.0, 4.0], [5.0, 1.0, 9.0, 2.0, 0.0]])
def test_rank_correlations_are_scipys(second: list[float]) -> None:
    first = [2.0, 4.0, 6.0, 8.0, 10.0]
    assert spearman(first, second) == pytest.approx(scipy.stats.spearmanr(first, second).statistic)
    assert kendall(first, second) == pytest.approx(scipy.stats.kendalltau(first, second).statistic)
    tied = [1.0, 1.0, 2.0, 3.0, 3.0]
    assert spearman(tied, second) == pytest.approx(scipy.stats.spearmanr(tied, second).statistic)


def test_the_committed_search_is_what_the_page_shows(repo_root: Path) -> None:
    paths = Paths.of_checkout(repo_root)
    result = read_tuning(paths.result("tuning/trials.json"))
    limits = result.settings.budget
    assert result.winner is not None
    (chosen,) = [trial for trial in result.trials if trial.number == result.winner.number]
    figures = {"parameters": chosen.parameters, "multi_adds_720p": chosen.multi_adds_720p}
    if result.winner.milliseconds is not None:
        figures["milliseconds"] = result.winner.milliseconds
    assert limits.limits.keys() <= figures.keys()
    assert max(limits.excess(figures).values()) <= 0
    for found in result.trained:
        cost = measure_cost(spec_from_dict(found.spec))
        assert (cost.parameters, cost.multi_adds_720p) == (found.parameters, found.multi_adds_720p)
    pairs = read_proxy(paths.result("tuning/proxy.json")).pairs
    assert {pair.cell for pair in pairs} == set(read_cells())
    documents = render_documents(paths, {})
    for path in (paths.page("tuning.md"), paths.result("tuning/trials.csv")):
        assert documents[path] == path.read_text()


def test_a_stale_table_is_found(tmp_path: Path, repo_root: Path) -> None:
    root = tmp_path / "checkout"
    (root / "src/splitsr/zoo").mkdir(parents=True)
    for name in ("docs/tuning.md", "results/tuning/trials.json", "results/tuning/proxy.json"):
        target = root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((repo_root / name).read_bytes())
    paths = Paths.of_checkout(root)
    page = paths.page("tuning.md")
    page.write_text(re.sub(r"\d\d\.\d\d\d", "99.999", page.read_text(), count=1))
    assert page in stale_documents(paths)
