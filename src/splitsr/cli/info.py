"""`splitsr info`: what a network is made of and what it costs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from splitsr.cli.options import json_option
from splitsr.cli.output import markup

if TYPE_CHECKING:
    from splitsr.networks import ModelSpec


@click.command()
@click.argument("model", metavar="SPEC-OR-MODEL")
@json_option
def command(model: str, as_json: bool) -> None:
    """Print parameters, multi-adds, receptive radius and layers of a network.

    SPEC-OR-MODEL is a model's name, a weight file (.onnx, .safetensors), a configuration (.toml,
    its [model] table), `paper` for the paper's configuration, or a network of another paper at
    scale 2, 3 or 4: edsr-baseline-x4, edsr-x4, rcan-x4, san-x4, srcnn-x4, srcnn-915-x4,
    srcnn-rgb-x4, smfanet-x4, smfanet-plus-x4, bilinear-x4, bicubic-x4.

    \b
    Examples:
      splitsr info splitsr-balanced-x4
      splitsr info configs/paper-x4.toml --json
      splitsr info edsr-baseline-x4
    """  # noqa: D301 (click reads the \b)
    spec = _find_spec(model)
    facts, layers = _measure(model, spec)
    if as_json:
        click.echo(json.dumps({"model": model, **facts, "layers": layers}))
        return
    _print_table(model, spec, facts, layers)


def _find_spec(model: str) -> ModelSpec:
    from splitsr.networks import PRESETS

    path = Path(model)
    if model in PRESETS:
        return PRESETS[model]
    if path.suffix == ".toml":
        from splitsr.training.config import read_config  # needs no torch

        return read_config(path).model
    if path.suffix == ".safetensors":
        return _spec_of_weights(path)
    from splitsr.zoo.catalogue import find_model, is_model_path, shipped_catalogue, unknown_model

    catalogue = shipped_catalogue()
    if model not in catalogue and not is_model_path(model):
        raise unknown_model(model, catalogue, PRESETS)
    return find_model(model).spec


def _spec_of_weights(path: Path) -> ModelSpec:
    from safetensors import SafetensorError, safe_open

    from splitsr.errors import SpecError, WeightsError
    from splitsr.networks import spec_from_json

    try:
        with safe_open(path, framework="numpy") as file:
            return spec_from_json((file.metadata() or {})["splitsr.spec"])
    except (OSError, SafetensorError, KeyError, SpecError) as error:
        raise WeightsError(f"{path}: not splitsr weights ({error})") from None


def _measure(model: str, spec: ModelSpec) -> tuple[dict[str, Any], list[dict[str, Any]] | None]:
    """Facts for the JSON, and the layers; without torch, what the catalogue knows."""
    from dataclasses import asdict

    import msgspec

    fixed = {
        "receptive_radius": spec.receptive_radius,
        "tileable": spec.tileable,
        "spec": msgspec.to_builtins(spec),
    }
    try:
        from splitsr.benchmark.flops import measure_cost
    except ImportError:
        return {**_catalogued(model), **fixed}, None
    cost = measure_cost(spec)
    facts = {"parameters": cost.parameters, "multi_adds_720p": cost.multi_adds_720p, **fixed}
    return facts, [asdict(layer) for layer in cost.layers]


def _catalogued(model: str) -> dict[str, Any]:
    from splitsr.errors import MissingDependencyError, ModelError
    from splitsr.zoo.catalogue import find_model

    try:
        entry = find_model(model)
    except ModelError:
        entry = None
    if entry is None or entry.parameters is None:
        raise MissingDependencyError(
            "counting the layers of a network needs PyTorch: pip install 'splitsr[train]'"
        )
    return {"parameters": entry.parameters, "multi_adds_720p": entry.multi_adds_720p}


def _print_table(
    model: str, spec: ModelSpec, facts: dict[str, Any], layers: list[dict[str, Any]] | None
) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    console = Console()
    console.print(f"[bold]{markup(model)}[/]: {spec.arch} x{spec.scale}")
    console.print(f"parameters        {facts['parameters']:,}")
    console.print(f"multi-adds        {facts['multi_adds_720p'] / 1e9:.2f} G for 1280x720 out")
    console.print(f"receptive radius  {facts['receptive_radius']} LR pixels")
    console.print(f"tileable          {'yes' if facts['tileable'] else 'no: global attention'}")
    if layers is None:
        console.print(markup("layers            (install 'splitsr[train]' to list them)"))
        return
    table = Table(
        "layer", "channels", "kernel", "groups", "parameters", "M multi-adds", box=SIMPLE_HEAD
    )
    table.columns[0].no_wrap = True
    table.pad_edge, table.collapse_padding = False, True
    for column in table.columns[1:]:
        column.justify = "right"
    for layer in layers:
        table.add_row(
            layer["name"],
            f"{layer['in_channels']} → {layer['out_channels']}",
            f"{layer['kernel']}x{layer['kernel']}",
            str(layer["groups"]),
            f"{layer['parameters']:,}",
            f"{layer['multi_adds_720p'] / 1e6:,.1f}",
        )
    console.print(table)
