"""Documents that are partly generated, from the results and from the fields of configurations.

A block begins with `<!-- begin generated: NAME -->` and ends with `<!-- end generated: NAME -->`,
each on a line of its own. Everything else in the document is written by hand and stays.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from splitsr.errors import DataError
from splitsr.experiments.grid_results import StudyResult, to_csv, to_markdown
from splitsr.experiments.result_files import read_json
from splitsr.experiments.search_results import TuneResult
from splitsr.experiments.search_results import to_csv as to_search_csv
from splitsr.experiments.search_results import to_markdown as to_search_table
from splitsr.imaging.atomic import write_atomic
from splitsr.zoo.catalogue import TWIN, Catalogue, is_twin, load_catalogue
from tools.arm_tables import arm_blocks
from tools.degraded_tables import degraded_blocks
from tools.field_tables import architecture_blocks, training_blocks
from tools.model_results import ModelRecord, Results, read_results
from tools.model_tables import (
    card_blocks,
    comparison_blocks,
    read_published,
    readme_blocks,
)
from tools.paths import Paths
from tools.precision_results import card_precision_block, precision_block, read_precision
from tools.proxy import proxy_block, read_proxy
from tools.speed_tables import networks_blocks, speed_blocks
from tools.zoom_tables import zoom_blocks

_Made = tuple[Mapping[str, str], Mapping[Path, str]]
"""The blocks of a page, and the contents of tables that lie beside their results."""


def fill_blocks(text: str, blocks: Mapping[str, str], label: str) -> str:
    """Replaces what stands between the markers.

    Args:
        text: the document.
        blocks: their contents by name. Blocks of the document that are not among them stay.
        label: what to call the document in messages.

    Raises:
        DataError: the document lacks a block, or its end.
    """
    for name, content in blocks.items():
        begin, end = f"<!-- begin generated: {name} -->", f"<!-- end generated: {name} -->"
        block = re.compile(rf"^{re.escape(begin)}$.*?^{re.escape(end)}$", re.DOTALL | re.MULTILINE)
        # A function, so that backslashes in the content stay what they are.
        text, count = block.subn(lambda _, new=f"{begin}\n{content}\n{end}": new, text)  # type: ignore[misc]
        if count != 1:
            raise DataError(
                f"{label}: found {count} blocks from {begin!r} to {end!r}; must be 1, each "
                "marker on a line of its own"
            )
    return text


def render_documents(paths: Paths, results: Results) -> dict[Path, str]:
    """The README and the cards as they should be.

    Args:
        paths: where they lie. A card that does not exist yet starts from the template.
        results: what was measured.

    Returns:
        Contents by path: README, cards, and the tables of the ablation studies; what there is no
        document for is left out.

    Raises:
        DataError: a document lacks a block, or a file of facts cannot be read.
    """
    documents = {
        paths.card(name): _render_card(name, record, paths) for name, record in results.items()
    }
    tables: dict[Path, Callable[[], Mapping[str, str]]] = {
        paths.readme: lambda: readme_blocks(results),
        paths.page("comparison.md"): lambda: comparison_blocks(
            results, read_published(paths.published)
        ),
    }
    for path, blocks in tables.items():
        if path.exists():
            documents[path] = fill_blocks(_read(path), blocks(), str(path))
    return documents | _render_pages(paths)


def stale_documents(paths: Paths) -> list[Path]:
    """The README and those cards that are not as the results say.

    Raises:
        DataError: as `render_documents`.
        WeightsError: the results cannot be read.
    """
    documents = render_documents(paths, read_results(paths.results))
    return [path for path, text in documents.items() if not _holds(path, text)]


def write_documents(paths: Paths) -> list[Path]:
    """Writes the README and cards that are stale.

    Returns:
        What was written.

    Raises:
        DataError: as `render_documents`.
        WeightsError: the results cannot be read.
        ImageWriteError: a document cannot be written.
    """
    documents = render_documents(paths, read_results(paths.results))
    stale = [path for path, text in documents.items() if not _holds(path, text)]
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, documents[path].encode(), overwrite=True)
    return stale


def unlike_catalogue(paths: Paths) -> list[str]:
    """Names of the models of which the catalogue says something else than the results.

    Raises:
        WeightsError: either cannot be read.
    """
    results, shipped = read_results(paths.results), read_catalogue(paths)
    catalogue = {name: entry for name, entry in shipped.items() if entry.precision == "fp32"}
    variants = {name: entry for name, entry in shipped.items() if entry.precision != "fp32"}
    quantized = {f"{name}-int8": r for name, r in read_precision(paths.precision).items()}
    agree = {
        name
        for name, record in results.items()
        if name in catalogue
        and catalogue[name].sha256 == record.sha256
        and {test: figures.psnr_y for test, figures in catalogue[name].figures.items()}
        == {test: result.psnr_y for test, result in record.figures.items()}
    }
    agree |= {
        name
        for name, record in quantized.items()
        if name in variants
        and variants[name].sha256 == record.sha256
        and variants[name].figures == record.figures
    }
    return sorted((results.keys() | shipped.keys() | quantized.keys()) - agree)


def read_catalogue(paths: Paths) -> Catalogue:
    """The catalogue; empty where there is none yet.

    Raises:
        WeightsError: it is not valid.
    """
    return load_catalogue(paths.catalogue) if paths.catalogue.exists() else {}


def _render_card(name: str, record: ModelRecord, paths: Paths) -> str:
    path = paths.card(name)
    text = _read(path) if path.exists() else _new_card(name, record, paths)
    quantized = card_precision_block(read_precision(paths.precision).get(name))
    blocks = {**card_blocks(record, paths.data_sources), "precision": quantized}
    return fill_blocks(text, blocks, str(path))


def _new_card(name: str, record: ModelRecord, paths: Paths) -> str:
    template = _read(paths.twin_card_template if is_twin(name) else paths.card_template)
    clean = name.replace(f"-{TWIN}-", "-")
    for field, value in {"name": name, "clean": clean, "scale": str(record.scale)}.items():
        template = template.replace(f"{{{field}}}", value)
    return template


def _render_pages(paths: Paths) -> dict[Path, str]:
    """The pages with tables made from results, and the tables that are files of their own."""
    documents: dict[Path, str] = {}
    for name, make in _PAGES.items():
        page = paths.page(name)
        if page.exists():
            blocks, tables = make(paths)
            documents |= {page: fill_blocks(_read(page), blocks, str(page)), **tables}
    return documents


def _ablation(paths: Paths) -> _Made:
    studies = read_studies(paths.result("ablation"))
    tables = {paths.result(f"ablation/{study.name}.csv"): to_csv(study) for study in studies}
    return {study.name: to_markdown(study) for study in studies}, tables


def _tuning(paths: Paths) -> _Made:
    """What a search found, and how far to trust it."""
    found = read_tuning(paths.result("tuning/trials.json"))
    proxy = proxy_block(read_proxy(paths.result("tuning/proxy.json")))
    tables = {paths.result("tuning/trials.csv"): to_search_csv(found)}
    return {"search": to_search_table(found), "proxy": proxy}, tables


_PAGES: dict[str, Callable[[Paths], _Made]] = {
    "ablation.md": _ablation,
    "tuning.md": _tuning,
    "deploy.md": lambda paths: (
        {"precision": precision_block(read_precision(paths.precision))},
        {},
    ),
    "training.md": lambda _: (training_blocks(), {}),
    "architecture.md": lambda _: (architecture_blocks(), {}),
    "speed.md": lambda paths: (speed_blocks(paths.results.parent), {}),
    "networks.md": lambda paths: (networks_blocks(paths.results.parent), {}),
    "arm.md": lambda paths: (arm_blocks(paths.result("arm.json")), {}),
    "zoomsr.md": lambda paths: (zoom_blocks(paths.result("zoom.json")), {}),
    "degraded.md": lambda paths: (degraded_blocks(paths.result("degraded.json")), {}),
}


def _holds(path: Path, text: str) -> bool:
    return path.exists() and _read(path) == text


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read ({error})") from error


def read_studies(folder: Path) -> list[StudyResult]:
    """The studies whose results lie in a folder, by file name.

    Raises:
        DataError: a file cannot be read.
    """
    return [
        read_json(path, StudyResult, "the results of a study")
        for path in sorted(folder.glob("*.json"))
    ]


def read_tuning(path: Path) -> TuneResult:
    """Reads the results of a search.

    Raises:
        DataError: the file cannot be read, or is another.
    """
    return read_json(path, TuneResult, "the results of a search")
