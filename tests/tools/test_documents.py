"""Generated blocks: what is between the markers is replaced, the rest is never touched."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from splitsr.benchmark.timing import Machine, describe_machine
from splitsr.errors import DataError, ModelError, WeightsError
from splitsr.networks import ModelSpec, SplitSRSpec
from splitsr.zoo.catalogue import load_catalogue
from tools.catalogue_file import catalogue_with
from tools.documents import fill_blocks, stale_documents, write_documents
from tools.latency import Latency, measure_latency
from tools.model_results import (
    ModelRecord,
    SetResult,
    Training,
    read_results,
    results_to_json,
)
from tools.model_tables import (
    card_blocks,
    comparison_blocks,
    read_published,
    readme_blocks,
)
from tools.parity import Parity
from tools.paths import Paths

README = """# Title

<!-- begin generated: models -->
old
<!-- end generated: models -->

By hand.
"""


@pytest.fixture
def record() -> ModelRecord:
    figures = {
        name: SetResult(
            images=images,
            psnr_y=psnr,
            ssim_y=0.87654,
            bicubic_psnr_y=psnr - 2,
            bicubic_ssim_y=0.8,
        )
        for name, images, psnr in [("Set5", 5, 31.234), ("Set14", 14, 28.1), ("B100", 100, 27.3)]
    }
    return ModelRecord(
        scale=4,
        parameters=56_432,
        multi_adds_720p=3_234_816_000,
        sha256="ab" * 32,
        size=235_444,
        licence="Apache-2.0",
        figures=figures,
        parity=Parity(max_difference=4e-7, max_levels=1, changed_share=3e-6, values=1_702_368),
        latency=(
            Latency(height=128, width=128, threads=2, milliseconds=9.87, runs=9, cpu_share=0.8),
            Latency(height=128, width=128, threads=1, milliseconds=15.5, runs=9, cpu_share=0.99),
        ),
        machine=Machine(cpu="A CPU", cores=2, system="Linux x86_64", runtime="ONNX Runtime 1"),
        training=Training(
            steps=5000,
            planned_steps=36_000,
            seconds=4000,
            hardware="one thread",
            commit="0123456789abcdef",
            config={"seed": 1, "optimizer": {"kind": "muon"}, "stages": [{"steps": 36_000}]},
        ),
    )


@pytest.fixture
def paths(tmp_path: Path, repo_root: Path, record: ModelRecord) -> Paths:
    """A trial with one model in its results and a README."""
    found = Paths.of_trial(tmp_path, repo_root)
    found.results.parent.mkdir(parents=True)
    found.results.write_bytes(results_to_json({"splitsr-fast-x4": record}))
    found.readme.write_text(README)
    return found


def row(text: str, beginning: str) -> list[str]:
    """Cells of the one table row whose first cell contains `beginning`."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    [found] = [line for line in lines if beginning in line.split("|")[1]]
    return [cell.strip() for cell in found.strip("|").split("|")]


def test_only_what_is_between_the_markers_changes() -> None:
    filled = fill_blocks(README, {"models": r"new \1 | row"}, "README.md")
    assert filled == README.replace("old", r"new \1 | row")
    assert fill_blocks(filled, {"models": "old"}, "README.md") == README


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("no markers\n", 0),
        (README.replace("end generated", "stop generated"), 0),
        (README + README, 2),
        (README.replace("<!-- begin", "text <!-- begin"), 0),
    ],
)
def test_a_document_without_its_block_is_named(text: str, count: int) -> None:
    with pytest.raises(DataError, match=f"^READ.ME: found {count} blocks from '<!-- begin gen"):
        fill_blocks(text, {"models": "new"}, "READ.ME")


def test_documents_are_written_once_and_then_not_stale(paths: Paths) -> None:
    card = paths.card("splitsr-fast-x4")
    assert sorted(stale_documents(paths)) == sorted([card, paths.readme])
    assert sorted(write_documents(paths)) == sorted([card, paths.readme])
    assert stale_documents(paths) == write_documents(paths) == []
    assert paths.readme.read_text().endswith("By hand.\n")


def test_prose_of_a_card_stays_and_figures_do_not(paths: Paths) -> None:
    write_documents(paths)
    card = paths.card("splitsr-fast-x4")
    text = card.read_text()
    assert "\n# splitsr-fast-x4\n" in text
    assert "{name}" not in text
    by_hand = text.replace("## Limits\n", "## Limits\n\nWritten by hand.\n")
    card.write_text(by_hand.replace("31.23", "39.99"))
    assert stale_documents(paths) == [card]
    write_documents(paths)
    assert card.read_text() == by_hand


def test_the_readme_sets_ours_beside_bicubic(record: ModelRecord) -> None:
    smaller = msgspec.structs.replace(record, parameters=1_000, latency=())
    text = readme_blocks({"splitsr-fast-x4": record, "splitsr-tiny-x4": smaller})["models"]
    assert row(text, "bicubic x4") == ["bicubic x4", "", "", "29.23", "26.10", "25.30", ""]
    ours = ["56 K", "3.2 G", "**31.23**", "**28.10**", "**27.30**", "9.9"]
    assert row(text, "docs/models/splitsr-fast-x4.md")[1:] == ours
    assert row(text, "tiny")[-1] == ""
    assert text.index("tiny") < text.index("fast")
    assert "A CPU, 2 cores, Linux x86_64, ONNX Runtime 1" in text


