"""`splitsr models`: lists what ships."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from splitsr.cli.options import json_option

if TYPE_CHECKING:
    from rich.table import Table

    from splitsr.zoo.catalogue import ModelEntry


@click.command()
@json_option
def command(as_json: bool) -> None:
    """List the models that ship with splitsr.

    PSNR and SSIM are of luma, as `splitsr evaluate` measures them; multi-adds are for a 1280x720
    output. The JSON is a list under `models`; it has the twins for degraded images too, which
    `splitsr upscale --restore` mixes in.

    \b
    Example:
      splitsr models --json
    """  # noqa: D301 (click reads the \b)
    from splitsr.zoo.catalogue import list_models

    entries = list_models()
    if as_json:
        _print_json(entries)
    elif not entries:
        click.echo("This build of splitsr ships no models; give --model an .onnx file.", err=True)
    else:
        from rich.console import Console

        Console().print(_table([entry for entry in entries if not entry.is_twin]))


def _print_json(entries: list[ModelEntry]) -> None:
    import json

    click.echo(json.dumps({"models": [_fields(entry) for entry in entries]}, indent=2))


def _fields(entry: ModelEntry) -> dict[str, Any]:
    return {
        "name": entry.name,
        "scale": entry.spec.scale,
        "precision": entry.precision,
        "parameters": entry.parameters,
        "multi_adds_720p": entry.multi_adds_720p,
        "psnr_y": {name: figures.psnr_y for name, figures in entry.figures.items()},
        "ssim_y": {name: figures.ssim_y for name, figures in entry.figures.items()},
        "sha256": entry.sha256,
        "licence": entry.licence,
        "file": str(entry.path),
    }


def _table(entries: list[ModelEntry]) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    sets = list(dict.fromkeys(name for entry in entries for name in entry.figures))
    table = Table("model", "scale", "parameters", "multi-adds", *sets)
    table.box, table.pad_edge, table.collapse_padding = SIMPLE_HEAD, False, True
    table.caption = "PSNR-Y in dB; multi-adds for a 1280x720 output"
    table.columns[0].no_wrap = True  # a name is there to be copied
    for entry in entries:
        psnr = [f"{entry.figures[n].psnr_y:.2f}" if n in entry.figures else "" for n in sets]
        table.add_row(
            entry.name,
            f"x{entry.spec.scale}",
            f"{(entry.parameters or 0) / 1e3:.1f} K",
            f"{(entry.multi_adds_720p or 0) / 1e9:.2f} G",
            *psnr,
        )
    return table
