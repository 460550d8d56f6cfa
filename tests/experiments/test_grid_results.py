"""The committed studies: results, cells, tables and document agree."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from splitsr.benchmark.flops import measure_cost
from splitsr.experiments.grid import fingerprint, read_study
from splitsr.experiments.grid_results import read_studies
from tools.documents import render_documents, stale_documents, write_documents
from tools.paths import Paths


def test_the_studies_tables_are_those_of_their_cells(repo_root: Path) -> None:
    """The committed results are what the committed cells say, and the document says the same."""
    folder = repo_root / "results" / "ablation"
    studies = read_studies(folder)
    assert len(studies) == 6
    for study in studies:
        plan = read_study(repo_root / "configs" / "ablation" / f"{study.name}.toml")
        assert [row.label for row in study.rows] == [cell.label for cell in plan.cells]
        assert (study.question, study.budget) == (plan.question, plan.budget)
        for row, cell in zip(study.rows, plan.cells, strict=True):
            cost = measure_cost(cell.config.model)
            assert (row.parameters, row.multi_adds_720p) == (cost.parameters, cost.multi_adds_720p)
            keys = [fingerprint(cell.seeded(seed)) for seed in plan.seeds]
            paths = [folder / "cells" / f"{key}.json" for key in keys]
            results = [json.loads(path.read_text()) for path in paths if path.exists()]
            assert results, f"{study.name}: {row.label} is not trained"
            assert row.milliseconds
            for name, values in row.psnr_y.items():
                assert list(values) == [result["psnr_y"][name] for result in results]
    paths = Paths.of_checkout(repo_root)
    documents = render_documents(paths, {})
    assert documents[paths.ablation] == paths.ablation.read_text()
    assert {folder / f"{study.name}.csv" for study in studies} <= documents.keys()


def test_a_stale_table_of_a_study_is_found_and_made_again(tmp_path: Path, repo_root: Path) -> None:
    root = tmp_path / "checkout"
    (root / "src/splitsr/zoo").mkdir(parents=True)
    shutil.copytree(repo_root / "docs", root / "docs")
    paths = Paths.of_checkout(root)
    before = paths.ablation.read_text()
    paths.ablation.write_text(re.sub(r"\d\d\.\d\d\d", "99.999", before, count=1))
    paths.studies.joinpath("alpha.csv").write_text("")
    stale = {paths.ablation, paths.studies / "alpha.csv"}
    assert stale_documents(paths)
    assert stale <= set(stale_documents(paths))
    assert stale <= set(write_documents(paths))
    assert paths.ablation.read_text() == before