def test_the_comparison_ranks_ours_among_published_networks(
    record: ModelRecord, paths: Paths
) -> None:
    published = read_published(paths.published)
    text = comparison_blocks({"splitsr-fast-x4": record}, published)["comparison"]
    assert row(text, "FSRCNN")[1:] == ["12 K", "5 G", "30.71", "27.59", "26.98", "24.62"]
    ours = ["56 K", "3.2 G", "**31.23**", "**28.10**", "**27.30**", ""]
    assert row(text, "models/splitsr-fast-x4.md")[1:] == ours
    assert text.index("FSRCNN") < text.index("splitsr-fast") < text.index("VDSR")
    assert "x3" not in text  # no model there


def test_published_figures_are_those_of_the_reference(
    paths: Paths, shared_data: Path, repo_root: Path
) -> None:
    reference = shared_data.parent / "reference" / "published_results.csv"
    lines = {line.rpartition(",")[0] for line in reference.read_text().splitlines()}
    published = read_published(paths.published)
    assert len(published) >= 70
    for network in published:
        cells = [network.scale, network.method, network.parameters_k, network.multi_adds_g]
        line = ",".join(map(str, [*cells, *network.figures.values()]))
        assert line in lines
    assert not [network for network in published if str(repo_root) in network.source]


def test_the_data_of_the_cards_is_what_lies_in_the_manifest(
    record: ModelRecord, paths: Paths, shared_data: Path
) -> None:
    data = card_blocks(record, paths.data_sources)["data"]
    manifest = (shared_data / "train_manifest.csv").read_text().splitlines()[1:]
    assert data.startswith(f"{len(manifest)} photographs")
    bsds = [line for line in manifest if ",BSDS500" in line]
    assert row(data, "BSDS500")[1:] == ["research use", str(len(bsds))]


def test_a_card_is_honest_about_the_run(record: ModelRecord, paths: Paths) -> None:
    blocks = card_blocks(record, paths.data_sources)
    assert row(blocks["training"], "steps")[1] == "5,000 of 36,000 planned"
    assert row(blocks["training"], "time")[1] == "1.1 h on one thread"
    assert row(blocks["recipe"], "optimizer.kind")[1] == '`"muon"`'
    assert row(blocks["recipe"], "stages.0.steps")[1] == "`36000`"
    assert row(blocks["figures"], "Set14")[1:3] == ["14", "**28.10**"]
    assert "too long" not in blocks["latency"]
    unknown = msgspec.structs.replace(
        record.training, steps=36_000, hardware="", commit="", config={"init_from": "a/b"}
    )
    slow = msgspec.structs.replace(record.latency[1], cpu_share=0.4)
    other = msgspec.structs.replace(record, training=unknown, latency=(slow,))
    blocks = card_blocks(other, paths.data_sources)
    assert row(blocks["training"], "steps")[1] == "36,000"
    assert "not recorded" in row(blocks["training"], "time")[1]
    assert row(blocks["training"], "started from")[1].startswith("`a/b`")
    assert "these times are too long" in blocks["latency"]


def test_the_catalogue_keeps_its_comment_and_its_other_models(
    tmp_path: Path, tiny_spec: ModelSpec, record: ModelRecord
) -> None:
    path = tmp_path / "catalogue.toml"
    path.write_text("# First.\n# [models.none]\n\n[models]\n")
    path.write_bytes(catalogue_with(path, "b-x4", tiny_spec, record))
    path.write_bytes(catalogue_with(path, "a-x4", SplitSRSpec(), record))
    worse = msgspec.structs.replace(record, sha256="cd" * 32)
    path.write_bytes(catalogue_with(path, "b-x4", tiny_spec, worse))
    assert path.read_text().startswith("# First.\n# [models.none]\n\n[models.a-x4]\n")
    catalogue = load_catalogue(path)
    assert list(catalogue) == ["a-x4", "b-x4"]
    assert catalogue["a-x4"].spec == SplitSRSpec()
    assert catalogue["b-x4"].spec == tiny_spec
    assert catalogue["b-x4"].sha256 == worse.sha256
    assert catalogue["b-x4"].figures["B100"].psnr_y == 27.3


def test_results_survive_the_file(tmp_path: Path, record: ModelRecord) -> None:
    path = tmp_path / "models.json"
    assert read_results(path) == {}
    path.write_bytes(results_to_json({"b": record, "a": record}))
    assert read_results(path) == {"a": record, "b": record}
    assert re.search(rb'^  "models": \{\n    "a"', path.read_bytes(), re.MULTILINE)
    path.write_text('{"models": {"a": {}}}')
    with pytest.raises(WeightsError, match=r"models\.json: not a file of results"):
        read_results(path)


def test_facts_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.csv: cannot be read"):
        read_published(tmp_path / "gone.csv")
    path = tmp_path / "published.csv"
    path.write_text("scale,method,parameters_k\n4,SRCNN,57\n")
    with pytest.raises(DataError, match=r"published\.csv: line 2 has no multi_adds_g, Set5"):
        read_published(path)
    with pytest.raises(ModelError, match="not a checkout of splitsr"):
        Paths.of_checkout(tmp_path)


def test_latency_is_timed_for_every_size_and_number_of_threads(tiny_model: Path) -> None:
    timings = measure_latency(tiny_model.read_bytes(), sides=(16, 256), threads=(2, 1))
    assert [(t.width, t.threads) for t in timings] == [(16, 2), (256, 2), (16, 1), (256, 1)]
    assert all(t.runs >= 7 and 0 < t.cpu_share <= 1 for t in timings)
    assert timings[2].milliseconds < timings[3].milliseconds  # 256 times the pixels
    machine = describe_machine()
    assert machine.cpu
    assert machine.cores >= 1
    assert re.fullmatch(r"ONNX Runtime \d+\.\d+\.\d+", machine.runtime)
