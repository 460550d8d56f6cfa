"""Writes the catalogue; reading it is the zoo's."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from itertools import takewhile
from pathlib import Path
from typing import Any

import msgspec

from splitsr.networks import ModelSpec
from splitsr.zoo.catalogue import Figures
from tools.model_results import ModelRecord


def catalogue_with(path: Path, name: str, spec: ModelSpec, record: ModelRecord) -> bytes:
    """The catalogue's content with one model added or replaced.

    The comment at its head and the other models stay; models are sorted by name.

    Args:
        path: the catalogue, valid or missing.
        name: of the model.
        spec: its network.
        record: what was measured of it.
    """
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    rows: dict[str, dict[str, Any]] = tomllib.loads(text).get("models", {})
    rows[name] = _row(name, spec, record)
    tables = [_table(f"models.{model}", rows[model]) for model in sorted(rows)]
    return "\n".join([*_head(text), *tables]).encode()


def catalogue_with_variant(
    path: Path, name: str, sha256: str, figures: Mapping[str, Figures]
) -> bytes:
    """The catalogue's content with the int8 form of one of its models added or replaced.

    Args:
        path: the catalogue.
        name: of the model in float32.
        sha256: of the int8 form's file.
        figures: its measured quality.
    """
    text = path.read_text(encoding="utf-8")
    rows: dict[str, dict[str, Any]] = tomllib.loads(text)["models"]
    variant = {
        "file": f"{name}-int8.onnx",
        "sha256": sha256,
        "figures": {test: msgspec.to_builtins(found) for test, found in figures.items()},
    }
    rows[name] = {**rows[name], "variants": {"int8": variant}}
    tables = [_table(f"models.{model}", rows[model]) for model in sorted(rows)]
    return "\n".join([*_head(text), *tables]).encode()


def _head(text: str) -> list[str]:
    """The comment before the first table, and an empty line."""
    lines = list(takewhile(lambda line: line.startswith("#"), text.splitlines()))
    return [*lines, ""] if lines else []


def _row(name: str, spec: ModelSpec, record: ModelRecord) -> dict[str, Any]:
    return {
        "file": f"{name}.onnx",
        "sha256": record.sha256,
        "licence": record.licence,
        "parameters": record.parameters,
        "multi_adds_720p": record.multi_adds_720p,
        "spec": msgspec.to_builtins(spec),
        "figures": {
            test: {"psnr_y": result.psnr_y, "ssim_y": result.ssim_y}
            for test, result in record.figures.items()
        },
    }


def _table(path: str, fields: dict[str, Any]) -> str:
    """A table of TOML with its values first and its own tables after them."""
    values = {key: value for key, value in fields.items() if not isinstance(value, dict)}
    # JSON's strings, numbers, booleans and lists are TOML's.
    lines = [f"{key} = {msgspec.json.encode(value).decode()}" for key, value in values.items()]
    block = "\n".join([f"[{path}]", *lines]) + "\n" if lines else ""
    tables = [_table(f"{path}.{key}", fields[key]) for key in fields if key not in values]
    return "\n".join(part for part in [block, *tables] if part)
