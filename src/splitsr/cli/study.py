"""`splitsr study`: what a preference study says."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from splitsr.cli.options import FILE, json_option

if TYPE_CHECKING:
    from splitsr.evaluation.preference import Finding


@click.group()
def command() -> None:
    """Analyse a study of which image people prefer."""


@command.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=FILE)
@click.option(
    "--chart", type=click.Path(dir_okay=False, path_type=Path), help="Draw the answers, as PNG."
)
@json_option
def analyse(files: tuple[Path, ...], chart: Path | None, as_json: bool) -> None:
    """Wilcoxon signed-rank Z and p, by kind of content.

    FILE is CSV with a header and the columns participant, content, item and preference: 2 is
    strongly for SplitSR, -2 strongly for the other image, 0 for neither.

    \b
    Example:
      splitsr study analyse answers.csv --chart answers.png
    """  # noqa: D301 (click reads the \b)
    from splitsr.evaluation.preference import analyse, draw_chart, read_answers

    findings = analyse(read_answers(files))
    if chart:
        draw_chart(findings, chart)
    if as_json:
        import msgspec

        click.echo(msgspec.json.encode({"contents": findings}))
    else:
        _print(findings)


def _print(findings: list[Finding]) -> None:
    from rich.console import Console
    from rich.table import Table

    from splitsr.cli.output import markup

    table = Table("content")
    for heading in ("participants", "answers", "for neither", "mean", "Z", "p"):
        table.add_column(heading, justify="right")
    for found in findings:
        table.add_row(
            markup(found.content),
            *map(str, (found.participants, found.answers, found.ties)),
            f"{found.mean:+.2f}",
            "-" if found.z is None else f"{found.z:.3f}",
            "-" if found.p is None else f"{found.p:.2g}",
        )
    Console().print(table)
