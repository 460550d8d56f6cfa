"""Documents that are partly generated: what stands between their markers comes from the results.

A block begins with `<!-- begin generated: NAME -->` and ends with `<!-- end generated: NAME -->`,
each on a line of its own. Everything else in the document is written by hand and stays.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from splitsr.errors import DataError
from splitsr.evaluation.ablation import read_studies, to_csv, to_markdown
from splitsr.evaluation.arm_report import arm_blocks
from splitsr.evaluation.degraded_report import degraded_blocks
from splitsr.evaluation.places import Places
from splitsr.evaluation.precision import card_precision_block, precision_block, read_precision
from splitsr.evaluation.proxy import proxy_block, read_proxy
from splitsr.evaluation.report import card_blocks, read_published, readme_blocks
from splitsr.evaluation.results import ModelRecord, Results, read_results
from splitsr.evaluation.speed_report import speed_blocks
from splitsr.evaluation.tuning import read_tuning
from splitsr.evaluation.tuning import to_csv as to_search_csv
from splitsr.evaluation.tuning import to_markdown as to_search_table
from splitsr.imaging.atomic import write_atomic
from splitsr.zoo.catalogue import TWIN, Catalogue, is_twin, load_catalogue


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


def render_documents(places: Places, results: Results) -> dict[Path, str]:
    """The README and the cards as they should be.

    Args:
        places: where they lie. A card that does not exist yet starts from the template.
        results: what was measured.

    Returns:
        Contents by path: README, cards, and the tables of the ablation studies; what there is no
        document for is left out.

    Raises:
        DataError: a document lacks a block, or a file of facts cannot be read.
    """
    documents = {
        places.card(name): _render_card(name, record, places) for name, record in results.items()
    }
    if places.readme.exists():
        blocks = readme_blocks(results, read_published(places.published))
        text = _read(places.readme)
        documents[places.readme] = fill_blocks(text, blocks, str(places.readme))
    documents |= _render_studies(places) | _render_tuning(places) | _render_deploy(places)
    return documents | _render_speed(places) | _render_arm(places) | _render_degraded(places)


def stale_documents(places: Places) -> list[Path]:
    """The README and those cards that are not as the results say.

    Raises:
        DataError: as `render_documents`.
        WeightsError: the results cannot be read.
    """
    documents = render_documents(places, read_results(places.results))
    return [path for path, text in documents.items() if not _holds(path, text)]


def write_documents(places: Places) -> list[Path]:
    """Writes the README and cards that are stale.

    Returns:
        What was written.

    Raises:
        DataError: as `render_documents`.
        WeightsError: the results cannot be read.
        ImageWriteError: a document cannot be written.
    """
    documents = render_documents(places, read_results(places.results))
    stale = [path for path, text in documents.items() if not _holds(path, text)]
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, documents[path].encode(), overwrite=True)
    return stale


def unlike_catalogue(places: Places) -> list[str]:
    """Names of the models of which the catalogue says something else than the results.

    Raises:
        WeightsError: either cannot be read.
    """
    results, shipped = read_results(places.results), read_catalogue(places)
    catalogue = {name: entry for name, entry in shipped.items() if entry.precision == "fp32"}
    variants = {name: entry for name, entry in shipped.items() if entry.precision != "fp32"}
    quantized = {f"{name}-int8": r for name, r in read_precision(places.precision).items()}
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


def read_catalogue(places: Places) -> Catalogue:
    """The catalogue; empty where there is none yet.

    Raises:
        WeightsError: it is not valid.
    """
    return load_catalogue(places.catalogue) if places.catalogue.exists() else {}


def _render_card(name: str, record: ModelRecord, places: Places) -> str:
    path = places.card(name)
    text = _read(path) if path.exists() else _new_card(name, record, places)
    quantized = card_precision_block(read_precision(places.precision).get(name))
    blocks = {**card_blocks(record, places.data_sources), "precision": quantized}
    return fill_blocks(text, blocks, str(path))


def _new_card(name: str, record: ModelRecord, places: Places) -> str:
    template = _read(places.twin_card_template if is_twin(name) else places.card_template)
    clean = name.replace(f"-{TWIN}-", "-")
    for field, value in {"name": name, "clean": clean, "scale": str(record.scale)}.items():
        template = template.replace(f"{{{field}}}", value)
    return template


def _render_studies(places: Places) -> dict[Path, str]:
    """The tables of the ablation studies: CSV beside each result, and blocks of the document."""
    studies = read_studies(places.studies)
    if not studies or not places.ablation.exists():
        return {}
    blocks = {study.name: to_markdown(study) for study in studies}
    text = fill_blocks(_read(places.ablation), blocks, str(places.ablation))
    tables = {places.studies / f"{study.name}.csv": to_csv(study) for study in studies}
    return {places.ablation: text, **tables}


def _render_tuning(places: Places) -> dict[Path, str]:
    """The page on searches: what one found, as a table and as CSV, and how far to trust it."""
    if not places.tuning.exists():
        return {}
    folder = places.tuning_results
    result = read_tuning(folder / "trials.json")
    blocks = {
        "search": to_search_table(result),
        "proxy": proxy_block(read_proxy(folder / "proxy.json")),
    }
    text = fill_blocks(_read(places.tuning), blocks, str(places.tuning))
    return {places.tuning: text, folder / "trials.csv": to_search_csv(result)}


def _render_deploy(places: Places) -> dict[Path, str]:
    """The page on runtimes, with its table of precisions."""
    if not places.deploy.exists():
        return {}
    block = precision_block(read_precision(places.precision))
    text = fill_blocks(_read(places.deploy), {"precision": block}, str(places.deploy))
    return {places.deploy: text}


def _render_speed(places: Places) -> dict[Path, str]:
    """The page on speed and memory, with its tables."""
    if not places.speed.exists():
        return {}
    blocks = speed_blocks(places.results.parent)
    return {places.speed: fill_blocks(_read(places.speed), blocks, str(places.speed))}


def _render_arm(places: Places) -> dict[Path, str]:
    """The page on AArch64."""
    if not places.arm.exists():
        return {}
    blocks = arm_blocks(places.results.parent / "arm.json")
    return {places.arm: fill_blocks(_read(places.arm), blocks, str(places.arm))}


def _render_degraded(places: Places) -> dict[Path, str]:
    """The page on degraded images."""
    if not places.degraded.exists():
        return {}
    blocks = degraded_blocks(places.results.parent / "degraded.json")
    return {places.degraded: fill_blocks(_read(places.degraded), blocks, str(places.degraded))}


def _holds(path: Path, text: str) -> bool:
    return path.exists() and _read(path) == text


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read ({error})") from error
