"""The committed studies: results, cells, tables and document agree."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from splitsr.benchmark.flops import measure_cost
from splitsr.experiments.grid import fingerprint, read_study
from tools.documents import read_studies, render_documents, stale_documents, write_documents
from tools.paths import Paths


def test_the_studies_tables_are_those_of_their_cells(repo_root: Path) -> None:
    """The committed results are what the committed cells say, and the document says the same."""
    folder = repo_root / "results" / "ablation"
    studies = read_studies(folder)
    assert len(studies) == 9
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
    page = paths.page("ablation.md")
    assert documents[page] == page.read_text()
    assert {folder / f"{study.name}.csv" for study in studies} <= documents.keys()


def test_a_stale_table_of_a_study_is_found_and_made_again(tmp_path: Path, repo_root: Path) -> None:
    root = tmp_path / "checkout"
    (root / "src/splitsr/zoo").mkdir(parents=True)
    for folder in ("docs", "results"):
        shutil.copytree(repo_root / folder, root / folder)
    paths = Paths.of_checkout(root)
    page, table = paths.page("ablation.md"), paths.result("ablation/alpha.csv")
    before = page.read_text()
    page.write_text(re.sub(r"\d\d\.\d\d\d", "99.999", before, count=1))
    table.write_text("")
    stale = {page, table}
    assert stale_documents(paths)
    assert stale <= set(stale_documents(paths))
    assert stale <= set(write_documents(paths))
    assert page.read_text() == before
